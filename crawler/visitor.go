package crawler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime"
	"sync/atomic"
	"time"
)

// Fetcher makes one request. What the web does to it is in the page; the error
// is of our own: the context's, or a full disk.
type Fetcher interface {
	Fetch(ctx context.Context, r Request) (*Page, error)
}

// Robots answers what robots.txt of a URL's authority says to a job. get makes
// one request for it, at the visit's pace.
type Robots interface {
	Ruling(ctx context.Context, j Job, u URL, get func(context.Context, URL) (*Page, error)) (Ruling, error)
}

// Parser makes a document of a page, or nil of what is none.
type Parser interface {
	Parse(ctx context.Context, p *Page) (*Document, error)
}

// SitemapParser makes a document of a sitemap. named says that somebody called
// the page one; otherwise only what begins as an XML sitemap is read. It returns
// nil of what is none.
type SitemapParser interface {
	ParseSitemap(ctx context.Context, p *Page, named bool) (*Document, error)
}

// Sink keeps results. When Keep returns nil, a kill of the process loses none
// of them. It must not hold on to them.
type Sink interface {
	Keep(ctx context.Context, results []*Result) error
	// Bodies reports whether Keep reads the bodies of pages. Otherwise they are
	// released as soon as they are read and handled.
	Bodies() bool
}

// ErrKeep says that a sink could not keep pages. Whoever runs the visits should
// look at it before more are carried out; nothing is lost meanwhile.
var ErrKeep = errors.New("the pages could not be kept")

// VisitorConfig bounds the visits of a worker.
type VisitorConfig struct {
	// Worker names the worker in records and in the frontier.
	Worker string
	// Time is for how long a visit takes new URLs. Default 30s.
	Time time.Duration
	// Pages is after how many URLs a visit takes no more. Default 20,000.
	Pages int
	// Grace is how long requests that are under way may go on when a visit is
	// told to drain. Default 4s.
	Grace time.Duration
	// CPU is taken for as long as a page is parsed, so that parsing is bounded
	// over all visits. Share one among the visitors of a worker. Default one
	// with a place for each processor.
	CPU chan struct{}
	// ParseTime is how long one page may be parsed; what it takes longer has no
	// document. Default 20s, which is for pages made to hurt: parsing in earnest
	// takes milliseconds.
	ParseTime time.Duration
	// HandlerTime is how long the handlers of one page may take. Default 1m.
	HandlerTime time.Duration
	// HandlerPlaces is taken for as long as the handlers of a page are at work, so
	// that they are bounded over all visits. Share one among the visitors of a
	// worker. Default one with four places for each processor.
	HandlerPlaces chan struct{}
	// Full reports whether all places for visits in the worker are taken. Then a
	// visit gives its place away rather than wait for its host. It is called by many
	// goroutines, several times a second. Default: there is always room.
	Full func() bool
	// Yield is called by the goroutine of a connection before it begins with a URL. A
	// simulation decides there when the goroutine goes on. Default none.
	Yield func(ctx context.Context, u URL)
	// Jitter lengthens pauses before something is tried again. Default a random one.
	Jitter Jitter
	// Log gets a line a visit at Info and a line a page at Debug. Default none.
	Log *slog.Logger
}

func (c VisitorConfig) withDefaults() VisitorConfig {
	if c.Time == 0 {
		c.Time = 30 * time.Second
	}
	if c.Pages == 0 {
		c.Pages = 20_000
	}
	if c.Grace == 0 {
		c.Grace = 4 * time.Second
	}
	if c.ParseTime == 0 {
		c.ParseTime = 20 * time.Second
	}
	if c.HandlerTime == 0 {
		c.HandlerTime = time.Minute
	}
	if c.HandlerPlaces == nil {
		c.HandlerPlaces = make(chan struct{}, 4*runtime.GOMAXPROCS(0))
	}
	if c.CPU == nil {
		c.CPU = make(chan struct{}, runtime.GOMAXPROCS(0))
	}
	if c.Full == nil {
		c.Full = func() bool { return false }
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// Visitor carries out the visits of one job in one worker. It is safe for
// concurrent use: one does hundreds of visits at once.
type Visitor struct {
	job      Job                 // as it was when the visitor was made: what cannot change
	live     atomic.Pointer[Job] // as it is now
	scope    *Scope
	frontier Frontier
	fetcher  Fetcher
	robots   Robots
	parser   Parser
	sitemaps SitemapParser // nil when the job reads none
	sink     Sink
	journal  Journal
	locator  Locator
	handlers Handlers       // nil when the job names none
	jar      http.CookieJar // nil when the job sends no cookies
	gate     *Gate
	room     func(bytes int64) error
	exempts  []netip.Prefix // addresses that may be asked without regard to others
	rules    FollowRules    // none: all links are followed
	deep     bool           // depth decides what is admitted
	cfg      VisitorConfig
	visits   atomic.Int64 // that are carried out now
}

// Tools are what a visitor works with.
type Tools struct {
	Frontier Frontier
	Fetcher  Fetcher
	Robots   Robots
	Parser   Parser
	Sitemaps SitemapParser // for jobs with Sitemaps
	Sink     Sink
	Journal  Journal        // nil for none
	Locator  Locator        // nil if the job has no AddressDelay
	Handlers Handlers       // nil if the job names none
	Jar      http.CookieJar // for jobs with Cookies
	// Gate lets visits wait until pages can be kept. Nil: what cannot be kept is given
	// back, and the visit fails.
	Gate *Gate
	// Room returns why there is no room for so many bytes of a body that memory does not
	// hold. It is needed with Gate.
	Room func(bytes int64) error
}

// NewVisitor returns a visitor for a job, whose settings must be valid.
func NewVisitor(job Job, scope *Scope, tools Tools, cfg VisitorConfig) (*Visitor, error) {
	if err := job.Validate(); err != nil {
		return nil, fmt.Errorf("job %s: %w", job.Name, err)
	}
	if job.AddressDelay > 0 && tools.Locator == nil {
		return nil, fmt.Errorf("job %s: nobody tells the addresses of hosts, which address_delay is about", job.Name)
	}
	if len(job.Handlers) > 0 && tools.Handlers == nil {
		return nil, fmt.Errorf("job %s: it wants handlers %q, which are not here", job.Name, job.Handlers)
	}
	if job.Cookies && tools.Jar == nil {
		return nil, fmt.Errorf("job %s: there is no jar for its cookies", job.Name)
	}
	exempts, err := prefixes(job.AddressExempt)
	if err != nil {
		return nil, fmt.Errorf("job %s: address_exempt: %w", job.Name, err)
	}
	rules, err := NewFollowRules(job.FollowRules)
	if err != nil {
		return nil, fmt.Errorf("job %s: %w", job.Name, err)
	}
	w := &Visitor{
		job: job, deep: job.DepthLimit() >= 0, rules: rules, scope: scope, frontier: tools.Frontier, fetcher: tools.Fetcher,
		robots: tools.Robots, parser: tools.Parser, sink: tools.Sink, journal: tools.Journal, locator: tools.Locator, exempts: exempts, cfg: cfg.withDefaults(),
		gate: tools.Gate, room: tools.Room,
	}
	w.live.Store(&job)
	if len(job.Handlers) > 0 {
		w.handlers = tools.Handlers
	}
	if job.Sitemaps && job.Follow {
		w.sitemaps = tools.Sitemaps
	}
	if job.Cookies {
		w.jar = tools.Jar
	}
	return w, nil
}

// Update lets visits go by changed settings of the job, which must be valid: those that are under way
// from the next request or the next taking of URLs on. It may be called at any time.
func (w *Visitor) Update(job Job) error {
	if err := w.scope.Filter(job); err != nil {
		return err
	}
	w.live.Store(&job)
	return nil
}

// settings are those of the job as they are now.
func (w *Visitor) settings() *Job { return w.live.Load() }

// Visit carries out one visit and reports on it. It ends when nothing waits at
// the host, at its bounds, soon after drain is closed, or when ctx ends; then
// nothing is left in flight. The error is of our own: Redis or a sink failed. An
// order that was overtaken is no error: its report ends as EndStale.
func (w *Visitor) Visit(ctx context.Context, o Order, drain <-chan struct{}) (Report, error) {
	began := time.Now()
	turn, err := w.frontier.Open(ctx, o, w.cfg.Worker)
	if errors.Is(err, ErrStale) {
		return Report{Host: o.Host, Ending: EndStale}, nil
	}
	if err != nil {
		return Report{Host: o.Host, Ending: EndError}, err
	}
	w.visits.Add(1)
	defer w.visits.Add(-1)
	v := newVisit(w, o, turn, began)
	err = v.run(ctx, drain)
	v.report.Duration = time.Since(began)
	v.report.MS = v.report.Duration.Milliseconds()
	w.cfg.Log.Info("visit", "job", w.job.Name, "host", o.Host, "visit", o.Epoch, "ending", v.report.Ending,
		"pages", v.report.Pages, "links", v.report.Links, "ms", v.report.MS)
	return v.report, err
}
