package identity

import (
	"encoding/json"
	"errors"
	"fmt"
)

// CardPath is where an agent publishes its card, unless it has another place for it.
const CardPath = "/.well-known/signature-agent-card.json"

// Card is a Signature Agent Card: who operates a crawler, and how it behaves.
type Card struct {
	// ClientID is the URL of the card itself.
	ClientID string `json:"client_id"`
	// ClientName is the name of the crawler.
	ClientName string `json:"client_name,omitempty"`
	// ClientURI is a page about the crawler.
	ClientURI string `json:"client_uri,omitempty"`
	// LogoURI is the URL of a logo.
	LogoURI string `json:"logo_uri,omitempty"`
	// Contacts are URLs to reach the operator: mailto:bot@example.org.
	Contacts []string `json:"contacts,omitempty"`
	// JWKS are the keys. A card has either these or JWKSURI.
	JWKS *Directory `json:"jwks,omitempty"`
	// JWKSURI is the URL of the directory.
	JWKSURI string `json:"jwks_uri,omitempty"`
	// WebBotAuth says how the crawler behaves.
	WebBotAuth *Behaviour `json:"web_bot_auth,omitempty"`
}

// Behaviour is what a card says about the behaviour of a crawler.
type Behaviour struct {
	ExpectedUserAgent   string   `json:"expected-user-agent,omitempty"`
	RFC9309ProductToken string   `json:"rfc9309-product-token,omitempty"`
	RFC9309Compliance   []string `json:"rfc9309-compliance,omitempty"` // the rules that it obeys
	Trigger             string   `json:"trigger,omitempty"`            // fetcher or crawler
	Purpose             string   `json:"purpose,omitempty"`
	TargetedContent     string   `json:"targeted-content,omitempty"`
	RateControl         string   `json:"rate-control,omitempty"`
	RateExpectation     string   `json:"rate-expectation,omitempty"`
	KnownURLs           []string `json:"known-urls,omitempty"`
	IPsURI              string   `json:"ips_uri,omitempty"`
}

// ParseCard reads a card. The error says why the data is not a card.
func ParseCard(data []byte) (Card, error) {
	var c Card
	if err := json.Unmarshal(data, &c); err != nil {
		return c, fmt.Errorf("not a card: %w", err)
	}
	if c.ClientID == "" {
		return c, errors.New("not a card: it has no client_id, the URL where the card is published")
	}
	return c, nil
}

// Check returns why a site would refuse the card that it found at a URL; nil if it would not.
func (c Card) Check(url string) error {
	if c.JWKS != nil && c.JWKSURI != "" {
		return errors.New("the card has both jwks and jwks_uri: leave one of them out")
	}
	if c.JWKS == nil && c.JWKSURI == "" {
		return errors.New("the card has no keys: set jwks_uri to the URL of the directory")
	}
	if c.ClientID != url {
		return fmt.Errorf("client_id of the card is %q: set it to the URL of the card, %q", c.ClientID, url)
	}
	return nil
}

// CheckAgent returns why the card does not belong to an identity; nil if it does.
func (c Card) CheckAgent(id Identity) error {
	if c.JWKS != nil {
		return c.JWKS.Check(id.Key)
	}
	if want := id.Agent + DirectoryPath; c.JWKSURI != want {
		return fmt.Errorf("jwks_uri of the card is %q: the directory of the agent is %q", c.JWKSURI, want)
	}
	return nil
}
