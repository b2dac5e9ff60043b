package scheduler

import (
	"context"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

const (
	// steerEvery is how often a scheduler offers to steer a continuous job. Of all schedulers,
	// one does so each minute.
	steerEvery = 5 * time.Second
	// againEvery is how often it looks at least for pages that are due again.
	againEvery = 200 * time.Millisecond
	// againMost is the longest time between two looks, since the settings may change, and
	// workers fetch pages for the first time.
	againMost = 2 * time.Second
)

// recur keeps a continuous job going: it queues pages that are due again, and steers the job to
// its budget.
func (s *jobScheduler) recur(ctx context.Context, counters crawler.Counters) error {
	if !s.status.Job.Recrawl.On() {
		return nil
	}
	if time.Since(s.steered) >= steerEvery {
		if err := s.frontier.Steer(ctx); err != nil {
			return err
		}
		s.steered = time.Now()
	}
	if time.Now().Before(s.again) {
		return nil
	}
	idle, err := s.frontier.Again(ctx, counters)
	s.again = time.Now().Add(max(againEvery, min(idle, againMost)))
	return err
}

// pace returns the longest time in which a continuous job may settle nothing because its budget is
// used up; 0 for other jobs.
func pace(r crawler.Recrawl) time.Duration {
	if !r.On() {
		return 0
	}
	const fetches = 3
	return time.Duration(fetches * float64(24*time.Hour) / r.Budget.PerDay())
}
