package identity

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
)

// Key is an Ed25519 key pair. The zero value is not a key. It prints as its ID with every verb, and
// marshals to JSON as an empty object. It is safe for concurrent use.
type Key struct {
	private func() ed25519.PrivateKey // a function prints as an address even where Format is not called
	id      string
}

// NewKey generates a key.
func NewKey() (Key, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return Key{}, fmt.Errorf("generate a key: %w", err)
	}
	return KeyOf(private)
}

// KeyOf returns the key pair of a private key. The error says that the private key's length is
// wrong. The caller must not change private afterwards.
func KeyOf(private ed25519.PrivateKey) (Key, error) {
	if len(private) != ed25519.PrivateKeySize {
		return Key{}, fmt.Errorf("the private key has %d bytes: an Ed25519 key has %d", len(private),
			ed25519.PrivateKeySize)
	}
	k := Key{private: func() ed25519.PrivateKey { return private }}
	k.id = k.thumbprint()
	return k, nil
}

// ID returns the JWK thumbprint of the public key (RFC 7638), by which sites find it in a
// directory; "" for the zero Key.
func (k Key) ID() string { return k.id }

// Private returns the private key, which the caller must not change; nil for the zero Key.
func (k Key) Private() ed25519.PrivateKey {
	if k.private == nil {
		return nil
	}
	return k.private()
}

// Format prints the ID of the key, so that no verb prints the private key.
func (k Key) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, "key "+k.id) }

// x returns the public key as it is in a JWK.
func (k Key) x() string {
	public, ok := k.private().Public().(ed25519.PublicKey)
	if !ok {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(public)
}

// thumbprint returns the thumbprint of the public key: the hash of its required members in
// lexicographic order, without white space (RFC 7638, 3; RFC 8037, 2).
func (k Key) thumbprint() string {
	sum := sha256.Sum256([]byte(`{"crv":"Ed25519","kty":"OKP","x":"` + k.x() + `"}`))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// errNoKey is the error for the zero Key.
var errNoKey = errors.New("there is no key")
