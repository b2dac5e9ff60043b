package parse

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	whatwg "github.com/nlnwa/whatwg-url/url"
	"golang.org/x/net/html"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/extract"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/htmltok"
	"github.com/trawlcrawler/trawl/internal/htmltree"
	"github.com/trawlcrawler/trawl/internal/reference"
	"github.com/trawlcrawler/trawl/internal/simhash"
)

// articles extracts the main content of a page as text and Markdown, without menus,
// advertisements and the rest around it. It is safe for concurrent use.
type articles struct {
	extractor            *extract.Extractor
	text, markdown, file bool       // which outputs are wanted
	sketches             *minHashes // nil if no sketch is wanted
	minhash              bool       // sketches are recorded
	fingerprint          bool       // of the main text
}

// newArticles returns nil if nothing is wanted. The error names an extractor that does not
// exist.
func newArticles(cfg Config) (*articles, error) {
	sketched, recorded := cfg.MinHash || cfg.Sketch, cfg.Text || cfg.Markdown || cfg.Article
	x, err := extract.New(extract.Config{
		Text: cfg.Text || sketched || cfg.Fingerprint, Markdown: cfg.Markdown || cfg.Article, Metadata: cfg.Article,
		Extractors: cfg.Extractor,
	})
	if err != nil || !recorded && !sketched && !cfg.Fingerprint {
		return nil, err
	}
	a := &articles{extractor: x, text: cfg.Text, markdown: cfg.Markdown, file: cfg.Article, minhash: cfg.MinHash,
		fingerprint: cfg.Fingerprint}
	if sketched {
		a.sketches = newMinHashes()
	}
	return a, nil
}

// maxArticleTime is how much processor time the main content of a page may take. Pages
// that are made to take long take longer.
const maxArticleTime = 5 * time.Second

// read adds the main content to a document, or returns why it cannot. A panic of a
// library becomes the page's trouble.
func (a *articles) read(ctx context.Context, doc *fetched.Document, root *html.Node,
	res reference.Resolver) (trouble string) {
	defer func() {
		switch p := recover(); p {
		case nil:
		case extract.ErrSlow:
			trouble = fmt.Sprintf("its main text was not read: it takes more than %s of a processor", maxArticleTime)
		default:
			trouble = "its main text was not read: " + htmltok.Clip(htmltok.Clean(fmt.Sprint(p)), htmltok.MaxQuoted)
		}
	}()
	watch := htmltree.StartWatch(maxArticleTime)
	defer watch.Stop()
	over := func() bool { return watch.Over() || ctx.Err() != nil }
	found := a.extractor.Extract(root, targets{res}, over)
	if a.text {
		doc.Text = htmltok.Clean(found.Text)
	}
	if a.fingerprint {
		doc.Fingerprint = fingerprintOf(found.Text)
	}
	if a.sketches != nil {
		doc.Sketch = a.sketches.of(found.Text)
	}
	if a.minhash && doc.Sketch != nil {
		doc.MinHash = doc.Sketch.Bands()
	}
	markdown := htmltok.Clean(found.Markdown)
	if a.markdown {
		doc.Markdown = markdown
	}
	if a.file && markdown != "" {
		doc.Article = articleOf(found.Meta, markdown)
	}
	if a.text || a.markdown || a.file || a.sketches != nil {
		doc.MainText = a.mainText(found)
	}
	if found.Cut {
		return fmt.Sprintf("its main text has more than %d bytes: the rest was left out", extract.MaxBytes)
	}
	return ""
}

// fingerprintOf returns the lower half of the simhash of a text; nil for an empty one. Those of
// similar texts differ in few bits.
func fingerprintOf(text string) *uint32 {
	var s simhash.Hash
	s.Add([]byte(text))
	h, ok := s.Fingerprint()
	if !ok {
		return nil
	}
	low := uint32(h)
	return &low
}

// mainText says how the main content was found.
func (a *articles) mainText(found extract.Content) *fetched.MainText {
	c := &fetched.MainText{Extractor: found.Extractor, TextShare: found.Share, Hard: found.Hard}
	c.Language, c.DeclaredLanguage = found.Language, htmltok.Collapse(found.Declared, htmltok.MaxQuoted)
	c.Quality = crawler.Quality(found.Quality)
	for _, o := range found.Others {
		if c.Texts == nil {
			c.Texts = make(map[string]crawler.OtherText)
		}
		other := crawler.OtherText{TextShare: o.Share}
		if a.text {
			other.Text = htmltok.Clean(o.Text)
		}
		if a.markdown {
			other.Markdown = htmltok.Clean(o.Markdown)
		}
		c.Texts[o.Extractor] = other
	}
	return c
}

func articleOf(m extract.Metadata, markdown string) *fetched.Article {
	return &fetched.Article{
		Markdown: markdown, Author: htmltok.Collapse(m.Author, maxTitle), Site: htmltok.Collapse(m.Site, maxTitle),
		Language: htmltok.Collapse(m.Language, htmltok.MaxQuoted), Published: m.Published,
	}
}

// targets are the URLs that links in Markdown lead to.
type targets struct{ res reference.Resolver }

// schemes of links in Markdown. A reference is judged as a URL, not as it is written.
var schemes = []string{"http", "https", "mailto"}

// Link resolves a reference, and keeps its fragment.
func (t targets) Link(ref string) (string, bool) {
	if u, ok := t.res.URL(ref); ok {
		href := u.String()
		if _, fragment, ok := strings.Cut(ref, "#"); ok {
			return withFragment(href, fragment), true
		}
		return href, true
	}
	u, err := linkURLs.Parse(ref)
	if err != nil || !slices.Contains(schemes, u.Scheme()) {
		return "", false
	}
	return u.Href(false), true
}

var linkURLs = whatwg.NewParser()

// withFragment adds a fragment to a URL, in the form of the URL standard.
func withFragment(href, fragment string) string {
	u, err := linkURLs.ParseRef(href, "#"+fragment)
	if err != nil {
		return href
	}
	return u.Href(false)
}
