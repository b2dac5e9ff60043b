package scheduler_test

import (
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
)

// A job with a URL that no worker fetches stands still. All schedulers together make one event of
// that.
func TestAJobThatStandsStillMakesOneEvent(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, url string) {
		s := newFixture(t, url, func(j *crawler.Job) { j.StalledAfter = 20 * time.Millisecond })
		s.admit("http://a.example/")
		other := s.inOtherProcess(t, url)
		for _, one := range []*fixture{s, other} {
			stalled := make(chan struct{})
			one.hook("stalled", func() error { close(stalled); return nil })
			one.run(fastConfig)
			<-stalled
			one.wantRunning()
		}
		all, err := s.Events(t.Context(), s.job)
		if err != nil || len(all) != 2 || all[1].Name != crawler.EventStalled || !strings.Contains(all[1].Reason, "20ms") {
			t.Errorf("events: %+v (%v), want that it began and stalled", all, err)
		}
	})
}

// A job that waits for seeds, or is not to be told of, makes no event.
func TestAJobThatHasNothingToDoDoesNotStandStill(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, url string) {
		s := newFixture(t, url, func(j *crawler.Job) { j.StalledAfter = time.Millisecond })
		s.run(fastConfig)
		never := newFixture(t, url, func(j *crawler.Job) { j.StalledAfter = 0 })
		never.admit("http://a.example/")
		never.run(fastConfig)
		for _, one := range []*fixture{s, never} {
			one.waitCalls("counters", 10)
			if all, err := one.Events(t.Context(), one.job); err != nil || len(all) != 1 {
				t.Errorf("events: %+v (%v), want that it began", all, err)
			}
		}
	})
}
