package identity

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"strings"
	"testing"
)

const agent = "https://bot.example"

func newIdentity(t testing.TB) Identity {
	t.Helper()
	key, err := NewKey()
	if err != nil {
		t.Fatal(err)
	}
	return Identity{Key: key, Agent: agent}
}

func TestAnIdentityFileHoldsTheKeyAndTheAgent(t *testing.T) {
	t.Parallel()
	want := newIdentity(t)
	text, err := want.PEM()
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse(text)
	if err != nil || got.Key.ID() != want.Key.ID() || got.Agent != want.Agent {
		t.Errorf("Parse = %v, %v, want %v", got, err, want)
	}
	if block, _ := pem.Decode(text); block == nil || block.Type != "PRIVATE KEY" {
		t.Error("other programs cannot read the file")
	}
}

func TestErrorsOfIdentityFilesSayWhatToDo(t *testing.T) {
	t.Parallel()
	file, err := newIdentity(t).PEM()
	if err != nil {
		t.Fatal(err)
	}
	key := string(file[bytes.IndexByte(file, '\n')+1:])
	for name, test := range map[string]struct{ text, want string }{
		"empty":      {"", "no private key in PEM"},
		"no agent":   {key, "Agent: https://bot.example"},
		"bad agent":  {"Agent: bot\n" + key, `agent "bot" is not the URL of a site`},
		"public key": {string(publicPEM(t)), `is a "PUBLIC KEY"`},
		"damaged": {string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: []byte("secret")})),
			"not in the form of PKCS #8"},
	} {
		_, err := Parse([]byte(test.text))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: Parse: %v, want an error with %q", name, err, test.want)
		}
	}
}

func publicPEM(t *testing.T) []byte {
	t.Helper()
	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func TestAnAgentIsTheOriginOfASite(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"https://Bot.Example/": "https://bot.example", "https://bot.example:443": "https://bot.example",
		"https://bot.example:8443": "https://bot.example:8443", "http://127.0.0.1:8080": "http://127.0.0.1:8080",
	} {
		if got, err := ParseAgent(text); err != nil || got != want {
			t.Errorf("ParseAgent(%q) = %q, %v, want %q", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"bot.example": "write https://bot.example", "https://bot.example/about": "write https://bot.example",
		"http://bot.example": "write https://bot.example", "https://bücher.example": "xn--",
		"https://u:p@bot.example": "is not the URL of a site", "ftp://127.0.0.1": "write https://127.0.0.1",
	} {
		if _, err := ParseAgent(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("ParseAgent(%q): %v, want an error with %q", text, err, want)
		}
	}
}

// holder has an identity in a field that fmt reads without calling methods.
type holder struct {
	id     Identity
	signer *Signer
}

func TestAKeyIsNeverPrinted(t *testing.T) {
	t.Parallel()
	id := newIdentity(t)
	signer, err := NewSigner(id, FormDictionary)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		for _, v := range []any{id, &id, id.Key, &id.Key, signer, *signer, holder{id, signer}, &holder{id, signer}} {
			fmt.Fprintf(&out, verb+"\n", v)
		}
	}
	slog.New(slog.NewTextHandler(&out, nil)).Info("key", "id", id, "key", id.Key, "signer", signer)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("key", "id", id, "key", id.Key, "signer", signer)
	if err := json.NewEncoder(&out).Encode(id); err != nil {
		t.Fatal(err)
	}
	seed := id.Key.private().Seed()
	for what, secret := range map[string]string{
		"bytes": strings.Trim(fmt.Sprint(seed), "[]"), "hex": fmt.Sprintf("%x", seed),
		"base64": base64.RawStdEncoding.EncodeToString(seed)[:40], "raw": string(seed), "Go": strings.Trim(
			fmt.Sprintf("%#v", seed), "[]byte{}"),
	} {
		if strings.Contains(out.String(), secret) {
			t.Errorf("the private key is printed, as %s", what)
		}
	}
	if !strings.Contains(out.String(), id.Key.ID()) {
		t.Error("the ID of the key is not printed")
	}
}

func TestADirectoryIsCheckedAgainstAKey(t *testing.T) {
	t.Parallel()
	id, other := newIdentity(t), newIdentity(t)
	good := NewDirectory(other.Key, id.Key)
	if err := good.Check(id.Key); err != nil {
		t.Errorf("Check: %v", err)
	}
	altered := func(alter func(*JWK)) Directory {
		d := NewDirectory(id.Key)
		alter(&d.Keys[0])
		return d
	}
	for want, d := range map[string]Directory{
		"does not list key " + id.Key.ID(): NewDirectory(other.Key),
		`calls key`:                        altered(func(k *JWK) { k.Kid = "old" }),
		`is for "enc"`:                     altered(func(k *JWK) { k.Use = "enc" }),
		`crv "X25519"`:                     altered(func(k *JWK) { k.Crv = "X25519" }),
	} {
		if err := d.Check(id.Key); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Check: %v, want an error with %q", err, want)
		}
	}
}

func TestACardIsCheckedAgainstAnIdentity(t *testing.T) {
	t.Parallel()
	id, other := newIdentity(t), newIdentity(t)
	directory := NewDirectory(other.Key)
	if err := (Card{JWKSURI: agent + DirectoryPath}).CheckAgent(id); err != nil {
		t.Errorf("CheckAgent: %v", err)
	}
	for want, c := range map[string]Card{
		"does not list key": {JWKS: &directory}, "jwks_uri of the card": {JWKSURI: "https://other.example/keys"},
	} {
		if err := c.CheckAgent(id); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("CheckAgent: %v, want an error with %q", err, want)
		}
	}
}
