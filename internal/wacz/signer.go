package wacz

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
)

// Signer signs archives with the anonymous form of "WACZ Signing and Verification"
// (https://specs.webrecorder.net/wacz-auth/0.1.0/): ECDSA over P-384 with SHA-256, as
// wabac.js verifies it. The signature proves that archives were made by the same holder of
// a key, but not who that is.
type Signer struct {
	key    *ecdsa.PrivateKey
	public string // SubjectPublicKeyInfo in base64
}

// Signature is the signedData of a datapackage-digest.json.
type Signature struct {
	Hash      string `json:"hash"`
	Created   string `json:"created"`
	Software  string `json:"software"`
	Version   string `json:"version"`
	Signature string `json:"signature"` // of the text in Hash: r and s, 48 bytes each, in base64
	PublicKey string `json:"publicKey"`
}

// ParseSigner reads a private key in PEM, PKCS #8 or SEC 1, as openssl writes it:
//
//	openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out key.pem
func ParseSigner(text []byte) (*Signer, error) {
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		switch block.Type {
		case "EC PRIVATE KEY":
			key, err := x509.ParseECPrivateKey(block.Bytes)
			if err != nil {
				return nil, err
			}
			return newSigner(key)
		case "PRIVATE KEY":
			key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
			if err != nil {
				return nil, err
			}
			return newSigner(key)
		}
	}
	return nil, errors.New("it has no private key in PEM: create one with openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384")
}

func newSigner(private any) (*Signer, error) {
	key, ok := private.(*ecdsa.PrivateKey)
	if !ok || key.Curve != elliptic.P384() {
		return nil, errors.New("its key is of another kind: signatures of WACZ files need ECDSA over P-384")
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return nil, err
	}
	return &Signer{key, base64.StdEncoding.EncodeToString(public)}, nil
}

// sign signs the hash of a manifest.
func (s *Signer) sign(hash string, cfg Config) (*Signature, error) {
	sum := sha256.Sum256([]byte(hash))
	r, t, err := ecdsa.Sign(rand.Reader, s.key, sum[:])
	if err != nil {
		return nil, fmt.Errorf("sign the archive: %w", err)
	}
	const size = 48 // bytes of a number below the order of P-384
	signature := make([]byte, 2*size)
	r.FillBytes(signature[:size])
	t.FillBytes(signature[size:])
	return &Signature{
		Hash: hash, Created: stamp(cfg.Created), Software: cfg.Software, Version: "0.1.0",
		Signature: base64.StdEncoding.EncodeToString(signature), PublicKey: s.public,
	}, nil
}
