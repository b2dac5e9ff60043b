package scheduler

import (
	"context"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// This file ends a job when a budget is spent, or when nothing is left to do.

// spent names the budget of the job that is spent, or "".
func (s *jobScheduler) spent(counters crawler.Counters) string {
	job := s.status.Job
	switch {
	case s.status.Ending == "time", strings.HasPrefix(s.status.Ending, queue.StopPrefix):
		return s.status.Ending
	case job.Pages > 0 && counters.Pages() >= job.Pages:
		return "pages"
	case job.Bytes > 0 && counters.Bytes >= int64(job.Bytes):
		return "bytes"
	case job.Items > 0 && counters.Items >= job.Items:
		return "items"
	case job.Time > 0 && s.age+time.Since(s.checked) >= job.Time:
		return "time"
	}
	return ""
}

// wind ends a job whose budget is spent, or that a handler stops: its visits are told to end, and when they have,
// the job is done.
func (s *jobScheduler) wind(ctx context.Context, counters crawler.Counters, budget string) (bool, error) {
	if s.status.Ending == "" {
		s.cfg.Log.Info("a budget is spent", "job", s.job, "budget", budget)
		if err := s.jobs.End(ctx, s.job, s.status.Revision, budget); err != nil {
			return false, err
		}
		s.status.Ending = budget
	}
	if counters.Out() > 0 {
		return false, nil
	}
	reason := "budget of " + budget
	if strings.HasPrefix(budget, queue.StopPrefix) {
		reason = budget
	}
	return s.end(ctx, reason, func(c crawler.Counters) bool { return c.Out() == 0 && s.spent(c) != "" })
}

// finish ends the job if there is nothing left to do. A budget is the reason only if it
// left something undone. The budget of the whole job never does here; that of a host does
// if URLs were skipped.
func (s *jobScheduler) finish(ctx context.Context, counters crawler.Counters) (bool, error) {
	idle, err := s.frontier.Idle(ctx)
	if err != nil || !idle {
		return false, err
	}
	if err := s.reread(ctx); err != nil {
		return false, err
	}
	reason := ""
	if strings.HasPrefix(s.status.Ending, queue.StopPrefix) {
		reason = s.status.Ending
	} else if counters.Over > 0 {
		reason = "budget of pages per host"
	}
	return s.end(ctx, reason, func(c crawler.Counters) bool { return c.Idle() && s.complete() })
}
