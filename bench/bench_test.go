package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestSpellingsOfOneRequestHaveOneKey(t *testing.T) {
	t.Parallel()
	for _, same := range [][2]string{
		{"/a%20b", "/a b"}, {"/%41", "/A"}, {"/a?b=%41", "/a?b=%41"}, {"/%zz", "/%zz"},
	} {
		if key(same[0]) != key(same[1]) {
			t.Errorf("the keys of %q and %q differ", same[0], same[1])
		}
	}
	if key("/a%3Fb") == key("/a?c") {
		t.Error("a path and a query have one key")
	}
}

func TestTheLogSaysWhatWasFetched(t *testing.T) {
	t.Parallel()
	log := filepath.Join(t.TempDir(), "access.log")
	text := "GET 200 /\nGET 200 /a%20b\nHEAD 200 /\nGET 404 /robots.txt\nGET 200 /a b\n"
	if err := os.WriteFile(log, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	fetched, err := readLog(log)
	if err != nil {
		t.Fatal(err)
	}
	if len(fetched) != 2 || fetched["/"] != 1 || fetched["/a b"] != 2 {
		t.Errorf("fetched %v", fetched)
	}
}

func TestACrawlIsJudgedByWhatItFetchedAndWrote(t *testing.T) {
	t.Parallel()
	found := truth{pages: map[string]bool{"/": true, "/a": true, "/b": true, "/c": true}}
	got := found.judge(evidence{
		fetched: map[string]int{"/": 1, "/a": 2, "/b": 1, "/style.css": 1},
		written: map[string]int{"/": 1, "/a": 1},
	})
	if want := (verdict{pages: 2, missed: 2, twice: 1, further: 1}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestRatiosAreThoseOfARound(t *testing.T) {
	t.Parallel()
	floor := trials{{round: 0, verdict: verdict{pages: 1}}, {round: 1, verdict: verdict{pages: 10}},
		{round: 2, verdict: verdict{pages: 5}}}
	other := trials{{round: 0, verdict: verdict{pages: 2}}, {round: 1, verdict: verdict{pages: 30}}}
	pages := func(t trial) float64 { return float64(t.pages) }
	if got := other.ratio(floor, pages); got != "2.50" {
		t.Errorf("got %s, want the median of 2 and 3", got)
	}
	if got := floor.ratio(nil, pages); got != "–" {
		t.Errorf("got %s of nothing", got)
	}
}

func TestAReportTakesThePlaceOfTheOneBefore(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "README.md")
	if err := os.WriteFile(file, []byte("above\n<!-- figures -->\nold\n<!-- end of figures -->\nbelow\n"),
		0o600); err != nil {
		t.Fatal(err)
	}
	for _, report := range []string{"first\n", "second\n"} {
		if err := writeInto(file, "figures", report); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if want := "above\n<!-- figures -->\n\nsecond\n\n<!-- end of figures -->\nbelow\n"; string(text) != want {
		t.Errorf("got %q, want %q", text, want)
	}
	if err := writeInto(filepath.Join("floor", "main.go"), "figures", ""); err == nil ||
		!strings.Contains(err.Error(), "no place") {
		t.Errorf("a file without marks: %v", err)
	}
}

// A site is served, checked and crawled by the floor and by Colly; it has
// a broken link, a redirect and a page that nobody links to.
func TestASmallSiteIsCrawledWhole(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/usr/sbin/nginx"); err != nil {
		t.Skip("no nginx in /usr/sbin: install nginx-light")
	}
	root, temp := t.TempDir(), t.TempDir()
	for name, text := range map[string]string{
		"index.html":     `<title>t</title><a href="a.html#x">a</a> <a href="a.html">a</a> <a href=gone.html>gone</a> <a href=dir>dir</a>`,
		"a.html":         `<a href="./">home</a> <a href="index.html">home</a>`,
		"dir/index.html": `<p>nothing`,
		"lonely.html":    `<p>nobody links here`,
	} {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	tools, err := build(t.Context(), options{trawl: "none"}, temp)
	if err != nil {
		t.Fatal(err)
	}
	manual := corpus{name: "small", glob: root}
	a := newArena(options{workers: 1, limit: time.Minute}, tools, temp)
	if err := a.learn(t.Context(), manual); err != nil {
		t.Fatal(err)
	}
	if n := len(a.truths["small"].pages); n != 4 {
		t.Fatalf("the site has %d pages, want /, /index.html, /a.html and /dir/", n)
	}
	for _, who := range contestants[:2] {
		got := a.try(t.Context(), manual, who, 0)
		if got.failure != "" || got.twice != 0 || got.missed != 0 || got.cpu == 0 {
			t.Errorf("%s: %+v; want all pages fetched and written once", who.name, got)
		}
	}
}
