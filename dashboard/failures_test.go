package dashboard

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// failing adds URLs that failed to a job: two with 404, one of them of host b.test, and a timeout.
func (s *testDashboard) failing(t testing.TB, name string) {
	t.Helper()
	s.change(name, func(r *fakeJob) {
		r.counters.Causes = map[string]int64{"404": 12, "timeout": 1, "500": 0}
		for i, f := range []struct{ url, cause, reason string }{
			{"http://a.test/1", "404", "the server answered 404"}, {"http://b.test/2", "404", "the server answered 404"},
			{"http://b.test/<script>alert(1)</script>", "timeout", "<script>alert(1)</script>"},
		} {
			u, err := crawler.ParseURL(f.url)
			if err != nil {
				t.Fatal(err)
			}
			r.failed = append(r.failed, queue.Failed{Entry: queue.Entry{URL: u}, Cause: f.cause, Reason: f.reason,
				Outcome: crawler.OutcomeFailed, At: time.Now().Add(-time.Duration(i) * time.Minute)})
		}
	})
}

func TestErrorsAreListedByCauseAndHostAndQueuedAgain(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.job(t, "news")
	s.get(t, "/jobs/news/errors").want(t, http.StatusOK, "No URL has failed", "No host has URLs that failed")
	s.failing(t, "news")
	a := s.get(t, "/jobs/news/errors")
	a.want(t, http.StatusOK, `<span class="name">HTTP 404</span>`, `data-label="Class">http<`, `data-label="URLs">12<`,
		`id="retry-cause-404" class="button">Retry 2 URLs<`, `id="retry-host-b.test" class="button">Retry 2 URLs<`,
		`id="retry-all" class="button">Retry 3 URLs<`, "http://a.test/1", "1m 0s ago")
	a.wantNoMarkup(t)
	if contains(a.body, "HTTP 500") {
		t.Error("a cause is listed although all its URLs are queued again")
	}
	a = s.submit(t, "/jobs/news/retry", s.form("news", "cause", "404", "host", "b.test"))
	a.want(t, http.StatusSeeOther)
	s.get(t, a.header.Get("Location")).want(t, http.StatusOK, "1 URL is queued again",
		`id="retry-all" class="button">Retry 2 URLs<`)
	s.get(t, "/jobs/news/errors?retried=0").want(t, http.StatusOK, "Nothing was queued")
	s.submit(t, "/jobs/news/retry", s.form("news", "state", "paused")).want(t, http.StatusConflict,
		"is running now; it was paused")
	s.submit(t, "/jobs/news/retry", s.form("news", "created", "7")).want(t, http.StatusConflict, "was created again")
	s.submit(t, "/jobs/news/retry", s.form("news", "host", "://")).want(t, http.StatusBadRequest, "is not a host")
	if n := len(s.fakeFleet.jobs["news"].failed); n != 2 {
		t.Errorf("%d URLs are remembered, want 2", n)
	}
	read := newTestDashboard(t, func(cfg *Config, _ *http.Server) { cfg.ReadOnly = true })
	read.job(t, "news")
	read.failing(t, "news")
	if page := read.get(t, "/jobs/news/errors").body; contains(page, `method="post"`) {
		t.Errorf("a page that is read-only has forms:\n%s", page)
	}
}

func TestTheAPIQueuesURLsThatFailedAgain(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.job(t, "news")
	s.failing(t, "news")
	retry := func(query string, header ...string) answer {
		return s.post(t, "/api/v1/jobs/news/retry"+query, "", "", header...)
	}
	retry("?cause=timeout&at=now").wantError(t, http.StatusBadRequest, `unknown parameter "at"`)
	retry("", "If-Match", `"7"`).wantError(t, http.StatusPreconditionFailed, "they have revision 0")
	s.post(t, "/api/v1/jobs/nothing/retry", "", "").wantError(t, http.StatusNotFound, "nothing")
	for _, c := range []struct {
		query string
		want  int
	}{{"?cause=500", 0}, {"?host=a.test", 1}, {"?cause=http", 1}, {"", 1}, {"", 0}} {
		var report retryReport
		retry(c.query, "If-Match", fmt.Sprintf("%q", "0")).read(t, &report)
		if report.URLs != c.want {
			t.Errorf("retry%s queues %d URLs, want %d", c.query, report.URLs, c.want)
		}
	}
	s.change("news", func(r *fakeJob) { r.status.State = crawler.StateCancelled })
	retry("").wantError(t, http.StatusConflict, "news")
}
