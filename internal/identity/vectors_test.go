package identity

import (
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// vector is a signature in testdata/webbotauth, which is by Cloudflare under the licence there.
type vector struct {
	Key struct{ D, X string }

	TargetURL         string `json:"target_url"`
	CreatedMS         int64  `json:"created_ms"`
	ExpiresMS         int64  `json:"expires_ms"`
	Nonce, Label      string
	Signature         string
	SignatureInput    string `json:"signature_input"`
	SignatureAgent    string `json:"signature_agent"`
	SignatureAgentKey string `json:"signature_agent_key"`
}

func readJSON(t *testing.T, path string, into any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && strings.Contains(path, "shared") {
		t.Skip("no conformance data beside the checkout, in ../shared/conformance")
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, into); err != nil {
		t.Fatal(err)
	}
}

// shared returns the path of a file of conformance data.
func shared(file string) string {
	return filepath.Join("..", "..", "..", "shared", "conformance", "identity", file)
}

// keyFrom returns the key of a JWK with its private part.
func keyFrom(t *testing.T, d string) Key {
	t.Helper()
	seed, err := base64.RawURLEncoding.DecodeString(d)
	if err != nil {
		t.Fatal(err)
	}
	k, err := KeyOf(ed25519.NewKeyFromSeed(seed))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// covered returns the components of a vector.
func (v vector) covered(t *testing.T) []component {
	t.Helper()
	u, err := url.Parse(v.TargetURL)
	if err != nil {
		t.Fatal(err)
	}
	all := []component{{`"@authority"`, Authority(u.Scheme, u.Host)}}
	switch {
	case v.SignatureAgentKey != "":
		return append(all, component{`"signature-agent";key="` + v.SignatureAgentKey + `"`,
			strings.TrimPrefix(v.SignatureAgent, v.SignatureAgentKey+"=")})
	case v.SignatureAgent != "":
		return append(all, component{`"signature-agent"`, v.SignatureAgent})
	}
	return all
}

func TestSignaturesAreThoseOfTheVectors(t *testing.T) {
	t.Parallel()
	for _, file := range []string{"web_bot_auth_architecture_v1.json", "web_bot_auth_architecture_v2.json"} {
		var vectors []vector
		readJSON(t, filepath.Join("testdata", "webbotauth", file), &vectors)
		if len(vectors) < 2 {
			t.Errorf("%s has %d vectors, want 2 or more", file, len(vectors))
		}
		for _, v := range vectors {
			key := keyFrom(t, v.Key.D)
			if key.JWK().X != v.Key.X {
				t.Errorf("%s: public key %s, want %s", file, key.JWK().X, v.Key.X)
			}
			input, signature := key.sign(v.Label, v.covered(t), params{created: time.UnixMilli(v.CreatedMS),
				expires: time.UnixMilli(v.ExpiresMS), nonce: v.Nonce, tag: "web-bot-auth"})
			if input != v.SignatureInput {
				t.Errorf("%s, %s: Signature-Input\n%s, want\n%s", file, v.Label, input, v.SignatureInput)
			}
			if signature != v.Signature {
				t.Errorf("%s, %s: Signature %s, want %s", file, v.Label, signature, v.Signature)
			}
		}
	}
}

func TestThumbprintsAreThoseOfTheVectors(t *testing.T) {
	t.Parallel()
	// RFC 8037, appendices A.1 and A.3.
	key := keyFrom(t, "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A")
	if want := "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"; key.JWK().X != want {
		t.Errorf("x = %q, want %q", key.JWK().X, want)
	}
	if want := "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"; key.ID() != want {
		t.Errorf("ID = %q, want %q", key.ID(), want)
	}
}

func TestCardsAreJudgedAsInTheConformanceData(t *testing.T) {
	t.Parallel()
	var cases []struct {
		Name, URL string
		Valid     bool
		Card      json.RawMessage
	}
	readJSON(t, shared("web_bot_auth_signature_agent_card_v1.json"), &cases)
	for _, c := range cases {
		card, err := ParseCard(c.Card)
		if err == nil {
			err = card.Check(c.URL)
		}
		if (err == nil) != c.Valid {
			t.Errorf("%s: %v, want valid: %t", c.Name, err, c.Valid)
		}
	}
}
