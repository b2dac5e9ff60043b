package hostile_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/hostile"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
)

func TestMain(m *testing.M) { os.Exit(testfleet.Main(m)) }

const (
	visits      = 64        // concurrent visits
	memory      = 512 << 20 // memory that a worker with this many visits may use
	memoryLimit = 768 << 20 // memory limit of its control group
)

// crawl is a crawl of a hostile web by one worker.
type crawl struct {
	*testfleet.Fleet
	t       *testing.T
	web     *hostile.Web
	job     crawler.Job
	worker  *testfleet.Process
	records map[string]crawler.Record // by URL
	retried bool                      // some URLs were tried again
}

func newCrawl(t *testing.T, list []hostile.Misbehaviour, extraHosts int) *crawl {
	t.Helper()
	c := &crawl{t: t, web: hostile.Serve(t, list, extraHosts), Fleet: testfleet.New(t), job: crawler.DefaultJob()}
	c.Reach = hostile.Network
	c.job.Name, c.job.Seeds = redistest.Name(t), c.web.Seeds()
	c.job.Scope, c.job.Sitemaps, c.job.Resources = crawler.ScopeAny, true, true
	c.job.Delay, c.job.CrawlDelayCap = 0, time.Second
	c.job.Retries, c.job.RobotsTries, c.job.HostTries = 0, 1, 1
	return c
}

// run crawls the web to its end.
func (c *crawl) run() {
	c.t.Helper()
	c.Scheduler()
	c.worker = c.Worker("--concurrency", fmt.Sprint(visits), "--resolvers", c.web.Resolver())
	began := time.Now()
	c.Create(c.job)
	counters := c.Done(c.job.Name)
	c.retried = counters.Outcomes[crawler.OutcomeRetry] > 0
	c.records = make(map[string]crawler.Record)
	for _, r := range c.Export(c.job.Name) {
		c.records[r.URL] = r
	}
	c.t.Logf("%d hosts; %d pages, %.1f MB in %s: %v", len(c.job.Seeds), counters.Pages(), float64(counters.Bytes)/1e6,
		time.Since(began).Round(time.Second), counters.Outcomes)
}

// checkUnharmed checks that the worker fetched all honest pages, stayed within its memory, and
// never connected to the forbidden listener.
func (c *crawl) checkUnharmed() {
	c.t.Helper()
	if n := c.web.ForbiddenConns(); n > 0 {
		c.t.Errorf("the forbidden listener was connected to %d times", n)
	}
	missing := 0
	for url, title := range c.web.Honest() {
		r, ok := c.records[url]
		if !ok || r.Outcome != crawler.OutcomeFetched || r.Title != title {
			missing++
			c.t.Errorf("the honest page %s (%s) is %q: %s, with the title %q", url, title, r.Outcome, r.Error, r.Title)
		}
	}
	if peak, ok := c.worker.PeakMemory(); ok {
		c.t.Logf("%d honest pages; the worker used %d MB at most", len(c.web.Honest())-missing, peak>>20)
		if peak > memory {
			c.t.Errorf("the worker used %d MB, want at most %d", peak>>20, memory>>20)
		}
	}
	for url, r := range c.records {
		if strings.Contains(r.Title, "Poison") {
			c.t.Errorf("%s received data that does not answer its request", url)
		}
	}
}

// checkFates checks the outcome of each URL that is not honest.
func (c *crawl) checkFates() {
	c.t.Helper()
	for name, fates := range c.web.Fates() {
		for url, want := range fates {
			if trouble := c.mismatch(url, want); trouble != "" {
				c.t.Errorf("%s: %.200s %s", name, url, trouble)
			}
		}
	}
}

// mismatch returns how the outcome of a URL differs from its expected fate.
func (c *crawl) mismatch(url string, want hostile.Fate) string {
	if n := c.web.Requests(url); want.MaxRequests != 0 && n > max(0, want.MaxRequests) {
		return fmt.Sprintf("was requested %d times, want at most %d", n, max(0, want.MaxRequests))
	}
	if want.Outcome == "" {
		return ""
	}
	r, ok := c.records[url]
	switch {
	case !ok:
		return "has no record"
	case c.retried && want.Outcome == string(crawler.OutcomeFailed) && r.Outcome == crawler.OutcomeRedirected:
		return "" // where it leads was known when it was tried again, because a connection took too long
	case !strings.Contains(" or "+want.Outcome+" or ", " or "+string(r.Outcome)+" or "):
		return fmt.Sprintf("is %s (%q), want %s", r.Outcome, r.Error, want.Outcome)
	case !strings.Contains(r.Error, want.Error):
		return fmt.Sprintf("is %s with %q, want %q", r.Outcome, r.Error, want.Error)
	case want.Outcome == string(crawler.OutcomeFetched) && r.Truncated != want.Truncated:
		return fmt.Sprintf("is truncated: %t (%d bytes, %q), want %t", r.Truncated, r.Bytes, r.Error, want.Truncated)
	}
	return ""
}

func TestEachMisbehaviourAffectsOnlyItsOwnURLs(t *testing.T) {
	t.Parallel()
	c := newCrawl(t, hostile.List(), 0)
	c.job.Format = []string{"jsonl", "files", "warc"}
	c.job.Text, c.job.Markdown, c.job.MinHash, c.job.Simhash, c.job.NearDuplicates = true, true, true, true,
		crawler.NearDuplicatesRecord
	if !slow() {
		c.job.BodyLimit = 12 << 20 // longer than all bodies that end
	}
	c.run()
	c.checkUnharmed()
	c.checkFates()
}

// loadTestMisbehaviours returns the misbehaviours for the test with many hosts. With TRAWL_SLOW, it
// returns all of them, which takes minutes and transfers gigabytes; otherwise every twelfth.
func loadTestMisbehaviours() []hostile.Misbehaviour {
	all := hostile.List()
	if os.Getenv("TRAWL_SLOW") != "" {
		return all
	}
	var some []hostile.Misbehaviour
	for i := 0; i < len(all); i += 12 {
		some = append(some, all[i])
	}
	return some
}

// The worker visits a number of hosts concurrently, with four connections each. Every host has all
// single-page misbehaviours.
func TestAWorkerVisitingManyHostileHostsStaysWithinItsMemory(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("the test transfers gigabytes: run it without -short")
	}
	list := loadTestMisbehaviours()
	extraHosts := visits - len(list) // so that all hosts are visited at the same time
	if slow() {
		extraHosts = visits
	}
	c := newCrawl(t, list, extraHosts)
	c.job.BodyLimit, c.job.Timeout, c.job.PerHost = 4<<20, 20*time.Second, 4
	c.job.Select = []string{"divs[]=div", "text=body"}
	var err error
	if c.Cage, err = testfleet.NewCage(t, memoryLimit); err != nil {
		t.Logf("without a memory limit: %v", err)
	}
	c.run()
	c.checkUnharmed()
	if c.Cage == nil {
		return
	}
	full, trouble := c.Cage.Full()
	kills, err := c.Cage.Kills()
	if err != nil || trouble != nil || kills > 0 {
		t.Errorf("with a limit of %d MB the kernel killed %d processes; %v, %v", memoryLimit>>20, kills, err, trouble)
	}
	t.Logf("with a limit of %d MB the worker used %d MB including page cache", memoryLimit>>20, full>>20)
}

func TestTheForbiddenListenerCountsConnections(t *testing.T) {
	t.Parallel()
	web := hostile.Serve(t, nil, 0)
	conn, err := net.Dial("tcp", web.Forbidden())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.Copy(io.Discard, conn); err != nil { // the listener counts before it closes
		t.Log(err)
	}
	if n := web.ForbiddenConns(); n != 1 {
		t.Errorf("%d connections were counted, want 1", n)
	}
}

func TestEachMisbehaviourIsDescribed(t *testing.T) {
	t.Parallel()
	named := make(map[string]bool)
	name := regexp.MustCompile(`^[a-z0-9][a-z0-9.-]*$`)
	for _, m := range hostile.List() {
		if !name.MatchString(m.Name) || named[m.Name] || m.Does == "" || m.Trawl == "" {
			t.Errorf("%+v has no description, or its name is not valid or unique", m)
		}
		named[m.Name] = true
	}
	if len(named) < 40 {
		t.Errorf("there are %d misbehaviours, want at least 40", len(named))
	}
}
