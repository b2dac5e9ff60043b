package trawl

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"strconv"

	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/tasks"
)

// mail is what handlers want done when their page is kept.
type mail struct {
	jobs  []Job
	seeds []seeds
	tasks []letter
}

func (m mail) empty() bool { return len(m.jobs)+len(m.seeds)+len(m.tasks) == 0 }

// seeds are URLs for a job.
type seeds struct {
	job      string
	priority Priority
	urls     []string
}

// letter is a task with how it is to be enqueued.
type letter struct {
	task    *asynq.Task
	options []asynq.Option
}

// errands carries out, for the pages of one job, what handlers want done. To carry
// it out again changes nothing, as far as asynq remembers its tasks. It is safe for
// concurrent use.
type errands struct {
	job    crawler.Status
	client *tasks.Client
	log    *slog.Logger
}

// takesSeeds returns why a job takes no seeds.
func (e *errands) takesSeeds(ctx context.Context, job string) error {
	status, err := e.client.Status(ctx, job)
	if err == nil && status.State.Ended() {
		err = fmt.Errorf("job %q is %s: %w", job, status.State, crawler.ErrJobEnded)
	}
	return err
}

// carryOut does all that the handlers of a page want done.
func (e *errands) carryOut(ctx context.Context, page crawler.URL, m mail) error {
	for _, job := range m.jobs {
		if err := e.client.Create(ctx, job); err != nil && !errors.Is(err, crawler.ErrJobExists) {
			return fmt.Errorf("create job %s: %w", job.Name, err)
		}
	}
	for _, s := range m.seeds {
		if err := e.seed(ctx, page, s); err != nil {
			return err
		}
	}
	for i, l := range m.tasks {
		if err := e.client.Post(ctx, e.id(page, i), l.task, l.options...); err != nil {
			return err
		}
	}
	return nil
}

// seed brings a job its URLs. A job that has ended, or was removed, since the handler
// asked for it has no use for them.
func (e *errands) seed(ctx context.Context, page crawler.URL, s seeds) error {
	_, err := e.client.Seed(ctx, s.job, crawler.Prioritized(func(yield func(string, error) bool) {
		for _, u := range s.urls {
			if !yield(u, nil) {
				return
			}
		}
	}, s.priority), nil)
	switch {
	case errors.Is(err, crawler.ErrNoJob), errors.Is(err, crawler.ErrJobEnded):
		e.log.Warn("seeds are left out: their job takes none any more", "url", page.String(), "seeds", len(s.urls), "error", err)
		return nil
	case err != nil:
		return fmt.Errorf("seed job %s: %w", s.job, err)
	}
	return nil
}

// id names the i-th task of a page of the job, which is told from others of its name
// by when it was created.
func (e *errands) id(page crawler.URL, i int) string {
	run := strconv.FormatInt(e.job.Created.UnixMilli(), 36)
	sum := sha256.Sum256([]byte(run + " " + page.String()))
	return e.job.Job.Name + "-" + hex.EncodeToString(sum[:8]) + "-" + strconv.Itoa(i)
}
