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

// shared is a crawl of a few hosts on loopback, on a Redis that workers serve which may
// not connect there by themselves.
type shared struct {
	*office
	graph testsite.Graph
	site  *testsite.Site
	args  []string
}

func newShared(t *testing.T, more ...string) *shared {
	t.Helper()
	g := testsite.Graph{Hosts: 6, PagesPerHost: 12, LinksPerPage: 4}
	o := newOffice(t)
	o.Reach = "192.0.2.0/24" // which is nowhere
	s := &shared{office: o, graph: g, site: g.Serve(t)}
	s.args = []string{"crawl", "--redis", o.URL(), "--job", "both", "--out", "mine", "--delay", "20ms", "--concurrency",
		"1"}
	for _, root := range g.Roots() {
		s.args = append(s.args, s.site.URL(root.Host, g.Path(root.Page)))
	}
	s.args = append(s.args, more...)
	return s
}

// runBoth runs the crawl until its end, with a worker that begins when the crawl has asked for
// its first page, and lets no page come before both ask for one.
func (s *shared) runBoth(flags ...string) (ended, *testfleet.Process) {
	s.t.Helper()
	reached, release := s.site.Hang("/")
	crawl := s.start(s.args...) // which visits one host at a time
	<-reached
	w := s.Worker(flags...)
	until(s.t, s.site, func(l *testsite.Log) bool { return l.Count("/") > 1 })
	release()
	return crawl.wait().exits(done, "nothing is left to fetch"), w
}

// other is where the workers keep the pages of the crawl.
func (s *shared) other() string { return filepath.Join(s.Out, "both") }

// whole checks that each page was fetched once, by whichever worker, and nothing refused.
func (s *shared) whole() (mine, theirs count) {
	s.t.Helper()
	mine, theirs = fetched(pages(s.t, s.path("mine"))), make(count)
	if _, err := os.Stat(s.other()); err == nil {
		theirs = fetched(pages(s.t, s.other()))
	}
	all := maps.Clone(mine)
	for url, n := range theirs {
		all[url] += n
	}
	all.expect(s.t, "pages", s.graph.URLs(s.site))
	return mine, theirs
}

func TestACrawlBesideAWorkerLosesNoPageAndSaysWhereTheyAre(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	end, w := s.runBoth()
	mine, theirs := s.whole()
	if len(mine) == 0 || len(theirs) == 0 {
		t.Fatalf("%d pages are here and %d there, want some of each", len(mine), len(theirs))
	}
	for _, said := range []string{end.stderr, s.run("export", "mine").exits(done).stderr,
		s.run("audit", "mine").exits(done).stderr} {
		if !strings.Contains(said, "worker "+w.Name) || !strings.Contains(said, s.other()) {
			t.Errorf("of %d pages here and %d there it says\n%s", len(mine), len(theirs), said)
		}
	}
}

func TestAWorkerThatIsClosedLeavesACrawlToOthers(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	s.Worker("--job-addresses=false")
	end := s.run(s.args...).exits(done, "nothing is left to fetch")
	if _, theirs := s.whole(); len(theirs) > 0 || strings.Contains(end.stderr, s.other()) {
		t.Errorf("a worker that may not connect to the hosts of a job kept %d of its pages\n%s", len(theirs),
			end.stderr)
	}
}

func TestAWorkerThatIsClosedServesACrawlWhoseHostsItReaches(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	s.Reach = "127.0.0.0/8"
	s.runBoth("--job-addresses=false")
	if _, theirs := s.whole(); len(theirs) == 0 {
		t.Error("it fetched no page")
	}
}

func TestACrawlWithSecretsOfItsOwnIsCarriedOutAlone(t *testing.T) {
	t.Parallel()
	s := newShared(t, "--header", "X-Key: secret")
	s.Worker()
	s.run(s.args...).exits(done, "nothing is left to fetch")
	if _, theirs := s.whole(); len(theirs) > 0 {
		t.Errorf("%d pages were fetched by a worker that does not have the header", len(theirs))
	}
}

func TestAListThatGoesToStandardOutputIsWholeBesideWorkers(t *testing.T) {
	t.Parallel()
	s := newShared(t)
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

func TestTwoCrawlsOfOneRedisBesideAWorkerThatIsKilledAreWhole(t *testing.T) {
	t.Parallel()
	s := newShared(t)
	w := s.Worker()
	g := testsite.Graph{Hosts: 3, PagesPerHost: 12, LinksPerPage: 4, Seed: 7}
	site := g.Serve(t)
	args := []string{"crawl", "--redis", s.URL(), "--job", "second", "--out", "second", "--delay", "20ms"}
	for _, root := range g.Roots() {
		args = append(args, site.URL(root.Host, g.Path(root.Page)))
	}
	one, two := s.start(s.args...), s.start(args...)
	until(t, s.site, func(l *testsite.Log) bool { return len(l.Requests()) > 20 })
	w.Kill()
	one.wait().exits(done, "nothing is left to fetch")
	two.wait().exits(done, "nothing is left to fetch")
	for job, want := range map[string]map[string]bool{"both": s.graph.URLs(s.site), "second": g.URLs(site)} {
		numbers, err := s.Client.Counters(context.Background(), job)
		if err != nil || int(numbers.Pages()) != len(want) || numbers.Outcomes[crawler.OutcomeDisallowed] != 0 {
			t.Errorf("of %d pages, job %s has %v (%v)", len(want), job, numbers.Outcomes, err)
		}
	}
}

// The API and job files open nothing, also under the name of a crawl that was removed.
func TestAJobThatWasCreatedOnAFleetOpensNothing(t *testing.T) {
	t.Parallel()
	s := newShared(t)
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
		t.Errorf("%d requests were made to private addresses that nobody opened; outcomes %v", n, numbers.Outcomes)
	}
}
