package scheduler

import (
	"context"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// progress is since when a job has had a number of settled URLs, as this scheduler has seen
// it. A new scheduler starts to count when it meets the job: a late event is better than a
// false one.
type progress struct {
	settled int64
	since   time.Time
	told    bool // an event says that the job stands still
}

// stall makes an event if a job that has something to do settles nothing for a time. It makes
// one for each number of settled URLs, whatever other schedulers see. A job that only waits
// for seeds does not stand still.
func (s *jobScheduler) stall(ctx context.Context, counters crawler.Counters) error {
	settled, after := counters.Settled(), s.status.Job.StalledAfter
	waits := counters.Idle() && !s.incomplete(counters)
	if s.progress.since.IsZero() || settled != s.progress.settled || waits || after == 0 {
		s.progress = progress{settled: settled, since: time.Now()}
		return nil
	}
	after += pace(s.status.Job.Recrawl)
	if s.progress.told || time.Since(s.progress.since) < after {
		return nil
	}
	if err := s.jobs.Stalled(ctx, s.job, settled, after); err != nil {
		return err
	}
	s.progress.told = true
	s.cfg.Log.Warn("the job has stalled", "job", s.job, "for", after, "settled", settled)
	return nil
}
