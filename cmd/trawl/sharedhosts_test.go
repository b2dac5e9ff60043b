package main_test

import (
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// TestJobsOfAFleetShareTheirHosts lets three jobs with different delays, one of them
// in several shards, crawl the same two hosts with three workers and two schedulers,
// and kills a worker meanwhile.
func TestJobsOfAFleetShareTheirHosts(t *testing.T) {
	t.Parallel()
	const longest = 400 * time.Millisecond
	g := testsite.Graph{Hosts: 2, PagesPerHost: 8, LinksPerPage: 5, Seed: 7}
	site := g.Serve(t)
	ft := newFleetTest(t)
	ft.Scheduler()
	ft.Scheduler()
	workers := ft.Workers(3, "--concurrency", "2") // no worker can hold all visits
	stalls := testsite.WatchStalls(t)
	var names []string
	for i, delay := range []time.Duration{100 * time.Millisecond, longest, 200 * time.Millisecond} {
		job := jobOf(t, g, site)
		job.Delay, job.Shards = delay, 1+3*(i%2)
		ft.Create(job)
		names = append(names, job.Name)
	}
	if err := site.Until(t.Context(), func(l *testsite.Log) bool { return l.Len() > 10 }); err != nil {
		t.Fatal(err)
	}
	workers[0].Kill()
	for _, name := range names {
		if n := ft.Done(name); n.Pages() != int64(g.Hosts*g.PagesPerHost) {
			t.Errorf("job %s has %d pages, want %d", name, n.Pages(), g.Hosts*g.PagesPerHost)
		}
	}
	slack := 2*stalls() + 20*time.Millisecond // of the times in the server's log
	for _, host := range site.Hosts() {
		if n := site.MaxConcurrent(host); n != 1 {
			t.Errorf("%d concurrent requests to %s, want 1", n, host)
		}
		if gap := site.SmallestGap(host); gap < 100*time.Millisecond-slack {
			t.Errorf("the smallest gap at %s is %v", host, gap)
		}
		expectLongest(t, site.ByHost()[host], longest-slack)
	}
	var audit struct{ auditReport }
	ft.runJSON(&audit, "audit", ft.Out)
	if audit.Violations != 0 || int(audit.Hosts.Number) != g.Hosts {
		t.Errorf("the audit of the fleet reports %+v", audit.auditReport)
	}
}

// expectLongest expects at least eight gaps of the longest delay. Requests before the first
// visit of the job with that delay, and after its end, may be closer.
func expectLongest(t *testing.T, log []testsite.Request, longest time.Duration) {
	t.Helper()
	kept := 0
	for i := 1; i < len(log); i++ {
		if log[i].Start.Sub(log[i-1].Start) >= longest {
			kept++
		}
	}
	t.Logf("%d of %d gaps at %s are %v or more", kept, len(log)-1, log[0].Host, longest)
	if kept < 8 { // the requests for the job's own pages
		t.Errorf("%d gaps at %s are %v or more, want at least 8", kept, log[0].Host, longest)
	}
}
