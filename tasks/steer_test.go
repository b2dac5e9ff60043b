package tasks_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

func TestConcurrentVerbsLeaveTheJobInOneStateAndReportFailures(t *testing.T) {
	t.Parallel()
	e := newEndedJob(t, nil)
	var racing sync.WaitGroup
	verbs := []func() error{
		func() error { return e.client.Pause(t.Context(), e.job.Name) },
		func() error { return e.client.Resume(t.Context(), e.job.Name) },
	}
	for i := range 40 {
		do := verbs[i%len(verbs)]
		if i == 30 {
			do = func() error { return e.client.Cancel(t.Context(), e.job.Name) }
		}
		racing.Go(func() {
			if err := do(); err != nil && !errors.Is(err, queue.ErrJobEnded) && !errors.Is(err, queue.ErrJobState) {
				t.Errorf("verb %d: %v", i, err)
			}
		})
	}
	racing.Wait()
	status, err := e.client.Status(t.Context(), e.job.Name)
	if err != nil || status.State != crawler.StateCancelled {
		t.Errorf("the job is %s (%v), want cancelled", status.State, err)
	}
}

func TestAJobThatHasNotStartedIsPausedAndWaitsForItsStartAgain(t *testing.T) {
	t.Parallel()
	e := newEndedJob(t, nil)
	later := e.job
	later.Name += "-later"
	e.must(e.store.Create(t.Context(), later))
	for i, step := range []struct {
		do   func(context.Context, string) error
		want crawler.State
	}{
		{e.client.Resume, crawler.StateCreated}, {e.client.Pause, crawler.StatePaused},
		{e.client.Pause, crawler.StatePaused}, {e.client.Resume, crawler.StateCreated},
	} {
		e.must(step.do(t.Context(), later.Name))
		if status, err := e.client.Status(t.Context(), later.Name); err != nil || status.State != step.want {
			t.Errorf("after step %d the job is %s (%v), want %s", i, status.State, err, step.want)
		}
	}
}
