package scheduler

import (
	"context"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// givenUpApart is the time between two events about hosts that were given up, so that a job with
// a million dead hosts does not make a million events. The end of the job does not wait for it.
const givenUpApart = time.Minute

// givenUp is how many hosts of the job were given up when this scheduler last made sure that an
// event tells of them, and when that was.
type givenUp struct {
	hosts int64
	at    time.Time
}

// tellGivenUp makes an event if hosts were given up since the last one, which is at least the
// given time ago.
func (s *jobScheduler) tellGivenUp(ctx context.Context, counters crawler.Counters, apart time.Duration) error {
	if counters.HostsGivenUp == s.givenUp.hosts || time.Since(s.givenUp.at) < apart {
		return nil
	}
	made, err := s.jobs.TellGivenUp(ctx, s.status.Job, apart)
	if err != nil {
		return err
	}
	s.givenUp.at = time.Now()
	if made {
		s.givenUp.hosts = counters.HostsGivenUp
	}
	return nil
}
