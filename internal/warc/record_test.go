package warc

import (
	"strings"
	"testing"
)

func TestHowAPageWasFound(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		links, redirects int
		prerequisite     bool
		want             string
	}{
		{0, 0, false, ""}, {2, 1, false, "LLR"}, {0, 0, true, "P"},
		{50, 0, false, strings.Repeat("L", 50)}, {1000, 1, true, "952+" + strings.Repeat("L", 48) + "RP"},
	} {
		if got := hops(c.links, c.redirects, c.prerequisite); got != c.want {
			t.Errorf("%d links, %d redirects: got %s, want %s", c.links, c.redirects, got, c.want)
		}
	}
}

func TestMediaTypesOfAnIndex(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"Text/HTML; charset=utf-8": "text/html", "": "unk", " ; x": "unk", "text/html\r\nx": "unk", "caf\xe9": "unk",
		"a b": "unk",
	} {
		if got := mimeOf(header); got != want {
			t.Errorf("%q: got %q, want %q", header, got, want)
		}
	}
}
