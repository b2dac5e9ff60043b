package scheduler_test

import (
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/redistest"
)

// await asks the job to wait for a writer; with the reason "" no longer.
func (s *stage) await(writer, reason string) {
	s.t.Helper()
	if err := s.Store.Await(s.t.Context(), s.job, writer, reason, time.Hour); err != nil {
		s.t.Fatal(err)
	}
}

// closing waits until the job is closing, or is so no longer.
func (s *stage) closing(want bool) {
	s.t.Helper()
	for {
		status, err := s.Store.Status(s.t.Context(), s.job)
		if err != nil {
			s.t.Fatal(err)
		}
		if status.Closing == want {
			return
		}
		s.sees("counters", 1)
	}
}

func TestAJobWithNothingLeftToFetchWaitsForItsOutputAndSaysSo(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, url string) {
		t.Parallel()
		s := newStage(t, url, func(*crawler.Job) {})
		s.await("w1", "3 pages are on their way to the bucket")
		s.await("w2", "files are open")
		s.seed("https://a.example/")
		s.run(quick)
		first := s.ordered(1)[0]
		s.closing(false)
		s.visited(first)
		s.closing(true)
		s.await("w2", "")
		s.goesOn()
		s.admit("https://a.example/late")
		second := s.ordered(1)[0]
		s.closing(false)
		s.visited(second)
		s.closing(true)
		s.await("w1", "")
		s.ends(crawler.StateDone, "")
		if s.status.Closing {
			t.Error("a job that is done is still closing")
		}
	})
}

func TestAJobWhoseBudgetIsSpentWaitsForItsOutputToo(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, url string) {
		t.Parallel()
		s := newStage(t, url, func(j *crawler.Job) { j.Pages = 1 })
		s.await("w1", "one page is on its way to the bucket")
		s.seed(sites(2)...)
		s.run(quick)
		s.open(s.ordered(2)[0]).take().fetched(1).close()
		s.goesOn()
		if err := s.Abandon(t.Context()); err != nil { // the visit that was never opened
			t.Fatal(err)
		}
		s.closing(true)
		s.goesOn()
		s.await("w1", "")
		s.ends(crawler.StateDone, "budget of pages")
	})
}

func TestAWriterThatIsNotHeardOfAnyMoreHoldsNoJobUp(t *testing.T) {
	t.Parallel()
	redistest.Both(t, func(t *testing.T, url string) {
		t.Parallel()
		s := newStage(t, url, func(*crawler.Job) {})
		if err := s.Store.Await(t.Context(), s.job, "w1", "it dies now", time.Second); err != nil {
			t.Fatal(err)
		}
		s.seed("https://a.example/")
		s.run(quick)
		s.visited(s.ordered(1)[0])
		s.ends(crawler.StateDone, "")
	})
}
