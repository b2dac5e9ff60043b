package trawl

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"

	"github.com/trawlcrawler/trawl/internal/fetch"
	"github.com/trawlcrawler/trawl/internal/identity"
)

// Identity proves to sites who makes the requests (Web Bot Auth): they are signed with a key whose
// public part your web site publishes. The command trawl identity new writes what is to be
// published. It prints without its key.
type Identity struct {
	// Key signs. Required; [LoadIdentity] reads it from a file.
	Key ed25519.PrivateKey
	// Agent is the site that publishes the public key: https://bot.example. Required.
	Agent string
	// WhenAsked signs only requests to hosts that have refused one with 401, 403 or 429 and a
	// header Accept-Signature. Default false: all requests are signed.
	WhenAsked bool
	// Legacy writes the Signature-Agent header as a string, for sites that do not understand a
	// dictionary. Default false.
	Legacy bool
}

// LoadIdentity reads the key and the agent from a file that the command trawl identity new has
// written. Errors name the file and do not quote the key.
func LoadIdentity(path string) (*Identity, error) {
	id, err := identity.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the identity: %w", err)
	}
	return &Identity{Key: id.Key.Private(), Agent: id.Agent}, nil
}

// Format prints the agent alone, so that no verb prints the key.
func (i Identity) Format(s fmt.State, _ rune) { _, _ = fmt.Fprintf(s, "identity of %s", i.Agent) }

// MarshalJSON returns the agent alone.
func (i Identity) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string]string{"agent": i.Agent})
}

// sign makes a fetcher sign its requests.
func (i *Identity) sign(cfg *fetch.Config) error {
	if i == nil {
		return nil
	}
	key, err := identity.KeyOf(i.Key)
	if err != nil {
		return fmt.Errorf("Config.Identity.Key: %w", err)
	}
	form := identity.FormDictionary
	if i.Legacy {
		form = identity.FormString
	}
	cfg.Signer, err = identity.NewSigner(identity.Identity{Key: key, Agent: i.Agent}, form)
	if err != nil {
		return fmt.Errorf("Config.Identity: %w", err)
	}
	if i.WhenAsked {
		cfg.Sign = identity.ModeWhenAsked
	}
	return nil
}
