package parse

import (
	"fmt"
	"math/bits"
	"strconv"
	"strings"
	"testing"
)

// fingerprint returns the simhash of a document.
func fingerprint(t *testing.T, body string) string {
	t.Helper()
	return parsePage(t, Config{Simhash: true}, htmlPage("http://example.com/", body)).Simhash
}

// distance returns the number of bits in which two fingerprints differ.
func distance(t *testing.T, a, b string) int {
	t.Helper()
	x, err := strconv.ParseUint(a, 16, 64)
	if err != nil {
		t.Fatal(err)
	}
	y, err := strconv.ParseUint(b, 16, 64)
	if err != nil {
		t.Fatal(err)
	}
	return bits.OnesCount64(x ^ y)
}

// textOf returns n words. Texts with different names share no word.
func textOf(name string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%s%d ", name, i)
	}
	return b.String()
}

func TestTheSimhashDependsOnTheWordsOnly(t *testing.T) {
	t.Parallel()
	want := fingerprint(t, "<p>The quick brown fox, the LAZY dog: ünder a Straße.")
	for _, same := range []string{
		"<title>x</title><div>the QUICK <b>Brown</b> fox</div>the lazy dog<br>ÜNDER a straße",
		"the quick brown fox <script>var x</script><style>a{}</style><!-- no --> the lazy dog <template>x</template> &uuml;nder a straße",
		"the quick brown\nfox/the/lazy—dog ünder!!! a straße<img alt=x>",
	} {
		if got := fingerprint(t, same); got != want {
			t.Errorf("%q has %s, want %s", same, got, want)
		}
	}
}

// Fingerprints are compared with ones that were stored long ago, so they must not change.
func TestTheSimhashOfATextNeverChanges(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		"":                          "",
		"<title>x</title> — !":      "",
		"one":                       "6362a24204c1ad22",
		"one two":                   "26f6101a1b547d18",
		"one two three":             "132b651314c7f701",
		"the quick brown fox jumps": "ffb9d77f5cfe165e",
		"快速的棕色狐狸跳过":                 "786167181eb6e4b0",
		"คำ ไทย":                    "0284b4ecdec406c2",
		textOf("word", 1000):        "05cecf32fc3b2d0c",
	} {
		if got := fingerprint(t, body); got != want {
			t.Errorf("%.40q has %q, want %q", body, got, want)
		}
	}
}

func TestTheSimhashDistinguishesNearDuplicates(t *testing.T) {
	t.Parallel()
	text := textOf("word", 1000)
	page := fingerprint(t, "<h1>Shop</h1>"+text+"<p>3 visitors on Monday")
	for name, c := range map[string]struct {
		body        string
		least, most int
	}{
		"the same with another date":      {"<h1>Shop</h1>" + text + "<p>17 visitors on Tuesday", 0, 3},
		"the same within another frame":   {"<nav>Home About Contact</nav><h1>Shop</h1>" + text, 0, 6},
		"another text":                    {textOf("term", 1000), 16, 48},
		"the same words in another order": {"<h1>Shop</h1>" + reversed(text), 16, 48},
	} {
		if d := distance(t, page, fingerprint(t, c.body)); d < c.least || d > c.most {
			t.Errorf("%s: %d bits differ, want %d to %d", name, d, c.least, c.most)
		}
	}
}

func reversed(text string) string {
	words := strings.Fields(text)
	for i, j := 0, len(words)-1; i < j; i, j = i+1, j-1 {
		words[i], words[j] = words[j], words[i]
	}
	return strings.Join(words, " ")
}

func TestTheSimhashIsOnlyComputedIfRequested(t *testing.T) {
	t.Parallel()
	if got := parseHTML(t, "one two three").Simhash; got != "" {
		t.Errorf("simhash %s, want none", got)
	}
}
