package extract

import (
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// leastF1 is the F1 that Auto reaches on articles.
const leastF1 = 0.973

// benchmark is a folder with pages of the Zyte article extraction benchmark and their
// texts. It is not part of the project.
var benchmark = filepath.Join("..", "..", "..", "shared", "content")

// TestArticlesOfTheBenchmark measures precision, recall and F1 of shingles of four words,
// as the benchmark defines them.
func TestArticlesOfTheBenchmark(t *testing.T) {
	t.Parallel()
	truth := benchmarkTruth(t)
	for _, name := range []string{Auto, Readability, Trafilatura} {
		e, err := New(Config{Text: true, Extractors: []string{name}})
		if err != nil {
			t.Fatal(err)
		}
		var precision, recall mean
		for key, want := range truth {
			found := e.Extract(parsed(t, benchmarkPage(t, key)), exampleLinks, never).Text
			tp, fp, fn := compared(shingles(want), shingles(found))
			precision.add(tp, fp)
			recall.add(tp, fn)
		}
		p, r := precision.value(), recall.value()
		f1 := 2 * p * r / (p + r)
		t.Logf("%-12s F1 %.4f, precision %.4f, recall %.4f on %d pages", name, f1, p, r, len(truth))
		if name == Auto && f1 < leastF1 {
			t.Errorf("F1 is %.4f, want at least %v", f1, leastF1)
		}
	}
}

// TestMarkdownOfArticlesIsReadBack writes real articles and reads them with another parser.
func TestMarkdownOfArticlesIsReadBack(t *testing.T) {
	t.Parallel()
	for key := range benchmarkTruth(t) {
		t.Run(key[:8], func(t *testing.T) {
			p := newPage(parsed(t, benchmarkPage(t, key)))
			p.over = never
			checkRoundTrip(t, p.auto())
		})
	}
}

func benchmarkTruth(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(benchmark, "ground-truth.json"))
	if err != nil {
		t.Skipf("the benchmark does not lie beside the checkout: %v", err)
	}
	var truth map[string]struct{ ArticleBody string }
	if err := json.Unmarshal(text, &truth); err != nil {
		t.Fatal(err)
	}
	bodies := make(map[string]string)
	for key, page := range truth {
		bodies[key] = page.ArticleBody
	}
	return bodies
}

func benchmarkPage(t *testing.T, key string) string {
	t.Helper()
	f, err := os.Open(filepath.Join(benchmark, "html", key+".html.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	page, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// mean is the mean share over pages.
type mean struct{ sum, pages float64 }

// add adds a page, unless it has nothing to share.
func (m *mean) add(right, wrong float64) {
	if right+wrong > 0 {
		m.sum += right / (right + wrong)
		m.pages++
	}
}

func (m *mean) value() float64 { return m.sum / m.pages }

type shingle [4]string

func shingles(text string) map[shingle]int {
	words := wordsOf(text)
	all := make(map[shingle]int)
	if n := len(words); n > 0 && n < 4 {
		var s shingle
		copy(s[:], words)
		all[s]++
	}
	for i := 0; i+4 <= len(words); i++ {
		all[shingle(words[i:i+4])]++
	}
	return all
}

// compared counts the shingles in both, in the second only, and in the first only.
func compared(want, found map[shingle]int) (both, extra, missing float64) {
	for s, n := range want {
		both += float64(min(n, found[s]))
		missing += float64(max(0, n-found[s]))
	}
	for s, n := range found {
		extra += float64(max(0, n-want[s]))
	}
	return both, extra, missing
}
