package tasks_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
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
			if err := do(); err != nil && !errors.Is(err, crawler.ErrJobEnded) && !errors.Is(err, crawler.ErrJobState) {
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

func TestAJobThatHasNotStartedCannotBePaused(t *testing.T) {
	t.Parallel()
	e := newEndedJob(t, nil)
	later := e.job
	later.Name += "-later"
	e.must(e.store.Create(t.Context(), later))
	for verb, do := range map[string]func() error{
		"paused":  func() error { return e.client.Pause(t.Context(), later.Name) },
		"running": func() error { return e.client.Resume(t.Context(), later.Name) },
	} {
		if err := do(); !errors.Is(err, crawler.ErrJobState) || !strings.Contains(err.Error(), later.Name) ||
			!strings.Contains(err.Error(), verb) {
			t.Errorf("%s: %v", verb, err)
		}
	}
}
