package fleet

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/tail"
)

// watchers keep what is reported to them. They stand for Redis.
type watchers struct {
	watched map[string]bool
	reports []tail.Batch
}

func (b *watchers) Watched(job string) bool { return b.watched[job] }

func (b *watchers) Report(_ context.Context, _ string, batch tail.Batch) error {
	b.reports = append(b.reports, batch)
	return nil
}

func result(t *testing.T, url string) *fetched.Result {
	t.Helper()
	u, err := crawler.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	return &fetched.Result{Entry: queue.Entry{URL: u, Depth: 2}, Worker: "w", Outcome: crawler.OutcomeFetched,
		Page: &fetched.Page{Status: 200, Header: http.Header{"Content-Type": {"text/html"}},
			Started: time.Unix(7, 0), Duration: 30 * time.Millisecond, Body: &fetched.Body{Size: 12}}}
}

func TestRecentPagesAreReportedOnlyWhileSomeoneWatches(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		board := &watchers{watched: map[string]bool{"news": true}}
		recent := newTails(board)
		report := func() {
			if err := recent.report(t.Context()); err != nil {
				t.Error(err)
			}
		}
		for _, job := range []string{"news", "other"} {
			for i := range tail.BatchRows + 3 {
				recent.hear(job, result(t, fmt.Sprintf("http://a.test/%d", i)))
			}
		}
		report()
		if len(board.reports) != 1 || len(board.reports[0].Rows) != tail.BatchRows || board.reports[0].LeftOut != 3 {
			t.Fatalf("reports of the job that is watched: %+v", board.reports)
		}
		want := tail.Row{At: time.Unix(7, 0).UTC(), URL: "http://a.test/0", Host: "a.test",
			Outcome: crawler.OutcomeFetched, Status: 200, ContentType: "text/html", Bytes: 12, DurationMS: 30, Depth: 2,
			Worker: "w"}
		if diff := cmp.Diff(want, board.reports[0].Rows[0]); diff != "" {
			t.Errorf("the first row (-want +got):\n%s", diff)
		}
		recent.hear("news", result(t, "http://a.test/again"))
		report()
		if len(board.reports) != 1 {
			t.Error("a second report follows at once")
		}
		time.Sleep(tail.BatchEvery)
		report()
		if len(board.reports) != 2 || board.reports[1].Rows[0].URL != "http://a.test/again" {
			t.Errorf("the second report is %+v", board.reports)
		}
		recent.hear("news", result(t, "http://a.test/late"))
		board.watched["news"] = false
		time.Sleep(tail.BatchEvery)
		report()
		if len(board.reports) != 2 || len(recent.jobs) > 0 {
			t.Errorf("when no one watches any more, there are %d reports, and %d jobs are remembered", len(board.reports),
				len(recent.jobs))
		}
	})
}
