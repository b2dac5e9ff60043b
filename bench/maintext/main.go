// Command maintext measures how well extractors find the main text of articles: those of
// Trawl beside the libraries go-readability and go-trafilatura, all in one run, as the
// table of docs/text.md.
//
//	go run ./maintext FOLDER
//
// The folder is one of the Zyte article extraction benchmark (MIT): html/ID.html.gz, and
// ground-truth.json. A page has the precision and recall of its shingles of four words;
// figures are means over pages, and F1 is that of the two means, as the benchmark defines
// them.
package main

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"

	"codeberg.org/readeck/go-readability/v2"
	"codeberg.org/readeck/go-readability/v2/render"
	"github.com/markusmobius/go-trafilatura"
	"golang.org/x/net/html"

	"github.com/trawlcrawler/trawl/internal/extract"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "maintext: want the folder of the benchmark, with html/ and ground-truth.json")
		os.Exit(2)
	}
	if err := run(os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "maintext:", err)
		os.Exit(1)
	}
}

// article is a page of the benchmark.
type article struct {
	page string
	want map[shingle]int
}

func run(folder string) error {
	articles, err := read(folder)
	if err != nil {
		return err
	}
	extractors, err := contestants()
	if err != nil {
		return err
	}
	fmt.Printf("%d articles\n\n| | F1 | precision | recall | processor time a page |\n| --- | --- | --- | --- | --- |\n", len(articles))
	for _, x := range extractors {
		var precision, recall mean
		began := processorTime()
		for _, a := range articles {
			both, extra, missing := compare(a.want, shingles(x.text(a.page)))
			precision.add(both, extra)
			recall.add(both, missing)
		}
		each := (processorTime() - began) / time.Duration(len(articles))
		p, r := precision.value(), recall.value()
		fmt.Printf("| %s | %.3f | %.3f | %.3f | %.1f ms |\n", x.name, 2*p*r/(p+r), p, r,
			float64(each.Microseconds())/1000)
	}
	return nil
}

// read reads the articles of a folder.
func read(folder string) (all []article, err error) {
	text, err := os.ReadFile(filepath.Join(folder, "ground-truth.json"))
	if err != nil {
		return nil, err
	}
	var truth map[string]struct{ ArticleBody string }
	if err := json.Unmarshal(text, &truth); err != nil {
		return nil, err
	}
	for id, t := range truth {
		page, err := unzipped(filepath.Join(folder, "html", id+".html.gz"))
		if err != nil {
			return nil, err
		}
		all = append(all, article{page, shingles(t.ArticleBody)})
	}
	return all, nil
}

func unzipped(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return "", fmt.Errorf("%s: %w", path, err)
	}
	text, err := io.ReadAll(z)
	return string(text), err
}

// contestant is an extractor. Its text is "" for a page in which it finds none.
type contestant struct {
	name string
	text func(page string) string
}

func contestants() ([]contestant, error) {
	all := []contestant{
		{"go-readability", byReadability},
		{"go-trafilatura", func(page string) string { return byTrafilatura(page, true) }},
		{"go-trafilatura without its fallback", func(page string) string { return byTrafilatura(page, false) }},
	}
	for _, name := range extract.Names {
		x, err := extract.New(extract.Config{Text: true, Extractors: []string{name}})
		if err != nil {
			return nil, err
		}
		all = append(all, contestant{"Trawl, `" + name + "`", func(page string) string {
			root, err := html.ParseWithOptions(strings.NewReader(page), html.ParseOptionEnableScripting(false))
			if err != nil {
				return ""
			}
			return x.Extract(root, links{}, func() bool { return false }).Text
		}})
	}
	return all, nil
}

// base is the URL of all pages.
var base = &url.URL{Scheme: "http", Host: "127.0.0.1", Path: "/"}

// links keeps references as they are: the texts have none.
type links struct{}

func (links) Link(ref string) (string, bool) { return ref, true }

func byReadability(page string) string {
	p := readability.NewParser()
	a, err := p.Parse(strings.NewReader(page), base)
	if err != nil || a.Node == nil {
		return ""
	}
	return render.InnerText(a.Node)
}

func byTrafilatura(page string, fallback bool) string {
	found, err := trafilatura.Extract(strings.NewReader(page), trafilatura.Options{
		OriginalURL: base, EnableFallback: fallback, ExcludeComments: true,
	})
	if err != nil {
		return ""
	}
	return found.ContentText
}

// processorTime is the processor time of this process.
func processorTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
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

var word = regexp.MustCompile(`[\pL\pN\pM_]+`)

// shingles counts the runs of four words; a shorter text is one.
func shingles(text string) map[shingle]int {
	words := word.FindAllString(text, -1)
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

// compare counts the shingles in both, in the second only, and in the first only.
func compare(want, found map[shingle]int) (both, extra, missing float64) {
	for s, n := range want {
		both += float64(min(n, found[s]))
		missing += float64(max(0, n-found[s]))
	}
	for s, n := range found {
		extra += float64(max(0, n-want[s]))
	}
	return both, extra, missing
}
