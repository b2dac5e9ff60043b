package identity

import (
	"net/http"
	"strings"
	"testing"
)

func TestTheFormsOfSignatureAgent(t *testing.T) {
	t.Parallel()
	for form, want := range map[AgentForm]string{
		FormDictionary: `sig1="https://bot.example"`, FormString: `"https://bot.example"`,
	} {
		s, err := NewSigner(newIdentity(t), form)
		if err != nil {
			t.Fatal(err)
		}
		h := http.Header{}
		s.Sign(h, "https", "site.example")
		if got := h.Get("Signature-Agent"); got != want {
			t.Errorf("%s: Signature-Agent %s, want %s", form, got, want)
		}
	}
}

func TestASignerNeedsAKeyAnAgentAndAForm(t *testing.T) {
	t.Parallel()
	id := newIdentity(t)
	for want, make := range map[string]func() (*Signer, error){
		"no key":   func() (*Signer, error) { return NewSigner(Identity{Agent: agent}, FormString) },
		`agent ""`: func() (*Signer, error) { return NewSigner(Identity{Key: id.Key}, FormString) },
		`"list"`:   func() (*Signer, error) { return NewSigner(id, "list") },
	} {
		if _, err := make(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("NewSigner: %v, want an error with %q", err, want)
		}
	}
}

func TestEachRequestHasANonceOfItsOwn(t *testing.T) {
	t.Parallel()
	s, err := NewSigner(newIdentity(t), FormDictionary)
	if err != nil {
		t.Fatal(err)
	}
	one, two := http.Header{}, http.Header{}
	s.Sign(one, "https", "site.example")
	s.Sign(two, "https", "site.example")
	if one.Get("Signature-Input") == two.Get("Signature-Input") {
		t.Error("two requests have the same nonce")
	}
}

func TestModesAreParsed(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Mode{"": ModeAlways, "always": ModeAlways, "when-asked": ModeWhenAsked,
		"never": ModeNever} {
		if got, err := ParseMode(text); err != nil || got != want {
			t.Errorf("ParseMode(%q) = %q, %v, want %q", text, got, err, want)
		}
	}
	if _, err := ParseMode("sometimes"); err == nil || !strings.Contains(err.Error(), `"sometimes"`) {
		t.Errorf("ParseMode: %v, want an error that quotes it", err)
	}
}

func BenchmarkSign(b *testing.B) {
	s, err := NewSigner(newIdentity(b), FormDictionary)
	if err != nil {
		b.Fatal(err)
	}
	h := make(http.Header, 8)
	b.ReportAllocs()
	for b.Loop() {
		s.Sign(h, "https", "site.example")
	}
}
