package parse

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"codeberg.org/readeck/go-readability/v2"
	"codeberg.org/readeck/go-readability/v2/render"
	"golang.org/x/net/html"

	"github.com/trawlcrawler/trawl/crawler"
)

// articles makes text and Markdown of what a page is about, without menus,
// advertisements and whatever else is around it. It is safe for concurrent use.
type articles struct{ text, markdown, file bool } // what is asked for

// newArticles returns nil when nothing is asked for.
func newArticles(cfg Config) *articles {
	if !cfg.Text && !cfg.Markdown && !cfg.Article {
		return nil
	}
	return &articles{text: cfg.Text, markdown: cfg.Markdown, file: cfg.Article}
}

// Bounds of what an article is looked for in. An algorithm that looks, for each
// element, at all that is in it takes as long as the page is long times as deep.
// Of a thousand manuals of real software, the largest page has 109 MiB at 26 deep.
const (
	mostArticleDeep   = 128
	mostArticleWeight = 128 << 20 // depth times bytes, of all nodes
	articleNodeWeight = 32        // bytes that a node counts for, beside its text
	mostArticle       = 8 << 20   // bytes of text, and of Markdown
	mostArticleTime   = 5 * time.Second
)

// errLate ends a reading whose time is over.
var errLate = fmt.Errorf("it takes more than %s", mostArticleTime)

// read adds to a document what it is about, or says why that can not be told.
// Whatever a library does to a page is the page's trouble.
func (a *articles) read(ctx context.Context, doc *crawler.Document, root *html.Node, res resolver) (trouble string) {
	defer func() {
		if p := recover(); p != nil {
			trouble = fmt.Sprintf("its main text was not read: %s", clip(clean(fmt.Sprint(p)), mostQuoted))
		}
	}()
	if weight, ok := weigh(root, 0, mostArticleWeight); !ok {
		return fmt.Sprintf("its main text was not read: elements are nested more than %d deep", mostArticleDeep)
	} else if weight > mostArticleWeight {
		return "its main text was not read: it is too long for how deeply its elements are nested"
	}
	ctx, cancel := context.WithTimeout(ctx, mostArticleTime)
	defer cancel()
	root = cloned(root) // which its reader takes apart
	absolute(root, res)
	reader := readability.NewParser()
	reader.KeepClasses = true // they name the languages of code
	reader.Logger = slog.New(deadline{ctx})
	found, err := reader.ParseAndMutate(root, nil)
	if err != nil || found.Node == nil { // it is about nothing
		return ""
	}
	if a.text {
		doc.Text = whole(render.InnerText(found.Node), &trouble)
	}
	if !a.markdown && !a.file {
		return trouble
	}
	markdown, err := markdownOf(ctx, found.Node)
	if err != nil {
		return "its main content was not made Markdown: " + clip(clean(err.Error()), mostQuoted)
	}
	text := whole(string(markdown), &trouble)
	if a.markdown {
		doc.Markdown = text
	}
	if a.file {
		doc.Article = articleOf(found, text)
	}
	return trouble
}

func articleOf(found readability.Article, markdown string) *crawler.Article {
	published, _ := found.PublishedTime() // zero for what is no time
	return &crawler.Article{
		Markdown: markdown, Author: collapse(found.Byline(), mostTitle), Site: collapse(found.SiteName(), mostTitle),
		Language: collapse(found.Language(), mostQuoted), Published: published,
	}
}

// whole makes text of what a library made of a page.
func whole(s string, trouble *string) string {
	if len(s) > mostArticle {
		*trouble = fmt.Sprintf("its main text has more than %d bytes: the rest was left out", mostArticle)
		s = clip(s, mostArticle)
	}
	return strings.TrimSpace(clean(s))
}

// weigh returns the sum of depth times length of all nodes below n, and stops
// when that is more than most. It reports false when they are nested too deeply.
func weigh(n *html.Node, depth, most int) (sum int, ok bool) {
	if depth > mostArticleDeep {
		return 0, false
	}
	for c := n.FirstChild; c != nil && sum <= most; c = c.NextSibling {
		below, ok := weigh(c, depth+1, most-sum)
		if !ok {
			return 0, false
		}
		sum += below + depth*(articleNodeWeight+len(c.Data))
	}
	return sum, true
}

// cloned copies a tree that was found to be of bounded depth.
func cloned(n *html.Node) *html.Node {
	c := &html.Node{Type: n.Type, DataAtom: n.DataAtom, Data: n.Data, Namespace: n.Namespace, Attr: slices.Clone(n.Attr)}
	for child := range n.ChildNodes() {
		c.AppendChild(cloned(child))
	}
	return c
}

// absolute makes URLs of the references of links and images, with the fragments.
func absolute(root *html.Node, res resolver) {
	for n := range root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		for i, a := range n.Attr {
			if a.Key != "href" && a.Key != "src" {
				continue
			}
			u, ok := res.url(a.Val)
			if !ok {
				continue
			}
			n.Attr[i].Val = u.String()
			if _, fragment, ok := strings.Cut(a.Val, "#"); ok {
				n.Attr[i].Val += "#" + fragment
			}
		}
	}
}

// deadline is the log of a library that knows no context. It is asked, again and
// again as the library goes through a page, whether to log something: never, and
// when the time is over, it stops the library.
type deadline struct{ ctx context.Context }

func (d deadline) Enabled(context.Context, slog.Level) bool {
	if d.ctx.Err() != nil {
		panic(errLate)
	}
	return false
}

func (d deadline) Handle(context.Context, slog.Record) error { return nil }
func (d deadline) WithAttrs([]slog.Attr) slog.Handler        { return d }
func (d deadline) WithGroup(string) slog.Handler             { return d }
