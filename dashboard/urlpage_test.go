package dashboard

import (
	"context"
	"fmt"
	"net/http"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// explaining makes a dashboard explain URLs, always in the same words.
func explaining(cfg *Config, _ *http.Server) {
	cfg.Explain = func(_ context.Context, job, given string, u crawler.URL) (Explanation, error) {
		if job == "gone" {
			return Explanation{}, fmt.Errorf("job %q: %w", job, queue.ErrNoJob)
		}
		return Explanation{Report: map[string]string{"given": given, "url": u.String()}, Lines: []plain.Line{
			{Name: "URL", Text: u.String()}, {Name: "scope", Text: "links to it are followed"},
			{Name: "record", Text: "<script>alert(1)</script>"},
			{Text: "found on http://a.test/, depth 1"}}}, nil
	}
}

func TestAURLIsExplained(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t, explaining)
	s.job(t, "news")
	s.get(t, "/jobs/news").want(t, http.StatusOK, `action="/jobs/news/url"`, `id="find" name="u"`)
	s.get(t, "/jobs/news/url").want(t, http.StatusOK, "what happened to the URL and why")
	a := s.get(t, "/jobs/news/url?u=HTTP://A.test:80/x")
	a.want(t, http.StatusOK, "<dt>URL</dt><dd>http://a.test/x</dd>", "<dt></dt><dd>found on http://a.test/, depth 1</dd>",
		`value="HTTP://A.test:80/x"`, `href="/jobs/news/hosts/a.test"`)
	a.wantNoMarkup(t)
	s.get(t, "/jobs/news/url?u=nothing").want(t, http.StatusBadRequest, `value="nothing"`, `role="alert"`)
	s.get(t, "/jobs/nothing/url?u=http://a.test/").want(t, http.StatusNotFound, "There is no such job")
	var report map[string]string
	s.get(t, "/api/v1/jobs/news/explain?url=http://a.test").read(t, &report)
	if report["given"] != "http://a.test" || report["url"] != "http://a.test/" {
		t.Errorf("the report is %v", report)
	}
	s.get(t, "/api/v1/jobs/news/explain").wantError(t, http.StatusBadRequest, "no URL")
	s.get(t, "/api/v1/jobs/news/explain?url=x").wantError(t, http.StatusBadRequest, "x")
	s.get(t, "/api/v1/jobs/gone/explain?url=http://a.test/").wantError(t, http.StatusNotFound, "gone")
}

func TestADashboardThatCannotExplainURLsSaysSo(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.job(t, "news")
	s.get(t, "/api/v1/jobs/news/explain?url=http://a.test/").wantError(t, http.StatusNotImplemented, "trawl explain")
	s.get(t, "/jobs/news/url?u=http://a.test/").want(t, http.StatusNotImplemented, "trawl explain")
}

func TestTheSearchAtTheTopFindsTheJobOfAURL(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t, explaining)
	s.get(t, "/find?u=http://a.test/").want(t, http.StatusOK, "There are no jobs yet")
	s.job(t, "news")
	a := s.get(t, "/find?u=http://a.test/?q=%26")
	a.want(t, http.StatusSeeOther)
	if to := a.header.Get("Location"); to != "/jobs/news/url?u=http%3A%2F%2Fa.test%2F%3Fq%3D%26" {
		t.Errorf("the search leads to %q", to)
	}
	s.job(t, "olds")
	s.get(t, "/find?u=http://a.test/").want(t, http.StatusOK, "In which job?",
		`href="/jobs/olds/url?u=http%3A%2F%2Fa.test%2F">olds</a>`)
}
