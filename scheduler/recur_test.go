package scheduler_test

import (
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
)

// A continuous job does not end when nothing is left to fetch: its pages are fetched again when
// they are due.
func TestAContinuousJobGoesOn(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, url string) {
		s := newFixture(t, url, func(j *crawler.Job) {
			j.Recrawl = crawler.Recrawl{Budget: crawler.FetchRate{Fetches: 1e6, Per: 24 * time.Hour}, Min: time.Second}
		})
		s.seed("http://a.example/")
		s.seeded()
		s.run(fastConfig)
		for fetch := range 3 {
			v := s.open(s.waitEnqueued(1)[0]).take()
			if got := v.taken[0].Entry.Page.Fetches; got != fetch {
				t.Errorf("fetch %d is of a page that was fetched %d times", fetch, got)
			}
			v.sighted().close()
			s.wantRunning()
		}
		status, err := s.Store.Status(t.Context(), s.job)
		if err != nil || status.Freshness == nil {
			t.Fatalf("the job has no figures: %v", err)
		}
	})
}

// sighted settles what was taken as fetched, with what a continuous job learns.
func (v *openVisit) sighted() *openVisit {
	v.t.Helper()
	var done []queue.Settlement
	for _, one := range v.taken {
		done = append(done, queue.Settlement{Ticket: one.Ticket, Outcome: crawler.OutcomeFetched,
			Page: queue.Sighting{Entry: one.Entry, Found: true}})
	}
	if err := v.Settle(v.t.Context(), done); err != nil {
		v.t.Fatal(err)
	}
	v.taken = nil
	return v
}
