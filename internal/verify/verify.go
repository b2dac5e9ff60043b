package verify

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"strings"
	"time"
)

// The reasons why a signature is refused. Errors wrap them and say more.
var (
	// ErrUnsigned says that the message has no signature for the purpose.
	ErrUnsigned = errors.New("not signed")
	// ErrTime says that the signature is expired, or from the future.
	ErrTime = errors.New("out of time")
	// ErrKey says that the key is not one of the agent's.
	ErrKey = errors.New("unknown key")
	// ErrSignature says that the signature is not that of the key.
	ErrSignature = errors.New("wrong signature")
	// ErrIncomplete says that the signature does not cover what it has to.
	ErrIncomplete = errors.New("incomplete signature")
)

// The tags of signatures, which say what they are for.
const (
	tagRequest   = "web-bot-auth"
	tagDirectory = "http-message-signatures-directory"
)

// skew is how far ahead the clock of the signer may be.
const skew = 10 * time.Second

// Signed says what a signature says.
type Signed struct {
	Agent            string // the URL in Signature-Agent; "" for a directory
	KeyID            string
	Created, Expires time.Time
	Nonce            string
}

// Verifier verifies signatures. Its fields must not change while it is used. It is safe for
// concurrent use.
type Verifier struct {
	// Keys returns the keys of an agent, "" for a directory. Required.
	Keys func(agent string) (Keys, error)
	// Now returns the time. Default [time.Now].
	Now func() time.Time
}

// message is what a signature may cover.
type message struct {
	header    http.Header
	authority string
	answer    bool // it is a response, which covers the authority of its request
}

// Request verifies the signature of a request that a server received. Scheme and host are what the
// client was told to connect to: https and bot.example. Of several signatures for the purpose, one
// has to be good.
func (v *Verifier) Request(scheme, host string, h http.Header) (Signed, error) {
	good, err := v.verify(message{h, authorityOf(scheme, host), false}, tagRequest)
	if len(good) == 0 {
		return Signed{}, err
	}
	return good[0], nil
}

// Directory verifies the signatures in the headers of a directory that a host serves, of which all
// have to be good.
func (v *Verifier) Directory(scheme, host string, h http.Header) ([]Signed, error) {
	return v.verify(message{h, authorityOf(scheme, host), true}, tagDirectory)
}

// authorityOf drops the default port (RFC 9421, 2.2.3).
func authorityOf(scheme, host string) string {
	host = strings.ToLower(host)
	for of, port := range map[string]string{"http": ":80", "https": ":443"} {
		if scheme == of && strings.HasSuffix(host, port) {
			return host[:len(host)-len(port)]
		}
	}
	return host
}

// verify verifies the signatures of the message with the tag. It returns the good ones, and the
// error of the first that is not. If there are none, that is an error, too.
func (v *Verifier) verify(m message, tag string) (good []Signed, first error) {
	inputs, err := m.dictionary("Signature-Input")
	if err != nil {
		return nil, err
	}
	signatures, err := m.dictionary("Signature")
	if err != nil {
		return nil, err
	}
	for _, input := range inputs {
		if !input.item.inner || input.item.params.get("tag") != tag {
			continue
		}
		found, err := v.one(m, input, signatures, tag)
		if err == nil {
			good = append(good, found)
		} else if first == nil {
			first = err
		}
	}
	if len(good) == 0 && first == nil {
		first = fmt.Errorf("%w: no signature has the tag %q", ErrUnsigned, tag)
	}
	return good, first
}

func (m message) dictionary(name string) ([]member, error) {
	values := m.header.Values(name)
	if len(values) == 0 {
		return nil, fmt.Errorf("%w: there is no %s", ErrUnsigned, name)
	}
	all, err := dictionary(strings.Join(values, ", "))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return all, nil
}

// one verifies one signature.
func (v *Verifier) one(m message, input member, signatures []member, tag string) (s Signed, err error) {
	var octets []byte
	for _, one := range signatures {
		if one.name == input.name {
			octets, _ = one.item.value.([]byte)
		}
	}
	if octets == nil {
		return s, fmt.Errorf("%w: Signature has no bytes called %q", ErrUnsigned, input.name)
	}
	if s, err = v.told(input.item.params); err != nil {
		return s, err
	}
	if err := covers(input.item, tag); err != nil {
		return s, err
	}
	if tag == tagRequest {
		if s.Agent, err = m.agent(input.item); err != nil {
			return s, err
		}
	}
	keys, err := v.Keys(s.Agent)
	if err != nil {
		return s, fmt.Errorf("keys of agent %q: %w", s.Agent, err)
	}
	public, ok := keys[s.KeyID]
	if !ok {
		return s, fmt.Errorf("%w: agent %q has no key %q", ErrKey, s.Agent, s.KeyID)
	}
	base, err := m.base(input.item)
	if err != nil {
		return s, err
	}
	if !ed25519.Verify(public, []byte(base), octets) {
		return s, fmt.Errorf("%w: key %q did not sign this message for %s", ErrSignature, s.KeyID, m.authority)
	}
	return s, nil
}

// told reads the parameters of a signature and checks the algorithm and the times.
func (v *Verifier) told(p params) (s Signed, err error) {
	s.KeyID, _ = p.get("keyid").(string)
	s.Nonce, _ = p.get("nonce").(string)
	created, hasCreated := p.get("created").(int64)
	expires, hasExpires := p.get("expires").(int64)
	if s.KeyID == "" || !hasCreated || !hasExpires {
		return s, fmt.Errorf("%w: want keyid, created and expires", ErrIncomplete)
	}
	if alg := p.get("alg"); alg != nil && alg != "ed25519" {
		return s, fmt.Errorf("%w: its algorithm is %v: want ed25519", ErrSignature, alg)
	}
	s.Created, s.Expires = time.Unix(created, 0), time.Unix(expires, 0)
	now := time.Now
	if v.Now != nil {
		now = v.Now
	}
	switch at := now(); {
	case s.Created.After(at.Add(skew)):
		return s, fmt.Errorf("%w: created at %v, which is after %v: set the clock of the signer", ErrTime,
			s.Created.UTC(), at.UTC())
	case !s.Expires.After(at):
		return s, fmt.Errorf("%w: expired at %v, it is %v", ErrTime, s.Expires.UTC(), at.UTC())
	}
	return s, nil
}

// covers reports an error if a signature does not cover the authority.
func covers(input item, tag string) error {
	for _, c := range input.list {
		if c.value == "@authority" && (c.params.get("req") == true) == (tag == tagDirectory) {
			return nil
		}
	}
	return fmt.Errorf("%w: it does not cover @authority", ErrIncomplete)
}

// agent returns the agent that a signature of a request covers; "" if the request names none.
func (m message) agent(input item) (string, error) {
	text := strings.Join(m.header.Values("Signature-Agent"), ", ")
	if text == "" {
		return "", nil
	}
	for _, c := range input.list {
		if c.value != "signature-agent" {
			continue
		}
		key, ok := c.params.get("key").(string)
		if !ok {
			return stringItem(text)
		}
		found, err := memberOf(text, key)
		if err != nil {
			return "", err
		}
		agent, ok := found.value.(string)
		if !ok {
			return "", fmt.Errorf("%w: Signature-Agent %q is no string", ErrIncomplete, text)
		}
		return agent, nil
	}
	return "", fmt.Errorf("%w: it does not cover Signature-Agent", ErrIncomplete)
}

// stringItem parses a header that is one string.
func stringItem(text string) (string, error) {
	r := &reader{text: text}
	it, err := r.item()
	agent, ok := it.value.(string)
	if err == nil && (!ok || !r.done()) {
		err = r.fail("one string")
	}
	return agent, err
}

// memberOf returns a member of a header that is a dictionary.
func memberOf(text, key string) (item, error) {
	all, err := dictionary(text)
	if err != nil {
		return item{}, err
	}
	for _, one := range all {
		if one.name == key {
			return one.item, nil
		}
	}
	return item{}, fmt.Errorf("%w: %q has no member %q", ErrIncomplete, text, key)
}

// base returns the signature base (RFC 9421, 2.5).
func (m message) base(input item) (string, error) {
	var out strings.Builder
	seen := make(map[string]bool)
	for _, c := range input.list {
		id := c.String()
		if seen[id] {
			return "", fmt.Errorf("%w: component %s comes twice", ErrIncomplete, id)
		}
		seen[id] = true
		value, err := m.component(c)
		if err != nil {
			return "", err
		}
		out.WriteString(id + ": " + value + "\n")
	}
	out.WriteString(`"@signature-params": ` + input.String())
	return out.String(), nil
}

// component returns the value of a component.
func (m message) component(c item) (string, error) {
	name, ok := c.value.(string)
	if !ok {
		return "", fmt.Errorf("%w: component %s is no string", ErrIncomplete, c)
	}
	if name == "@authority" {
		return m.authority, nil
	}
	values := m.header[textproto.CanonicalMIMEHeaderKey(name)]
	if strings.HasPrefix(name, "@") || m.answer || len(values) == 0 {
		return "", fmt.Errorf("%w: component %s is not in the message, or not supported", ErrIncomplete, c)
	}
	trimmed := make([]string, len(values))
	for i, one := range values {
		trimmed[i] = strings.TrimSpace(one)
	}
	text := strings.Join(trimmed, ", ")
	key, ok := c.params.get("key").(string)
	switch {
	case ok && len(c.params) == 1:
		found, err := memberOf(text, key)
		return found.String(), err
	case len(c.params) > 0:
		return "", fmt.Errorf("%w: parameters of component %s are not supported", ErrIncomplete, c)
	}
	return text, nil
}
