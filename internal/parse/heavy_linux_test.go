package parse

import (
	"context"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/internal/test/race"
)

// threadTime is the processor time of this thread.
func threadTime(t *testing.T) time.Duration {
	t.Helper()
	const thisThread = 1 // RUSAGE_THREAD
	var u syscall.Rusage
	if err := syscall.Getrusage(thisThread, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// heavy returns pages that are at least as long as the part of a page that a worker holds
// in memory. Each is expensive in a different way.
func heavy() map[string]string {
	rep := strings.Repeat
	deep := func(n int, begin, within, end string) string { return rep(begin, n) + within + rep(end, n) }
	return map[string]string{
		"fifty thousand nested lists": rep("<ul><li>x", 50_000),
		"nested lists around code": deep(100, "<ul><li>", "<pre>"+rep("line of code\n", 46_000)+"</pre>",
			"</ul>"),
		"nested quotes":              rep("<blockquote>", 100) + rep("<p>line of text\n", 20_000),
		"a table of a million cells": "<table>" + rep("<tr>"+rep("<td>x", 1000), 1000) + "</table>",
		"a table of 200,000 cells":   "<main><table>" + rep("<tr>"+rep("<td>x", 100), 2000) + "</table></main>",
		"cells that span everything": "<main><table>" +
			rep("<tr>"+rep("<td rowspan=65534 colspan=1000>x", 20), 500) + "</table></main>",
		"cells with blocks": "<main><table>" +
			rep("<tr><td><ul><li>a<li>b</ul><td><p>x<p>y<td><pre>z\nz</pre>", 10_000) + "</table></main>",
		"tables in tables":       rep("<table><tr><td>x<td>", 200) + rep("y ", 100_000),
		"no text":                "<main>" + rep("<span></span>", 100_000),
		"a word of 20 MB":        "<main><p>" + rep("x", 20<<20),
		"20 MB of one paragraph": "<main><p>" + rep("words of a text that goes on, and on. ", 520_000),
		"punctuation":            "<main><p>" + rep("*_[]()#`|\\~<>! ", 140_000),
		"white space":            "<main><p>" + rep(" \n\t", 700_000),
		"Han, without spaces":    "<main><p>" + rep("港の事務所", 140_000),
		"right to left, mixed":   "<main dir=rtl><p>" + rep("مكتب الميناء ledger 港 ", 50_000),
		"empty emphasis":         "<main><p>" + rep("<i></i>", 150_000) + "x",
		"emphasized spaces":      "<main><p>x" + rep("<b> <i> </i></b>", 80_000) + "x",
		"emphasis that changes":  "<main><p>" + rep("<b>a</b><i>b</i>", 50_000),
		"links with long URLs":   "<main>" + rep("<a href='http://h/"+rep("a", 2000)+"'>y</a>", 1000),
		"an article of 20,000 sentences": "<meta property=og:type content=article><article>" +
			rep("<p>Some prose, with commas, and so on. <a href=x>y</a></p>", 20_000),
		"an article that is deep": "<meta property=og:type content=article><article>" +
			rep("<div><p>Some prose, with commas, and so on.</p>", 120) +
			rep("<p>Some prose, with commas, and so on.</p>", 20_000),
		"many articles": rep("<article><p>some text, of an article, here</p></article>", 20_000),
		"mutual footnotes": "<main>" + rep("<sup><a href=#fn1 id=r1>1</a></sup>", 20_000) +
			rep("<li id=fn1>note <a href=#r1>back</a>", 20_000),
		"boilerplate by class": rep("<div class='"+rep("comment sidebar ", 20)+"'>x, y, z</div>", 10_000),
	}
}

// The processor time of a page has a limit on every path, for each extractor, and
// whether a page is read in full or its text is left out.
func TestTheMainTextOfAPageTakesBoundedTime(t *testing.T) {
	if race.Enabled {
		t.Skip("the race detector takes processor time of its own")
	}
	pages := heavy()
	if testing.Short() {
		for _, long := range []string{"20 MB of one paragraph", "a word of 20 MB"} {
			delete(pages, long)
		}
	}
	const (
		most  = maxArticleTime + 2*time.Second // with the scan and the tree
		usual = 3 * time.Second
	)
	for name, body := range pages {
		t.Run(name, func(t *testing.T) {
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			p, err := New(Config{Text: true, Markdown: true, MinHash: true, Extractor: []string{"auto", "trafilatura"}})
			if err != nil {
				t.Fatal(err)
			}
			began := threadTime(t)
			doc, err := p.Parse(context.Background(), htmlPage("http://example.com/", "<!doctype html>"+body))
			if err != nil {
				t.Fatal(err)
			}
			spent := threadTime(t) - began
			t.Logf("%v, %d bytes of text, %d of Markdown, %q", spent.Round(time.Millisecond), len(doc.Text),
				len(doc.Markdown), doc.Trouble)
			if spent > most {
				t.Errorf("it takes %v of processor time, want at most %v", spent, most)
			}
			if len(body) < 3<<20 && (spent > usual || strings.Contains(doc.Trouble, "of a processor")) {
				t.Errorf("a page of %d bytes, held in memory, takes %v: %q", len(body), spent, doc.Trouble)
			}
		})
	}
}
