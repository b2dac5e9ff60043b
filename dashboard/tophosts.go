package dashboard

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/trawlcrawler/trawl/crawler"
)

// Bounds of the metrics of hosts. Reading the hosts of a job takes Redis some milliseconds, so it
// is done once a minute, for the jobs with the most waiting URLs.
const (
	topHostsEvery = time.Minute
	topHostsJobs  = 20
	mostTopHosts  = 100
)

var (
	descHostWaiting = described("trawl_job_top_host_waiting_urls",
		"URLs that wait for one of the hosts of the job with the most of them, at most a minute ago.", "job", "host")
	descHostInterval = described("trawl_job_top_host_interval_seconds",
		"Time between the starts of two requests to one of the hosts with the most waiting URLs.", "job", "host")
	descHostFailures = described("trawl_job_top_host_consecutive_failures",
		"Failures in a row of one of the hosts with the most waiting URLs.", "job", "host")
)

// topHosts remembers the hosts of each running job with the most waiting URLs. It is safe for
// concurrent use.
type topHosts struct {
	number int // of hosts of each job; 0 for none
	read   func(ctx context.Context, job string, limit int) ([]crawler.HostStatus, error)
	now    func() time.Time

	mu    sync.Mutex
	known map[string]topOf
}

// topOf is what is known of the hosts of a job.
type topOf struct {
	at    time.Time
	hosts []crawler.HostStatus
}

// collect sends the metrics of the hosts of the running jobs, and forgets the other jobs. The hosts of
// a job that cannot be read are left out.
func (t *topHosts) collect(ctx context.Context, out chan<- prometheus.Metric, sheets []sheet) {
	if t.number <= 0 {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	known := make(map[string]topOf)
	for _, job := range largestJobs(sheets) {
		top, ok := t.known[job]
		if !ok || t.now().Sub(top.at) >= topHostsEvery {
			hosts, err := t.read(ctx, job, readHosts)
			if err != nil {
				continue
			}
			top = topOf{t.now(), hosts[:min(len(hosts), t.number)]}
		}
		known[job] = top
		for _, h := range top.hosts {
			labels := []string{job, string(h.Host)}
			out <- gauge(descHostWaiting, h.Waiting, labels...)
			out <- prometheus.MustNewConstMetric(descHostInterval, prometheus.GaugeValue, h.Interval.Seconds(), labels...)
			out <- gauge(descHostFailures, h.ConsecutiveFailures, labels...)
		}
	}
	t.known = known
}

// largestJobs returns the names of the running jobs with the most waiting URLs.
func largestJobs(sheets []sheet) (names []string) {
	running := slices.DeleteFunc(slices.Clone(sheets), func(sh sheet) bool {
		return sh.State != crawler.StateRunning || sh.Counters == nil || sh.Counters.Hosts == 0
	})
	slices.SortStableFunc(running, func(a, b sheet) int { return cmp.Compare(b.Counters.Waiting, a.Counters.Waiting) })
	for _, sh := range running[:min(len(running), topHostsJobs)] {
		names = append(names, sh.Name)
	}
	return names
}
