package plain_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/internal/plain"
)

func TestWhatTerminalsObeyIsEscaped(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"": "",
		"plain, Größe, 日本語, عربى, עברית, 🦀": "plain, Größe, 日本語, عربى, עברית, 🦀",
		"\x1b[2J":                               `\u001b[2J`,
		"\u009b2J\u0085":                        `\u009b2J\u0085`,
		"a\nb\tc\rd\x00\x7f":                    `a\u000ab\u0009c\u000dd\u0000\u007f`,
		"\u202egnp.exe\u2066\u2069\u200f\u061c": `\u202egnp.exe\u2066\u2069\u200f\u061c`,
		"\u2028\u2029":                          `\u2028\u2029`,
		"\x9b2J\xff":                            "\uFFFD2J\uFFFD",
		"\u00a0\u00ad":                          "\u00a0\u00ad",
	} {
		if got := plain.Printable(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}

// Within a string of JSON the escapes stand for the text itself.
func TestWhatIsEscapedInJSONIsTheSame(t *testing.T) {
	t.Parallel()
	const text = "\x1b[2J \u009b \u202e \u2066 end"
	var line strings.Builder
	encoder := json.NewEncoder(&line)
	if err := encoder.Encode(text); err != nil {
		t.Fatal(err)
	}
	var got string
	if err := json.Unmarshal([]byte(plain.Printable(strings.TrimSpace(line.String()))), &got); err != nil ||
		got != text {
		t.Errorf("got %q, %v, want %q", got, err, text)
	}
}
