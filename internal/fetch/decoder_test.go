package fetch

import (
	"bytes"
	"net/http"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
)

func TestAStoredBodyIsDecoded(t *testing.T) {
	t.Parallel()
	text := strings.Repeat("what the page says ", 100)
	zip := func(s string) string {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		if _, err := w.Write([]byte(s)); err != nil || w.Close() != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	var br bytes.Buffer
	w := brotli.NewWriter(&br)
	if _, err := w.Write([]byte(text)); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	d := NewDecoder()
	for _, c := range []struct {
		coding, body, want string
		most               int64
		cut                bool
	}{
		{"", text, text, 1 << 20, false},
		{"", text, text[:10], 10, true},
		{"gzip", zip(text), text, 1 << 20, false},
		{"gzip", zip(text), text[:10], 10, true},
		{"br", br.String(), text, 1 << 20, false},
		{"gzip, gzip", zip(zip(text)), text, 1 << 20, false},
		{"gzip", text, text, 1 << 20, false},                 // not coded as its header says
		{"unknown", zip(text), zip(text), 1 << 20, false},    // not to be decoded
		{"gzip", zip(text)[:len(zip(text))-12], "", 5, true}, // broken off
	} {
		body, cut := d.Decode(t.Context(), http.Header{"Content-Encoding": {c.coding}}, []byte(c.body), c.most)
		if want := c.want; cut != c.cut || string(body) != want && want != "" || !strings.HasPrefix(text, string(body)) &&
			c.coding != "unknown" {
			t.Errorf("%s of %d bytes: got %q, %v, want %q, %v", c.coding, len(c.body), body, cut, want, c.cut)
		}
	}
}
