package parse

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/internal/minhash"
)

// sketchOf returns the sketch of a text.
func sketchOf(t *testing.T, text string) *minhash.Sketch {
	t.Helper()
	m := newMinHashes().of(text)
	if m == nil {
		t.Fatalf("%.40q has no sketch", text)
	}
	return m
}

// changed replaces every nth word of a text.
func changed(text string, n int) string {
	words := strings.Fields(text)
	for i := n - 1; i < len(words); i += n {
		words[i] = fmt.Sprintf("other%d", i)
	}
	return strings.Join(words, " ")
}

func TestSketchesTellHowSimilarTextsAre(t *testing.T) {
	t.Parallel()
	text := textOf("word", 1000)
	for name, c := range map[string]struct {
		other   string
		similar bool
		bands   bool // at least one is equal
	}{
		"the same words in another notation": {
			"<" + strings.ToUpper(strings.ReplaceAll(text, " ", "\n — ")), true, true,
		},
		"one word in a hundred differs: 90 % is shared": {changed(text, 100), true, true},
		"one word in ten differs: a third is shared":    {changed(text, 10), false, false},
		"half of it":         {textOf("word", 500), false, false},
		"another text":       {textOf("lemma", 1000), false, false},
		"the words reversed": {reversed(text), false, false},
	} {
		a, b := sketchOf(t, text), sketchOf(t, c.other)
		x, y := a.Brief(), b.Brief()
		if got := x.Similar(&y); got != c.similar {
			t.Errorf("%s: similar is %v", name, got)
		}
		shared := 0
		for i, key := range a.Keys() {
			if key == b.Keys()[i] {
				shared++
			}
		}
		if (shared > 0) != c.bands {
			t.Errorf("%s: %d bands are equal", name, shared)
		}
	}
}

// Sketches are compared with ones that were stored long ago, so they must not change.
func TestTheSketchOfATextNeverChanges(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"one": "d4412e3fa7ba94d61ffa4ee46de5db16",
		"the quick brown fox jumps over the lazy dog": "6cdb92420c8b187eec75ed4336ea9cfe",
		"快速的棕色狐狸跳过":                                   "5953cd14df9046cd31a532ebad3d2f82",
	} {
		if got := sketchOf(t, text).Bands()[0]; got != want {
			t.Errorf("the first band of %q is %s, want %s", text, got, want)
		}
	}
	if newMinHashes().of(" — ! ") != nil {
		t.Error("a text without words has a sketch")
	}
}

func TestShinglesOfASketchAreCounted(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{"one": 1, "one two three four": 1, "a b c d e": 1, "a b c d e f": 2,
		"快速的棕色狐": 2} {
		if got := sketchOf(t, text).Shingles; got != want {
			t.Errorf("%q has %d shingles, want %d", text, got, want)
		}
	}
}

func TestASketchCoversTheMainTextAndIsOnlyMadeOnRequest(t *testing.T) {
	t.Parallel()
	main := "<main><h1>Title</h1><p>" + textOf("word", 100) + "</main>"
	one := htmlPage("http://example.com/", "<nav>"+textOf("menu", 30)+"</nav>"+main)
	two := htmlPage("http://example.com/", "<nav>"+textOf("other", 50)+"</nav>"+main+"<footer>"+textOf("foot", 40)+
		"</footer>")
	doc := parsePage(t, Config{MinHash: true}, one)
	if diff := cmp.Diff(doc.MinHash, parsePage(t, Config{MinHash: true}, two).MinHash); diff != "" ||
		len(doc.MinHash) != minhash.Bands {
		t.Errorf("sketches of one main text in different pages differ:\n%s", diff)
	}
	if doc.Text != "" || doc.MainText == nil || doc.MainText.Extractor == "" {
		t.Errorf("the text is %q and was found by %v, want no text, but the extractor", doc.Text, doc.MainText)
	}
	if doc := parsePage(t, Config{Sketch: true}, one); doc.MinHash != nil || doc.Sketch == nil {
		t.Errorf("for comparing pages: recorded %v, sketch %v", doc.MinHash, doc.Sketch)
	}
	if doc := parsePage(t, Config{Text: true}, one); doc.MinHash != nil || doc.Sketch != nil {
		t.Errorf("not requested: %v, %v", doc.MinHash, doc.Sketch)
	}
}

func BenchmarkMinHash(b *testing.B) {
	text := textOf("word", 1000)
	m := newMinHashes()
	for b.Loop() {
		m.of(text)
	}
}
