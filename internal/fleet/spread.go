package fleet

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/spread"
	"github.com/trawlcrawler/trawl/internal/tail"
)

// spreads count how the pages of jobs are distributed. It is safe for concurrent use.
type spreads struct {
	board spreadBoard

	mu    sync.Mutex
	jobs  map[string]spread.Counts // not added yet
	added time.Time
}

// spreadBoard is where workers add up what they have counted.
type spreadBoard interface {
	AddSpread(ctx context.Context, job string, c spread.Counts) error
}

// spreadEvery is how often counts are added to those in Redis. A worker that is killed loses the
// counts since then.
const spreadEvery = 900 * time.Millisecond

func newSpreads(board spreadBoard) *spreads {
	return &spreads{board: board, jobs: make(map[string]spread.Counts)}
}

// hear counts a settled result of a job. It does not retain the result.
func (s *spreads) hear(job string, r *fetched.Result) {
	if !r.Outcome.Final() || r.Page == nil || r.Page.Status == 0 {
		return
	}
	url := r.Entry.URL.String()
	if len(url) > tail.MaxURL {
		url = ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	c := s.jobs[job]
	if c == nil {
		c = make(spread.Counts)
		s.jobs[job] = c
	}
	c.Response(url, r.Page.Status)
	if r.Outcome == crawler.OutcomeFetched {
		size := int64(0)
		if r.Page.Body != nil {
			size = r.Page.Body.Size
		}
		c.Page(url, r.Entry.Depth, size)
	}
}

// add adds the counts to the numbers of the jobs, at most about once a second unless atOnce is set.
// Counts that cannot be added now are added later.
func (s *spreads) add(ctx context.Context, atOnce bool) error {
	s.mu.Lock()
	if len(s.jobs) == 0 || !atOnce && time.Since(s.added) < spreadEvery {
		s.mu.Unlock()
		return nil
	}
	due := s.jobs
	s.jobs, s.added = make(map[string]spread.Counts), time.Now()
	s.mu.Unlock()
	var errs []error
	for job, c := range due {
		if err := s.board.AddSpread(ctx, job, c); err != nil {
			errs = append(errs, err)
			s.restore(job, c)
		}
	}
	return errors.Join(errs...)
}

// restore keeps counts that could not be added.
func (s *spreads) restore(job string, c spread.Counts) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.jobs[job] == nil {
		s.jobs[job] = c
		return
	}
	for name, n := range c {
		n.URLs += s.jobs[job][name].URLs
		s.jobs[job][name] = n
	}
}
