package dashboard

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/waiting"
)

// hosts gives a job n hosts that wait, with 0, 1, … waiting URLs.
func (s *testDashboard) hosts(name string, n int) {
	s.change(name, func(r *fakeJob) {
		for i := range n {
			r.hosts = append(r.hosts, crawler.HostStatus{
				Host: crawler.Host(fmt.Sprintf("h%03d.test", i)), State: queue.HostDue,
				Waiting: int64(i), Due: 1500 * time.Millisecond, Interval: 2 * time.Second})
		}
	})
}

func TestHostsAreListedByWhatWaits(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.job(t, "news")
	s.get(t, "/jobs/news/hosts").want(t, http.StatusOK, "No host has URLs to fetch")
	s.hosts("news", 150)
	a := s.get(t, "/jobs/news/hosts")
	a.want(t, http.StatusOK, `href="/jobs/news/hosts/h149.test"`, "in 1.5s", "All 150 hosts that are visited or wait")
	if contains(a.body, "h049.test") || strings.Index(a.body, "h149.test") > strings.Index(a.body, "h148.test") {
		t.Error("the hosts are not the hundred with the most waiting URLs, in order")
	}
	s.get(t, "/jobs/news/hosts?q=H04").want(t, http.StatusOK, "h049.test", "h040.test")
	s.hosts("news", 100)
	s.change("news", func(r *fakeJob) { r.hosts[220].Host = "known.test" })
	s.get(t, "/jobs/news/hosts?q=known.test").want(t, http.StatusOK, "No listed host matches",
		`The job knows <a id="exact" href="/jobs/news/hosts/known.test">known.test</a>`, "Of the 200 hosts whose turn is first")
	s.get(t, "/jobs/news/hosts?q=%3Cscript%3E").want(t, http.StatusOK, "No listed host matches “&lt;script&gt;”")
	s.get(t, "/jobs/nothing/hosts").want(t, http.StatusNotFound, "There is no such job")
}

func TestHostsAreSortedByAColumn(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.job(t, "news")
	s.change("news", func(r *fakeJob) {
		r.hosts = []crawler.HostStatus{
			{Host: "a.test", State: queue.HostOpen, Waiting: 3, Pages: 1, Interval: time.Second,
				P50: 20 * time.Millisecond, P95: 3 * time.Second},
			{Host: "b.test", State: queue.HostDue, Due: time.Second, Waiting: 2, Pages: 2, Interval: 5 * time.Second,
				P50: 300 * time.Millisecond, P95: 400 * time.Millisecond, ConsecutiveFailures: 2},
			{Host: "c.test", State: queue.HostDue, Due: time.Hour, Waiting: 1, Pages: 3, Interval: 100 * time.Millisecond,
				GivenUp: true},
		}
	})
	for sort, want := range map[string]string{"": "abc", "host": "abc", "-host": "cba", "waiting": "cba",
		"-fetched": "cba",
		"-rate":    "cab", "p50": "cab", "-p95": "abc", "-failures": "bac", "next": "abc", "-next": "cba"} {
		a, got := s.get(t, "/jobs/news/hosts?sort="+sort), ""
		for _, part := range strings.Split(a.body, `<a class="name" href="/jobs/news/hosts/`)[1:] {
			got += part[:1]
		}
		if got != want {
			t.Errorf("sorted by %q the hosts are %q, want %q", sort, got, want)
		}
	}
	s.get(t, "/jobs/news/hosts").want(t, http.StatusOK, `data-label="p50">20ms<`, `data-label="p95">3s<`,
		`data-label="p50">–<`,
		`aria-sort="descending"><a id="sort-waiting" href="/jobs/news/hosts?sort=waiting">`,
		`<a id="sort-next" href="/jobs/news/hosts?sort=next">`)
	s.get(t, "/jobs/news/hosts?q=b&sort=p50").want(t, http.StatusOK, `<input type="hidden" name="sort" value="p50">`,
		`href="/jobs/news/hosts?q=b&amp;sort=-p50"`)
	s.get(t, "/jobs/news/hosts?sort=size").want(t, http.StatusBadRequest, "is not a column")
	s.get(t, "/api/v1/jobs/news/hosts").want(t, http.StatusOK, `"p50_ms": 20,`, `"p95_ms": 3000`)
}

func TestAHostHasAPage(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.job(t, "news")
	s.change("news", func(r *fakeJob) {
		delay := 5 * time.Second
		r.hosts = []crawler.HostStatus{{Host: "a.test:8080", State: queue.HostDue, Waiting: 1003, Flight: 1, Pages: 1234,
			ConsecutiveFailures: 3, Trouble: "<script>alert(1)</script> refused",
			Rules: crawler.HostRules{Delay: &delay, Pages: 50},
			Traps: []crawler.Trap{{Pattern: "/cal/*", Pages: 50, Streak: 40, Skipped: true}}}}
		u, err := crawler.ParseURL("http://a.test:8080/1?q=<script>alert(1)</script>")
		if err != nil {
			t.Fatal(err)
		}
		entry := queue.Entry{URL: u, Depth: 2, Tries: 1, Band: queue.BandUrgent}
		r.queued = []queue.Location{{Place: queue.PlaceFlight, Entry: entry},
			{Place: queue.PlaceLater, Entry: entry, Due: 90 * time.Second}}
		r.robots = []queue.Robots{{Origin: "https://a.test:8080", At: time.Now(), Unavailable: "<script>alert(2)</script>"},
			{Origin: "http://a.test:8080", At: time.Now().Add(-time.Hour),
				Text: "user-agent:*\n</pre><script>alert(3)</script>\n"}}
	})
	a := s.get(t, "/jobs/news/hosts/a.test:8080")
	a.want(t, http.StatusOK, `<h1>a.test:8080 <span class="state off">due</span>`, "1,234",
		"&lt;script&gt;alert(1)&lt;/script&gt; refused",
		"<dd>5s</dd>", "URLs like /cal/* are skipped", "again in 1m 30s", "urgent", "and 1,002 more",
		"http://a.test:8080/robots.txt", "requested 1h 0m ago", "&lt;/pre&gt;&lt;script&gt;alert(3)",
		"&lt;script&gt;alert(2)")
	a.wantNoMarkup(t)
	s.get(t, "/jobs/news/hosts/b.test").want(t, http.StatusNotFound, "The job does not know this host",
		`Job news has met no host &#34;b.test&#34;`)
	s.get(t, "/jobs/news/hosts/%3Cscript%3E").want(t, http.StatusNotFound, "does not know this host")
}

func TestTheAPIListsHosts(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.job(t, "news")
	s.hosts("news", 150)
	var got struct{ Hosts []hostReport }
	for query, want := range map[string]int{"": 100, "?limit=7": 7, "?limit=1000": 150, "?host=https://h003.test/x": 1} {
		s.get(t, apiRoot+"/jobs/news/hosts"+query).read(t, &got)
		if len(got.Hosts) != want {
			t.Errorf("%q lists %d hosts, want %d", query, len(got.Hosts), want)
		}
	}
	s.get(t, apiRoot+"/jobs/news/hosts?host=h003.test").want(t, http.StatusOK, `"interval_ms": 2000`, `"due_ms": 1500`,
		`"muted": []`)
	for query, says := range map[string]string{"limit=0": "out of range", "limit=x": "out of range",
		"limit=1001": "1 to 1000", "host=%20": "is not a host", "hots=a": `did you mean "host"`} {
		s.get(t, apiRoot+"/jobs/news/hosts?"+query).wantError(t, http.StatusBadRequest, says)
	}
	s.get(t, apiRoot+"/jobs/news/hosts?host=b.test").wantError(t, http.StatusNotFound, "b.test")
	s.get(t, apiRoot+"/jobs/nothing/hosts").wantError(t, http.StatusNotFound, "nothing")
}

func TestTheAPIListsWorkersAndSchedulers(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.get(t, apiRoot+"/workers").want(t, http.StatusOK, `"workers": []`, `"schedulers": []`)
	seen := time.Date(2026, 3, 1, 12, 0, 0, 0, time.FixedZone("", 3600))
	s.fakeFleet.members = []waiting.Member{{Process: waiting.Process{Kind: waiting.KindScheduler, Name: "vm"}, Seen: seen},
		{Process: waiting.Process{Kind: waiting.KindWorker, Name: "w", Version: "v1"}, Seen: seen, Places: 4, Taken: 3,
			Serving: []string{"news"}}}
	s.get(t, apiRoot+"/workers").want(t, http.StatusOK, `"name": "w"`, `"version": "v1"`, `"taken": 3`, `"news"`,
		`"seen": "2026-03-01T11:00:00Z"`)
	s.get(t, apiRoot+"/workers?q=1").wantError(t, http.StatusBadRequest, "unknown parameter")
}
