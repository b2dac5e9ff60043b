package charset

import (
	"net/http"
	"testing"
)

func TestMediaType(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]MediaType{
		"":                                     {},
		"html":                                 {},
		"text/":                                {},
		"te xt/html":                           {},
		"text/html":                            {Essence: "text/html"},
		" Text/HTML ; x":                       {Essence: "text/html"},
		"text/html;charset=a":                  {"text/html", "a"},
		"text/html; CHARSET=a ;charset=b":      {"text/html", "a"},
		"text/html;;x;charset=a":               {"text/html", "a"},
		"text/html;charset=;charset=b":         {"text/html", "b"},
		"text/html;charset = a":                {Essence: "text/html"},
		`text/html;charset="a\"\b`:             {"text/html", `a"b`},
		`text/html;charset="a";charset="b"`:    {"text/html", "a"},
		`text/html;x=";charset=a";charset="b"`: {"text/html", "b"},
	} {
		if got, _ := ParseMediaType(value); got != want {
			t.Errorf("%q is %q, want %q", value, got, want)
		}
	}
}

func TestTheLastContentTypeCounts(t *testing.T) {
	t.Parallel()
	h := http.Header{"Content-Type": {"text/plain", "text/html;charset=a", "*/*", "bad"}}
	if got := DeclaredType(h); got.Essence != "text/html" {
		t.Errorf("declared type %q, want text/html", got)
	}
}

func TestIsHTML(t *testing.T) {
	t.Parallel()
	const document, text = "  <!doctype html><p>", "plain words"
	for _, c := range []struct {
		declared, body string
		noSniff, want  bool
	}{
		{"text/html", text, true, true},
		{"application/xhtml+xml", text, true, true},
		{"text/plain", document, false, false},
		{"image/png", document, false, false},
		{"", document, false, true},
		{"", "\xef\xbb\xbf" + document, false, true},
		{"", document, true, false},
		{"", text, false, false},
		{"", "%PDF-1.7 <html>", false, false},
		{"application/unknown", document, false, true},
	} {
		if got := IsHTML(MediaType{Essence: c.declared}, c.noSniff, []byte(c.body)); got != c.want {
			t.Errorf("%q declared as %q is HTML: %v, want %v", c.body, c.declared, got, c.want)
		}
	}
}
