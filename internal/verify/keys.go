package verify

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
)

// Keys are the public keys of an agent by their JWK thumbprint.
type Keys map[string]ed25519.PublicKey

// ParseKeys reads the Ed25519 keys of a JWK set, such as a directory. It skips other keys. The
// error says that it is not a set, or which key is damaged.
func ParseKeys(set []byte) (Keys, error) {
	var found struct {
		Keys []map[string]any `json:"keys"`
	}
	if err := json.Unmarshal(set, &found); err != nil {
		return nil, fmt.Errorf("not a JWK set: %w", err)
	}
	keys := make(Keys)
	for i, jwk := range found.Keys {
		if jwk["kty"] != "OKP" || jwk["crv"] != "Ed25519" {
			continue
		}
		x, _ := jwk["x"].(string)
		public, err := base64.RawURLEncoding.DecodeString(x)
		if err != nil || len(public) != ed25519.PublicKeySize {
			return nil, fmt.Errorf("key %d of the set: x is %q: want %d bytes in base64url", i+1, x, ed25519.PublicKeySize)
		}
		id, err := thumbprint(jwk)
		if err != nil {
			return nil, err
		}
		keys[id] = public
	}
	return keys, nil
}

// thumbprint returns the thumbprint of a JWK (RFC 7638). encoding/json sorts the members and writes
// no white space.
func thumbprint(jwk map[string]any) (string, error) {
	text, err := json.Marshal(map[string]any{"kty": jwk["kty"], "crv": jwk["crv"], "x": jwk["x"]})
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(text)
	return base64.URLEncoding.WithPadding(base64.NoPadding).EncodeToString(sum[:]), nil
}
