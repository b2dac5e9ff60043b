package identity

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// DirectoryPath is where an agent publishes its directory.
const DirectoryPath = "/.well-known/http-message-signatures-directory"

// DirectoryType is the media type of a directory.
const DirectoryType = "application/http-message-signatures-directory+json"

const directoryTag = "http-message-signatures-directory"

// JWK is a public Ed25519 key as JSON (RFC 7517, RFC 8037).
type JWK struct {
	Kty string `json:"kty"` // OKP
	Crv string `json:"crv"` // Ed25519
	Kid string `json:"kid,omitempty"`
	X   string `json:"x"`
	Use string `json:"use,omitempty"` // sig
}

// JWK returns the public key.
func (k Key) JWK() JWK { return JWK{Kty: "OKP", Crv: "Ed25519", Kid: k.id, X: k.x(), Use: "sig"} }

// Directory lists the public keys of an agent (a JWK set).
type Directory struct {
	Keys []JWK `json:"keys"`
}

// NewDirectory returns a directory of keys.
func NewDirectory(keys ...Key) Directory {
	d := Directory{Keys: make([]JWK, len(keys))}
	for i, k := range keys {
		d.Keys[i] = k.JWK()
	}
	return d
}

// ParseDirectory reads a directory. The error says that the data is not JSON with a list of keys.
func ParseDirectory(data []byte) (Directory, error) {
	var d Directory
	if err := json.Unmarshal(data, &d); err != nil {
		return d, fmt.Errorf("not a directory of keys: %w", err)
	}
	if len(d.Keys) == 0 {
		return d, errors.New(`not a directory of keys: want {"keys": [...]} with at least one key`)
	}
	return d, nil
}

// Check returns why a site that reads the directory cannot verify what the key signs; nil if it
// can.
func (d Directory) Check(k Key) error {
	want := k.JWK()
	for _, have := range d.Keys {
		if have.X != want.X {
			continue
		}
		switch {
		case have.Kty != want.Kty || have.Crv != want.Crv:
			return fmt.Errorf("the directory says that key %s is of kty %q, crv %q: want %q, %q", k.ID(), have.Kty,
				have.Crv, want.Kty, want.Crv)
		case have.Kid != "" && have.Kid != want.Kid:
			return fmt.Errorf("the directory calls key %s %q: set its kid to its thumbprint", k.ID(), have.Kid)
		case have.Use != "" && have.Use != want.Use:
			return fmt.Errorf("the directory says that key %s is for %q: want %q", k.ID(), have.Use, want.Use)
		}
		return nil
	}
	return fmt.Errorf("the directory does not list key %s, which signs: it lists %s", k.ID(), d.ids())
}

// ids names the keys of the directory.
func (d Directory) ids() string {
	ids := make([]string, len(d.Keys))
	for i, k := range d.Keys {
		if ids[i] = k.Kid; k.Kid == "" {
			ids[i] = "one without a kid"
		}
	}
	return strings.Join(ids, ", ")
}

// SignDirectory returns the headers with which an agent serves its directory: its media type, and a
// signature by each of its keys, which proves that the agent has them. The signatures are valid
// until expires, so a static file can be served with them.
func SignDirectory(agent string, expires time.Time, keys ...Key) (http.Header, error) {
	agent, err := ParseAgent(agent)
	if err != nil {
		return nil, err
	}
	if len(keys) == 0 {
		return nil, errors.New("a directory needs at least one key")
	}
	_, authority, _ := strings.Cut(agent, "://")
	inputs, signatures := make([]string, len(keys)), make([]string, len(keys))
	for i, k := range keys {
		if k.private == nil {
			return nil, errNoKey
		}
		inputs[i], signatures[i] = k.sign("sig"+strconv.Itoa(i+1), []component{{`"@authority";req`, authority}},
			params{created: time.Now(), expires: expires, nonce: nonce(), tag: directoryTag})
	}
	return http.Header{
		"Content-Type":       {DirectoryType},
		HeaderSignatureInput: {strings.Join(inputs, ", ")},
		HeaderSignature:      {strings.Join(signatures, ", ")},
	}, nil
}
