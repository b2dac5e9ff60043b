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
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/seedfile"
	"github.com/trawlcrawler/trawl/tasks"
)

// outbox is what handlers want done when their page is kept. It is delivered after the
// record is safe and before the URL is settled, at least once.
type outbox struct {
	jobs  []Job
	seeds []outboxSeeds
	tasks []outboxTask
	stop  string // why the job is to stop; "" if it is not
}

func (o outbox) empty() bool { return len(o.jobs)+len(o.seeds)+len(o.tasks) == 0 && o.stop == "" }

// outboxSeeds are URLs for a job.
type outboxSeeds struct {
	job      string
	priority Priority
	urls     []string
}

// outboxTask is a task and the options for enqueueing it.
type outboxTask struct {
	task    *asynq.Task
	options []asynq.Option
}

// deliverer does, for the pages of one job, what handlers want done. Repeating it changes
// nothing, as long as asynq remembers its tasks. It is safe for concurrent use.
type deliverer struct {
	job    crawler.Status
	client *tasks.Client
	log    *slog.Logger
}

// takesSeeds returns an error that says why a job takes no seeds.
func (d *deliverer) takesSeeds(ctx context.Context, job string) error {
	status, err := d.client.Status(ctx, job)
	if err == nil && status.State.Ended() {
		err = fmt.Errorf("job %q is %s: %w", job, status.State, queue.ErrJobEnded)
	}
	return err
}

// carryOut does everything that the handlers of a page want done.
func (d *deliverer) carryOut(ctx context.Context, page crawler.URL, o outbox) error {
	for _, job := range o.jobs {
		if err := d.client.Create(ctx, job); err != nil && !errors.Is(err, queue.ErrJobExists) {
			return fmt.Errorf("create job %s: %w", job.Name, err)
		}
	}
	for _, s := range o.seeds {
		if err := d.seed(ctx, page, s); err != nil {
			return err
		}
	}
	for i, l := range o.tasks {
		if err := d.client.Post(ctx, d.id(page, i), l.task, l.options...); err != nil {
			return err
		}
	}
	if o.stop == "" {
		return nil
	}
	if err := d.client.Stop(ctx, d.job.Job.Name, o.stop); err != nil && !errors.Is(err, queue.ErrJobEnded) &&
		!errors.Is(err, queue.ErrNoJob) {
		return fmt.Errorf("stop job %s: %w", d.job.Job.Name, err)
	}
	return nil
}

// seed adds URLs to a job. If the job has ended, or was removed, since the handler asked
// for it, the URLs are dropped.
func (d *deliverer) seed(ctx context.Context, page crawler.URL, s outboxSeeds) error {
	_, err := d.client.Seed(ctx, s.job, seedfile.Prioritized(func(yield func(string, error) bool) {
		for _, u := range s.urls {
			if !yield(u, nil) {
				return
			}
		}
	}, s.priority), nil)
	switch {
	case errors.Is(err, queue.ErrNoJob), errors.Is(err, queue.ErrJobEnded):
		d.log.Warn("seeds are dropped: their job no longer takes seeds", "url", page.String(), "seeds", len(s.urls),
			"error", err)
		return nil
	case err != nil:
		return fmt.Errorf("seed job %s: %w", s.job, err)
	}
	return nil
}

// id returns the ID of the i-th task of a page. It contains when the job was created, to
// distinguish jobs of the same name.
func (d *deliverer) id(page crawler.URL, i int) string {
	run := strconv.FormatInt(d.job.Created.UnixMilli(), 36)
	sum := sha256.Sum256([]byte(run + " " + page.String()))
	return d.job.Job.Name + "-" + hex.EncodeToString(sum[:8]) + "-" + strconv.Itoa(i)
}
