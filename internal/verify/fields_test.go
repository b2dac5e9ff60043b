package verify

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

func TestDictionariesAreReadAndWrittenInCanonicalForm(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		`sig1=("@authority"  "a";key="b" );created=1;x`: `("@authority" "a";key="b");created=1;x`,
		`a=:aGk=:`:              `:aGk=:`,
		`a=tok/en;b=?0`:         `tok/en;b=?0`,
		`a=-17;  b="q\"\\"`:     `-17;b="q\"\\"`,
		`a`:                     `?1`,
		`a=1 ,` + "\t" + ` a=2`: `2`,
	} {
		all, err := dictionary(text)
		if err != nil || len(all) != 1 || all[0].item.String() != want {
			t.Errorf("dictionary(%q) = %v, %v, want %q", text, all, err, want)
		}
	}
}

func TestWhatIsNoDictionaryIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`A=1`, `a=`, `a=1,`, `a=1 b=2`, `a=(1`, `a=("x"1)`, `a="x`, "a=\"\x01\"", `a="\x"`, `a=:a`, `a=:a:`, `a=?2`,
		`a=1.5`, `a=1234567890123456`, `a=-`, `a=1;b=1;b=2`, `a=1;B`, `a=@1`,
	} {
		if all, err := dictionary(text); err == nil {
			t.Errorf("dictionary(%q) = %v, want an error", text, all)
		}
	}
}

func FuzzDictionary(f *testing.F) {
	f.Add(`sig1=("@authority" "signature-agent";key="sig1");created=1;keyid="k";alg="ed25519"`)
	f.Add(`a=:aGk=:, b;c=?0, d=-1`)
	f.Fuzz(func(t *testing.T, text string) {
		all, err := dictionary(text)
		if err != nil {
			return
		}
		for _, m := range all {
			written := m.name + "=" + m.item.String()
			again, err := dictionary(written)
			if err != nil || len(again) != 1 || again[0].item.String() != m.item.String() {
				t.Errorf("%q is written as %q, which is read as %v, %v", text, written, again, err)
			}
		}
	})
}

func TestSignatureAgentsAreReadAsInTheConformanceData(t *testing.T) {
	t.Parallel()
	path := filepath.Join("..", "..", "..", "shared", "conformance", "identity", "web_bot_auth_signature_agent_v1.json")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("no conformance data beside the checkout, in ../shared/conformance")
	}
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Header  string
		Entries []struct{ Label, URI, Type string }
	}
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		all, err := dictionary(c.Header)
		if err != nil || len(all) != len(c.Entries) {
			t.Errorf("%s: %v, %v, want %v", c.Header, all, err, c.Entries)
			continue
		}
		for i, want := range c.Entries {
			kind, ok := all[i].item.params.get("type").(token)
			if !ok {
				kind = "directory" // the default
			}
			if got := all[i]; got.name != want.Label || got.item.value != want.URI || string(kind) != want.Type {
				t.Errorf("%s: %+v, want %+v", c.Header, got, want)
			}
		}
	}
}
