package dashboard

import (
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/internal/spread"
)

func TestDistributionsAreShownWithExamples(t *testing.T) {
	t.Parallel()
	s := newTestDashboard(t)
	s.job(t, "news")
	s.get(t, "/api/v1/jobs/news/distributions").want(t, http.StatusOK, `"depths": []`, `"statuses": []`)
	if page := s.get(t, "/jobs/news").body; contains(page, `id="spread-title"`) {
		t.Error("a job that has fetched nothing shows distributions")
	}
	counts := make(spread.Counts)
	counts.Page("http://a.test/", 0, 0)
	for range 3 {
		counts.Page("http://a.test/<script>alert(1)</script>", 2, 5000)
	}
	counts.Page("", 100, 1<<30)
	counts.Response("http://a.test/gone", 404)
	s.change("news", func(r *fakeJob) { r.spread = counts })
	var report spreadReport
	s.get(t, "/api/v1/jobs/news/distributions").read(t, &report)
	script := "http://a.test/<script>alert(1)</script>"
	want := spreadReport{
		Depths: []bucketReport{{"0", 0, 1, "http://a.test/"}, {"2", 2, 3, script}, {"99 or more", 99, 1, ""}},
		Sizes: []bucketReport{{"empty", 0, 1, "http://a.test/"}, {"below 16 KiB", 4096, 3, script},
			{"16 MiB or more", 16 << 20, 1, ""}},
		Statuses: []bucketReport{{"HTTP 404", 404, 1, "http://a.test/gone"}},
	}
	if diff := cmp.Diff(want, report); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	a := s.get(t, "/jobs/news")
	a.want(t, http.StatusOK, `aria-label="Share of 16 MiB or more"`, `href="/jobs/news/url?u=http%3A%2F%2Fa.test%2Fgone"`)
	a.wantNoMarkup(t)
	s.get(t, "/api/v1/jobs/nothing/distributions").wantError(t, http.StatusNotFound, "nothing")
	s.get(t, "/api/v1/jobs/news/distributions?by=x").wantError(t, http.StatusBadRequest, "by")
}
