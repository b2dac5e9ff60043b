package scheduler

import (
	"context"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// This file has how a job with nothing left to fetch waits for its output: settled pages
// count only once the loss of a worker cannot lose them.

// end ends the job, if over still says that nothing is left to fetch and its output is
// complete. Otherwise it marks the job as closing, so that workers finish and ship what
// they have, and the next look tries again.
func (s *jobScheduler) end(ctx context.Context, reason string, over func(crawler.Counters) bool) (bool, error) {
	counters, err := s.frontier.Counters(ctx) // the last visit may have ended in the meantime
	if err != nil {
		return false, err
	}
	if over(counters) && s.incomplete(counters) {
		return false, s.close(ctx)
	}
	if err := s.reread(ctx); err != nil { // a writer may have asked in the meantime to be awaited
		return false, err
	}
	switch {
	case s.status.State != crawler.StateRunning, !over(counters):
		return false, nil
	case s.incomplete(counters):
		return false, s.close(ctx)
	}
	if err := s.tellGivenUp(ctx, counters, 0); err != nil {
		return false, err
	}
	return s.move(ctx, reason)
}

// incomplete reports whether some of the job's output is still on its way.
func (s *jobScheduler) incomplete(counters crawler.Counters) bool {
	return counters.Unshipped > 0 || len(s.status.Awaited) > 0
}

// close marks the job as closing.
func (s *jobScheduler) close(ctx context.Context) error {
	if s.status.Closing {
		return nil
	}
	s.cfg.Log.Info("nothing is left to fetch; the job waits for its output", "job", s.job)
	return s.setClosing(ctx, true)
}

// reopen removes the mark from a job that has something to fetch again: new seeds, or pages
// whose worker was lost before it shipped them.
func (s *jobScheduler) reopen(ctx context.Context) error {
	if !s.status.Closing && s.status.Ending == "" {
		return nil
	}
	if s.status.Ending != "" {
		if err := s.jobs.End(ctx, s.job, s.status.Revision, ""); err != nil {
			return err
		}
		s.status.Ending = ""
	}
	s.cfg.Log.Info("the job has something to fetch again", "job", s.job)
	return s.setClosing(ctx, false)
}

func (s *jobScheduler) setClosing(ctx context.Context, closing bool) error {
	if err := s.jobs.SetClosing(ctx, s.job, closing); err != nil {
		return err
	}
	s.status.Closing = closing
	return nil
}

// reclaimEvery is how often a scheduler looks for segments whose worker was lost.
const reclaimEvery = 2 * time.Second

// reclaim requeues the pages of workers that were lost before they shipped them. A
// scheduler that has just started, or that could not reach Redis for half the time in which
// a worker must report, first gives workers that time to report, because they may have had
// the same trouble.
func (s *jobScheduler) reclaim(ctx context.Context) error {
	patience := s.status.Job.LostAfter
	if time.Since(s.reclaimed) < reclaimEvery || time.Since(s.met) < patience || !s.contact.calm(patience/2, patience) {
		return nil
	}
	s.reclaimed = time.Now()
	urls, err := s.frontier.Reclaim(ctx)
	if urls > 0 {
		s.cfg.Log.Warn("fetching unshipped pages again: their worker was lost", "job", s.job, "urls", urls)
	}
	return err
}
