package dashboard

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/activity"
	"github.com/trawlcrawler/trawl/internal/forecast"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/waiting"
)

// busyJob adds a job that has everything that its page shows.
func (s *testDashboard) busyJob(t testing.TB, name string) {
	t.Helper()
	s.job(t, name)
	s.change(name, func(r *fakeJob) {
		now := time.Now()
		r.status.Now, r.status.Started = now, now.Add(-time.Hour)
		r.status.Job.Pages, r.status.Job.Bytes = 5000, 2_000_000_000
		r.status.Changes = []crawler.Change{{At: now.Add(-time.Minute), Revision: 1, Setting: "delay", From: []byte(`"1s"`),
			To: []byte(`"2s"`)}}
		r.history = forecast.History{Seconds: samples(300, 20, now)}
		for i := range 120 {
			r.history.Minutes = append(r.history.Minutes, forecast.Sample{At: now.Add(time.Duration(i-119) * time.Minute),
				Pages: int64(i * 1200), Bytes: int64(i * 1_000_000)})
		}
		r.counters = crawler.Counters{Seen: 12345, Waiting: 10000, Flight: 45, Hosts: 12, Open: 3, Due: 9, Ready: 4,
			Bytes: 1_234_567,
			Outcomes: map[crawler.Outcome]int64{crawler.OutcomeFetched: 2000, crawler.OutcomeGone: 17,
				crawler.OutcomeNotModified: 2}, Skipped: map[string]int64{string(queue.Rules[0]): 8}}
		r.places = []queue.Kept{{Worker: "w1", Machine: "vm-1", Where: "/data/out/" + name}}
		r.failures = []string{"http://a.test/1: the server answered 500"}
	})
}

func TestAJobHasAPage(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.busyJob(t, "news")
	s.fakeFleet.members = []waiting.Member{{Process: waiting.Process{Kind: waiting.KindWorker, Name: "w1"}, Places: 8,
		Taken: 8, Serving: []string{"news"}}}
	s.get(t, "/jobs/news").want(t, http.StatusOK,
		`<h1>news <span class="state go">running</span></h1>`, "2,000", "1.2 MB", "45 in flight",
		"2,002 fetched", "Pages per second, over 5m 0s: last 20, highest 20", `<path class="line" d="M`,
		"Bytes per second, by minute, over 1h 59m", "All 8 places of its workers are in use, and 4 hosts wait",
		"<dt>gone</dt><dd>17</dd>", "<dt>not modified</dt><dd>2</dd>", "2,000 of 5,000", "1.2 MB of 2.0 GB",
		"/data/out/news", "worker w1 on vm-1", "http://a.test/1: the server answered 500", "delay: 2s, was 1s",
		"user_agent:", `action="/jobs/news/pause"`, `href="/jobs/news/seed"`, `href="/jobs/news/settings"`,
		`href="/jobs/news/cancel"`, `href="/jobs/news/hosts"`, `href="/asynq/queues/news"`)
	s.fakeFleet.members[0].Within = 10 * time.Second
	s.fakeFleet.members[0].Spent = map[string]activity.Spent{
		"news": {activity.Server: 60 * time.Second, activity.Redis: 12 * time.Second},
		"shop": {activity.DNS: 8 * time.Second},
	}
	s.get(t, "/jobs/news").want(t, http.StatusOK, "Workers wait for slow servers while other hosts are due: start more workers",
		`<dt>slow servers</dt><dd><progress value="75" max="100" aria-label="Share of slow servers"></progress> 75 %</dd>`,
		"<dt>Redis</dt>", "15 %", "<dt>other jobs</dt>", "10 %", "Shares of the time of 8 places over the last 10s.")
	s.get(t, "/api/v1/jobs/news").want(t, http.StatusOK, `"name": "slow servers"`, `"of": 0.75`,
		`"places": 8,`, `"advice": "Workers wait`)
	s.change("news", func(r *fakeJob) {
		r.status.Ending = "pages"
		r.status.Troubles = []crawler.Trouble{{Worker: "w1", Reason: "the disk is full"}}
	})
	s.get(t, "/jobs/news").want(t, http.StatusOK, "Pages is spent: finishing the last visits.",
		"worker w1: the disk is full")
	s.get(t, "/jobs/nothing").want(t, http.StatusNotFound, "There is no such job", `No job is named &#34;nothing&#34;`)
	s.get(t, "/jobs/news?did=3").want(t, http.StatusBadRequest, "Unknown parameter")
}

func TestTheAPIReportsErrorsAndHistory(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.busyJob(t, "news")
	s.change("news", func(r *fakeJob) {
		r.counters.Causes = map[string]int64{"404": 2, "timeout": 5}
		r.failures = []string{"http://a.test/1?q=a:b: the server answered 500", "http://b.test/: no such host"}
	})
	var failures failureReport
	s.get(t, "/api/v1/jobs/news/errors").read(t, &failures)
	want := failureReport{
		Causes: []causeReport{{Cause: "timeout", Class: crawler.ErrorTimeout, URLs: 5, Examples: []failedReport{}},
			{Cause: "HTTP 404", Class: crawler.ErrorHTTP, Status: 404, URLs: 2, Examples: []failedReport{}}},
		Hosts: []sorryHost{},
		Last: []failedReport{{URL: "http://a.test/1?q=a:b", Reason: "the server answered 500"},
			{URL: "http://b.test/", Reason: "no such host"}}}
	if diff := cmp.Diff(want, failures); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
	var history historyReport
	s.get(t, "/api/v1/jobs/news/history").read(t, &history)
	if len(history.Seconds) != 300 || len(history.Minutes) != 120 || history.Minutes[119].Pages != 119*1200 {
		t.Errorf("%d seconds, %d minutes, ending with %v", len(history.Seconds), len(history.Minutes), history.Minutes)
	}
	for _, path := range []string{"errors", "history"} {
		s.get(t, "/api/v1/jobs/nothing/"+path).want(t, http.StatusNotFound, "nothing")
		s.get(t, "/api/v1/jobs/news/"+path+"?limit=3").want(t, http.StatusBadRequest, "limit")
	}
}

func TestAJobThatHasJustBegunHasAPage(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.job(t, "news")
	s.get(t, "/jobs/news").want(t, http.StatusOK, "No speed is recorded", "None yet", "No worker has kept a page yet")
}

func TestAPeriodicJobShowsItsRunsOnItsPage(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	for _, name := range []string{"news", "news-20261128t000000"} {
		s.job(t, name)
	}
	s.change("news", func(r *fakeJob) {
		r.status.Job.Schedule, r.status.State, r.status.Now = "@daily", crawler.StateCreated, time.Now()
	})
	s.change("news-20261128t000000", func(r *fakeJob) {
		r.status.RunOf = "news"
		r.counters.Outcomes = map[crawler.Outcome]int64{crawler.OutcomeFetched: 7}
	})
	s.get(t, "/jobs/news").want(t, http.StatusOK, `<span class="state new">periodic</span>`,
		"@daily: the next run starts at",
		`href="/jobs/news-20261128t000000"`, `data-label="Fetched">7<`, `action="/jobs/news/pause"`)
	s.get(t, "/jobs/news-20261128t000000").want(t, http.StatusOK,
		`A run of the periodic job <a href="/jobs/news">news</a>`)
}

// form returns the fields of a form of a job's page, with more names and values.
func (s *testDashboard) form(name string, more ...string) url.Values {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := stampOf(s.fakeFleet.jobs[name].status)
	form := url.Values{"created": {st.Created}, "state": {st.Was},
		"revision": {fmt.Sprint(s.fakeFleet.jobs[name].status.Revision)}}
	for i := 0; i < len(more); i += 2 {
		form.Set(more[i], more[i+1])
	}
	return form
}

// submit sends a form.
func (s *testDashboard) submit(t testing.TB, path string, form url.Values, header ...string) answer {
	t.Helper()
	return s.post(t, path, "application/x-www-form-urlencoded", form.Encode(), header...)
}

func TestButtonsOfAJobChangeItsState(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.job(t, "news")
	for _, c := range []struct {
		path, done, says string
		state            crawler.State
	}{
		{"pause", "paused", "The job is paused", crawler.StatePaused},
		{"resume", "resumed", "The job continues", crawler.StateRunning},
		{"cancel", "cancelled", "The job is cancelled", crawler.StateCancelled},
	} {
		a := s.submit(t, "/jobs/news/"+c.path, s.form("news"))
		a.want(t, http.StatusSeeOther)
		if to := a.header.Get("Location"); to != "/jobs/news?done="+c.done {
			t.Errorf("%s leads to %q", c.path, to)
		}
		s.get(t, a.header.Get("Location")).want(t, http.StatusOK, c.says, ">"+string(c.state)+"<")
	}
	s.get(t, "/jobs/news/cancel").want(t, http.StatusOK, "Cancel news?", `action="/jobs/news/cancel"`)
}

func TestAFormOfAnOldPageChangesNothing(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.job(t, "news")
	seen := s.form("news")
	s.submit(t, "/jobs/news/pause", seen).want(t, http.StatusSeeOther)
	s.submit(t, "/jobs/news/pause", seen).want(t, http.StatusConflict, "Nothing was changed",
		`Job &#34;news&#34; is paused now; it was running when its page was shown`, `href="/jobs/news"`)
	s.submit(t, "/jobs/news/cancel", seen).want(t, http.StatusConflict, "is paused now")
	s.change("news", func(r *fakeJob) { r.status.Created = r.status.Created.Add(time.Hour) })
	for _, path := range []string{"resume", "seed", "settings"} {
		s.submit(t, "/jobs/news/"+path, seen).want(t, http.StatusConflict, "was created again")
	}
	s.submit(t, "/jobs/news/resume", nil).want(t, http.StatusConflict, "Nothing was changed")
	s.post(t, "/jobs/news/resume", "application/json", "{}").want(t, http.StatusUnsupportedMediaType)
	s.submit(t, "/jobs/nothing/pause", seen).want(t, http.StatusNotFound, "There is no such job")
	if state := s.fakeFleet.jobs["news"].status.State; state != crawler.StatePaused {
		t.Errorf("the job is %s, want paused", state)
	}
}

func TestFormsAreGuarded(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.job(t, "news")
	for _, path := range []string{"pause", "resume", "cancel", "seed", "settings"} {
		s.submit(t, "/jobs/news/"+path, s.form("news"), "Sec-Fetch-Site", "cross-site").wantError(t, http.StatusForbidden,
			"another site")
	}
	read := newTestDashboard(t, func(cfg *Config, _ *http.Server) { cfg.ReadOnly = true })
	read.job(t, "news")
	read.submit(t, "/jobs/news/pause", read.form("news")).wantError(t, http.StatusForbidden, "read-only")
	if page := read.get(t, "/jobs/news").body; contains(page, `method="post"`) || contains(page, "/settings") {
		t.Errorf("a read-only page has forms:\n%s", page)
	}
}

func TestSeedsAreAddedByAForm(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.job(t, "news")
	s.get(t, "/jobs/news/seed").want(t, http.StatusOK, `name="urls"`, "<option>urgent</option>")
	a := s.submit(t, "/jobs/news/seed", s.form("news", "urls", "http://a.test/1\r\n# a remark\r\n\r\nhttp://a.test/2\r\nhttp://a.test/1\r\n"))
	a.want(t, http.StatusOK, "2 URLs were added, 1 was known already.")
	a = s.submit(t, "/jobs/news/seed", s.form("news", "urls", "http://a.test/3\r\n<script>alert(1)</script>\r\nhttp://a.test/4"))
	a.want(t, http.StatusBadRequest, "2 URLs were added.", "1 line was refused", "Line 2: <code>&lt;script&gt;alert(1)",
		`required>&lt;script&gt;alert(1)&lt;/script&gt;</textarea>`)
	a.wantNoMarkup(t)
	s.submit(t, "/jobs/news/seed", s.form("news", "urls", "# nothing")).want(t, http.StatusOK,
		"There is no URL in the list.")
	s.submit(t, "/jobs/news/seed", s.form("news", "urls", "x", "priority", "soon")).want(t, http.StatusBadRequest,
		"Priority")
	s.submit(t, "/jobs/news/seed", s.form("news", "urls", strings.Repeat("x", maxForm))).want(t,
		http.StatusRequestEntityTooLarge, "more than")
	s.change("news", func(r *fakeJob) { r.status.State = crawler.StateDone })
	s.submit(t, "/jobs/news/seed", s.form("news", "urls", "http://a.test/5")).want(t, http.StatusConflict,
		"takes no seeds")
}

func TestSettingsAreChangedByAForm(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.job(t, "news")
	page := s.get(t, "/jobs/news/settings")
	page.want(t, http.StatusOK, `id="set-delay" name="delay" value="1s"`, `<textarea id="set-exclude" name="exclude"`)
	if contains(page.body, `name="schedule"`) {
		t.Error("a job without a schedule can get one")
	}
	old := s.form("news")
	a := s.submit(t, "/jobs/news/settings", s.form("news", "delay", "5s", "exclude", "/a/\r\n\r\n/b/", "pages", "0"))
	a.want(t, http.StatusSeeOther)
	s.get(t, a.header.Get("Location")).want(t, http.StatusOK, "The settings are changed", "delay: 5s, was 1s")
	job := s.fakeFleet.jobs["news"].status.Job
	if time.Duration(job.Delay) != 5*time.Second || fmt.Sprint(job.Exclude) != "[/a/ /b/]" {
		t.Errorf("delay %v, exclude %q", job.Delay, job.Exclude)
	}
	old.Set("delay", "7s")
	s.submit(t, "/jobs/news/settings", old).want(t, http.StatusConflict, "Someone else has changed the settings",
		"delay: 5s, was 1s", `name="delay" value="7s"`, `name="revision" value="1"`)
	s.submit(t, "/jobs/news/settings", s.form("news", "delay", "soon")).want(t, http.StatusBadRequest,
		"Nothing was changed",
		"soon", `name="delay" value="soon"`)
	a = s.submit(t, "/jobs/news/settings", s.form("news", "delay", "5s"))
	if to := a.header.Get("Location"); to != "/jobs/news?done=same" {
		t.Errorf("the same settings lead to %q", to)
	}
	s.submit(t, "/jobs/news/settings", s.form("news", "revision", "x")).want(t, http.StatusBadRequest, "no revision")
}

func TestTheTextsOfAJobsPagesAreNotMarkup(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.addScripts(t, "news")
	for _, path := range []string{"/jobs/news", "/jobs/news-ended", "/jobs/news/settings", "/jobs/%3Cscript%3Ealert(1)"} {
		a := s.get(t, path)
		if a.want(t, a.status, "&lt;script&gt;alert("); a.status >= 500 {
			t.Errorf("%s answers %d", path, a.status)
		}
		a.wantNoMarkup(t)
	}
}
