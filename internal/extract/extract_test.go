package extract

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"
)

const prose = "The harbor office keeps a ledger of every boat that comes in, with the day, the hour, and what it carried. "

// story is an article with what is usually around one.
var story = `<html lang=en><head><title>Ledger</title><meta property="og:type" content="article"><meta name=author content="A. Clerk">
<meta property="article:published_time" content="2026-01-02T03:04:05Z"></head><body><nav><a href=/>Home</a></nav>
<article><h1>Ledger</h1><p>` + strings.Repeat(prose, 3) + `</p><p><b>Read more:</b> <a href=/more>Ten boats that you must see</a></p>
<p>` + strings.Repeat(prose, 3) + `</p><pre>ring twice</pre><div class=caption>The office at dawn</div><p>` + strings.Repeat(prose, 2) + `</p>
<p>Follow us on Example and get the latest.</p></article><footer>Imprint</footer></body></html>`

func TestAnArticleIsWhatReadabilityAndTheRulesAgreeOn(t *testing.T) {
	t.Parallel()
	c := extracted(t, story)
	if c.Extractor != "auto/readability" || c.Hard != "" || c.Share < 0.7 || c.Share > 0.99 {
		t.Errorf("extractor %q, hard %q, share %v", c.Extractor, c.Hard, c.Share)
	}
	for _, text := range []string{c.Text, c.Markdown} {
		if got := strings.Count(text, "keeps a ledger"); got != 8 || !strings.Contains(text, "ring twice") {
			t.Errorf("%d of 8 sentences:\n%s", got, text)
		}
		for _, around := range []string{"Home", "Ten boats", "at dawn", "Follow us", "Imprint"} {
			if strings.Contains(text, around) {
				t.Errorf("%q is there:\n%s", around, text)
			}
		}
	}
	if m := c.Meta; m.Author != "A. Clerk" || m.Language != "en" ||
		!m.Published.Equal(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)) {
		t.Errorf("metadata %+v", m)
	}
}

func TestAPageThatNamesItsMainElementIsThat(t *testing.T) {
	t.Parallel()
	c := extracted(t, `<header>Office</header><main><h1>Rules</h1><nav>contents</nav><p>`+prose+
		`</p><aside class=note>`+prose+`</aside>
		<table><tr><th>a<th>b<tr><td>1<td>2</table></main><aside>Buy now</aside>`)
	if c.Extractor != "auto/main" || strings.Count(c.Text, "ledger") != 2 || !strings.Contains(c.Text, "1\t2") {
		t.Errorf("%q:\n%s", c.Extractor, c.Text)
	}
	for _, around := range []string{"Office", "Buy now"} {
		if strings.Contains(c.Text, around) {
			t.Errorf("%q is there:\n%s", around, c.Text)
		}
	}
}

func TestAManualIsItsWholeBody(t *testing.T) {
	t.Parallel()
	section := "<h2>Use</h2><p>Type it.</p><pre>boat --in</pre><dl><dt>--in</dt><dd>Enter.</dd></dl>"
	c := extracted(t, "<div class=navheader><a href=/>Up</a></div><h1>boat</h1>"+strings.Repeat(section, 3)+
		"<div class=navfooter>Next</div>")
	if c.Extractor != "auto/body" || strings.Count(c.Text, "boat --in") != 3 || strings.Contains(c.Text, "Up") ||
		strings.Contains(c.Text, "Next") {
		t.Errorf("%q:\n%s", c.Extractor, c.Text)
	}
}

func TestSeveralExtractorsAreSideBySide(t *testing.T) {
	t.Parallel()
	c := extracted(t, story, Trafilatura, Readability, Main, Body)
	if c.Extractor != Trafilatura || strings.Contains(c.Text, "at dawn") {
		t.Errorf("%q:\n%s", c.Extractor, c.Text)
	}
	var names []string
	for _, o := range c.Others {
		names = append(names, o.Extractor)
		if !strings.Contains(o.Text, "ledger") || !strings.Contains(o.Markdown, "ledger") || o.Share <= 0 ||
			o.Share > 1 {
			t.Errorf("%+v", o)
		}
	}
	if !slices.Equal(names, []string{Readability, Main, Body}) {
		t.Errorf("the others are %q", names)
	}
	for _, bad := range [][]string{{"magic"}, {Auto, Auto}} {
		if _, err := New(Config{Extractors: bad}); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

func TestPagesWithoutTextHaveNone(t *testing.T) {
	t.Parallel()
	for _, page := range []string{"", "<script>x()</script>", "<nav><a href=/>Home</a></nav>",
		"<frameset><frame src=a></frameset>"} {
		if c := extracted(t, page); strings.Contains(c.Text, "x()") || math.IsNaN(c.Share) {
			t.Errorf("%q: %+v", page, c)
		}
	}
}

func TestTextOfOtherScriptsIsKept(t *testing.T) {
	t.Parallel()
	for _, sentence := range []string{"港の事務所は、入ってくるすべての船の帳簿をつけている。", "مكتب الميناء يحتفظ بسجل لكل قارب يدخل.",
		"משרד הנמל מנהל יומן של כל סירה."} {
		c := extracted(t, "<article dir=rtl><p>"+strings.Repeat(sentence, 20)+"</p><p>"+strings.Repeat(sentence, 20)+
			" mixed with Latin</p></article>")
		if strings.Count(c.Text, sentence) != 40 || !strings.Contains(c.Markdown, "mixed with Latin") {
			t.Errorf("%q: %d of 40 sentences", sentence, strings.Count(c.Text, sentence))
		}
	}
}

// TestWorkIsBounded has pages whose structure is made to be costly.
func TestWorkIsBounded(t *testing.T) {
	t.Parallel()
	item := "<li>" + prose + "</li>"
	for name, page := range map[string]string{
		"a long list around code": "<ul>" + strings.Repeat(item, 3000) + "<li><pre>" + strings.Repeat("x\n", 1000) +
			"</pre></li>" + strings.Repeat(item, 3000) + "</ul>",
		"nested lists": strings.Repeat("<ul><li>a", 240),
		"a table of many cells": "<table>" + strings.Repeat("<tr>"+strings.Repeat("<td>a", 300)+"</tr>", 300) +
			"</table>",
		"a long text":          strings.Repeat("<p>"+strings.Repeat(prose, 10)+"</p>", 3000),
		"emphasis in emphasis": strings.Repeat("<b><i>", 200) + prose,
		"many marks":           "<p>" + strings.Repeat("<b>a</b>(<i>b</i>)", 20000) + "</p>",
		"breaks":               "<p>" + strings.Repeat("a<br>", 50000) + "</p>",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			steps := 0
			e, err := New(Config{Text: true, Markdown: true})
			if err != nil {
				t.Fatal(err)
			}
			c := e.Extract(parsed(t, page), exampleLinks, func() bool { steps++; return false })
			if c.Text == "" || len(c.Markdown) > MaxBytes || len(c.Text) > MaxBytes {
				t.Errorf("text of %d bytes, Markdown of %d", len(c.Text), len(c.Markdown))
			}
			t.Logf("%d bytes, %d steps, Markdown of %d", len(page), steps, len(c.Markdown))
		})
	}
}

func TestAnExtractionEndsWhenItsTimeIsOver(t *testing.T) {
	t.Parallel()
	for _, name := range Names {
		e, err := New(Config{Text: true, Markdown: true, Extractors: []string{name}})
		if err != nil {
			t.Fatal(err)
		}
		func() {
			defer func() {
				if p := recover(); p != ErrSlow {
					t.Errorf("%s ends with %v", name, p)
				}
			}()
			e.Extract(parsed(t, story), exampleLinks, func() bool { return true })
		}()
	}
}
