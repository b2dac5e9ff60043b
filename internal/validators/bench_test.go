package validators

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/trawlcrawler/trawl/internal/rules"
)

// linked returns a line of a page with a hundred links.
func linked(b *testing.B, n int) Line {
	r := result(b, fmt.Sprintf("http://example.com/page/%d", n))
	r.Document.References, r.Document.Links = nil, nil
	for i := range 100 {
		r.Document.Links = append(r.Document.Links,
			rules.Link{URL: mustURL(b, fmt.Sprintf("http://example.com/section/%d/article-%d.html", i%7, n*i))})
	}
	l, _ := LineOf(r, "reading")
	return l
}

// BenchmarkLine measures what it costs to keep the validators of a page, before its line is
// compressed.
func BenchmarkLine(b *testing.B) {
	r := result(b, "http://example.com/")
	r.Document.References, r.Document.Links = nil, nil
	for i := range 100 {
		r.Document.Links = append(r.Document.Links,
			rules.Link{URL: mustURL(b, fmt.Sprintf("http://example.com/section/%d/article-%d.html", i%7, i))})
	}
	var line []byte
	b.ReportAllocs()
	for b.Loop() {
		l, _ := LineOf(r, "reading")
		var err error
		if line, err = l.AppendJSON(line[:0]); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkIndex measures the cost of a page when an index is made, and BenchmarkFind when it is
// looked up.
func BenchmarkIndex(b *testing.B) {
	text, err := json.Marshal(linked(b, 1))
	if err != nil {
		b.Fatal(err)
	}
	builder, err := NewBuilder(Config{Dir: b.TempDir(), Reading: "reading"})
	if err != nil || builder.From("") != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if err := builder.Line(text); err != nil {
			b.Fatal(err)
		}
	}
	if err := builder.Close(); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkFind(b *testing.B) {
	const pages = 10_000
	builder, err := NewBuilder(Config{Dir: b.TempDir(), Reading: "reading"})
	if err != nil || builder.From("") != nil {
		b.Fatal(err)
	}
	var urls []string
	for i := range pages {
		l := linked(b, i)
		text, err := json.Marshal(l)
		if err == nil {
			err = builder.Line(text)
		}
		if err == nil {
			err = builder.Record(l.URL, noon)
		}
		if err != nil {
			b.Fatal(err)
		}
		urls = append(urls, l.URL)
	}
	x, err := builder.Build()
	if err != nil {
		b.Fatal(err)
	}
	defer x.Close()
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if find(b, x, urls[i%pages]) == nil {
			b.Fatal("a page is missing")
		}
	}
	b.ReportMetric(float64(x.data.size)/pages, "disk-B/page")
}
