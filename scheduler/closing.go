package scheduler

import (
	"context"

	"github.com/trawlcrawler/trawl/crawler"
)

// How a job with nothing left to fetch waits for its output: pages that are settled
// count only once they are where the loss of a worker cannot take them.

// end ends the job, if over still says that nothing is left to fetch and its output is
// complete. Otherwise it marks the job as closing, on which workers finish and ship what
// they have, and the next look tries again.
func (s *Scheduler) end(ctx context.Context, reason string, over func(crawler.Counters) bool) (bool, error) {
	numbers, err := s.frontier.Counters(ctx) // the last visit may have ended since
	if err != nil {
		return false, err
	}
	if over(numbers) && s.incomplete(numbers) {
		return false, s.close(ctx)
	}
	if err := s.reread(ctx); err != nil { // a writer may have asked since to be awaited
		return false, err
	}
	switch {
	case s.status.State != crawler.StateRunning, !over(numbers):
		return false, nil
	case s.incomplete(numbers):
		return false, s.close(ctx)
	}
	return s.move(ctx, reason)
}

// incomplete reports whether some of the job's output is still on its way.
func (s *Scheduler) incomplete(numbers crawler.Counters) bool {
	return numbers.Unshipped > 0 || len(s.status.Awaited) > 0
}

// close marks the job as closing.
func (s *Scheduler) close(ctx context.Context) error {
	if s.status.Closing {
		return nil
	}
	s.cfg.Log.Info("nothing is left to fetch; the job waits for its output", "job", s.job)
	return s.setClosing(ctx, true)
}

// reopen takes the mark away from a job that has something to fetch again: new seeds,
// or pages whose worker was lost before it shipped them.
func (s *Scheduler) reopen(ctx context.Context) error {
	if !s.status.Closing && s.status.Ending == "" {
		return nil
	}
	if s.status.Ending != "" {
		if err := s.jobs.End(ctx, s.job, ""); err != nil {
			return err
		}
		s.status.Ending = ""
	}
	s.cfg.Log.Info("the job has something to fetch again", "job", s.job)
	return s.setClosing(ctx, false)
}

func (s *Scheduler) setClosing(ctx context.Context, closing bool) error {
	if err := s.jobs.SetClosing(ctx, s.job, closing); err != nil {
		return err
	}
	s.status.Closing = closing
	return nil
}
