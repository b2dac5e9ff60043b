package main_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// The politeness requirements of the hosts of politenessSite.
const (
	jobDelay       = 80 * time.Millisecond  // of the job
	crawlDelay     = 300 * time.Millisecond // of hosts 2 and 3
	retryAfter     = time.Second            // of hosts 4 and 5, once
	answerTime     = 100 * time.Millisecond // of hosts 6 and 7
	disallowedPath = "/page/3"              // at hosts 2 and 3
)

// politenessSite serves eight hosts: two without special rules, two with a Crawl-delay, two that
// send Retry-After, and two slow ones.
func politenessSite(t *testing.T) (g testsite.Graph, site *testsite.Site) {
	t.Helper()
	g = testsite.Graph{Hosts: 8, PagesPerHost: 8, LinksPerPage: 5, Seed: 4}
	site = g.Serve(t)
	for i, host := range site.Hosts() {
		switch i / 2 {
		case 1:
			site.Handle(host+"/robots.txt", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprintf(w, "User-agent: *\nCrawl-delay: %v\nDisallow: %s\n", crawlDelay.Seconds(),
					disallowedPath)
			}))
		case 2:
			answerRetryAfter(site, host+"/page/2")
		case 3:
			for page := range g.PagesPerHost {
				site.Delay(host+g.Path(page), answerTime)
			}
		}
	}
	return g, site
}

// answerRetryAfter makes a page answer 429 with Retry-After, once.
func answerRetryAfter(site *testsite.Site, page string) {
	var asked atomic.Bool
	site.Handle(page, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.CompareAndSwap(false, true) {
			w.Header().Set("Retry-After", fmt.Sprint(retryAfter.Seconds()))
			w.WriteHeader(http.StatusTooManyRequests)
		}
	}))
}

// wantGaps returns the minimum gap of each host of politenessSite. For the slow hosts it is the
// job's delay, since the crawler cannot know at the first page that they are slow.
func wantGaps(site *testsite.Site) map[string]time.Duration {
	gaps := make(map[string]time.Duration)
	for i, host := range site.Hosts() {
		gaps[host] = []time.Duration{jobDelay, crawlDelay, jobDelay, jobDelay}[i/2]
	}
	return gaps
}

func TestAFleetIsPoliteAndItsAuditAgreesWithTheServersLog(t *testing.T) {
	t.Parallel()
	g, site := politenessSite(t)
	ft := newFleetTest(t)
	ft.Scheduler()
	ft.Scheduler()
	ft.Workers(3, "--concurrency", "3") // no worker can hold all hosts
	job := jobOf(t, g, site)
	job.Delay = jobDelay
	stalls := testsite.WatchStalls(t)
	ft.Create(job)
	ft.Done(job.Name)
	slack := 2*stalls() + 20*time.Millisecond // of the times in the server's log
	dir := filepath.Join(ft.Out, job.Name)

	var audit struct {
		auditReport
		Hosts     auditedGaps `json:"hosts"`
		Addresses auditedGaps `json:"addresses"`
	}
	ft.runJSON(&audit, "audit", dir, "--each")
	if audit.Violations != 0 || audit.RetryAfter["asked"] != 2 ||
		audit.Robots["forbidden"]+audit.Robots["unknown"] != 0 {
		t.Errorf("the audit reports %+v", audit.auditReport)
	}
	if n := site.Len(); audit.Requests != int64(n) || len(audit.Hosts.Each) != g.Hosts ||
		len(audit.Addresses.Each) == 0 {
		t.Errorf("the audit counts %d of %d requests, %d hosts, and %d addresses", audit.Requests, n,
			len(audit.Hosts.Each), len(audit.Addresses.Each))
	}
	log, want := site.ByHost(), wantGaps(site)
	for _, h := range audit.Hosts.Each {
		audited, logged := time.Duration(h.SmallestMS*float64(time.Millisecond)), site.SmallestGap(h.Place)
		t.Logf("%s: %d requests, smallest gap %v, by the server's log %v, wanted %v", h.Place, h.Requests, audited,
			logged.Round(time.Microsecond), want[h.Place])
		if h.Requests != len(log[h.Place]) {
			t.Errorf("for %s, the audit counts %d requests and the server %d", h.Place, h.Requests, len(log[h.Place]))
		}
		if audited < want[h.Place] || logged < want[h.Place]-slack {
			t.Errorf("at %s the smallest gap is %v, by the server's log %v; want %v (less %v)", h.Place, audited, logged,
				want[h.Place], slack)
		}
	}
	journal := readJournal(t, dir)
	expectSameRequests(t, journal, log)
	expectRobotsObeyed(t, site)
	expectRetryAfter(t, site, slack)
	expectThrottled(t, site, slack)
	if n := len(workersOf(journal)); n < 3 {
		t.Errorf("%d workers made all requests, want 3", n)
	}
	t.Run("forged journals are detected", func(t *testing.T) { checkForgedJournals(t, ft, site, journal) })
}

// auditedGaps are the gaps of each host or address in trawl audit --each.
type auditedGaps struct {
	Each []struct {
		Place      string
		Requests   int
		SmallestMS float64 `json:"smallest_ms"`
	}
}

// journalEntry is a line of a request journal.
type journalEntry map[string]any

func (e journalEntry) host() string { return string(urlOf(e).Host()) }

func (e journalEntry) start() time.Time {
	at, _ := time.Parse(time.RFC3339Nano, e["start"].(string))
	return at
}

func urlOf(e journalEntry) crawler.URL {
	u, _ := crawler.ParseURL(e["url"].(string))
	return u
}

// readJournal reads the journals of all workers, sorted by the start of the requests.
func readJournal(t *testing.T, dir string) []journalEntry {
	t.Helper()
	var all []journalEntry
	for name, text := range segments(t, dir, "requests*.jsonl") {
		for line := range strings.Lines(text) {
			var e journalEntry
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			all = append(all, e)
		}
	}
	slices.SortStableFunc(all, func(x, y journalEntry) int { return x.start().Compare(y.start()) })
	return all
}

func workersOf(journal []journalEntry) map[any]bool {
	all := make(map[any]bool)
	for _, e := range journal {
		all[e["worker"]] = true
	}
	return all
}

// expectSameRequests expects the journal and the server's log to have the same requests for each
// host, in the same order and with the same status codes.
func expectSameRequests(t *testing.T, journal []journalEntry, log map[string][]testsite.Request) {
	t.Helper()
	audited, logged := make(map[string][]string), make(map[string][]string)
	for _, e := range journal {
		audited[e.host()] = append(audited[e.host()], fmt.Sprintf("%s %v", urlOf(e).Path(), e["status"]))
	}
	for host, requests := range log {
		for _, r := range requests {
			logged[host] = append(logged[host], fmt.Sprintf("%s %d", r.Path, r.Status))
		}
	}
	if diff := cmp.Diff(logged, audited); diff != "" {
		t.Errorf("the journal differs from the server's log (-server +journal):\n%s", diff)
	}
}

// expectRobotsObeyed expects that the fleet requested each robots.txt once, before anything
// else, and obeyed it.
func expectRobotsObeyed(t *testing.T, site *testsite.Site) {
	t.Helper()
	for i, host := range site.Hosts() {
		n := 0
		for at, r := range site.ByHost()[host] {
			if (r.Path == "/robots.txt") != (at == 0) {
				t.Errorf("request %d to %s is for %s", at, host, r.Path)
			}
			if i/2 == 1 && r.Path == disallowedPath {
				n++
			}
		}
		if n > 0 {
			t.Errorf("%s received %d requests that its robots.txt disallows", host, n)
		}
	}
}

// expectRetryAfter expects that Retry-After was obeyed.
func expectRetryAfter(t *testing.T, site *testsite.Site, slack time.Duration) {
	t.Helper()
	for _, host := range site.Hosts()[4:6] {
		log := site.ByHost()[host]
		at := slices.IndexFunc(log, func(r testsite.Request) bool { return r.Status == http.StatusTooManyRequests })
		if at < 0 || at+1 == len(log) {
			t.Errorf("%s sent no Retry-After, or received no request afterwards: %+v", host, log)
			continue
		}
		if rest := log[at+1].Start.Sub(log[at].Start); rest < retryAfter-slack {
			t.Errorf("%s sent a Retry-After of %v, and the gap was %v", host, retryAfter, rest)
		}
	}
}

// expectThrottled expects longer gaps for slow hosts: in the end about twice their measured
// response time.
func expectThrottled(t *testing.T, site *testsite.Site, slack time.Duration) {
	t.Helper()
	const sure = answerTime * 3 / 2
	for _, host := range site.Hosts()[6:] {
		log := site.ByHost()[host]
		last := log[len(log)-1].Start.Sub(log[len(log)-2].Start)
		if t.Logf("the last gap of %s is %v", host, last); last < sure-slack {
			t.Errorf("%s takes %v to answer, and the last gap was %v, want over %v", host, answerTime, last, sure)
		}
	}
}

// checkForgedJournals changes one line of the journal at a time, and expects the audit to report
// the violation.
func checkForgedJournals(t *testing.T, ft *fleetTest, site *testsite.Site, journal []journalEntry) {
	last := func(host string) int {
		at := -1
		for i, e := range journal {
			if e.host() == host {
				at = i
			}
		}
		return at
	}
	afterRetryAfter := func(host string) int {
		rested := false
		for i, e := range journal {
			if e.host() == host && rested {
				return i
			}
			rested = rested || e.host() == host && e["retry_after_ms"] != nil
		}
		return -1
	}
	before := func(i int) journalEntry { // of the same host
		for j := i - 1; j >= 0; j-- {
			if journal[j].host() == journal[i].host() {
				return journal[j]
			}
		}
		return nil
	}
	const form = "2006-01-02T15:04:05.000000Z07:00"
	plain, strict, tired := site.Hosts()[0], site.Hosts()[2], site.Hosts()[4]
	for name, c := range map[string]struct {
		line   int
		change func(i int, e journalEntry)
		says   string
	}{
		"a request that came too soon": {last(plain), func(i int, e journalEntry) {
			e["start"] = before(i).start().Add(jobDelay - time.Millisecond).Format(form)
		}, "sent a request to " + plain + " at "},
		"a request that robots.txt disallows": {last(strict), func(_ int, e journalEntry) {
			e["url"] = "http://" + strict + disallowedPath
		}, "although robots.txt forbids it"},
		"a Retry-After that was cut short": {afterRetryAfter(tired), func(i int, e journalEntry) {
			e["start"] = before(i).start().Add(retryAfter - 100*time.Millisecond).Format(form)
		}, "before the end of its Retry-After"},
	} {
		t.Run(name, func(t *testing.T) {
			if c.line < 0 {
				t.Fatal("there is no such request")
			}
			var text strings.Builder
			for i, e := range journal {
				e = maps.Clone(e)
				if i == c.line {
					c.change(i, e)
				}
				line, err := json.Marshal(e)
				if err != nil {
					t.Fatal(err)
				}
				fmt.Fprintf(&text, "%s\n", line)
			}
			s := newShell(t)
			if err := os.Mkdir(s.path("forged"), 0o755); err != nil {
				t.Fatal(err)
			}
			s.write("forged/requests-00001.jsonl", text.String())
			got := s.audit("forged", failed)
			if got.Violations != 1 || !strings.Contains(strings.Join(got.Examples, "\n"), c.says) {
				t.Errorf("the audit finds %d violations, %q; want one with %q", got.Violations, got.Examples,
					c.says)
			}
		})
	}
}
