package tasks

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"log/slog"

	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/frontier"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/rules"
	"github.com/trawlcrawler/trawl/internal/seedfile"
	"github.com/trawlcrawler/trawl/internal/wire"
)

// NextHandler returns the handler of tasks of [wire.TypeNext], which creates the jobs that follow
// others in a store. found returns the URLs that a job has found for the next one; an error that the
// list yields ends it. log may be nil.
func NextHandler(store *frontier.Store, found func(context.Context, crawler.Status) iter.Seq2[string, error],
	log *slog.Logger) asynq.HandlerFunc {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return successor{store, found, log}.succeed
}

// successor carries out the tasks that create the jobs that follow others.
type successor struct {
	store *frontier.Store
	found func(context.Context, crawler.Status) iter.Seq2[string, error]
	log   *slog.Logger
}

// succeed runs one task of [wire.TypeNext]. It may be run again at any point: the next job is created
// once, and has a mark of the event; its seeds are admitted once each; and it cannot end before
// all of them are.
func (s successor) succeed(ctx context.Context, t *asynq.Task) error {
	var n wire.Next
	if err := json.Unmarshal(t.Payload(), &n); err != nil {
		return fmt.Errorf("payload of a %s task: %w: %w", t.Type(), err, asynq.SkipRetry)
	}
	sum, job, err := s.create(ctx, n)
	if err != nil {
		s.log.Warn("the next job could not be created", "job", n.Job, "next", job, "error", err)
		return err
	}
	result, err := json.Marshal(map[string]any{"job": job, "seeds": sum})
	if err == nil {
		_, err = t.ResultWriter().Write(result)
	}
	s.log.Info("the next job was created", "job", n.Job, "next", job, "admitted", sum.Admitted, "refused", sum.Refused)
	return err
}

// create creates the job that follows one that is done, and brings it its seeds.
func (s successor) create(ctx context.Context, n wire.Next) (sum crawler.Seeding, name string, err error) {
	before, err := s.store.Status(ctx, n.Job)
	switch {
	case errors.Is(err, queue.ErrNoJob), err == nil && before.Created.UnixMilli() != n.Created:
		return sum, "", fmt.Errorf("job %q was removed before the next one was created: %w", n.Job, asynq.SkipRetry)
	case err != nil:
		return sum, "", err
	}
	job, err := rules.NextJob(before.Job)
	if err == nil {
		job.Name += runSuffix(before)
		err = rules.Validate(job)
	}
	if err != nil {
		return sum, job.Name, fmt.Errorf("%w: %w", err, asynq.SkipRetry)
	}
	done := before.Job.OnDone
	finds := done.Seeds != "" || done.Links
	own := job.Seeds
	if finds { // without seeds of its own, it waits until all are brought
		job.Seeds = nil
	}
	there, err := s.ensure(ctx, job, n.Event)
	if err != nil || !finds || there.Seeded {
		return sum, job.Name, err
	}
	urls := func(yield func(string, error) bool) {
		for _, u := range own {
			if !yield(u, nil) {
				return
			}
		}
		s.found(ctx, before)(yield)
	}
	sum, err = bring(ctx, s.store, job.Name, seedfile.Prioritized(urls, ""), true, nil)
	if errors.Is(err, queue.ErrJobEnded) {
		err = fmt.Errorf("%w: %w", err, asynq.SkipRetry)
	}
	return sum, job.Name, err
}

// ensure creates a job, unless an earlier try has, and returns its status.
func (s successor) ensure(ctx context.Context, job crawler.Job, event string) (crawler.Status, error) {
	err := s.store.CreateFrom(ctx, job, queue.Origin{After: event})
	if err != nil && !errors.Is(err, queue.ErrJobExists) {
		return crawler.Status{}, err
	}
	there, statusErr := s.store.Status(ctx, job.Name)
	if statusErr == nil && there.After != event {
		return there, fmt.Errorf("%w: remove it, or name the next job differently: %w", err, asynq.SkipRetry)
	}
	return there, statusErr
}

// runSuffix returns what the name of a run adds to that of its periodic job, so that each run is
// followed by a job of its own; "" for other jobs.
func runSuffix(job crawler.Status) string {
	if job.RunOf == "" {
		return ""
	}
	return job.Job.Name[min(len(job.RunOf), len(job.Job.Name)):]
}
