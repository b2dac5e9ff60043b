package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/frontier"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/seedfile"
)

// shownRefusals is the number of refusals in the result of a task.
const shownRefusals = 10

// SeedHandler returns the handler of tasks of [TypeSeed], which adds their URLs to the jobs of
// a store. The schedulers of a fleet serve [SeedQueue] with it, because a fleet has a scheduler
// whatever jobs there are, and seeding needs only Redis; workers serve the queues of running
// jobs, and may serve only some. log may be nil.
func SeedHandler(store *frontier.Store, log *slog.Logger) asynq.HandlerFunc {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return seedHandler{store, log}.carryOut
}

// seedHandler carries out tasks of TypeSeed.
type seedHandler struct {
	store *frontier.Store
	log   *slog.Logger
}

// carryOut runs one task. Errors that a retry cannot fix are archived; errors of Redis are
// retried.
func (s seedHandler) carryOut(ctx context.Context, t *asynq.Task) error {
	seeds, err := parseSeeds(t.Payload())
	if err != nil {
		queue, _ := asynq.GetQueueName(ctx)
		s.log.Warn("a task is archived", "job", queue, "error", err)
		return fmt.Errorf("%w: %w", err, asynq.SkipRetry)
	}
	sum, err := bring(ctx, s.store, seeds.Job, seedfile.Prioritized(listOf(seeds.URLs), seeds.Priority), true, nil)
	sum.Refusals = sum.Refusals[:min(len(sum.Refusals), shownRefusals)]
	result, jsonErr := json.Marshal(sum)
	if jsonErr == nil {
		_, jsonErr = t.ResultWriter().Write(result)
	}
	if err = errors.Join(seedTrouble(ctx, s.store, seeds.Job, err), jsonErr); err != nil {
		s.log.Warn("seeds were not added", "job", seeds.Job, "admitted", sum.Admitted, "error", err)
		return err
	}
	s.log.Info("seeds were added", "job", seeds.Job, "admitted", sum.Admitted, "seen", sum.Seen, "refused", sum.Refused)
	return nil
}

// seedTrouble adds to an error about a job that takes no seeds what to do about it, which a
// person must decide.
func seedTrouble(ctx context.Context, store *frontier.Store, job string, err error) error {
	const again = "then run this task again, in asynq's web UI or with asynq task run"
	switch {
	case errors.Is(err, queue.ErrNoJob):
		return fmt.Errorf("%w: create it, %s: %w", err, again, asynq.SkipRetry)
	case !errors.Is(err, queue.ErrJobEnded):
		return err
	}
	status, statusErr := store.Status(ctx, job)
	switch {
	case statusErr != nil:
		return statusErr
	case status.State == crawler.StateDone:
		return fmt.Errorf("job %q is done: trawl job resume %s, %s: %w", job, job, again, asynq.SkipRetry)
	case status.State.Ended():
		return fmt.Errorf("job %q is %s: seed another job: %w", job, status.State, asynq.SkipRetry)
	}
	return err // it was resumed in the meantime
}

// listOf yields the URLs of a task in the form that Seed expects.
func listOf(urls []string) func(yield func(string, error) bool) {
	return func(yield func(string, error) bool) {
		for _, u := range urls {
			if !yield(u, nil) {
				return
			}
		}
	}
}
