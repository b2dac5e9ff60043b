package dashboard

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/waiting"
)

// scrapeTime limits the time for reading all jobs for one scrape. By default, Prometheus
// waits 10 s.
const scrapeTime = 5 * time.Second

// metrics collects the counters of all jobs when Prometheus asks. Labels are names of jobs, words
// from closed sets, and the names of a few hosts of each job; nothing else comes from the web.
type metrics struct {
	dashboard  *Dashboard
	hosts      *topHosts
	registerer prometheus.Registerer
	handler    http.Handler
}

func newMetrics(d *Dashboard, cfg Config) (*metrics, error) {
	registerer, gatherer := cfg.Registerer, cfg.Gatherer
	if registerer == nil {
		registerer = prometheus.NewRegistry()
	}
	if gatherer == nil {
		var ok bool
		if gatherer, ok = registerer.(prometheus.Gatherer); !ok {
			return nil, errors.New("dashboard: Config.Registerer is not a Gatherer, and Config.Gatherer is not set")
		}
	}
	m := &metrics{dashboard: d, registerer: registerer,
		hosts: &topHosts{number: min(cfg.TopHosts, mostTopHosts), read: d.hostsOf, now: d.now}}
	if err := registerer.Register(m); err != nil {
		return nil, fmt.Errorf("dashboard: register metrics: %w", err)
	}
	m.handler = promhttp.HandlerFor(gatherer, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
	return m, nil
}

func (m *metrics) close() { m.registerer.Unregister(m) }

func described(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

var (
	descUp    = described("trawl_redis_up", "Whether the jobs could be read from Redis: 1 or 0.")
	descState = described("trawl_job_state", "1 for the state that the job is in, 0 for all others.", "job", "state")
	descWaits = described("trawl_job_waits",
		"1 for the reason why no page of the job is being fetched, 0 for all other reasons. Absent for jobs that have ended.", "job", "for")
	descPages    = described("trawl_job_pages_total", "URLs that were fetched.", "job")
	descBytes    = described("trawl_job_bytes_total", "Bytes of the bodies that were fetched.", "job")
	descOutcomes = described("trawl_job_outcomes_total",
		"URLs by their outcome; retry counts tries that will be repeated.", "job", "outcome")
	descURLs = described("trawl_job_urls",
		"URLs that wait, that are in flight, and that were ever admitted (seen).", "job", "state")
	descHosts   = described("trawl_job_hosts", "Hosts ever seen.", "job")
	descGarbage = described("trawl_job_garbage_total", "Damaged keys and entries in Redis that were set aside.", "job")
	descTracked = described("trawl_job_tracked_pages", "Pages of a continuous job that are fetched again and again.",
		"job")
	descAgain = described("trawl_job_fetched_again_total",
		"Fetches of pages that were fetched before: those that found them changed, unchanged, or failed (other).", "job", "found")
	descFresh = described("trawl_job_up_to_date_ratio",
		"Estimated share of the pages of a continuous job that are up to date, from 0 to 1.", "job")
	descOldest = described("trawl_job_oldest_page_seconds",
		"Age of the page of a continuous job whose last fetch is the longest ago.", "job")
	descUsed   = described("trawl_job_budget_used", "Fetches of a continuous job in the last day.", "job")
	descBudget = described("trawl_job_budget", "Fetches that a continuous job may make in a day.", "job")
	descVisits = described("trawl_job_visits",
		"Hosts that are due for a visit, and visits that are enqueued (armed) or open.", "job", "state")
)

var states = []crawler.State{
	crawler.StateCreated, crawler.StateRunning, crawler.StatePaused,
	crawler.StateDone, crawler.StateCancelled, crawler.StateFailed, crawler.StateBroken,
}

// Describe sends the descriptions of the metrics.
func (m *metrics) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{descUp, descState, descWaits, descPages, descBytes, descOutcomes, descURLs,
		descHosts, descVisits, descGarbage, descTracked, descAgain, descFresh, descOldest, descUsed, descBudget,
		descHostWaiting, descHostInterval, descHostFailures} {
		out <- d
	}
}

// Collect reads all jobs. If that fails, it sends only trawl_redis_up with the value 0.
func (m *metrics) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTime)
	defer cancel()
	sheets, err := m.dashboard.survey(ctx)
	if err != nil {
		m.dashboard.log.Warn("cannot read the jobs for metrics", "error", err)
		out <- gauge(descUp, 0)
		return
	}
	out <- gauge(descUp, 1)
	for _, sh := range sheets {
		collectState(out, sh)
		collectWaits(out, sh)
		if sh.Counters != nil {
			collectCounters(out, sh.Name, *sh.Counters)
			collectFreshness(out, sh)
		}
	}
	m.hosts.collect(ctx, out, sheets)
}

func collectState(out chan<- prometheus.Metric, sh sheet) {
	for _, state := range states {
		is := int64(0)
		if state == sh.State {
			is = 1
		}
		out <- gauge(descState, is, sh.Name, string(state))
	}
}

func collectWaits(out chan<- prometheus.Metric, sh sheet) {
	if ended(sh.State) {
		return
	}
	for _, reason := range waiting.WaitReasons {
		is := int64(0)
		if reason == sh.WaitsFor {
			is = 1
		}
		out <- gauge(descWaits, is, sh.Name, string(reason))
	}
}

func collectCounters(out chan<- prometheus.Metric, job string, c crawler.Counters) {
	out <- counter(descPages, c.Pages(), job)
	out <- counter(descBytes, c.Bytes, job)
	for _, outcome := range queue.Outcomes {
		out <- counter(descOutcomes, c.Outcomes[outcome], job, string(outcome))
	}
	out <- gauge(descURLs, c.Waiting, job, "waiting")
	out <- gauge(descURLs, c.Flight, job, "in_flight")
	out <- gauge(descURLs, c.Seen, job, "seen")
	out <- gauge(descHosts, c.Hosts, job)
	out <- counter(descGarbage, c.Garbage, job)
	out <- gauge(descVisits, c.Due, job, "due")
	out <- gauge(descVisits, c.Armed, job, "armed")
	out <- gauge(descVisits, c.Open, job, "open")
}

// collectFreshness sends the metrics of a continuous job.
func collectFreshness(out chan<- prometheus.Metric, sh sheet) {
	n, f := *sh.Counters, sh.Freshness
	if f == nil {
		return
	}
	out <- gauge(descTracked, n.Tracked, sh.Name)
	out <- counter(descAgain, n.Changed, sh.Name, "changed")
	out <- counter(descAgain, n.Unchanged, sh.Name, "unchanged")
	out <- counter(descAgain, max(0, n.Again-n.Changed-n.Unchanged), sh.Name, "other")
	value := func(d *prometheus.Desc, v float64) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, sh.Name)
	}
	value(descFresh, f.UpToDate)
	if !f.Oldest.IsZero() {
		value(descOldest, max(0, f.At.Sub(f.Oldest).Seconds()))
	}
	value(descUsed, float64(f.Used))
	value(descBudget, f.Budget)
}

func gauge(d *prometheus.Desc, v int64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.GaugeValue, float64(v), labels...)
}

func counter(d *prometheus.Desc, v int64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
}
