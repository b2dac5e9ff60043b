package main_test

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// sharedCrawl is a crawl of a few loopback hosts over the Redis of a fleet. The workers of the
// fleet may connect to those hosts only because the crawl allows it.
type sharedCrawl struct {
	*fleetTest
	graph testsite.Graph
	site  *testsite.Site
	args  []string
}

func newSharedCrawl(t *testing.T, more ...string) *sharedCrawl {
	t.Helper()
	g := testsite.Graph{Hosts: 6, PagesPerHost: 12, LinksPerPage: 4}
	ft := newFleetTest(t)
	ft.Reach = "192.0.2.0/24" // TEST-NET-1: no test server is there
	s := &sharedCrawl{fleetTest: ft, graph: g, site: g.Serve(t)}
	s.args = []string{"crawl", "--redis", ft.URL(), "--job", "both", "--out", "mine", "--delay", "20ms",
		"--concurrency", "1"}
	for _, root := range g.Roots() {
		s.args = append(s.args, s.site.URL(root.Host, g.Path(root.Page)))
	}
	s.args = append(s.args, more...)
	return s
}

// runWithWorker runs the crawl to its end, with a worker that starts after the first request of
// the crawl. The site answers once both have made a request.
func (s *sharedCrawl) runWithWorker(flags ...string) (commandResult, *testfleet.Process) {
	s.t.Helper()
	reached, release := s.site.Hang("/")
	crawl := s.start(s.args...) // it visits one host at a time
	<-reached
	w := s.Worker(flags...)
	waitForSite(s.t, s.site, func(l *testsite.Log) bool { return l.Count("/") > 1 })
	release()
	return crawl.wait().exits(done, "nothing is left to fetch"), w
}

// fleetOutput is the folder that the workers write the pages of the crawl to.
func (s *sharedCrawl) fleetOutput() string { return filepath.Join(s.Out, "both") }

// expectComplete checks that the crawl and the workers together have every page. It returns
// the pages of each.
func (s *sharedCrawl) expectComplete() (mine, theirs counts) {
	s.t.Helper()
	mine, theirs = fetched(pages(s.t, s.path("mine"))), make(counts)
	if _, err := os.Stat(s.fleetOutput()); err == nil {
		theirs = fetched(pages(s.t, s.fleetOutput()))
	}
	all := maps.Clone(mine)
	for url, n := range theirs {
		all[url] += n
	}
	all.expect(s.t, "pages", s.graph.URLs(s.site))
	return mine, theirs
}

func TestACrawlSharedWithAWorkerIsCompleteAndSaysWhereItsPagesAre(t *testing.T) {
	t.Parallel()
	s := newSharedCrawl(t)
	end, w := s.runWithWorker()
	mine, theirs := s.expectComplete()
	if len(mine) == 0 || len(theirs) == 0 {
		t.Fatalf("the crawl has %d pages and the worker %d, want some of each", len(mine), len(theirs))
	}
	for _, output := range []string{end.stderr, s.run("export", "mine").exits(done).stderr,
		s.run("audit", "mine").exits(done).stderr} {
		if !strings.Contains(output, "worker "+w.Name) || !strings.Contains(output, s.fleetOutput()) {
			t.Errorf("with %d pages here and %d at the worker, trawl says\n%s", len(mine), len(theirs), output)
		}
	}
}

func TestAWorkerWithoutJobAddressesSkipsACrawlItCannotReach(t *testing.T) {
	t.Parallel()
	s := newSharedCrawl(t)
	s.Worker("--job-addresses=false")
	end := s.run(s.args...).exits(done, "nothing is left to fetch")
	if _, theirs := s.expectComplete(); len(theirs) > 0 || strings.Contains(end.stderr, s.fleetOutput()) {
		t.Errorf("a worker that may not connect to the hosts stored %d pages\n%s", len(theirs),
			end.stderr)
	}
}

func TestAWorkerWithoutJobAddressesServesACrawlItCanReach(t *testing.T) {
	t.Parallel()
	s := newSharedCrawl(t)
	s.Reach = "127.0.0.0/8"
	s.runWithWorker("--job-addresses=false")
	if _, theirs := s.expectComplete(); len(theirs) == 0 {
		t.Error("the worker fetched no page")
	}
}

func TestACrawlWithItsOwnSecretsIsNotSharedWithWorkers(t *testing.T) {
	t.Parallel()
	s := newSharedCrawl(t, "--header", "X-Key: secret")
	s.Worker()
	s.run(s.args...).exits(done, "nothing is left to fetch")
	if _, theirs := s.expectComplete(); len(theirs) > 0 {
		t.Errorf("%d pages were fetched by a worker that does not have the header", len(theirs))
	}
}

func TestAListToStandardOutputIsCompleteBesideWorkers(t *testing.T) {
	t.Parallel()
	s := newSharedCrawl(t)
	s.Worker()
	list := ""
	for url := range s.graph.URLs(s.site) {
		list += url + "\n"
	}
	s.write("list.txt", list)
	end := s.run("fetch", "list.txt", "--allow-private", "--redis", s.URL(), "--delay", "10ms").exits(done)
	if n := strings.Count(end.stdout, `"outcome":"fetched"`); n != len(s.graph.URLs(s.site)) {
		t.Errorf("%d pages are on standard output, want %d", n, len(s.graph.URLs(s.site)))
	}
}

func TestTwoSharedCrawlsAreCompleteAfterAWorkerIsKilled(t *testing.T) {
	t.Parallel()
	s := newSharedCrawl(t)
	w := s.Worker()
	g := testsite.Graph{Hosts: 3, PagesPerHost: 12, LinksPerPage: 4, Seed: 7}
	site := g.Serve(t)
	args := []string{"crawl", "--redis", s.URL(), "--job", "second", "--out", "second", "--delay", "20ms"}
	for _, root := range g.Roots() {
		args = append(args, site.URL(root.Host, g.Path(root.Page)))
	}
	one, two := s.start(s.args...), s.start(args...)
	waitForSite(t, s.site, func(l *testsite.Log) bool { return len(l.Requests()) > 20 })
	w.Kill()
	one.wait().exits(done, "nothing is left to fetch")
	two.wait().exits(done, "nothing is left to fetch")
	for job, want := range map[string]map[string]bool{"both": s.graph.URLs(s.site), "second": g.URLs(site)} {
		numbers, err := s.Client.Counters(context.Background(), job)
		if err != nil || int(numbers.Pages()) != len(want) || numbers.Outcomes[crawler.OutcomeDisallowed] != 0 {
			t.Errorf("job %[2]s has %[3]v, want %[1]d pages (%[4]v)", len(want), job, numbers.Outcomes, err)
		}
	}
}

// The API and job files open no private address, even for a job named like a removed crawl.
func TestAFleetJobOpensNoPrivateAddress(t *testing.T) {
	t.Parallel()
	s := newSharedCrawl(t)
	s.run(s.args...).exits(done)
	s.run("job", "rm", "both").exits(done)
	s.Scheduler()
	s.Worker()
	job := jobOf(t, s.graph, s.site)
	job.Name = "both"
	before := len(s.site.Requests())
	s.Create(job)
	numbers := s.Done(job.Name)
	if n := len(s.site.Requests()) - before; n > 0 || numbers.Pages() > 0 {
		t.Errorf("%d requests were made to private addresses that are not allowed; outcomes %v", n, numbers.Outcomes)
	}
}
