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

// What the hosts of a site want, in politeTown.
const (
	townDelay      = 80 * time.Millisecond  // the job's
	townCrawlDelay = 300 * time.Millisecond // of hosts 2 and 3
	townRest       = time.Second            // that hosts 4 and 5 ask for, once
	townAnswer     = 100 * time.Millisecond // that hosts 6 and 7 take
	townForbidden  = "/page/3"              // at hosts 2 and 3
)

// politeTown is eight hosts that want to be treated in four ways.
func politeTown(t *testing.T) (g testsite.Graph, site *testsite.Site) {
	t.Helper()
	g = testsite.Graph{Hosts: 8, PagesPerHost: 8, LinksPerPage: 5, Seed: 4}
	site = g.Serve(t)
	for i, host := range site.Hosts() {
		switch i / 2 {
		case 1:
			site.Handle(host+"/robots.txt", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				fmt.Fprintf(w, "User-agent: *\nCrawl-delay: %v\nDisallow: %s\n", townCrawlDelay.Seconds(),
					townForbidden)
			}))
		case 2:
			rest(site, host+"/page/2")
		case 3:
			for page := range g.PagesPerHost {
				site.Delay(host+g.Path(page), townAnswer)
			}
		}
	}
	return g, site
}

// rest lets a page ask for a rest, once.
func rest(site *testsite.Site, page string) {
	var asked atomic.Bool
	site.Handle(page, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if asked.CompareAndSwap(false, true) {
			w.Header().Set("Retry-After", fmt.Sprint(townRest.Seconds()))
			w.WriteHeader(http.StatusTooManyRequests)
		}
	}))
}

// wanted is the least gap at each host of politeTown. At a slow one it is not yet
// known to be slow when the first page is asked for.
func wanted(site *testsite.Site) map[string]time.Duration {
	gaps := make(map[string]time.Duration)
	for i, host := range site.Hosts() {
		gaps[host] = []time.Duration{townDelay, townCrawlDelay, townDelay, townDelay}[i/2]
	}
	return gaps
}

func TestAFleetIsPoliteAndItsAuditAgreesWithTheServersLog(t *testing.T) {
	t.Parallel()
	g, site := politeTown(t)
	o := newOffice(t)
	o.Scheduler()
	o.Scheduler()
	o.Workers(3, "--concurrency", "3") // so that none can have all hosts
	job := jobOf(t, g, site)
	job.Delay = crawler.Duration(townDelay)
	stalls := testsite.WatchStalls(t)
	o.Create(job)
	o.Done(job.Name)
	slack := 2*stalls() + 20*time.Millisecond // in the server's log
	dir := filepath.Join(o.Out, job.Name)

	var audit struct {
		audited
		Hosts     askedPlaces `json:"hosts"`
		Addresses askedPlaces `json:"addresses"`
	}
	o.answer(&audit, "audit", dir, "--each")
	if audit.Violations != 0 || audit.RetryAfter["asked"] != 2 ||
		audit.Robots["forbidden"]+audit.Robots["unknown"] != 0 {
		t.Errorf("the audit says %+v", audit.audited)
	}
	if n := site.Len(); audit.Requests != int64(n) || len(audit.Hosts.Each) != g.Hosts ||
		len(audit.Addresses.Each) == 0 {
		t.Errorf("the audit knows %d requests of %d, %d hosts, and %d addresses", audit.Requests, n,
			len(audit.Hosts.Each), len(audit.Addresses.Each))
	}
	log, want := site.ByHost(), wanted(site)
	for _, h := range audit.Hosts.Each {
		told, seen := time.Duration(h.SmallestMS*float64(time.Millisecond)), site.SmallestGap(h.Place)
		t.Logf("%s: %d requests, smallest gap %v, by the server's log %v, wanted %v", h.Place, h.Requests, told,
			seen.Round(time.Microsecond), want[h.Place])
		if h.Requests != len(log[h.Place]) {
			t.Errorf("of %s the audit knows %d requests, and the server %d", h.Place, h.Requests, len(log[h.Place]))
		}
		if told < want[h.Place] || seen < want[h.Place]-slack {
			t.Errorf("at %s the smallest gap is %v, by the server's log %v; want %v (less %v)", h.Place, told, seen,
				want[h.Place], slack)
		}
	}
	journal := readJournal(t, dir)
	expectTheSame(t, journal, log)
	expectRobotsKept(t, site)
	expectRest(t, site, slack)
	expectThrottled(t, site, slack)
	if n := len(writers(journal)); n < 3 {
		t.Errorf("%d workers made all requests, want 3", n)
	}
	t.Run("what is forged is found", func(t *testing.T) { forge(t, o, site, journal) })
}

// askedPlaces are the gaps at each host, or address, as trawl audit --each tells.
type askedPlaces struct {
	Each []struct {
		Place      string
		Requests   int
		SmallestMS float64 `json:"smallest_ms"`
	}
}

// entry is a line of a journal.
type entry map[string]any

func (e entry) host() string { return string(urlOf(e).Host()) }

func (e entry) start() time.Time {
	at, _ := time.Parse(time.RFC3339Nano, e["start"].(string))
	return at
}

func urlOf(e entry) crawler.URL {
	u, _ := crawler.ParseURL(e["url"].(string))
	return u
}

// readJournal reads the journals of all workers, in the order of the requests.
func readJournal(t *testing.T, dir string) []entry {
	t.Helper()
	var all []entry
	for name, text := range segments(t, dir, "requests*.jsonl") {
		for line := range strings.Lines(text) {
			var e entry
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			all = append(all, e)
		}
	}
	slices.SortStableFunc(all, func(x, y entry) int { return x.start().Compare(y.start()) })
	return all
}

func writers(journal []entry) map[any]bool {
	all := make(map[any]bool)
	for _, e := range journal {
		all[e["worker"]] = true
	}
	return all
}

// expectTheSame expects the requests of the journal to be those of the server's
// log: the same, at each host in the same order, with the same answers.
func expectTheSame(t *testing.T, journal []entry, log map[string][]testsite.Request) {
	t.Helper()
	told, seen := make(map[string][]string), make(map[string][]string)
	for _, e := range journal {
		told[e.host()] = append(told[e.host()], fmt.Sprintf("%s %v", urlOf(e).Path(), e["status"]))
	}
	for host, requests := range log {
		for _, r := range requests {
			seen[host] = append(seen[host], fmt.Sprintf("%s %d", r.Path, r.Status))
		}
	}
	if diff := cmp.Diff(seen, told); diff != "" {
		t.Errorf("the journal is another than the server's log (-server +journal):\n%s", diff)
	}
}

// expectRobotsKept expects that robots.txt was asked for once by the whole fleet,
// before anything else, and kept.
func expectRobotsKept(t *testing.T, site *testsite.Site) {
	t.Helper()
	for i, host := range site.Hosts() {
		n := 0
		for at, r := range site.ByHost()[host] {
			if (r.Path == "/robots.txt") != (at == 0) {
				t.Errorf("request %d to %s is for %s", at, host, r.Path)
			}
			if i/2 == 1 && r.Path == townForbidden {
				n++
			}
		}
		if n > 0 {
			t.Errorf("%s was asked %d times for what its robots.txt forbids", host, n)
		}
	}
}

// expectRest expects that Retry-After was kept.
func expectRest(t *testing.T, site *testsite.Site, slack time.Duration) {
	t.Helper()
	for _, host := range site.Hosts()[4:6] {
		log := site.ByHost()[host]
		at := slices.IndexFunc(log, func(r testsite.Request) bool { return r.Status == http.StatusTooManyRequests })
		if at < 0 || at+1 == len(log) {
			t.Errorf("%s did not ask for a rest, or nothing was asked of it afterwards: %+v", host, log)
			continue
		}
		if rest := log[at+1].Start.Sub(log[at].Start); rest < townRest-slack {
			t.Errorf("%s asked for %v of rest, and had %v", host, townRest, rest)
		}
	}
}

// expectThrottled expects that slow hosts are asked ever more slowly, in the end at
// gaps of twice the time that they take to answer, as it is measured.
func expectThrottled(t *testing.T, site *testsite.Site, slack time.Duration) {
	t.Helper()
	const sure = townAnswer * 3 / 2
	for _, host := range site.Hosts()[6:] {
		log := site.ByHost()[host]
		last := log[len(log)-1].Start.Sub(log[len(log)-2].Start)
		if t.Logf("%s was asked after %v at last", host, last); last < sure-slack {
			t.Errorf("%s takes %v to answer, and was asked after %v, want over %v", host, townAnswer, last, sure)
		}
	}
}

// forge changes one line of the journal at a time, and expects the audit to find
// what it says now.
func forge(t *testing.T, o *office, site *testsite.Site, journal []entry) {
	last := func(host string) int {
		at := -1
		for i, e := range journal {
			if e.host() == host {
				at = i
			}
		}
		return at
	}
	behindRest := func(host string) int {
		rested := false
		for i, e := range journal {
			if e.host() == host && rested {
				return i
			}
			rested = rested || e.host() == host && e["retry_after_ms"] != nil
		}
		return -1
	}
	before := func(i int) entry { // at the same host
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
		change func(i int, e entry)
		says   string
	}{
		"a request that came too soon": {last(plain), func(i int, e entry) {
			e["start"] = before(i).start().Add(townDelay - time.Millisecond).Format(form)
		}, "sent a request to " + plain + " at "},
		"a request that robots.txt forbids": {last(strict), func(_ int, e entry) {
			e["url"] = "http://" + strict + townForbidden
		}, "although robots.txt forbids it"},
		"a rest that was cut short": {behindRest(tired), func(i int, e entry) {
			e["start"] = before(i).start().Add(townRest - 100*time.Millisecond).Format(form)
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
				t.Errorf("the audit finds %d violations, %q; want one that says %q", got.Violations, got.Examples,
					c.says)
			}
		})
	}
}
