package dashboard

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/forecast"
	"github.com/trawlcrawler/trawl/internal/redisconn"
	"github.com/trawlcrawler/trawl/internal/ui"
	"github.com/trawlcrawler/trawl/internal/waiting"
)

func contains(text, part string) bool { return strings.Contains(text, part) }

// samples returns a history of n seconds up to a time, with pages per second.
func samples(n, pages int, until time.Time) (all []forecast.Sample) {
	for i := range n {
		at := until.Add(time.Duration(i-n+1) * time.Second)
		all = append(all, forecast.Sample{At: at, Pages: int64(i * pages), Settled: int64(i * pages),
			Bytes: int64(i * pages * 1000)})
	}
	return all
}

func TestTheFleetListsAJobWithItsStateAndNumbers(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.job(t, "news")
	s.change("news", func(r *fakeJob) {
		r.status.Now = time.Now()
		r.history.Seconds = samples(30, 20, r.status.Now)
		r.counters = crawler.Counters{Seen: 12345, Waiting: 10000, Outcomes: map[crawler.Outcome]int64{
			crawler.OutcomeFetched: 2000, crawler.OutcomeGone: 17, crawler.OutcomeFailed: 3}}
	})
	s.get(t, "/").want(t, http.StatusOK, "<title>1 running · Trawl</title>", `href="/jobs/news">news</a>`,
		`<span class="state go">running</span>`, `data-label="Waiting">10,000<`, `data-label="Fetched">2,000<`,
		`data-label="Failed">20<`, `data-label="Pages/s">20<`, `data-label="Time left">at least 6m56s<`,
		`<meta http-equiv="refresh" content="10">`)
	s.change("news", func(r *fakeJob) { r.status.Reason = "its hour came" })
	s.get(t, "/").want(t, http.StatusOK, "its hour came")
	var one sheet
	s.get(t, apiRoot+"/jobs/news").read(t, &one)
	if one.PagesPerSecond == nil || *one.PagesPerSecond != 20 {
		t.Errorf("the API says %v pages per second, want 20", one.PagesPerSecond)
	}
	s.change("news", func(r *fakeJob) { r.status.Now = r.status.Now.Add(2 * forecast.StaleSample) })
	s.get(t, "/").want(t, http.StatusOK, `data-label="Pages/s">–<`)
}

func TestTheFleetListsProcessesAndRedis(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.job(t, "news")
	s.get(t, "/").want(t, http.StatusOK, "No worker is running", "No scheduler is running")
	now := time.Now()
	s.fakeFleet.members = []waiting.Member{
		{Process: waiting.Process{Kind: waiting.KindScheduler, Name: "vm-1", Version: "v0.2.0"}, Seen: now},
		{Process: waiting.Process{Kind: waiting.KindWorker, Name: "w<1>", Version: "v0.2.0"}, Seen: now.Add(-5 * time.Second),
			Places: 64, Taken: 12, Serving: []string{"a", "b", "c", "d", "e", "f", "g", "h", "i", "news"}},
		{Process: waiting.Process{Kind: waiting.KindWorker, Name: "w2", Jobs: []string{"news"}}, Seen: now, Places: 4},
	}
	s.fakeFleet.vitals = redisconn.Vitals{Servers: 3, Version: "8.0.2", Role: "slave", Memory: 12_000_000,
		MaxMemory: 2_000_000_000, CommandsPerSecond: 4321}
	s.change("news", func(r *fakeJob) {
		r.status.Troubles = []crawler.Trouble{{Worker: "w<1>", Since: now.Add(-90 * time.Second), At: now,
			Reason: `writing "/x": no space left on device`}}
	})
	s.get(t, "/").want(t, http.StatusOK, "vm-1", "all jobs", "w&lt;1&gt;", "12 of 64", "5s ago", "v0.2.0",
		`<a href="/jobs/h">h</a> and 2 more`, "none of its jobs at the moment", "of 68 places, 2 workers",
		"For 1m 30s, job news: writing", "8.0.2", "replica", "12.0 MB of 2.0 GB", "4,321", "Masters of the cluster")
}

func TestTheFleetWithoutJobsSaysHowToCreateOne(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.get(t, "/").want(t, http.StatusOK, "There are no jobs yet", "trawl job create",
		strings.TrimPrefix(s.url, "http://")+"/api/v1/jobs")
}

func TestAPageSaysThatNoRedisAnswers(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.fail(errors.New("no route to <b>10.0.0.1</b>"))
	s.get(t, "/").want(t, http.StatusInternalServerError, "This cannot be read",
		"no route to &lt;b&gt;10.0.0.1&lt;/b&gt;", `data-trouble="`, "data-refresh")
	s.fail(io.EOF)
	s.get(t, "/").want(t, http.StatusServiceUnavailable, "Redis does not respond: EOF", "retries by itself")
}

func TestTheFleetShowsAJobWhoseNumbersCannotBeRead(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.job(t, "news")
	s.job(t, "olds")
	s.change("news", func(r *fakeJob) { r.broken = errors.New("WRONGTYPE") })
	s.change("olds", func(r *fakeJob) { r.broken, r.status.State = errors.New("NOSCRIPT"), crawler.StateFailed })
	s.get(t, "/").want(t, http.StatusOK, "its counters cannot be read: WRONGTYPE", "NOSCRIPT")
}

func TestThePageAndTheAPINameWorkersThatCannotKeepPages(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.job(t, "news")
	since := time.Date(2026, 3, 1, 12, 0, 0, 0, time.FixedZone("", 3600))
	s.change("news", func(r *fakeJob) {
		r.status.Troubles = []crawler.Trouble{{Worker: "w<1>", Since: since, At: since.Add(90 * time.Second),
			Reason: `writing "/x": no space left on device (free some space there)`}}
	})
	s.get(t, "/").want(t, http.StatusOK, "worker w&lt;1&gt;: writing",
		"no space left on device (free some space there); it resumes by itself when this is fixed")
	for _, path := range []string{"/jobs", "/jobs/news"} {
		s.get(t, apiRoot+path).want(t, http.StatusOK, `"since": "2026-03-01T11:00:00Z"`, `"at": "2026-03-01T11:01:30Z"`,
			"no space left on device")
	}
	s.change("news", func(r *fakeJob) { r.status.Troubles = nil })
	if text := s.get(t, "/").body; strings.Contains(text, "no space") {
		t.Errorf("a resolved problem is still shown:\n%s", text)
	}
}

func TestAJobThatNobodyServesSaysSoOnThePageInTheAPIAndInMetrics(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.job(t, "news")
	s.get(t, "/metrics").want(t, http.StatusOK, `trawl_job_waits{for="worker",job="news"} 0`)
	s.change("news", func(r *fakeJob) {
		r.waiting = waiting.Waiting{For: waiting.WaitWorker, Text: "no worker runs this job: start one"}
	})
	s.get(t, "/").want(t, http.StatusOK, `<span class="state bad">running</span> <span class="says alarm">no worker runs this job: start one</span>`)
	s.get(t, "/api/v1/jobs/news").want(t, http.StatusOK, `"waits": "no worker runs this job: start one"`,
		`"waits_for": "worker"`)
	s.get(t, "/api/v1/jobs").want(t, http.StatusOK, `"waits_for": "worker"`)
	s.get(t, "/metrics").want(t, http.StatusOK, `trawl_job_waits{for="worker",job="news"} 1`,
		`trawl_job_waits{for="hosts",job="news"} 0`)
}

// listed matches the jobs that a page lists.
var listed = regexp.MustCompile(`id="job-([a-z0-9-]+)" href`)

// wantListed checks which jobs a page lists, in order.
func (s *testDashboard) wantListed(t *testing.T, path string, want ...string) {
	t.Helper()
	a := s.get(t, path)
	a.want(t, http.StatusOK)
	var got []string
	for _, match := range listed.FindAllStringSubmatch(a.body, -1) {
		got = append(got, match[1])
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%s lists %q, want %q", path, got, want)
	}
}

func TestJobsAreListedByUrgencyOrByAColumn(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	now := time.Now()
	for i, j := range []struct {
		name  string
		state crawler.State
	}{{"fresh", crawler.StateCreated}, {"ended-1", crawler.StateDone}, {"ended-2", crawler.StateFailed},
		{"asleep", crawler.StatePaused}, {"awake", crawler.StateRunning}, {"daily", crawler.StateCreated}} {
		s.job(t, j.name)
		s.change(j.name, func(r *fakeJob) {
			r.status.State, r.counters.Waiting = j.state, int64(i)
			if j.state.Ended() {
				r.status.Ended = now.Add(time.Duration(i) * time.Minute)
			}
			if j.name == "daily" {
				r.status.Job.Schedule, r.status.Now = "@daily", now
			}
		})
	}
	s.wantListed(t, "/", "awake", "asleep", "daily", "fresh", "ended-2", "ended-1")
	s.wantListed(t, "/?sort=name", "asleep", "awake", "daily", "ended-1", "ended-2", "fresh")
	s.wantListed(t, "/?sort=-waiting&state=ended", "ended-2", "ended-1")
	s.wantListed(t, "/?state=paused", "asleep")
	s.wantListed(t, "/?state=periodic", "daily")
	s.wantListed(t, "/?state=running", "awake")
	s.wantListed(t, "/?q=EnDed", "ended-2", "ended-1")
	s.get(t, "/?q=ended&state=ended").want(t, http.StatusOK, `href="/?q=ended&amp;sort=-waiting&amp;state=ended"`,
		`name="state" value="ended"`, `value="ended" placeholder`)
	s.get(t, "/?sort=-waiting").want(t, http.StatusOK, `aria-sort="descending"`, `href="/?sort=waiting"`)
	s.get(t, "/?q=nothing").want(t, http.StatusOK, "No job matches “nothing”.")
	s.get(t, "/?q=%3Cscript%3E").want(t, http.StatusOK, "No job matches “&lt;script&gt;”.")
	s.get(t, "/?state=gone").want(t, http.StatusBadRequest, "is not a group of jobs")
	s.get(t, "/?sort=size").want(t, http.StatusBadRequest, "is not a column")
	s.get(t, "/?limit=3").want(t, http.StatusBadRequest, "Unknown parameter")
}

func TestTheListOfJobsIsBounded(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	for i := range shownJobs + 5 {
		s.job(t, fmt.Sprintf("job-%03d", i))
	}
	a := s.get(t, "/")
	a.want(t, http.StatusOK, "5 more jobs are not shown")
	if n := len(listed.FindAllString(a.body, -1)); n != shownJobs {
		t.Errorf("%d jobs are listed, want %d", n, shownJobs)
	}
}

func TestTheRootIsThePageAndNothingElseIs(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.get(t, "/nothing").want(t, http.StatusNotFound)
	s.ask(t, http.MethodHead, "/", nil).want(t, http.StatusOK)
	s.post(t, "/", "", "").want(t, http.StatusMethodNotAllowed)
}

// file matches the files that a page loads.
var file = regexp.MustCompile(`(?:href|src)="(/assets/[^"]+)"`)

func TestFilesOfAPageHaveTypesAndAreCacheable(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	files := file.FindAllStringSubmatch(s.get(t, "/").body, -1)
	if len(files) < 3 {
		t.Fatalf("the page loads %q", files)
	}
	for _, match := range files {
		a := s.get(t, match[1])
		a.want(t, http.StatusOK)
		kind := a.header.Get("Content-Type")
		if !regexp.MustCompile(`^(text/css|text/javascript|image/svg)`).MatchString(kind) ||
			!contains(a.header.Get("Cache-Control"), "immutable") || len(a.body) < 100 {
			t.Errorf("%s is %d bytes of %q, cached %q", match[1], len(a.body), kind, a.header.Get("Cache-Control"))
		}
	}
	s.get(t, ui.AssetRoot+"nothing.css").want(t, http.StatusNotFound)
}

// wantNoMarkup checks that a page shows the texts of addScripts as text.
func (a answer) wantNoMarkup(t *testing.T) {
	t.Helper()
	for _, raw := range []string{"<script>alert", "<img src=x", `" onmouseover`, "javascript:alert"} {
		if contains(a.body, raw) {
			t.Errorf("the page holds %q", raw)
		}
	}
	if policy := a.header.Get("Content-Security-Policy"); policy != ui.Policy || contains(policy, "unsafe") {
		t.Errorf("the policy is %q", policy)
	}
}

func TestTextsOfAJobAreNotMarkup(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.addScripts(t, "news")
	a := s.get(t, "/")
	a.want(t, http.StatusOK, "&lt;script&gt;alert(")
	a.wantNoMarkup(t)
}

// addScripts adds a running job and one that ended. All their texts are attempts to run script.
func (s *testDashboard) addScripts(t testing.TB, name string) {
	t.Helper()
	const evil = `</pre></script><script>alert(1)</script><img src=x onerror=alert(2)>" onmouseover=alert(3) x="`
	for _, suffix := range []string{"", "-ended"} {
		s.job(t, name+suffix)
		s.change(name+suffix, func(r *fakeJob) {
			r.status.Reason, r.status.Ending = evil, evil
			r.status.Job.Exclude = []string{evil, "javascript&#58;alert(4)"}
			r.status.Job.UserAgent = evil
			r.counters.Outcomes = map[crawler.Outcome]int64{evil: 3}
			if suffix != "" {
				r.status.State, r.broken = crawler.StateFailed, errors.New(evil)
			}
		})
	}
}

func TestABarIsAsLongAsWhatWasSeen(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		counters crawler.Counters
		want     string
	}{
		"nothing seen": {crawler.Counters{}, "[]"},
		"all waits":    {crawler.Counters{Seen: 10, Waiting: 10}, "[]"},
		"some of each": {crawler.Counters{Seen: 10, Waiting: 4, Flight: 1, Outcomes: map[crawler.Outcome]int64{
			crawler.OutcomeFetched: 2, crawler.OutcomeGone: 1, crawler.OutcomeRedirected: 2,
		}}, "[{good 2 fetched 0 200} {plain 2 redirected, disallowed or skipped 200 200} {bad 1 failed, gone or refused 400 100} {flight 1 in flight 500 100}]"},
		"counters read at different times": {crawler.Counters{Seen: 10, Flight: 3,
			Outcomes: map[crawler.Outcome]int64{crawler.OutcomeFetched: 15}},
			"[{good 15 fetched 0 1000}]"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := fmt.Sprint(barOf(c.counters)); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}
