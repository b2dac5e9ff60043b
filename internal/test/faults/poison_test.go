package faults_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
)

// A page that kills the worker that fetches it is given up after three workers. Nothing else is
// lost.
func TestAPageThatKillsItsWorkersIsGivenUpAfterThree(t *testing.T) {
	t.Parallel()
	const killerPath, claims = "/page/7", 3
	c := newCrawl(t, 1, 60)
	c.job.PerHost = 4 // keeps other URLs in flight together with it
	c.Scheduler()

	var mu sync.Mutex
	worker, deaths := c.Worker(), 0
	dead := make(chan struct{})
	c.site.Handle(killerPath, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		worker.Kill() // cannot have received a response
		deaths++
		dead <- struct{}{}
	}))
	c.begin()
	for range claims {
		select {
		case <-dead:
		case <-testfleet.Patience(t).Done():
			t.Fatalf("the page was requested %d times, want %d", deaths, claims)
		}
		mu.Lock()
		worker = c.Worker()
		mu.Unlock()
	}

	counters := c.Done(c.job.Name)
	if counters.Outcomes[crawler.OutcomeFailed] != 1 || counters.Broken != claims {
		t.Errorf("%d URLs failed and %d visits broke, want 1 and %d", counters.Outcomes[crawler.OutcomeFailed],
			counters.Broken, claims)
	}
	url := c.site.URL(0, killerPath)
	want := c.graph.URLs(c.site)
	for child := range c.reachableOnlyThrough(killerPath) {
		delete(want, child)
	}
	delete(want, url)
	records := c.Export(c.job.Name)
	testfleet.Pages(records).Expect(t, "pages", want)
	for _, r := range records {
		if r.URL == url && (r.Outcome != crawler.OutcomeFailed || !strings.Contains(r.Error, "3 workers were lost")) {
			t.Errorf("the record of the page has outcome %s, error %q", r.Outcome, r.Error)
		}
	}
	failures, err := c.Client.Failures(t.Context(), c.job.Name)
	if err != nil || len(failures) != 1 || !strings.HasPrefix(failures[0], url+": given up: 3 workers were lost") {
		t.Errorf("the job's failures are %q, %v", failures, err)
	}
	if n := c.site.Count(killerPath); n != claims || deaths != claims {
		t.Errorf("the page was requested %d times and killed %d workers, want %d", n, deaths, claims)
	}
	t.Logf("%d pages; %d requests were repeated, including those for the page that kills workers",
		len(want), testfleet.Asked(c.site).Again())
}

// reachableOnlyThrough returns the pages that are reachable only through the page at a path of the
// first host.
func (c *crawl) reachableOnlyThrough(path string) map[string]bool {
	reached, waiting := map[string]bool{}, c.graph.Roots()
	for len(waiting) > 0 {
		at := waiting[0]
		waiting = waiting[1:]
		url := c.site.URL(at.Host, c.graph.Path(at.Page))
		if reached[url] || c.graph.Path(at.Page) == path {
			continue
		}
		reached[url] = true
		waiting = append(waiting, c.graph.Links(at)...)
	}
	behind := c.graph.URLs(c.site)
	for url := range reached {
		delete(behind, url)
	}
	return behind
}
