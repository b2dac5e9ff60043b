package dashboard

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/trawlcrawler/trawl/crawler"
)

func TestMetricsAreReadWhenTheyAreAskedFor(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.job(t, "news")
	s.change("news", func(r *fakeJob) {
		r.counters = crawler.Counters{
			Seen: 100, Waiting: 60, Flight: 4, Hosts: 7, Due: 3, Armed: 2, Open: 1, Bytes: 12345,
			Outcomes: map[crawler.Outcome]int64{crawler.OutcomeFetched: 30, crawler.OutcomeGone: 6},
		}
	})
	s.get(t, "/metrics").want(t, http.StatusOK,
		"trawl_redis_up 1\n",
		`trawl_job_pages_total{job="news"} 30`,
		`trawl_job_bytes_total{job="news"} 12345`,
		`trawl_job_urls{job="news",state="waiting"} 60`,
		`trawl_job_urls{job="news",state="in_flight"} 4`,
		`trawl_job_urls{job="news",state="seen"} 100`,
		`trawl_job_outcomes_total{job="news",outcome="gone"} 6`,
		`trawl_job_outcomes_total{job="news",outcome="skipped"} 0`,
		`trawl_job_hosts{job="news"} 7`,
		`trawl_job_visits{job="news",state="due"} 3`,
		`trawl_job_visits{job="news",state="armed"} 2`,
		`trawl_job_visits{job="news",state="open"} 1`,
		`trawl_job_state{job="news",state="running"} 1`,
		`trawl_job_state{job="news",state="done"} 0`,
	)
	s.change("news", func(r *fakeJob) { r.counters.Bytes = 99 })
	s.get(t, "/metrics").want(t, http.StatusOK, `trawl_job_bytes_total{job="news"} 99`)
}

// /metrics has series for the hosts of running jobs that have the most waiting URLs, reads them once a
// minute, and drops those of a job that has ended.
func TestTheHostsWithTheMostWaitingURLsHaveMetrics(t *testing.T) {
	t.Parallel()
	now := time.Now()
	s := newTestDashboard(t, func(c *Config, _ *http.Server) { c.TopHosts = 2 })
	s.metrics.hosts.now = func() time.Time { return now }
	s.job(t, "news")
	s.change("news", func(r *fakeJob) {
		r.counters = crawler.Counters{Hosts: 3, Waiting: 60}
		r.hosts = []crawler.HostStatus{{Host: "a.test", Waiting: 10}, {Host: "b.test", Waiting: 20,
			Interval: 1500 * time.Millisecond, ConsecutiveFailures: 4}, {Host: "c.test", Waiting: 30}}
	})
	first := s.get(t, "/metrics")
	first.want(t, http.StatusOK, `trawl_job_top_host_waiting_urls{host="c.test",job="news"} 30`,
		`trawl_job_top_host_waiting_urls{host="b.test",job="news"} 20`,
		`trawl_job_top_host_interval_seconds{host="b.test",job="news"} 1.5`,
		`trawl_job_top_host_consecutive_failures{host="b.test",job="news"} 4`)
	if strings.Contains(first.body, "a.test") {
		t.Errorf("more than two hosts have metrics:\n%s", first.body)
	}
	s.change("news", func(r *fakeJob) { r.hosts = []crawler.HostStatus{{Host: "a.test", Waiting: 10}} })
	s.get(t, "/metrics").want(t, http.StatusOK, `trawl_job_top_host_waiting_urls{host="c.test",job="news"} 30`)
	now = now.Add(topHostsEvery)
	s.get(t, "/metrics").want(t, http.StatusOK, `trawl_job_top_host_waiting_urls{host="a.test",job="news"} 10`)
	s.change("news", func(r *fakeJob) { r.status.State = crawler.StateDone })
	if a := s.get(t, "/metrics"); strings.Contains(a.body, "top_host") {
		t.Errorf("hosts of a job that is done have metrics:\n%s", a.body)
	}
}

func TestMetricsKeepTheRulesOfPrometheus(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.job(t, "news")
	text := s.get(t, "/metrics").body
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil || len(problems) > 0 {
		t.Error(problems, err)
	}
	for line := range strings.Lines(text) {
		if name := strings.TrimPrefix(strings.TrimPrefix(line, "# HELP "), "# TYPE "); !strings.HasPrefix(name,
			"trawl_") {
			t.Errorf("a metric without Trawl's prefix: %s", line)
		}
	}
}

func TestAScrapeWithoutRedisSaysSo(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.job(t, "news")
	s.fail(errors.New("refused"))
	a := s.get(t, "/metrics")
	a.want(t, http.StatusOK, "trawl_redis_up 0\n")
	if strings.Contains(a.body, "news") {
		t.Errorf("unknown numbers are exported:\n%s", a.body)
	}
}

func TestAScrapeOfARedisThatHangsComesToAnEnd(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.hang()
	s.get(t, "/metrics").want(t, http.StatusOK, "trawl_redis_up 0\n")
}

func TestMetricsAreRegisteredInAGivenRegistry(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	other := prometheus.NewCounter(prometheus.CounterOpts{Name: "other_total"})
	registry.MustRegister(other)
	cfg := Config{Asynq: unusedRedis, Registerer: registry}
	d, err := New(newFakeFleet(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if names := gathered(t, registry); !slices.Contains(names, "trawl_redis_up") ||
		!slices.Contains(names, "other_total") {
		t.Errorf("the registry has %v", names)
	}
	if _, err := New(newFakeFleet(), cfg); err == nil {
		t.Error("two dashboards can register with the same registry")
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
	if names := gathered(t, registry); !slices.Equal(names, []string{"other_total"}) {
		t.Errorf("a closed dashboard leaves %v", names)
	}
}

// gathered returns the names of the metrics in a registry.
func gathered(t *testing.T, registry prometheus.Gatherer) (names []string) {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		names = append(names, f.GetName())
	}
	return names
}

func TestARegistererThatCannotBeReadNeedsAGatherer(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	wrapped := prometheus.WrapRegistererWith(prometheus.Labels{"fleet": "a"}, registry)
	if _, err := New(newFakeFleet(), Config{Asynq: unusedRedis, Registerer: wrapped}); err == nil ||
		!strings.Contains(err.Error(), "Gatherer") {
		t.Error(err)
	}
	d, err := New(newFakeFleet(), Config{Asynq: unusedRedis, Registerer: wrapped, Gatherer: registry})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Close(); err != nil {
		t.Error(err)
	}
}
