package scheduler_test

import (
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
)

// setWriter makes the job wait for a writer; an empty reason ends the wait.
func (s *fixture) setWriter(writer, reason string) {
	s.t.Helper()
	if err := s.Store.Await(s.t.Context(), s.job, writer, reason, time.Hour); err != nil {
		s.t.Fatal(err)
	}
}

// waitClosing waits until the job is closing, or no longer closing.
func (s *fixture) waitClosing(want bool) {
	s.t.Helper()
	for {
		status, err := s.Store.Status(s.t.Context(), s.job)
		if err != nil {
			s.t.Fatal(err)
		}
		if status.Closing == want {
			return
		}
		s.waitCalls("counters", 1)
	}
}

func TestAFinishedCrawlIsClosingUntilItsOutputIsWritten(t *testing.T) {
	t.Parallel()
	redistest.Sampled(t, func(t *testing.T, url string) {
		t.Parallel()
		s := newFixture(t, url, func(*crawler.Job) {})
		s.setWriter("w1", "3 pages are on their way to the bucket")
		s.setWriter("w2", "files are open")
		s.seed("https://a.example/")
		s.run(fastConfig)
		first := s.waitEnqueued(1)[0]
		s.waitClosing(false)
		s.visit(first)
		s.waitClosing(true)
		s.setWriter("w2", "")
		s.wantRunning()
		s.admit("https://a.example/late")
		second := s.waitEnqueued(1)[0]
		s.waitClosing(false)
		s.visit(second)
		s.waitClosing(true)
		s.setWriter("w1", "")
		s.wantEnd(crawler.StateDone, "")
		if s.status.Closing {
			t.Error("a finished job is still closing")
		}
	})
}

func TestAJobWithASpentBudgetWaitsForItsOutput(t *testing.T) {
	t.Parallel()
	redistest.Sampled(t, func(t *testing.T, url string) {
		t.Parallel()
		s := newFixture(t, url, func(j *crawler.Job) { j.Pages = 1 })
		s.setWriter("w1", "one page is on its way to the bucket")
		s.seed(sites(2)...)
		s.run(fastConfig)
		s.open(s.waitEnqueued(2)[0]).take().fetched(1).close()
		s.wantRunning()
		if err := s.Abandon(t.Context()); err != nil { // breaks the visit that was never opened
			t.Fatal(err)
		}
		s.waitClosing(true)
		s.wantRunning()
		s.setWriter("w1", "")
		s.wantEnd(crawler.StateDone, "budget of pages")
	})
}

func TestALostWriterDoesNotDelayTheJob(t *testing.T) {
	t.Parallel()
	redistest.Sampled(t, func(t *testing.T, url string) {
		t.Parallel()
		s := newFixture(t, url, func(*crawler.Job) {})
		if err := s.Store.Await(t.Context(), s.job, "w1", "it dies now", time.Second); err != nil {
			t.Fatal(err)
		}
		s.seed("https://a.example/")
		s.run(fastConfig)
		s.visit(s.waitEnqueued(1)[0])
		s.wantEnd(crawler.StateDone, "")
	})
}
