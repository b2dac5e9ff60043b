package trawl

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"path/filepath"
	"sync"

	"github.com/PuerkitoBio/goquery"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/parse"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/visit"
)

// SkipRetry says that retrying a page is useless, so that it ends as failed at once.
// Handlers return an error that wraps it, as with asynq:
//
//	return fmt.Errorf("no price in %q: %w", text, trawl.SkipRetry)
var SkipRetry = queue.ErrNoRetry

// Page is a page that is passed to handlers: one with a status of 2xx and a body. It may be
// used until the handler returns. Methods that read it must not be called concurrently.
// Methods that act on it (Emit, Follow, Seed, CreateJob, Enqueue) are safe for concurrent
// use.
type Page struct {
	ctx       context.Context
	handed    visit.HandlerPage
	deliverer *deliverer // of the job, shared by all pages

	elements *parse.Elements // nil unless the page is HTML
	doc      *goquery.Document
	docErr   error
	base     *crawler.Base // for pages that are not HTML

	mu     sync.Mutex
	over   bool  // the handlers have returned
	late   bool  // a late call was already logged
	err    error // of the first call that failed
	yield  visit.Yield
	outbox outbox
}

func newPage(ctx context.Context, h visit.HandlerPage, d *deliverer) *Page {
	return &Page{ctx: ctx, handed: h, deliverer: d, elements: parse.ElementsOf(h.Document)}
}

// URL returns the page's URL, after redirects.
func (p *Page) URL() string { return p.handed.Page.URL.String() }

// RequestURL returns the URL that was requested. It identifies the page in its job and in its
// record, and should be its key in a database.
func (p *Page) RequestURL() string { return p.handed.Entry.URL.String() }

// Job returns the name of the job.
func (p *Page) Job() string { return p.handed.Job }

// Referrer returns the URL of the page that linked here; "" for a seed.
func (p *Page) Referrer() string { return p.handed.Entry.Referrer.String() }

// Depth returns the number of links between a seed and the page.
func (p *Page) Depth() int { return p.handed.Entry.Depth }

// Status returns the HTTP status, 200 to 299.
func (p *Page) Status() int { return p.handed.Page.Status }

// Header returns the header as the server sent it. It must not be changed.
func (p *Page) Header() http.Header { return p.handed.Page.Header }

// Truncated reports whether the body was cut off, at the job's body_limit or because the
// connection broke.
func (p *Page) Truncated() bool { return p.handed.Page.Truncated }

// Type returns the media type that the server declares, in lower case and without
// parameters. If it declares none, Type returns the one that the first bytes look like.
func (p *Page) Type() string {
	declared, _, err := mime.ParseMediaType(p.Header().Get("Content-Type"))
	if err != nil || declared == "" {
		declared, _, _ = mime.ParseMediaType(http.DetectContentType(p.handed.Page.Body.Head))
	}
	return declared
}

// Title returns the text of the page's <title>.
func (p *Page) Title() string {
	if p.handed.Document == nil {
		return ""
	}
	return p.handed.Document.Title
}

// Fields returns the fields that the job extracts. They must not be changed.
func (p *Page) Fields() map[string]any {
	if p.handed.Document == nil {
		return nil
	}
	return p.handed.Document.Fields
}

// Links returns the URLs that the page links to, whether or not the job follows them.
func (p *Page) Links() []string {
	if p.handed.Document == nil {
		return nil
	}
	urls := make([]string, len(p.handed.Document.Links))
	for i, l := range p.handed.Document.Links {
		urls[i] = l.URL.String()
	}
	return urls
}

// Body returns a reader of the whole body, with its content coding removed. It may be
// called more than once.
func (p *Page) Body() io.Reader { return p.handed.Page.Body.Reader() }

// Size returns the length of the body in bytes.
func (p *Page) Size() int64 { return p.handed.Page.Body.Size }

// Save writes the body to a file atomically: the file has another name until it is on disk.
// It replaces an existing file, and creates missing folders.
func (p *Page) Save(path string) (err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("save %s: %w", p.URL(), err)
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".saving-*")
	if err != nil {
		return fmt.Errorf("save %s: %w", p.URL(), err)
	}
	_, err = io.Copy(file, p.Body())
	err = errors.Join(err, file.Chmod(0o644), file.Sync(), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("save %s: %w", p.URL(), err), os.Remove(file.Name()))
	}
	return nil
}

// Document returns the page as a tree, which is built once for all handlers; nil if the
// page is not HTML. The error says why there is no tree. It wraps [SkipRetry] if that is due to
// the page, for example because it is nested too deeply, and not if the time of its handlers was
// over. Handlers see the changes that earlier ones made to the tree.
func (p *Page) Document() (*goquery.Document, error) {
	if p.elements == nil {
		return nil, nil
	}
	if p.doc == nil && p.docErr == nil {
		if p.doc, p.docErr = p.elements.Document(p.ctx); p.docErr != nil && !p.elements.Passing() {
			p.docErr = fmt.Errorf("%w: %w", p.docErr, SkipRetry)
		}
	}
	return p.doc, p.docErr
}

// Find returns the elements that a CSS selector matches; none if the page is not HTML. If
// the tree cannot be built, the page fails as if its handler had returned the error of
// [Page.Document].
func (p *Page) Find(selector string) *goquery.Selection {
	doc, err := p.Document()
	if doc == nil {
		p.fail(err)
		return new(goquery.Selection)
	}
	return doc.Find(selector)
}

// Render renders the page in a browser, unless the job has done so already. From then on, the
// methods that read the page read what the browser shows, and the job follows the links that the
// page has there. Elements that were found before belong to the tree of the markup. The job must
// render pages (Job.Render), so that its workers have a browser: with [RenderAuto], handlers call
// Render for pages that they find empty. The error says why the page cannot be rendered.
func (p *Page) Render() error {
	page, doc, err := p.handed.Render(p.ctx)
	if err != nil {
		return fmt.Errorf("render %s: %w", p.URL(), err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.handed.Page == page {
		return nil
	}
	p.handed.Page, p.handed.Document = page, doc
	p.elements, p.doc, p.docErr, p.base = parse.ElementsOf(doc), nil, nil, nil
	return nil
}

// Resolve returns the URL of a reference in the page, such as the value of an href, in
// canonical form. The error says why it is not a URL that can be fetched.
func (p *Page) Resolve(ref string) (string, error) {
	u, err := p.resolve(ref)
	return u.String(), err
}

func (p *Page) resolve(ref string) (crawler.URL, error) {
	p.mu.Lock() // a base is not safe for concurrent use
	defer p.mu.Unlock()
	if p.elements != nil {
		return p.elements.Resolve(ref)
	}
	if p.base == nil {
		base := p.handed.Page.URL.Base()
		p.base = &base
	}
	return p.base.Resolve(ref)
}
