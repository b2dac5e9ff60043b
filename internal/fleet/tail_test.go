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
	watched map[string]tail.Watch
	reports []tail.Batch
	hosts   []tail.Row
}

func (b *watchers) Watched(job string) tail.Watch { return b.watched[job] }

func (b *watchers) ReportHost(_ context.Context, _ string, _ crawler.Host, rows []tail.Row) error {
	b.hosts = append(b.hosts, rows...)
	return nil
}

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
		board := &watchers{watched: map[string]tail.Watch{"news": {All: true}}}
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
		board.watched["news"] = tail.Watch{}
		time.Sleep(tail.BatchEvery)
		report()
		if len(board.reports) != 2 || len(recent.jobs) > 0 {
			t.Errorf("when no one watches any more, there are %d reports, and %d jobs are remembered", len(board.reports),
				len(recent.jobs))
		}
	})
}

func TestAllPagesOfAHostAreReportedWhileSomeoneWatchesIt(t *testing.T) {
	t.Parallel()
	board := &watchers{watched: map[string]tail.Watch{"news": {All: true, Hosts: []crawler.Host{"a.test"}}}}
	recent := newTails(board)
	for i := range tail.BatchRows {
		recent.hear("news", result(t, fmt.Sprintf("http://busy.test/%d", i))) // a sample has no room for more
	}
	for i := range tail.HostRows + 5 {
		recent.hear("news", result(t, fmt.Sprintf("http://a.test/%d", i)))
	}
	if err := recent.report(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(board.hosts); n != tail.HostRows || board.hosts[0].URL != "http://a.test/5" {
		t.Errorf("%d pages of the host are reported: %+v", n, board.hosts)
	}
	if len(board.reports) != 1 || board.reports[0].LeftOut != tail.HostRows+5 {
		t.Errorf("the sample of the job is %+v", board.reports)
	}
	board.watched["news"] = tail.Watch{Hosts: []crawler.Host{"b.test"}}
	recent.hear("news", result(t, "http://a.test/late"))
	if j := recent.jobs["news"]; len(j.Rows)+len(j.hosts) > 0 {
		t.Errorf("pages of a host that no one watches are kept: %+v", j)
	}
}
