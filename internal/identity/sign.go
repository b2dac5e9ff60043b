package identity

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The headers of a signed message.
const (
	HeaderSignature      = "Signature"
	HeaderSignatureInput = "Signature-Input"
	HeaderSignatureAgent = "Signature-Agent"
	// HeaderOffer is what a request offers to pay at most (Cloudflare's Pay Per Crawl). A server
	// that charges more answers 402.
	HeaderOffer = "Crawler-Max-Price"
)

// AcceptSignature is the header in which a site asks for a signature (RFC 9421, 5).
const AcceptSignature = "Accept-Signature"

const (
	requestTag  = "web-bot-auth"
	requestLife = 5 * time.Minute // a site that keeps nonces has to keep them for this long
	nonceBytes  = 64
	label       = "sig1" // of the signature, and of its agent
)

// AgentForm is how the Signature-Agent header is written.
type AgentForm string

// The forms of Signature-Agent.
const (
	// FormDictionary is the current form, a dictionary: sig1="https://bot.example".
	FormDictionary AgentForm = "dictionary"
	// FormString is the form of drafts until 2025, a string: "https://bot.example". Some sites
	// understand no other.
	FormString AgentForm = "string"
)

// AgentForms are all forms. The first is the default.
var AgentForms = []AgentForm{FormDictionary, FormString}

// component is a part of a message that a signature covers.
type component struct {
	id    string // as in Signature-Input: "@authority"
	value string
}

// params are the parameters of a signature, without those that follow from its key.
type params struct {
	created, expires time.Time
	nonce            string
	tag              string
}

// sign returns the members of Signature-Input and Signature for a message (RFC 9421, 2.5 and 3.1).
func (k Key) sign(label string, covered []component, p params) (input, signature string) {
	const room = 768 // for the base of a request; a longer one grows
	base := make([]byte, 0, room)
	for _, c := range covered {
		base = append(append(append(append(base, c.id...), ": "...), c.value...), '\n')
	}
	base = append(base, `"@signature-params": `...)
	from := len(base)
	base = p.append(append(base, '('), covered, k.id)
	octets := ed25519.Sign(k.private(), base)
	return label + "=" + string(base[from:]), label + "=:" + base64.StdEncoding.EncodeToString(octets) + ":"
}

// append appends the rest of a list of components and the parameters after it.
func (p params) append(b []byte, covered []component, keyID string) []byte {
	for i, c := range covered {
		if i > 0 {
			b = append(b, ' ')
		}
		b = append(b, c.id...)
	}
	b = strconv.AppendInt(append(b, ");created="...), p.created.Unix(), 10)
	b = append(append(append(b, `;keyid="`...), keyID...), `";alg="ed25519";expires=`...)
	b = strconv.AppendInt(b, p.expires.Unix(), 10)
	b = append(append(append(b, `;nonce="`...), p.nonce...), `";tag="`...)
	return append(append(b, p.tag...), '"')
}

// Authority returns the value of the component @authority for a host with or without a port: in
// lower case, without the default port of the scheme (RFC 9421, 2.2.3).
func Authority(scheme, host string) string {
	host = strings.ToLower(host)
	switch scheme {
	case "https":
		return strings.TrimSuffix(host, ":443")
	case "http":
		return strings.TrimSuffix(host, ":80")
	}
	return host
}

// nonce returns a random nonce.
func nonce() string {
	var b [nonceBytes]byte
	_, _ = rand.Read(b[:]) // it never fails
	return base64.StdEncoding.EncodeToString(b[:])
}

// Signer signs requests. It prints as its agent and the ID of its key, and is safe for concurrent
// use.
type Signer struct {
	id     Identity
	agent  []string // the value of Signature-Agent; not to be changed
	signed component
	now    func() time.Time
}

// NewSigner returns a signer. The error says that the identity has no key or no valid agent, or
// that the form is unknown.
func NewSigner(id Identity, form AgentForm) (*Signer, error) {
	if id.Key.private == nil {
		return nil, errNoKey
	}
	agent, err := ParseAgent(id.Agent)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(AgentForms, form) {
		return nil, fmt.Errorf("form of Signature-Agent %q: want %s or %s", form, FormDictionary, FormString)
	}
	id.Agent = agent
	s := &Signer{id: id, now: time.Now}
	quoted := `"` + agent + `"`
	if form == FormString {
		s.agent, s.signed = []string{quoted}, component{`"signature-agent"`, quoted}
		return s, nil
	}
	s.agent, s.signed = []string{label + "=" + quoted}, component{`"signature-agent";key="` + label + `"`, quoted}
	return s, nil
}

// Format prints the agent and the ID of the key, so that no verb prints the private key.
func (s *Signer) Format(f fmt.State, _ rune) {
	if s == nil {
		_, _ = f.Write([]byte("no signer"))
		return
	}
	_, _ = fmt.Fprintf(f, "%s, %v", s.id.Agent, s.id.Key)
}

// Sign adds the three headers of a signature to the headers h of a request to a host, which may
// have a port. It replaces earlier ones. The signature is valid for five minutes and covers the
// host and the agent, but neither the method nor the path.
func (s *Signer) Sign(h http.Header, scheme, host string) {
	now := s.now()
	covered := []component{{`"@authority"`, Authority(scheme, host)}, s.signed}
	if offer := h.Get(HeaderOffer); offer != "" { // servers accept only a signed offer
		covered = append(covered, component{`"crawler-max-price"`, offer})
	}
	input, signature := s.id.Key.sign(label, covered,
		params{created: now, expires: now.Add(requestLife), nonce: nonce(), tag: requestTag})
	h[HeaderSignatureAgent] = s.agent
	h[HeaderSignatureInput] = []string{input}
	h[HeaderSignature] = []string{signature}
}

// Mode is when requests are signed.
type Mode string

// The modes.
const (
	// ModeAlways signs every request.
	ModeAlways Mode = "always"
	// ModeWhenAsked signs the requests to a host after it has asked for a signature.
	ModeWhenAsked Mode = "when-asked"
	// ModeNever signs nothing.
	ModeNever Mode = "never"
)

// Modes are all modes. The first is the default.
var Modes = []Mode{ModeAlways, ModeWhenAsked, ModeNever}

// ParseMode returns a mode; always for "". The error quotes the text.
func ParseMode(text string) (Mode, error) {
	if text == "" {
		return ModeAlways, nil
	}
	if m := Mode(text); slices.Contains(Modes, m) {
		return m, nil
	}
	return "", fmt.Errorf("%q is not a time to sign: want always, when-asked or never", text)
}
