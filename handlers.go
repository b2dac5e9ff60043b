package trawl

import (
	"context"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	"github.com/PuerkitoBio/goquery"
	"github.com/andybalholm/cascadia"
)

// Handlers are a named set of functions for pages. Register functions before calling
// [Crawl], [Open] or [Work], which return the error of the first invalid pattern. After that, the
// functions are called from many goroutines at once. The error names the file and the line
// that registered the function. A function that is nil is an error, too.
type Handlers struct {
	name  string
	rules []rule
	sinks []SinkFunc
	fails []ErrorFunc

	requests []RequestFunc
	err      error // of the first invalid pattern
}

// PageFunc gets a page. The package comment explains what its error means.
type PageFunc func(ctx context.Context, p *Page) error

// ElementFunc gets an element of a page that a selector matched.
type ElementFunc func(ctx context.Context, p *Page, element *goquery.Selection) error

// ErrorFunc is told that a URL has failed. An error that wraps [SkipRetry] fails a URL for
// good that would be tried again; any other is logged.
type ErrorFunc func(ctx context.Context, f *Failure) error

// RequestFunc may add to a request, or refuse it with an error.
type RequestFunc func(ctx context.Context, r *Request) error

// Request is a request that is about to be made.
type Request struct {
	Job      string
	URL      string
	Referrer string // the page that linked here; "" for a seed
	Depth    int
	Try      int // the number of this try, from 1
	// Header is what is added to the header. Fields that Trawl sets itself, such as User-Agent,
	// are ignored.
	Header http.Header
}

// SinkFunc keeps results, of any outcome. After it returns nil, killing the process must
// not lose any of them. It may get a page that it already has, so it should replace what it
// has of a URL. It is called for several hosts at the same time. It must not retain the
// results. Its context ends after 20 seconds.
//
// If it returns an error or panics, nothing of the batch is settled, and it gets the same
// results again: after a second, and then after pauses that double, up to a minute. Meanwhile
// the job makes no requests in this process, which is not ready. After eight tries, which take
// two minutes, or at once if the error wraps [SkipRetry], the job ends for the whole fleet:
// its state is failed, and the reason is the error. [Crawl] and [Run.Wait] return an error that
// wraps [ErrFailed] and the sink's, such as a [PanicError]. Nothing is lost: what was not
// settled is fetched again when the job is resumed, by [Run.Resume], [Client.Resume] or another
// call of Crawl.
type SinkFunc func(ctx context.Context, results []Result) error

// rule calls a function if the page is one that the function is for.
type rule func(ctx context.Context, p *Page) error

// NewHandlers returns an empty set. Jobs refer to it by its name: 1 to 63 lower-case
// letters, digits and hyphens.
func NewHandlers(name string) *Handlers { return &Handlers{name: name} }

// OnPage registers a function for pages whose URL, after redirects, matches a regular
// expression (RE2) anywhere. "" matches every page. Functions are called in the order in
// which they were registered, until one returns an error.
func (h *Handlers) OnPage(pattern string, do PageFunc) {
	re, err := regexp.Compile(pattern)
	h.add(err, do == nil, "OnPage", pattern, func(ctx context.Context, p *Page) error {
		if !re.MatchString(p.URL()) {
			return nil
		}
		return do(ctx, p)
	})
}

// OnType registers a function for pages of a media type, such as "application/pdf", or of
// all types of a kind, such as "image/*".
func (h *Handlers) OnType(mediaType string, do PageFunc) {
	want, _, err := mime.ParseMediaType(mediaType)
	if err == nil && !strings.Contains(want, "/") {
		err = fmt.Errorf("want a type such as application/pdf, or image/*")
	}
	kind, all := strings.CutSuffix(want, "/*")
	h.add(err, do == nil, "OnType", mediaType, func(ctx context.Context, p *Page) error {
		got := p.Type()
		if got != want && !(all && strings.HasPrefix(got, kind+"/")) {
			return nil
		}
		return do(ctx, p)
	})
}

// OnHTML registers a function that is called for each element of an HTML page that a CSS
// selector matches, in the order of the page.
func (h *Handlers) OnHTML(selector string, do ElementFunc) {
	matcher, err := cascadia.Compile(selector)
	h.add(err, do == nil, "OnHTML", selector, func(ctx context.Context, p *Page) error {
		doc, err := p.Document()
		if doc == nil || err != nil {
			return err
		}
		for _, element := range doc.FindMatcher(matcher).EachIter() {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := do(ctx, p, element); err != nil {
				return err
			}
		}
		return nil
	})
}

// OnError registers a function that is told what fails: URLs that a server answers with an
// error, that cannot be reached, whose host is given up, and that handlers fail on. It is
// told so for each try; Failure.Final says that there are no more. It runs before the
// failure is on record, under the deadline of handlers. If the worker is lost before the URL
// is settled, it is told again.
func (h *Handlers) OnError(do ErrorFunc) {
	if h.check(nil, do == nil, "OnError", "") {
		h.fails = append(h.fails, do)
	}
}

// OnRequest registers a function that is called before each request for a URL of the job, and
// for each redirect within a host, but not for robots.txt. It may add to the request's header.
// If it returns an error, the URL is not requested, and ends as skipped, with the error as
// the reason. It runs in the pace of the host, so it should return soon.
func (h *Handlers) OnRequest(do RequestFunc) {
	if h.check(nil, do == nil, "OnRequest", "") {
		h.requests = append(h.requests, do)
	}
}

// Sink registers a function that keeps the results of all jobs that name the set.
func (h *Handlers) Sink(keep SinkFunc) {
	if h.check(nil, keep == nil, "Sink", "") {
		h.sinks = append(h.sinks, keep)
	}
}

func (h *Handlers) add(err error, missing bool, method, pattern string, r rule) {
	if h.check(err, missing, method, pattern) {
		h.rules = append(h.rules, r)
	}
}

// check reports whether a registration is valid, and otherwise keeps its error, if it is the
// first one, with the line of the program that called the method.
func (h *Handlers) check(err error, missing bool, method, pattern string) bool {
	if h == nil {
		panic("trawl: " + method + " of handlers that are nil: make them with trawl.NewHandlers" + calledAt())
	}
	if err == nil && missing {
		err = errors.New("the function is nil")
	}
	if err != nil && h.err == nil {
		h.err = fmt.Errorf("handlers %s: %s(%q): %w%s", h.name, method, pattern, err, calledAt())
	}
	return err == nil
}

// calledAt returns the line of the program that called this package, in parentheses.
func calledAt() string {
	pcs := make([]uintptr, 8)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(2, pcs)])
	for {
		frame, more := frames.Next()
		if !strings.HasPrefix(frame.Function, "github.com/trawlcrawler/trawl.") && frame.File != "" {
			return fmt.Sprintf(" (%s:%d)", filepath.Base(frame.File), frame.Line)
		}
		if !more {
			return ""
		}
	}
}

// run passes a page to the functions that are for it.
func (h *Handlers) run(ctx context.Context, p *Page) error {
	for _, do := range h.rules {
		err := do(ctx, p)
		if err == nil {
			err = p.failure()
		}
		if err != nil {
			return fmt.Errorf("handlers %s: %w", h.name, err)
		}
	}
	return nil
}
