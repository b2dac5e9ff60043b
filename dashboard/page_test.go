package dashboard

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/waiting"
)

func contains(text, part string) bool { return strings.Contains(text, part) }

func TestThePageShowsAllDetailsOfAJob(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.job(t, "news")
	s.change("news", func(r *fakeJob) {
		r.status.Job.Pages, r.status.Job.Bytes = 5000, 2_000_000_000
		r.status.Reason = "its hour came"
		r.counters = crawler.Counters{
			Seen: 12345, Waiting: 10000, Flight: 45, Hosts: 12, Open: 3, Bytes: 1_234_567,
			Outcomes: map[crawler.Outcome]int64{crawler.OutcomeFetched: 2000, crawler.OutcomeGone: 17,
				crawler.OutcomeNotModified: 2},
		}
	})
	s.get(t, "/").want(t, http.StatusOK,
		"1 running", `<h2>news</h2>`, `class="state running"`, "its hour came",
		"<dd>2,000</dd>", "<dd>10,000</dd>", "<dd>1.2 MB</dd>", "<b>17</b> gone", "<b>2</b> not modified",
		"2,000 of 5,000 pages", "1.2 MB of 2.0 GB", `href="/asynq/queues/news"`, `href="/api/v1/jobs/news"`,
		"user_agent:", `<meta http-equiv="refresh" content="2">`)
}

func TestThePageShowsThatThereAreNoJobs(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.get(t, "/").want(t, http.StatusOK, "There are no jobs yet", "trawl job create",
		strings.TrimPrefix(s.url, "http://")+"/api/v1/jobs")
}

func TestThePageShowsThatNoRedisAnswers(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.fail(errors.New("no route to <b>10.0.0.1</b>"))
	s.get(t, "/").want(t, http.StatusInternalServerError, "The jobs cannot be read",
		"no route to &lt;b&gt;10.0.0.1&lt;/b&gt;")
}

func TestThePageShowsAJobWhoseNumbersCannotBeRead(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.job(t, "news")
	s.job(t, "olds")
	s.change("news", func(r *fakeJob) { r.broken = errors.New("WRONGTYPE") })
	s.change("olds", func(r *fakeJob) { r.broken, r.status.State = errors.New("NOSCRIPT"), crawler.StateFailed })
	s.get(t, "/").want(t, http.StatusOK, "Its counters cannot be read: WRONGTYPE", "NOSCRIPT")
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
	s.get(t, "/").want(t, http.StatusOK, "For 1m 30s: worker w&lt;1&gt;: writing",
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
	s.get(t, "/").want(t, http.StatusOK, `<p class="waits">no worker runs this job: start one</p>`)
	s.get(t, "/api/v1/jobs/news").want(t, http.StatusOK, `"waits": "no worker runs this job: start one"`,
		`"waits_for": "worker"`)
	s.get(t, "/api/v1/jobs").want(t, http.StatusOK, `"waits_for": "worker"`)
	s.get(t, "/metrics").want(t, http.StatusOK, `trawl_job_waits{for="worker",job="news"} 1`,
		`trawl_job_waits{for="hosts",job="news"} 0`)
}

func TestThePageShowsWhatRunsBeforeWhatEnded(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	now := time.Now()
	for i := range shownEnded + 5 {
		name := fmt.Sprintf("old-%03d", i)
		s.job(t, name)
		s.change(name, func(r *fakeJob) {
			r.status.State, r.status.Ended = crawler.StateDone, now.Add(-time.Duration(i+1)*time.Hour)
		})
	}
	for _, j := range []struct {
		name  string
		state crawler.State
	}{{"fresh", crawler.StateCreated}, {"asleep", crawler.StatePaused}, {"awake", crawler.StateRunning}} {
		s.job(t, j.name)
		s.change(j.name, func(r *fakeJob) { r.status.State = j.state })
	}
	page := s.get(t, "/").body
	last := -1
	for _, part := range []string{">awake<", ">asleep<", ">fresh<", ">Ended<", ">old-000<", ">old-001<", ">old-099<",
		"5 that ended earlier"} {
		at := strings.Index(page, part)
		if at <= last {
			t.Errorf("%q is at %d, before %d, where the entry before it is", part, at, last)
		}
		last = at
	}
	if contains(page, "old-100") {
		t.Error("more jobs are shown than the limit")
	}
}

func TestTheRootIsThePageAndNothingElseIs(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.get(t, "/nothing").want(t, http.StatusNotFound)
	s.ask(t, http.MethodHead, "/", nil).want(t, http.StatusOK)
	s.post(t, "/", "", "").want(t, http.StatusMethodNotAllowed)
}

func TestTextsOfAJobAreNotMarkup(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.addScripts(t, "news")
	a := s.get(t, "/")
	a.want(t, http.StatusOK, "&lt;script&gt;alert(")
	for _, raw := range []string{"<script>alert", "<img src=x", `" onmouseover`, "javascript:alert"} {
		if contains(a.body, raw) {
			t.Errorf("the page holds %q", raw)
		}
	}
	if policy := a.header.Get("Content-Security-Policy"); contains(policy, "unsafe") ||
		strings.Count(policy, "'sha256-") != 2 {
		t.Errorf("the policy is %q", policy)
	}
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
		}}, "[{good 2 fetched 0 200} {plain 2 redirected, disallowed or skipped 200 200} {bad 1 failed or gone 400 100} {flight 1 in flight 500 100}]"},
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

func TestNumbersAreWrittenForPeople(t *testing.T) {
	t.Parallel()
	for got, want := range map[string]string{
		grouped(0): "0", grouped(999): "999", grouped(1000): "1,000", grouped(1234567): "1,234,567",
		grouped(-1234): "-1,234",
		inBytes(0):     "0 B", inBytes(1000): "1.0 kB", inBytes(50_700_000): "50.7 MB", inBytes(999_999): "1.0 MB",
		inBytes(1 << 62): "4.6 EB",
		atRate(0):        "0.0", atRate(9.94): "9.9", atRate(9.95): "10", atRate(1234.5): "1,235",
		span(-time.Second): "0s", span(59999 * time.Millisecond): "59s", span(200 * time.Second): "3m 20s",
		span(200 * time.Minute): "3h 20m", span(51 * time.Hour): "2d 3h",
	} {
		if got != want {
			t.Errorf("%q is written, want %q", got, want)
		}
	}
}
