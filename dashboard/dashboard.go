package dashboard

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"github.com/hibiken/asynq"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/internal/ui"
)

// Config is the configuration of a dashboard. Only Asynq is required.
type Config struct {
	// Asynq is the Redis that has asynq's queues.
	Asynq asynq.RedisConnOpt
	// Ready is the check for /readyz. By default it checks whether the jobs can be listed.
	// If an error has a method Advice() string, the response contains its text.
	Ready func(context.Context) error
	// ReadOnly refuses all changes, here and in asynq's web UI.
	ReadOnly bool

	// Token is required in every request except those to /healthz and /readyz: as a bearer
	// token, or as the password of any user. Default none: everyone who can reach the
	// dashboard may use it (see [Config.CheckListen]).
	Token string
	// Hosts lists names, without port, by which requests may ask for the dashboard on the
	// loopback interface, in addition to those of loopback itself: for example, the names
	// of a proxy on the same machine. On other interfaces any name is accepted.
	Hosts []string

	// SeedBytes is the largest size of a list of seeds in bytes, both as sent and
	// decompressed. Default 0: no limit.
	SeedBytes int64
	// SeedLists is the largest number of lists of seeds that are read at once. Further
	// lists are refused with 429. Default 0: no limit.
	SeedLists int
	// SeedRate is the largest number of lines per second that are read from all lists. A
	// client that sends faster waits. Default 0: no limit.
	SeedRate int

	// SeedIdle is how long to wait for the next line of a list of seeds. Then the request
	// ends with 408. Bytes that do not complete a line, and lines without a URL, do not
	// extend the time. The time in which the list waits to be admitted does not count.
	// Default 1m.
	SeedIdle time.Duration

	// Records reads the records of jobs, for /api/v1/jobs/{job}/records. If it also has a method
	// Changes, as a stream of records does, it reads their changes. Default none: those requests
	// are refused.
	Records Records

	// Explain says what happened to a URL of a job, and why; given is what the user wrote. The
	// error wraps [queue.ErrNoJob] if there is no such job. Default: the pages of URLs, and
	// the API, respond that this dashboard does not explain URLs.
	Explain func(ctx context.Context, job, given string, u crawler.URL) (Explanation, error)

	// Registerer registers the metrics of the jobs. Default: a registry of the dashboard's
	// own.
	Registerer prometheus.Registerer
	// Gatherer is what /metrics shows. Default: Registerer, if it is a Gatherer as well, as
	// a [prometheus.Registry] is.
	Gatherer prometheus.Gatherer

	// TopHosts is the number of hosts of each running job that /metrics has series for: those with
	// the most waiting URLs, read once a minute, for up to twenty jobs. Range 0 to 100; more counts
	// as 100. Default 0: none.
	TopHosts int

	// Public lists handlers of requests from other sites, such as signals that pages have changed, by
	// the patterns of http.ServeMux. They need no token. Default none.
	Public map[string]http.Handler

	// Log receives internal errors. Default: they are discarded.
	Log *slog.Logger
}

// Explanation is what happened to a URL.
type Explanation struct {
	Lines  []plain.Line // in words, for a page
	Report any          // for the API, which encodes it as JSON
}

// Dashboard is the web interface of a fleet. It is safe for concurrent use.
type Dashboard struct {
	jobs    Jobs
	cfg     Config
	log     *slog.Logger
	monitor *monitor
	pages   *ui.Pages
	metrics *metrics
	quota   *quota
	live    *live
	feeds   feeds
	reading chan struct{} // bounds how many URLs are explained at once
	exports chan struct{} // bounds how many files of records are sent at once
	longest time.Duration // how long records are read for one response
	now     func() time.Time
}

// New returns a dashboard of jobs. It does not connect to anything yet. The caller must
// close it.
func New(jobs Jobs, cfg Config) (*Dashboard, error) {
	if cfg.Asynq == nil {
		return nil, errors.New("dashboard: Config.Asynq is not set")
	}
	if cfg.SeedIdle <= 0 {
		cfg.SeedIdle = time.Minute
	}
	d := &Dashboard{jobs: jobs, cfg: cfg, log: cfg.Log, quota: newQuota(cfg.SeedLists, cfg.SeedRate),
		longest: maxReading, now: time.Now}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	d.live, d.reading = newLive(d.readMoment), make(chan struct{}, mostExplained)
	d.exports = make(chan struct{}, mostExports)
	var err error
	if d.pages, err = ui.New(); err != nil {
		return nil, err
	}
	if d.metrics, err = newMetrics(d, cfg); err != nil {
		return nil, err
	}
	if d.monitor, err = newMonitor(cfg.Asynq, cfg.ReadOnly); err != nil {
		d.metrics.close()
		return nil, err
	}
	return d, nil
}

// Close closes the connections of asynq's web UI and unregisters the metrics. No request
// may be in progress.
func (d *Dashboard) Close() error {
	d.live.end()
	d.metrics.close()
	return d.monitor.Close()
}

// Handler returns the handler of the whole dashboard, which must be served at the root of
// its host. Serve it with [Dashboard.Server].
func (d *Dashboard) Handler() http.Handler {
	guarded := http.NewServeMux()
	for _, r := range d.routes() {
		guarded.Handle(r.pattern(), r.handler)
	}
	for path, methods := range methodsOf(d.routes()) {
		guarded.Handle(path, d.serve(refuseMethod(methods)))
	}
	guarded.Handle("/api/", d.serve(refusePath))
	for _, path := range []string{"/api/{$}", apiRoot, apiRoot + "/{$}"} {
		guarded.Handle("GET "+path, http.RedirectHandler(referencePath, http.StatusSeeOther))
	}

	public := http.NewServeMux()
	public.Handle("GET /healthz", d.serve(d.alive))
	public.Handle("GET /readyz", d.serve(d.ready))
	for pattern, handler := range d.cfg.Public {
		public.Handle(pattern, handler)
	}
	public.Handle("/", newGuard(d.cfg).protect(guarded))
	return withHeaders(public)
}

// CheckListen returns an error if other machines could use the dashboard without a token:
// unless there is a token, addr (host:port) must be a loopback address.
func (c Config) CheckListen(addr string) error {
	if _, _, err := net.SplitHostPort(addr); err != nil {
		return fmt.Errorf("%q is not an address to listen on (write 127.0.0.1:8080): %w", addr, err)
	}
	if c.Token == "" && !isLoopback(addr) {
		return fmt.Errorf("%q can be reached from other machines and there is no token: set one, or listen on 127.0.0.1", addr)
	}
	return nil
}

// Server returns a server for the dashboard. Its time limits suit most requests; lists of
// seeds, and changes to jobs, remove them.
func (d *Dashboard) Server() *http.Server { return newServer(d.Handler()) }

func newServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       time.Minute,
		WriteTimeout:      time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
}
