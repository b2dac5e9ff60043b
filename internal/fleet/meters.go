package fleet

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/trawlcrawler/trawl/internal/frontier"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/trace"
	"github.com/trawlcrawler/trawl/internal/version"
)

// NewRegistry returns the registry of a process's metrics. Their names begin with trawl_, except for
// the metrics of every Go process, go_* and process_*, which have the names that other dashboards and
// alerts know. Label values are names of jobs and words of fixed sets, never something from the web.
// The metrics of whole jobs are in the dashboard.
func NewRegistry() *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), buildInfo())
	return registry
}

// buildInfo is a metric whose labels describe the build, as is usual with Prometheus. Its
// value is always 1.
func buildInfo() prometheus.Collector {
	info := version.Get()
	g := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "trawl_build_info", Help: "Always 1; the labels describe the build of this process.",
		ConstLabels: prometheus.Labels{"version": info.Version, "revision": info.Revision, "goversion": info.Go},
	})
	g.Set(1)
	return g
}

// LabelJob is the label for the name of a job.
const LabelJob = "job"

// workerMeters counts a worker's own work, by job. It is safe for concurrent use.
type workerMeters struct {
	open     *prometheus.GaugeVec
	visits   *prometheus.CounterVec
	failures *prometheus.CounterVec
	outcomes *prometheus.CounterVec
	bytes    *prometheus.CounterVec
	lacking  *prometheus.CounterVec
	links    *prometheus.CounterVec

	spilledURLs, spilledSeen, spilledBytes, spillObjects, broughtBack, spillFailures *prometheus.CounterVec

	requests *prometheus.HistogramVec

	byJob []jobSeries // all of the above
}

// jobSeries are metrics with a label for the job.
type jobSeries interface {
	prometheus.Collector
	DeletePartialMatch(labels prometheus.Labels) int
}

// registerAll registers metrics and returns them, so that those of a removed job can be
// dropped. Metrics registered elsewhere must not have a label for the job.
func registerAll(r prometheus.Registerer, all ...jobSeries) []jobSeries {
	for _, series := range all {
		r.MustRegister(series)
	}
	return all
}

// dropJob drops the series of a job.
func dropJob(all []jobSeries, job string) {
	for _, series := range all {
		series.DeletePartialMatch(prometheus.Labels{LabelJob: job})
	}
}

// requestBuckets range from one millisecond to the longest usual timeout.
var requestBuckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}

// newWorkerMeters registers the metrics of a worker with the given maximum of concurrent
// visits.
func newWorkerMeters(r prometheus.Registerer, concurrency int) *workerMeters {
	counts := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help},
			append([]string{LabelJob}, labels...))
	}
	m := &workerMeters{
		visits: counts("trawl_worker_visits_total", "Visits carried out, by how they ended.", "ending"),
		failures: counts("trawl_worker_visit_failures_total",
			"Visits that failed because of an internal error, such as a full disk."),
		outcomes: counts("trawl_worker_urls_total",
			"URLs settled, by outcome; retry counts tries that will be repeated.", "outcome"),
		bytes:   counts("trawl_worker_body_bytes_total", "Bytes of bodies, after decoding."),
		lacking: counts("trawl_worker_incomplete_pages_total", "Pages that lack a required field."),
		links:   counts("trawl_worker_links_total", "Links that were new and admitted."),
		spilledURLs: counts("trawl_worker_spilled_urls_total",
			"Waiting URLs that this worker moved out of Redis because of its budget."),
		spilledSeen: counts("trawl_worker_spilled_seen_urls_total",
			"Seen URLs whose fingerprints this worker moved out of Redis because of its budget."),
		spilledBytes: counts("trawl_worker_spilled_bytes_total", "Bytes of the objects with spilled URLs."),
		spillObjects: counts("trawl_worker_spill_objects_total", "Objects with spilled URLs."),
		broughtBack:  counts("trawl_worker_brought_back_urls_total", "Spilled URLs that visits have brought back."),
		spillFailures: counts("trawl_worker_spill_failures_total",
			"Failures to spill URLs or to read spilled ones; such URLs wait."),
		open: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "trawl_worker_visits_open", Help: "Visits that are under way."}, []string{LabelJob}),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "trawl_worker_request_duration_seconds",
			Help:    "Requests, by how long they took to the last byte of the body.",
			Buckets: requestBuckets}, []string{LabelJob}),
	}
	places := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "trawl_worker_visits_limit", Help: "Most visits at once: the worker's concurrency."})
	places.Set(float64(concurrency))
	r.MustRegister(places)
	m.byJob = registerAll(r, m.open, m.visits, m.failures, m.outcomes, m.bytes, m.lacking, m.links, m.requests,
		m.spilledURLs, m.spilledSeen, m.spilledBytes, m.spillObjects, m.broughtBack, m.spillFailures)
	return m
}

// begin counts a visit as open until end is called with its report.
func (m *workerMeters) begin(job string) (end func(queue.Report, error)) {
	open := m.open.WithLabelValues(job)
	open.Inc()
	return func(r queue.Report, err error) {
		open.Dec()
		m.visits.WithLabelValues(job, string(r.Ending)).Inc()
		for outcome, n := range r.Outcomes {
			m.outcomes.WithLabelValues(job, string(outcome)).Add(float64(n))
		}
		m.bytes.WithLabelValues(job).Add(float64(r.Bytes))
		m.lacking.WithLabelValues(job).Add(float64(r.Incomplete))
		m.links.WithLabelValues(job).Add(float64(r.Links))
		m.spillFailures.WithLabelValues(job)
		failures := m.failures.WithLabelValues(job) // creates the series with 0 before the first failure
		if err != nil {
			failures.Inc()
		}
	}
}

// spilled counts an object of spilled URLs. seen says that it has fingerprints of seen URLs.
func (m *workerMeters) spilled(job string, s frontier.Spilled, seen bool) {
	urls := m.spilledURLs
	if seen {
		urls = m.spilledSeen
	}
	urls.WithLabelValues(job).Add(float64(s.URLs))
	m.spilledBytes.WithLabelValues(job).Add(float64(s.Bytes))
	m.spillObjects.WithLabelValues(job).Add(float64(s.Objects))
}

// asked counts a request.
func (m *workerMeters) asked(job string, took time.Duration) {
	m.requests.WithLabelValues(job).Observe(took.Seconds())
}

// forget drops the series of a job that was removed.
func (m *workerMeters) forget(job string) { dropJob(m.byJob, job) }

// countSpans registers how many spans a tracer has sent and dropped.
func countSpans(r prometheus.Registerer, t *trace.Tracer) {
	count := func(result string, value func() int64) {
		r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "trawl_worker_trace_spans_total",
			Help:        "Spans for OpenTelemetry, by result.",
			ConstLabels: prometheus.Labels{"result": result}}, func() float64 { return float64(value()) }))
	}
	count("sent", func() int64 { sent, _ := t.Counts(); return sent })
	count("dropped", func() int64 { _, dropped := t.Counts(); return dropped })
}
