package visit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"runtime"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/activity"
	"github.com/trawlcrawler/trawl/internal/condition"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/rules"
	"github.com/trawlcrawler/trawl/internal/trace"
)

// Fetcher makes one request. Failures of the remote side are reported in the page; the
// error is internal: the context's, or a full disk.
type Fetcher interface {
	Fetch(ctx context.Context, r fetched.Request) (*fetched.Page, error)
}

// GetFunc makes a GET request for a URL.
type GetFunc = func(context.Context, crawler.URL) (*fetched.Page, error)

// Robots returns the robots policy that applies to a job at a URL's origin. get makes one
// request for robots.txt, at the visit's pace.
type Robots interface {
	RobotsPolicy(ctx context.Context, j crawler.Job, u crawler.URL, get GetFunc) (fetched.RobotsPolicy, error)
	// WithReservations returns a policy whose Rights include what the tdmrep.json of u's
	// origin says. get makes one request for it.
	WithReservations(ctx context.Context, p fetched.RobotsPolicy, u crawler.URL, get GetFunc) (fetched.RobotsPolicy, error)
}

// Parser parses a page into a document; nil if it cannot be parsed.
type Parser interface {
	Parse(ctx context.Context, p *fetched.Page) (*fetched.Document, error)
}

// SitemapParser parses a sitemap into a document. named says that the page was named as a
// sitemap; otherwise only a page that begins as an XML sitemap is parsed. It returns nil if
// the page is not a sitemap.
type SitemapParser interface {
	ParseSitemap(ctx context.Context, p *fetched.Page, named bool) (*fetched.Document, error)
}

// Sink keeps results. Once Keep returns nil, killing the process loses none of them. Keep
// must not retain them.
type Sink interface {
	Keep(ctx context.Context, results []*fetched.Result) error
	// Needs returns what Keep requires of pages. Only that is read, recorded and held. It
	// always returns the same.
	Needs() fetched.Needs
}

// SegmentSink is a [Sink] whose kept records are only on this machine at first. It ships them to
// their destination later, a segment at a time.
type SegmentSink interface {
	Sink
	// KeepIn is Keep, but also returns the name of the segment that holds the results, for
	// [Settlement], and a function release. The caller must call release once the results
	// are settled or will not be settled; the segment is not finished before. On error
	// neither is set.
	KeepIn(ctx context.Context, results []*fetched.Result) (segment string, release func(), err error)
}

// ErrKeep means that a sink could not keep pages. The caller should look into it before it
// carries out more visits; nothing is lost meanwhile.
var ErrKeep = errors.New("the pages could not be kept")

// Config bounds the visits of a worker.
type Config struct {
	// Worker names the worker in records and in the frontier.
	Worker string
	// Time is how long a visit takes new URLs. Default 30s.
	Time time.Duration
	// Pages is how many URLs a visit takes at most. Default 20,000.
	Pages int
	// Grace is how long requests under way may continue when a visit is told to drain.
	// Default 4s.
	Grace time.Duration
	// CPU limits how many pages are parsed at once, over all visits that share it. All
	// visitors of a worker should share one. Default one with a place for each processor.
	CPU chan struct{}
	// ParseTime is how long one page may be parsed. A page that takes longer has no
	// document. Default 2m. It is only a last resort: parsers already bound their work by
	// counts and by processor time, whereas this is wall-clock time, in which a busy machine
	// does less.
	ParseTime time.Duration
	// KeepPause is the first pause before pages that could not be kept are kept again. Each
	// later one is twice as long, up to a minute. Default 1s.
	KeepPause time.Duration
	// HandlerTime is how long the handlers of one page may take. Default 1m.
	HandlerTime time.Duration
	// HandlerPlaces limits how many pages are handled at once, over all visits that share
	// it. All visitors of a worker should share one. Default one with four places for each
	// processor.
	HandlerPlaces chan struct{}
	// Full reports whether all places for visits in the worker are taken. Then a visit gives
	// up its place rather than wait for its host. It is called by many goroutines, several
	// times a second. Default: there is always room.
	Full func() bool
	// BeforeURL is called in the goroutine of a connection before it starts a URL. A simulation
	// uses it to decide when the goroutine continues. Default none.
	BeforeURL func(ctx context.Context, u crawler.URL)
	// Rests is called when a host is left alone for a while because it refused a request or
	// was not reached. It is called by many goroutines and must not block. Default none.
	Rests func(h crawler.Host, reason string, wait time.Duration)
	// Stops is called when handlers have stopped the job. It must make all visits of the visitor
	// drain, and must not block. Default none.
	Stops func()
	// Settled is called by the visit's leader for each URL that was settled, or returned to
	// the queue to be tried again. It must not block, nor retain the result. Default none.
	Settled func(*fetched.Result)
	// Trace gets a span for each visit and each request. Default nil: there are none.
	Trace *trace.Tracer
	// Jitter lengthens the pauses before retries. Default a random one.
	Jitter Jitter
	// Log gets a line for each visit at Info and a line for each page at Debug. Default
	// none.
	Log *slog.Logger
}

func (c Config) withDefaults() Config {
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
		c.ParseTime = 2 * time.Minute
	}
	if c.KeepPause == 0 {
		c.KeepPause = keepFirst
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
	if c.Rests == nil {
		c.Rests = func(crawler.Host, string, time.Duration) {}
	}
	if c.Stops == nil {
		c.Stops = func() {}
	}
	if c.Settled == nil {
		c.Settled = func(*fetched.Result) {}
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	return c
}

// Visitor carries out the visits of one job in one worker. It is safe for concurrent use:
// one Visitor carries out hundreds of visits at once.
type Visitor struct {
	job      crawler.Job                 // as given to New, for settings that cannot change
	live     atomic.Pointer[crawler.Job] // with the current settings
	scope    *rules.Scope
	frontier Frontier
	fetcher  Fetcher
	robots   Robots
	parser   Parser
	sitemaps SitemapParser // nil if the job reads neither sitemaps nor llms.txt
	sink     Sink
	journal  Journal
	locator  Locator
	errors   ErrorHandlers // nil if the job's handlers are not called for URLs that fail
	passing  Passing       // nil if handlers pass nothing
	handlers Handlers      // nil if the job names none
	jar      fetched.Jar   // nil if the job sends no cookies
	// validators is nil if no request is conditional.
	validators Validators
	gate       *Gate
	room       func(bytes int64) error
	exempts    []netip.Prefix    // addresses that address politeness does not apply to
	rules      rules.FollowRules // empty: all links are followed
	where      condition.FollowConditions
	deep       bool          // depth decides what is admitted
	needs      fetched.Needs // what the sink requires of pages
	download   bool          // the server's bytes are kept as they are, since nothing reads the pages
	cfg        Config
	skips      *skips
	browser    Browser      // nil if the job renders no pages
	shared     atomic.Int64 // bytes that rendered pages of visits share
	strangers  strangers
	visits     atomic.Int64            // visits in progress
	meter      activity.Meter          // times what visits do
	calls      atomic.Int64            // names the calls that open visits; counts from the visitor's start in nanoseconds
	stopper    atomic.Pointer[urlTask] // the one whose handlers have stopped the job; nil while none has
}

// stopped reports whether handlers have stopped the job with a page that is not in the batch.
// Then the batch must not be settled.
func (w *Visitor) stopped(batch []*urlTask) bool {
	e := w.stopper.Load()
	return e != nil && !slices.Contains(batch, e)
}

// Tools are the parts that a visitor works with.
type Tools struct {
	Frontier Frontier
	Fetcher  Fetcher
	Robots   Robots
	Parser   Parser
	Sitemaps SitemapParser // for jobs with Sitemaps or LLMsText
	Sink     Sink
	Journal  Journal     // may be nil
	Locator  Locator     // may be nil if the job sets no AddressDelay; Auto then means none
	Handlers Handlers    // may be nil if the job names none
	Jar      fetched.Jar // for jobs with Cookies
	// Validators make requests conditional. If it is nil, no request is.
	Validators Validators
	// Gate lets visits wait until pages can be kept. If it is nil, URLs whose pages cannot
	// be kept return to the queue, and the visit fails.
	Gate *Gate
	// Browser renders pages, for jobs that do.
	Browser Browser
	// Room returns an error if there is no room for a body of that size outside memory. It
	// is required with Gate.
	Room func(bytes int64) error
}

// New returns a visitor for a job, whose settings must be valid.
func New(job crawler.Job, scope *rules.Scope, tools Tools, cfg Config) (*Visitor, error) {
	if err := rules.Validate(job); err != nil {
		return nil, fmt.Errorf("job %s: %w", job.Name, err)
	}
	if job.AddressDelay > 0 && tools.Locator == nil {
		return nil, fmt.Errorf("job %s: address_delay needs the addresses of hosts, but there is no locator", job.Name)
	}
	if len(job.Handlers) > 0 && tools.Handlers == nil {
		return nil, fmt.Errorf("job %s: it needs the handlers %q, which this program does not have", job.Name,
			job.Handlers)
	}
	if job.Renders() && tools.Browser == nil {
		return nil, fmt.Errorf("job %s: it renders pages (render: %s), but this worker has no browser", job.Name,
			job.Render)
	}
	if job.Cookies && tools.Jar == nil {
		return nil, fmt.Errorf("job %s: there is no jar for its cookies", job.Name)
	}
	exempts, err := rules.ParsePrefixes(job.AddressExempt)
	if err != nil {
		return nil, fmt.Errorf("job %s: address_exempt: %w", job.Name, err)
	}
	rules, err := rules.NewFollowRules(job.FollowRules)
	if err != nil {
		return nil, fmt.Errorf("job %s: %w", job.Name, err)
	}
	where, err := condition.NewFollowConditions(job, time.Now())
	if err != nil {
		return nil, fmt.Errorf("job %s: %w", job.Name, err)
	}
	w := &Visitor{
		job: job, deep: job.DepthLimit() >= 0, rules: rules, where: where, scope: scope, exempts: exempts,
		cfg:      cfg.withDefaults(),
		frontier: tools.Frontier, fetcher: tools.Fetcher, robots: tools.Robots, parser: tools.Parser,
		locator: tools.Locator, validators: tools.Validators,
		sink: tools.Sink, needs: tools.Sink.Needs(), journal: tools.Journal,
		gate: tools.Gate, room: tools.Room, skips: newSkips(),
	}
	w.download = w.needs.Download(job)
	w.live.Store(&job)
	w.calls.Store(time.Now().UnixNano())
	if len(job.Handlers) > 0 {
		w.handlers = tools.Handlers
		if all, ok := w.handlers.(ErrorHandlers); ok && all.HandlesErrors() {
			w.errors = all
		}
		w.passing, _ = w.handlers.(Passing)
	}
	if (job.Sitemaps || job.LLMsText) && job.Follow {
		w.sitemaps = tools.Sitemaps
	}
	if job.Cookies {
		w.jar = tools.Jar
	}
	if job.Renders() {
		// The markup of an application does not change when its content does.
		w.browser, w.validators = tools.Browser, nil
	}
	return w, nil
}

// Update changes the job's settings, which must be valid. Visits in progress use them from
// their next request, or the next time they take URLs. Update may be called at any time.
func (w *Visitor) Update(job crawler.Job) error {
	if err := w.scope.Filter(job.ScopeSettings); err != nil {
		return err
	}
	w.live.Store(&job)
	return nil
}

// Spent returns what the visits have spent their time on so far. It may be called at any time.
func (w *Visitor) Spent() activity.Spent { return w.meter.Spent() }

// settings returns the current settings of the job.
func (w *Visitor) settings() *crawler.Job { return w.live.Load() }

// want returns what a visit takes when it opens. Where a budget of the host or its domain,
// or its address, decides what may be taken, the visit finds that out first.
func (w *Visitor) want() Want {
	job := w.settings()
	if job.PagesPerHost > 0 || job.PagesPerDomain > 0 || job.AddressGap() > 0 {
		return Want{}
	}
	return Want{
		URLs: min(aheadLanes*job.PerHost, w.cfg.Pages), Gap: job.Delay, Ahead: aheadOf(w.patience()),
	}
}

// open opens the visit that was ordered. While the frontier is unavailable, it repeats the call
// until ctx ends or drain is closed, because a call whose answer was lost may have opened the
// visit: if no worker carried out that visit, its URLs would count as held by a lost worker. If the
// call never arrived, the order becomes stale after a while.
func (w *Visitor) open(ctx context.Context, o queue.VisitRef, drain <-chan struct{}) (HostLease, error) {
	want := w.want()
	want.Call = strconv.FormatInt(w.calls.Add(1), 36)
	for pause := frontierFirst; ; pause = min(2*pause, frontierMost) {
		lease, err := w.frontier.Open(ctx, o, w.cfg.Worker, want)
		if !errors.Is(err, queue.ErrUnavailable) {
			return lease, err
		}
		select {
		case <-time.After(pause):
		case <-drain:
			return nil, err
		case <-ctx.Done():
			return nil, err
		}
	}
}

// Visit carries out one visit and reports on it. It ends when the host has no URLs waiting,
// at its bounds, soon after drain is closed, or when ctx ends; then nothing is left in
// flight. The error is internal: Redis or a sink failed. A superseded order is not an
// error: its report ends as EndStale.
func (w *Visitor) Visit(ctx context.Context, o queue.VisitRef, drain <-chan struct{}) (queue.Report, error) {
	began := time.Now()
	span := w.startSpan(o)
	lease, err := w.open(ctx, o, drain)
	if err != nil {
		r := queue.Report{Host: o.Host, Ending: queue.EndError}
		if errors.Is(err, queue.ErrStale) {
			r.Ending, err = queue.EndStale, nil
		}
		endSpan(span, r, err)
		return r, err
	}
	w.visits.Add(1)
	defer w.visits.Add(-1)
	v := newVisit(ctx, w, o, lease, began, drain)
	v.requests.span = span
	err = v.run()
	r := v.committer.report
	r.Duration = time.Since(began)
	r.MS = r.Duration.Milliseconds()
	w.cfg.Log.Info("visit", "job", w.job.Name, "host", o.Host, "visit", o.Epoch, "ending", r.Ending,
		"pages", r.Pages, "links", r.Links, "ms", r.MS)
	endSpan(span, r, err)
	return r, err
}
