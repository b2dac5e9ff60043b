package parse

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/charset"
	"github.com/trawlcrawler/trawl/internal/extract"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/htmltree"
	"github.com/trawlcrawler/trawl/internal/reference"
	"github.com/trawlcrawler/trawl/internal/test/corpus"
	"github.com/trawlcrawler/trawl/internal/test/race"
)

var wantArticle = Config{Text: true, Markdown: true, Article: true}

// essay is a page with an article and the usual content around it.
const essay = `<!doctype html><html lang="en-GB"><head><title>Frontiers - Example</title>
<meta name="author" content="A. Writer"><meta property="og:site_name" content="Example"><meta property="article:published_time" content="2025-03-04T05:06:07Z">
</head><body><nav class="menu"><ul><li><a href="/">Home</a></li><li><a href="/about">About us</a></li></ul></nav>
<div class="sidebar"><a href="/ad">Buy now</a></div>
<article><h1>Frontiers</h1><h2>Of URLs</h2>
<p>A frontier is what a crawler has yet to fetch, and in which order; it is the part that decides, more than any other, what the crawl is worth.</p>
<p>Whoever builds one reads <a href="../paper?x=1&amp;y=2#sec">the paper</a>, which has, besides, a <em>table</em> and an <img src="fig/1.png" alt="engraving"> of a queue.</p>
<pre><code class="language-go">func main() {
	crawl("*")
}</code></pre>
<table><thead><tr><th>host</th><th>pages</th></tr></thead><tbody><tr><td>a.example</td><td>12</td></tr><tr><td>b.example</td><td>7</td></tr></tbody></table>
<blockquote><p>Politeness is the shape of the loop, said somebody who knew, and it was found to be true in practice as well as on paper.</p></blockquote>
<ul><li>first, the host is due</li><li>then, it is visited</li></ul></article>
<footer>All rights reserved. <script>track()</script></footer></body></html>`

func TestAnArticleIsTheMainContentAsTextAndMarkdown(t *testing.T) {
	t.Parallel()
	doc := parsePage(t, wantArticle, htmlPage("http://example.com/dir/sub/page", essay))
	for _, text := range []string{doc.Text, doc.Markdown} {
		for _, there := range []string{"A frontier is what a crawler", "the paper", "crawl(", "a.example",
			"Politeness is the shape", "first, the host is due"} {
			if !strings.Contains(text, there) {
				t.Errorf("%q is missing:\n%s", there, text)
			}
		}
		for _, around := range []string{"Home", "About us", "Buy now", "All rights", "track"} {
			if strings.Contains(text, around) {
				t.Errorf("%q is included:\n%s", around, text)
			}
		}
	}
	for _, markdown := range []string{
		"## Of URLs\n", "[the paper](http://example.com/dir/paper?x=1&y=2#sec)", "*table*",
		"![engraving](http://example.com/dir/sub/fig/1.png)",
		"```go\nfunc main() {\n\tcrawl(\"*\")\n}\n```", "| host ", "> Politeness", "- first, the host is due\n",
	} {
		if !strings.Contains(doc.Markdown, markdown) {
			t.Errorf("%q is missing:\n%s", markdown, doc.Markdown)
		}
	}
	a := doc.Article
	if a == nil || a.Markdown != doc.Markdown || a.Author != "A. Writer" || a.Site != "Example" ||
		a.Language != "en-GB" ||
		!a.Published.Equal(time.Date(2025, 3, 4, 5, 6, 7, 0, time.UTC)) {
		t.Errorf("the article is %+v", a)
	}
	if doc.Trouble != "" || len(doc.Links) != 4 {
		t.Errorf("trouble %q, links %v", doc.Trouble, doc.Links)
	}
}

func TestOnlyTheRequestedFormsOfAnArticleAreProduced(t *testing.T) {
	t.Parallel()
	page := htmlPage("http://example.com/", essay)
	for _, cfg := range []Config{{}, {Text: true}, {Markdown: true}, {Article: true},
		{Text: true, Select: []string{"h=h1"}}} {
		doc := parsePage(t, cfg, page)
		if (doc.Text != "") != cfg.Text || (doc.Markdown != "") != cfg.Markdown || (doc.Article != nil) != cfg.Article {
			t.Errorf("%+v: text %q, Markdown %q, article %v", cfg, doc.Text, doc.Markdown, doc.Article)
		}
		if cfg.Select != nil && doc.Fields["h"] != "Frontiers" {
			t.Errorf("the fields are %v", doc.Fields)
		}
	}
	for _, job := range []crawler.Job{
		{ExtractSettings: crawler.ExtractSettings{Text: true}},
		{ExtractSettings: crawler.ExtractSettings{Markdown: true}}, {},
	} {
		needs := fetched.Needs{Article: !job.Text && !job.Markdown}
		cfg := JobConfig(job, needs)
		if cfg.Text != job.Text || cfg.Markdown != job.Markdown || cfg.Article != needs.Article {
			t.Errorf("for %+v the configuration is %+v", job, cfg)
		}
	}
}

func TestExtractingAnArticleDoesNotChangeTheTreeForSelectors(t *testing.T) {
	t.Parallel()
	page, cfg := htmlPage("http://example.com/dir/", essay), wantArticle
	cfg.Tree = true
	doc := parsePage(t, cfg, page)
	tree, err := ElementsOf(doc).Document(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if got := tree.Find("nav a, .sidebar a").Length(); got != 3 || doc.Text == "" {
		t.Errorf("%d of 3 elements around the article remain, text %q", got, doc.Text)
	}
	if href, _ := tree.Find("article a").Attr("href"); href != "../paper?x=1&y=2#sec" {
		t.Errorf("a link has become %q", href)
	}
}

func TestLinksOfAnArticleAreResolvedAgainstTheBase(t *testing.T) {
	t.Parallel()
	body := strings.Replace(essay, "<head>", "<head><base href='https://other.example/b/c'>", 1)
	doc := parsePage(t, wantArticle, htmlPage("http://example.com/", body))
	if !strings.Contains(doc.Markdown, "(https://other.example/paper?x=1&y=2#sec)") {
		t.Errorf("the links are not relative to the base:\n%s", doc.Markdown)
	}
}

func TestPagesWithoutMainContentHaveNoArticle(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", " ", "<frameset><frame src=a></frameset>", "<script>x()</script>"} {
		doc := parsePage(t, wantArticle, htmlPage("http://example.com/", body))
		if doc.Text != "" || doc.Trouble != "" {
			t.Errorf("%q: text %q, trouble %q", body, doc.Text, doc.Trouble)
		}
	}
}

func TestTheTextOfAnArticleIsValidUTF8(t *testing.T) {
	t.Parallel()
	page := htmlPage("http://example.com/", "<p>"+strings.Repeat("caf\xe9, cr\xe8me\x00 ", 100)+"</p>")
	page.Header.Set("Content-Type", "text/html; charset=iso-8859-1")
	doc := parsePage(t, wantArticle, page)
	for _, text := range []string{doc.Text, doc.Markdown} {
		if !utf8.ValidString(text) || strings.Contains(text, "\x00") || !strings.Contains(text, "café, crème") {
			t.Errorf("the text is %.100q", text)
		}
	}
}

// Each page is slow in a different part of the extraction or the output.
func TestHostilePagesTakeBoundedTime(t *testing.T) {
	t.Parallel()
	nested := func(open, inner, end string, deep int) string {
		return strings.Repeat(open, deep) + inner + strings.Repeat(end, deep)
	}
	words := strings.Repeat("some words, and more of them. ", 20)
	for _, c := range []struct {
		name, body, trouble string
	}{
		{"nested elements", nested("<div>", words, "</div>", 200), ""},
		{"a long text deep inside", nested("<div>", strings.Repeat("<p>"+words+"</p>", 2_000), "</div>", 110), ""},
		{"the longest allowed text", nested("<div class=author>", strings.Repeat("<p>"+words+"</p>", 1_200), "</div>",
			110), ""},
		{"nested quotations", nested("<blockquote>", strings.Repeat("a<br>", 1_000), "</blockquote>", 110), ""},
		{"quoted lines of code", nested("<blockquote>", "<pre>"+strings.Repeat("a\n", 100_000)+"</pre>",
			"</blockquote>", 110), ""},
		{"nested lists", nested("<ul><li>", strings.Repeat("a<br>", 1_000), "</li></ul>", 60), ""},
		{"a table in each cell", nested("<table><tr><td>", words, "</td></tr></table>", 40), ""},
		{"a table of many columns", "<table><tr><td>a</td></tr><tr>" + strings.Repeat("<td>a</td>", 20_000) + "</tr>" +
			strings.Repeat("<tr><td>a</td></tr>", 3_000) + "</table>", ""},
		{"a cell over many columns", "<p>" + words + "</p><table><tr><td colspan=1000 rowspan=60000>a</td></tr>" +
			strings.Repeat("<tr><td colspan=1000>a</td></tr>", 2_000) + "</table>", ""},
		{"a long cell among many", "<table><tr><td>" + strings.Repeat(words, 200) + "</td><td>b</td></tr>" +
			strings.Repeat("<tr><td>a</td><td>b</td></tr>", 5_000) + "</table>", ""},
		{"many paragraphs", strings.Repeat("<p>"+words+"</p>", 5_000), ""},
		{"many line breaks", strings.Repeat("<br>", 200_000), ""},
		{"many breaks in lines", strings.Repeat("a<br><br>", 100_000), ""},
		{"many links", strings.Repeat("<a href=/x>a link</a> ", 20_000), ""},
		{"many empty elements", strings.Repeat("<div><span></span></div>", 50_000), ""},
		{"nested spans", strings.Repeat(nested("<span>", "a, b", "</span>", 100), 300), ""},
		{"nested emphasis", strings.Repeat(nested("<b>", "a", "</b>", 100), 300), ""},
		{"scripts with much text",
			strings.Repeat(`<script type="application/ld+json">{"@type":"Article","name":"x"}</script>`, 5_000), ""},
		{"stars", "<p>" + strings.Repeat("*_`[", 200_000) + "</p>", ""},
		{"backquotes", "<code>" + strings.Repeat("`", 500_000) + "</code>", ""},
		{"numbers of lists", "<ol start=999999999>" + strings.Repeat("<li>a", 50_000) + "</ol>", ""},
		{"an invalid date", "<meta property='article:published_time' content='" + strings.Repeat("1/", 10_000) +
			"'><p>" + words, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if len(c.body) > 30_000 {
				race.Skip(t)
			}
			began := time.Now()
			page := htmlPage("http://example.com/", c.body)
			doc := parsePage(t, wantArticle, page)
			if c.trouble != "" && !strings.Contains(doc.Trouble, c.trouble) {
				t.Errorf("trouble %q, want %q", doc.Trouble, c.trouble)
			}
			if len(doc.Markdown) > extract.MaxBytes || len(doc.Text) > extract.MaxBytes {
				t.Errorf("text of %d bytes, Markdown of %d", len(doc.Text), len(doc.Markdown))
			}
			if took := time.Since(began); took > maxArticleTime+10*time.Minute {
				t.Errorf("it took %s", took)
			}
			t.Logf("%d bytes in %s, Markdown of %d: %s", len(c.body), time.Since(began).Round(time.Millisecond),
				len(doc.Markdown), doc.Trouble)
		})
	}
}

// Links must be exactly those that a browser would follow, in any notation.
func TestMarkdownOnlyLinksToPagesAndMailAddresses(t *testing.T) {
	t.Parallel()
	words := strings.Repeat("Some words, so that there is an article to be found, and more of them. ", 10)
	for href, want := range map[string]string{
		"/a": "(http://example.com/a)", "HTTPS://b.example": "(https://b.example/)",
		" mailto:c@example.com?subject=d ": "(mailto:c@example.com?subject=d)", "#e": "(http://example.com/dir/page#e)",
		"/f(g)(": `(http://example.com/f\(g\)\()`, "//h.example/i": "(http://h.example/i)",
		"javascript:alert(1)": "", "JaVaScRiPt:alert(1)": "", "java\tscript:alert(1)": "",
		" \x01javascript:alert(1)": "", "java&#10;script:alert(1)": "", "&#106;avascript:alert(1)": "",
		"data:text/html,x": "", "vbscript:x": "", "file:///etc/passwd": "", "tel:1": "",
		"view-source:http://example.com/": "", "http://[": "", "x:y": "",
	} {
		href = strings.NewReplacer(`\t`, "\t", `\x01`, "\x01").Replace(href)
		for _, body := range []string{
			`<article><h1>Title</h1><p>` + words + `</p><p>` + words + `<a href="` + href + `">linked words</a> ` +
				words + `</p></article>`,
			`<article><h1>Title</h1><p>` + words + `</p><ul><li>` + words + `<b><a title='x\"y' href="` + href +
				`"><img src="` + href + `" alt="linked words"></a></b></li></ul></article>`,
		} {
			doc := parsePage(t, Config{Markdown: true}, htmlPage("http://example.com/dir/page", body))
			if !strings.Contains(doc.Markdown, "Some words") {
				t.Fatalf("%q: no article was found: %q, %q", href, doc.Markdown, doc.Trouble)
			}
			if want != "" && !strings.Contains(doc.Markdown, strings.TrimSuffix(want, ")")) {
				t.Errorf("%q is not a link to %q:\n%s", href, want, doc.Markdown)
			}
			for _, forbidden := range []string{"](java", "](JaVa", "](data", "](vb", "](file", "](tel", "](view",
				"](x:", "]()"} {
				if strings.Contains(doc.Markdown, forbidden) {
					t.Errorf("%q is a link:\n%s", href, doc.Markdown)
				}
			}
		}
	}
}

func TestAnArticleIsGivenUpWhenItTakesTooLong(t *testing.T) {
	t.Parallel()
	p, err := New(wantArticle)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	root, trouble := htmltree.New(charset.NewSource(charset.MediaType{Charset: "utf-8"}, []byte(essay), false),
		new(htmltree.Formatting), 0, htmltree.MaxDeep, nil).Document(t.Context())
	if trouble != "" {
		t.Fatal(trouble)
	}
	var doc fetched.Document
	if trouble := p.articles.read(ctx, &doc, root,
		reference.ResolverAt(htmlPage("http://example.com/", "").URL)); !strings.Contains(trouble, "takes more than") ||
		doc.Text != "" {
		t.Errorf("trouble %q, text %q", trouble, doc.Text)
	}
}

func TestArticlesOfRealPages(t *testing.T) {
	t.Parallel()
	for _, c := range append(corpus.Manuals(), corpus.Manual{Name: "handbook",
		Glob: "/usr/share/doc/debian-handbook/html"}) {
		t.Run(c.Name, func(t *testing.T) {
			t.Parallel()
			pages, without, text := c.Pages(t, 60), 0, 0
			for _, page := range pages {
				doc := parsePage(t, wantArticle, page)
				// The race detector is slow.
				if doc.Trouble != "" && !strings.Contains(doc.Trouble, "takes more than") {
					t.Errorf("%s: %s", page.URL, doc.Trouble)
				}
				if doc.Text == "" {
					without++
				}
				text += len(doc.Text)
				if doc.Article != nil && (doc.Article.Markdown == "") != (doc.Text == "") {
					t.Errorf("%s: text of %d bytes, Markdown of %d", page.URL, len(doc.Text), len(doc.Article.Markdown))
				}
			}
			if without > len(pages)/10 {
				t.Errorf("%d of %d pages have no text", without, len(pages))
			}
			t.Logf("%d pages, %d bytes of text, %d without", len(pages), text, without)
		})
	}
}

func FuzzArticle(f *testing.F) {
	f.Add([]byte(essay))
	f.Add([]byte("<table><tr><td colspan=3><ul><li><pre>a</pre></table><blockquote>b<hr><h1><a href=x><img src=y></a>"))
	p, err := New(wantArticle)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		doc, err := p.Parse(context.Background(), htmlPage("http://example.com/dir/page", string(body)))
		if err != nil {
			t.Fatal(err)
		}
		for _, text := range []string{doc.Text, doc.Markdown} {
			if !utf8.ValidString(text) || strings.Contains(text, "\x00") {
				t.Errorf("text %q", text)
			}
		}
	})
}

func BenchmarkArticle(b *testing.B) {
	for _, glob := range []string{"/usr/share/doc/python3*/html", "/usr/share/doc/debian-handbook/html"} {
		for _, cfg := range []Config{{Select: []string{"h=h1"}}, {Text: true}, wantArticle} {
			b.Run(fmt.Sprintf("%s/text=%v,markdown=%v", strings.Split(glob, "/")[4], cfg.Text, cfg.Markdown),
				func(b *testing.B) {
					p, err := New(cfg)
					if err != nil {
						b.Fatal(err)
					}
					benchmark(b, p, corpus.Manual{Glob: glob}.Pages(b, 300))
				})
		}
	}
}
