package verify_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/internal/identity"
	"github.com/trawlcrawler/trawl/internal/verify"
)

func newKey(t *testing.T) identity.Key {
	t.Helper()
	key, err := identity.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// published returns the keys that an agent with these would publish.
func published(t *testing.T, keys ...identity.Key) verify.Keys {
	t.Helper()
	text, err := json.Marshal(identity.NewDirectory(keys...))
	if err != nil {
		t.Fatal(err)
	}
	found, err := verify.ParseKeys(text)
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// signed returns the headers of a signed request to https://site.example.
func signed(t *testing.T, key identity.Key, form identity.AgentForm) http.Header {
	t.Helper()
	s, err := identity.NewSigner(identity.Identity{Key: key, Agent: "https://bot.example"}, form)
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{}
	s.Sign(h, "https", "Site.Example:443")
	return h
}

func TestASignedRequestIsVerifiedInBothForms(t *testing.T) {
	t.Parallel()
	key := newKey(t)
	v := &verify.Verifier{Keys: func(agent string) (verify.Keys, error) {
		if agent != "https://bot.example" {
			t.Errorf("agent %q, want https://bot.example", agent)
		}
		return published(t, key), nil
	}}
	for _, form := range identity.AgentForms {
		got, err := v.Request("https", "site.example", signed(t, key, form))
		if err != nil {
			t.Errorf("%s: %v", form, err)
			continue
		}
		if got.KeyID != key.ID() || got.Expires.Sub(got.Created) != 5*time.Minute || len(got.Nonce) != 88 {
			t.Errorf("%s: got %+v, want key %s, 5 minutes and a nonce of 64 bytes", form, got, key.ID())
		}
	}
}

func TestRequestsThatAreRefused(t *testing.T) {
	t.Parallel()
	key, other := newKey(t), newKey(t)
	good := signed(t, key, identity.FormDictionary)
	without := func(name string) http.Header {
		h := good.Clone()
		h.Del(name)
		return h
	}
	with := func(name, value string) http.Header {
		h := good.Clone()
		h.Set(name, value)
		return h
	}
	for name, test := range map[string]struct {
		header http.Header
		host   string
		shift  time.Duration
		keys   verify.Keys
		want   error
	}{
		"unsigned":            {header: http.Header{}, want: verify.ErrUnsigned},
		"no signature":        {header: without("Signature"), want: verify.ErrUnsigned},
		"other tag":           {header: with("Signature-Input", `sig1=();tag="other"`), want: verify.ErrUnsigned},
		"expired":             {header: good, shift: 6 * time.Minute, want: verify.ErrTime},
		"from the future":     {header: good, shift: -time.Minute, want: verify.ErrTime},
		"another key":         {header: good, keys: published(t, other), want: verify.ErrKey},
		"another host":        {header: good, host: "other.example", want: verify.ErrSignature},
		"another agent":       {header: with("Signature-Agent", `sig1="https://evil.example"`), want: verify.ErrSignature},
		"no agent":            {header: without("Signature-Agent"), want: verify.ErrIncomplete},
		"agent under a label": {header: with("Signature-Agent", `a="https://bot.example"`), want: verify.ErrIncomplete},
		"no authority": {header: with("Signature-Input",
			`sig1=();created=1;expires=99999999999;keyid="`+key.ID()+`";tag="web-bot-auth"`), want: verify.ErrIncomplete},
	} {
		keys := test.keys
		if keys == nil {
			keys = published(t, key)
		}
		v := &verify.Verifier{
			Keys: func(string) (verify.Keys, error) { return keys, nil },
			Now:  func() time.Time { return time.Now().Add(test.shift) },
		}
		host := test.host
		if host == "" {
			host = "site.example"
		}
		if _, err := v.Request("https", host, test.header); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
}

func TestADirectoryIsSignedByAllItsKeys(t *testing.T) {
	t.Parallel()
	one, two := newKey(t), newKey(t)
	h, err := identity.SignDirectory("https://bot.example", time.Now().Add(time.Hour), one, two)
	if err != nil {
		t.Fatal(err)
	}
	v := &verify.Verifier{Keys: func(string) (verify.Keys, error) { return published(t, one, two), nil }}
	got, err := v.Directory("https", "bot.example", h)
	if err != nil || len(got) != 2 || got[0].KeyID != one.ID() || got[1].KeyID != two.ID() {
		t.Errorf("Directory = %+v, %v, want signatures by %s and %s", got, err, one.ID(), two.ID())
	}
	if _, err := v.Directory("https", "mirror.example", h); !errors.Is(err, verify.ErrSignature) {
		t.Errorf("at another host: %v, want %v", err, verify.ErrSignature)
	}
	if _, err := v.Request("https", "bot.example", h); !errors.Is(err, verify.ErrUnsigned) {
		t.Errorf("as a request: %v, want %v", err, verify.ErrUnsigned)
	}
}

// vector is a signature of the signer's test data.
type vector struct {
	Key            json.RawMessage
	TargetURL      string `json:"target_url"`
	CreatedMS      int64  `json:"created_ms"`
	Signature      string
	SignatureInput string `json:"signature_input"`
	SignatureAgent string `json:"signature_agent"`
}

func TestTheVectorsAreVerified(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join("..", "identity", "testdata", "webbotauth", "*.json"))
	if err != nil || len(files) < 2 {
		t.Fatalf("vectors: %q, %v", files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var vectors []vector
		if err := json.Unmarshal(text, &vectors); err != nil {
			t.Fatal(err)
		}
		for _, one := range vectors {
			one.verify(t, file)
		}
	}
}

func (one vector) verify(t *testing.T, file string) {
	t.Helper()
	u, err := url.Parse(one.TargetURL)
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{"Signature": {one.Signature}, "Signature-Input": {one.SignatureInput}}
	if one.SignatureAgent != "" {
		h.Set("Signature-Agent", one.SignatureAgent)
	}
	v := &verify.Verifier{
		Keys: func(string) (verify.Keys, error) {
			return verify.ParseKeys([]byte(`{"keys":[` + string(one.Key) + `]}`))
		},
		Now: func() time.Time { return time.UnixMilli(one.CreatedMS) },
	}
	got, err := v.Request(u.Scheme, u.Host, h)
	if err != nil {
		t.Errorf("%s: %s: %v", file, one.SignatureInput, err)
	}
	if one.SignatureAgent != "" && got.Agent != "https://signature-agent.test" {
		t.Errorf("%s: agent %q, want https://signature-agent.test", file, got.Agent)
	}
}

func TestKeysOfOtherKindsAreSkippedAndDamagedOnesAreNamed(t *testing.T) {
	t.Parallel()
	keys, err := verify.ParseKeys([]byte(`{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}`))
	if err != nil || len(keys) != 0 {
		t.Errorf("ParseKeys = %v, %v, want none", keys, err)
	}
	for _, text := range []string{`[]`, `{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AA"}]}`} {
		if _, err := verify.ParseKeys([]byte(text)); err == nil || !strings.Contains(err.Error(), "set") {
			t.Errorf("ParseKeys(%s): %v, want an error", text, err)
		}
	}
}
