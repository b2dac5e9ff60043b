package dashboard

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/hibiken/asynq"
	"github.com/prometheus/client_golang/prometheus"
)

// Config says how a dashboard is set up. Only Asynq is required.
type Config struct {
	// Asynq is the Redis in which asynq's queues lie.
	Asynq asynq.RedisConnOpt
	// Ready is what /readyz asks. Default: whether the jobs can be listed. Where an
	// error has a method Advice() string, its text is told to who asks.
	Ready func(context.Context) error
	// ReadOnly refuses whatever would change something, here and in asynq's web
	// UI.
	ReadOnly bool

	// Token must come with every request but those to /healthz and /readyz: as a
	// bearer token, or as the password of any user. Default none: whoever reaches
	// the dashboard may use it (see [CheckListen]).
	Token string
	// Hosts are the names, without port, by which the dashboard is asked for
	// beside those of the loopback interface, when a request comes in there: those
	// of a proxy on the same machine. Elsewhere any name will do.
	Hosts []string

	// SeedBytes is the most bytes that one list of seeds may have, as it is sent
	// and unpacked. Default 0: no limit.
	SeedBytes int64
	// SeedLists is how many lists of seeds are read at once; another is refused
	// with 429. Default 0: no limit.
	SeedLists int
	// SeedRate is how many lines of all lists are read in a second; who sends more
	// waits. Default 0: no limit.
	SeedRate int

	// Registerer takes the metrics of the jobs. Default: a registry of the
	// dashboard's own.
	Registerer prometheus.Registerer
	// Gatherer is what /metrics shows. Default: Registerer, if it is one too, as
	// a [prometheus.Registry] is.
	Gatherer prometheus.Gatherer

	// Log hears of what fails for reasons of our own. Default: nobody does.
	Log *slog.Logger
}

// Dashboard is the web face of a fleet. It is safe for concurrent use.
type Dashboard struct {
	jobs    Jobs
	cfg     Config
	log     *slog.Logger
	monitor *monitor
	page    *page
	metrics *metrics
	meter   *meter
	quota   *quota
	now     func() time.Time
}

// New returns a dashboard of jobs. It connects to nothing yet. The caller closes
// it.
func New(jobs Jobs, cfg Config) (*Dashboard, error) {
	if cfg.Asynq == nil {
		return nil, errors.New("dashboard: Config.Asynq names no Redis")
	}
	d := &Dashboard{jobs: jobs, cfg: cfg, log: cfg.Log, meter: newMeter(), quota: newQuota(cfg.SeedLists, cfg.SeedRate), now: time.Now}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if d.page, err = newPage(); err != nil {
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

// Close ends the connections of asynq's web UI and takes the metrics back. No
// request may be under way.
func (d *Dashboard) Close() error {
	d.metrics.close()
	return d.monitor.Close()
}

// Handler returns the whole dashboard, which must be served at the root of its
// host. Serve it by [Server].
func (d *Dashboard) Handler() http.Handler {
	house := http.NewServeMux()
	for _, r := range d.routes() {
		house.Handle(r.pattern(), r.handler)
	}
	for path, methods := range methodsOf(d.routes()) {
		house.Handle(path, d.serve(refuseMethod(methods)))
	}
	house.Handle("/api/", d.serve(refusePath))

	door := http.NewServeMux()
	door.Handle("GET /healthz", d.serve(d.alive))
	door.Handle("GET /readyz", d.serve(d.ready))
	door.Handle("/", newDoorman(d.cfg).before(house))
	return withHeaders(door)
}
