package parse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/charset"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/reference"
	"github.com/trawlcrawler/trawl/internal/test/race"
)

// spill moves all but the first bytes of a page's body to a file.
func spill(t testing.TB, page *fetched.Page, head int) *fetched.Page {
	t.Helper()
	file, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	if _, err := file.Write(page.Body.Head[head:]); err != nil {
		t.Fatal(err)
	}
	page.Body.Head, page.Body.Spill = page.Body.Head[:head], file
	return page
}

func TestASpilledBodyIsReadToItsEnd(t *testing.T) {
	t.Parallel()
	all := Config{Resources: true, Simhash: true, Select: []string{"h=h1", "last=b"}}
	body := "<title>é</title><h1>x</h1><a href=a>one two three</a><a href='?é'>four five six</a><img src=i><p>seven <b>eight"
	whole := parsePage(t, all, htmlPage("http://example.com/", body))
	for head := range len(body) {
		page := htmlPage("http://example.com/", body)
		page.Header.Set("Content-Type", "text/html; charset=utf-8")
		got := parsePage(t, all, spill(t, page, head))
		if got.Trouble != "its fields are those of its beginning" {
			t.Errorf("after %d bytes the trouble is %q", head, got.Trouble)
		}
		got.Trouble, got.Fields = "", whole.Fields
		if diff := cmp.Diff(whole, got, cmp.AllowUnexported(crawler.URL{})); diff != "" {
			t.Fatalf("after %d bytes (-whole +got):\n%s", head, diff)
		}
	}
}

func TestTheCharsetOfASpilledBodyIsDetectedInItsHead(t *testing.T) {
	t.Parallel()
	page := htmlPage("http://example.com/", "<title>é</title><a href=a>é<a href=b>")
	page.Header.Set("Content-Type", "text/html")
	const inRune = len("<title>é</title><a href=a>") + 1
	doc := parsePage(t, Config{}, spill(t, page, inRune))
	if doc.Charset != "utf-8" || doc.Title != "é" || len(doc.Links) != 2 || doc.Trouble != "" {
		t.Errorf("document %+v, want one in UTF-8, although a rune is split", doc)
	}
}

func TestASpilledStyleSheetIsReadToItsEnd(t *testing.T) {
	t.Parallel()
	rule := "a { background: url(/%d.png) }\n"
	var sheet strings.Builder
	for n := 0; sheet.Len() < 3*maxToken; n++ {
		fmt.Fprintf(&sheet, rule, n%1000)
	}
	sheet.WriteString("b { background: url(last) }")
	page := htmlPage("http://example.com/", sheet.String())
	page.Header.Set("Content-Type", "text/css")
	doc := parsePage(t, Config{Resources: true}, spill(t, page, 1000))
	if n := len(doc.Resources); n != 1001 || doc.Resources[n-1].Path() != "/last" {
		t.Errorf("%d resources, want 1001", n)
	}
}

// hrefs returns the links of a document, reading at most this many bytes of a token into
// memory.
func hrefs(t testing.TB, body io.Reader, most int) (all []string, s *scan) {
	t.Helper()
	s = newScan(Config{})
	s.most = most
	src := charset.NewSource(charset.MediaType{Charset: "utf-8"}, nil, true)
	src.Rest = body
	if err := s.read(context.Background(), src, ""); err != nil {
		t.Fatal(err)
	}
	page, _ := crawler.ParseURL("http://a.test/")
	for _, l := range s.refs.resolve(reference.NewResolver(page, s.base, src)) {
		all = append(all, l.URL.Path())
	}
	return all, s
}

func TestTokensLongerThanTheMaximum(t *testing.T) {
	t.Parallel()
	const most = 64
	long := strings.Repeat("long ", most)
	for name, c := range map[string]struct {
		body string
		want string
	}{
		"a text":                       {"<a href=1>" + long + "<a href=2>", "/1 /2"},
		"a script":                     {"<script>" + long + "<a href=no>" + long + "</script><a href=2>", "/2"},
		"a script in two states":       {"<script>x<!-- " + long + "<a href=no></script><a href=2>", "/2"},
		"a title":                      {"<title>" + long + "<a href=no></title><a href=2>", "/2"},
		"a noscript":                   {"<noscript>" + long + "<a href=1></noscript><a href=2>", "/1 /2"},
		"a comment":                    {"<!--" + long + "<a href=no>" + long + "--><a href=2>", "/2"},
		"a comment with another end":   {"<!--" + long + "<a href=no>" + long + "--!><a href=2>", "/2"},
		"similar markup":               {"<!x " + long + "--><a href=2>", "/2"},
		"an instruction":               {"<?php " + long + "?><a href=2>", "/2"},
		"a tag":                        {"<a href=1 title=\"" + long + "> <a href=no>\" rel=x><a href=2>", "/1 /2"},
		"a tag whose link is too late": {"<a title='" + long + "' href=1><a href=2>", "/2"},
		"a tag of attributes":          {"<a href=1 " + long + "><a href=2>", "/1 /2"},
		"a tag in capitals":            {"<A HREF=1 x=y" + long + "><A HREF=2>", "/1 /2"},
		"a bare value":                 {"<a x=" + strings.Repeat("/", 2*most) + "><a href=2>", "/2"},
		"an end tag":                   {"<template></template " + long + "><a href=2>", "/2"},
		"a tag before raw text":        {"<script x='" + long + "'><a href=no></script><a href=2>", "/2"},
		"a drawing that is closed": {
			"<svg><path d='" + long + "'/><svg x='" + long + "'/></svg><title><a href=2></title><a href=3>", "/3",
		},
		"a tag that never ends":     {"<a href=1><a href='no" + long, "/1"},
		"a comment that never ends": {"<a href=1><!-- <a href=no>" + long, "/1"},
		"a name":                    {"<" + strings.Repeat("a", 2*most) + " href=no><a href=2>", "/2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for shift := range most { // so that each byte is once the last one in memory
				body := strings.Repeat("x", shift) + c.body
				got, _ := hrefs(t, strings.NewReader(body), most)
				if strings.Join(got, " ") != c.want {
					t.Errorf("shifted by %d: %v, want %s", shift, got, c.want)
				}
				slowly, _ := hrefs(t, iotest.OneByteReader(strings.NewReader(body)), most)
				if !slices.Equal(got, slowly) {
					t.Errorf("shifted by %d and read byte by byte: %v, want %v", shift, slowly, got)
				}
			}
		})
	}
}

// A page of any size needs no more memory than its links and the longest allowed token.
// This test runs alone, because it measures memory.
func TestTheMemoryForALongPageIsBoundedByItsLongestToken(t *testing.T) {
	race.Skip(t)
	const size, allowed = 24 << 20, 16 << 20
	for name, what := range map[string]string{
		"a text":        "and so on ",
		"links":         "<a href=/x>x</a> ",
		"one attribute": "y",
		"attributes":    "a b c d e f ",
	} {
		what = strings.Repeat(what, 4<<10) // in pieces that are read at once
		body := io.LimitReader(&repeated{what: what}, int64(size-size%len(what)))
		if strings.Contains(name, "attribute") {
			body = io.MultiReader(strings.NewReader("<a href=/first title="), body, strings.NewReader(">"))
		}
		watch := &watch{r: io.MultiReader(body, strings.NewReader("<a href=/last>")), before: heap()}
		got, s := hrefs(t, watch, maxToken)
		if len(got) == 0 || got[len(got)-1] != "/last" || strings.Contains(name, "attribute") && got[0] != "/first" {
			t.Errorf("%s: the links are %v", name, got)
		}
		t.Logf("%s: of %d MiB at most %.1f MiB are in memory", name, size>>20, float64(watch.peak)/(1<<20))
		if watch.peak > allowed {
			t.Errorf("%s: %d MiB are in memory, want at most %d", name, watch.peak>>20, allowed>>20)
		}
		runtime.KeepAlive(s)
	}
}

// repeated repeats a text endlessly.
type repeated struct {
	what string
	at   int
}

func (r *repeated) Read(p []byte) (int, error) {
	n := copy(p, r.what[r.at:])
	r.at = (r.at + n) % len(r.what)
	return n, nil
}

// watch measures the memory while it is read, twice per MiB.
type watch struct {
	r            io.Reader
	before, peak int64
	read, looked int64
}

func (w *watch) Read(p []byte) (int, error) {
	n, err := w.r.Read(p[:min(len(p), 64<<10)])
	if w.read += int64(n); w.read-w.looked > 512<<10 {
		w.peak, w.looked = max(w.peak, heap()-w.before), w.read
	}
	return n, err
}

// heap returns how much of the heap is in use.
func heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func TestAnUnreadableFileIsAnErrorOfOurs(t *testing.T) {
	t.Parallel()
	trouble := errors.New("the disk is gone")
	for name, body := range map[string]string{
		"in a text": "<a href=x>x", "in a long text": strings.Repeat("x", 100),
		"in a long tag":     "<a " + strings.Repeat("x", 100),
		"in a long comment": "<!--" + strings.Repeat("x", 100),
	} {
		s := newScan(Config{})
		s.most = 64
		src := charset.Source{Rest: io.MultiReader(strings.NewReader(body), iotest.ErrReader(trouble)),
			Charset: "utf-8"}
		src.Encoding = charset.NewSource(charset.MediaType{Charset: "utf-8"}, nil, true).Encoding
		if err := s.read(context.Background(), src, ""); !errors.Is(err, trouble) {
			t.Errorf("%s: error %v, want %v", name, err, trouble)
		}
	}
	page := spill(t, htmlPage("http://example.com/", "<a href=x>"), 2)
	page.Body.Spill.Close()
	for _, contentType := range []string{"text/html", "text/css"} {
		page.Header = http.Header{"Content-Type": {contentType}}
		p, err := New(Config{Resources: true})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Parse(context.Background(), page); !errors.Is(err, os.ErrClosed) {
			t.Errorf("%s: error %v, want that of a closed file", contentType, err)
		}
	}
}
