package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/crawler/frontier"
)

const (
	seedTasks = 4                      // carried out at once; each admits from several goroutines
	seedPoll  = 250 * time.Millisecond // of an empty queue
	// shownRefusals is how many refusals the result of a task lists.
	shownRefusals = 10
)

// ServeSeeds starts a server that carries out the tasks in [SeedQueue], until it
// is closed. Any number may run. The schedulers of a fleet do it, because a fleet
// has one of them whatever jobs there are, and all that seeding takes is Redis;
// workers serve the queues of jobs that run, and may serve some jobs only.
func ServeSeeds(ctx context.Context, redis asynq.RedisConnOpt, store *frontier.Store, log *slog.Logger) (*Server, error) {
	return Serve(ctx, redis, nil, ServerConfig{Job: SeedQueue, Concurrency: seedTasks, Poll: seedPoll, Store: store, Log: log})
}

// seed carries out one task of TypeSeed. What can not be done by trying again
// is archived; trouble with Redis is tried again.
func (s *Server) seed(ctx context.Context, t *asynq.Task) error {
	seeds, err := parseSeeds(t.Payload())
	if err != nil {
		return fmt.Errorf("%w: %w", err, asynq.SkipRetry)
	}
	sum, err := bring(ctx, s.store, seeds.Job, crawler.Prioritized(listOf(seeds.URLs), seeds.Priority), nil)
	sum.Refusals = sum.Refusals[:min(len(sum.Refusals), shownRefusals)]
	result, jsonErr := json.Marshal(sum)
	if jsonErr == nil {
		_, jsonErr = t.ResultWriter().Write(result)
	}
	if err = errors.Join(seedTrouble(ctx, s.store, seeds.Job, err), jsonErr); err != nil {
		s.log.Warn("seeds were not brought", "job", seeds.Job, "admitted", sum.Admitted, "error", err)
		return err
	}
	s.log.Info("seeds were brought", "job", seeds.Job, "admitted", sum.Admitted, "seen", sum.Seen, "refused", sum.Refused)
	return nil
}

// seedTrouble says what to do about a job that takes no seeds, which is for a
// person to decide.
func seedTrouble(ctx context.Context, store *frontier.Store, job string, err error) error {
	const again = "then run this task again, in asynq's web UI or with asynq task run"
	switch {
	case errors.Is(err, crawler.ErrNoJob):
		return fmt.Errorf("%w: create it, %s: %w", err, again, asynq.SkipRetry)
	case !errors.Is(err, crawler.ErrJobEnded):
		return err
	}
	status, statusErr := store.Status(ctx, job)
	switch {
	case statusErr != nil:
		return statusErr
	case status.State == crawler.StateDone:
		return fmt.Errorf("job %q is done: trawl job resume %s, %s: %w", job, job, again, asynq.SkipRetry)
	case status.State.Ended():
		return fmt.Errorf("job %q is %s: seed another: %w", job, status.State, asynq.SkipRetry)
	}
	return err // it was resumed since
}

// seedPause is how long a seed task waits that failed so many times: a second,
// doubled each time, up to a minute.
func seedPause(failed int) time.Duration {
	return min(time.Second<<min(failed, 10), time.Minute)
}

// listOf yields what a task lists, as Seed takes it.
func listOf(urls []string) func(yield func(string, error) bool) {
	return func(yield func(string, error) bool) {
		for _, u := range urls {
			if !yield(u, nil) {
				return
			}
		}
	}
}
