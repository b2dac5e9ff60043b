package wire

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/frontier"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/webhook"
)

const (
	eventTasks = 32                     // delivered at once by a process: a receiver may take 15 seconds
	eventPoll  = 250 * time.Millisecond // average time between two looks at an empty queue
)

// ServeEvents starts a server that runs the tasks in [EventQueue] until it is closed. Any number
// may run. The schedulers of a fleet run it: they make the events, and a job that has no worker
// has events too. delivered is called after each try, with its error.
func ServeEvents(ctx context.Context, redis asynq.RedisConnOpt, store *frontier.Store, sender *webhook.Sender,
	delivered func(job string, err error), log *slog.Logger) (*Server, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	c := &courier{store: store, sender: sender, delivered: delivered, log: log}
	return Serve(ctx, redis, nil, ServerConfig{
		Job: EventQueue, Concurrency: eventTasks, Poll: eventPoll, Log: log,
		Others: map[string]asynq.HandlerFunc{TypeEvent: c.deliver},
		Pause:  func(failed int, _ *asynq.Task) time.Duration { return sender.Pause(failed) },
	})
}

// courier carries out the tasks of events.
type courier struct {
	store     *frontier.Store
	sender    *webhook.Sender
	delivered func(job string, err error)
	log       *slog.Logger
}

// deliver runs one task of TypeEvent. What it did is noted with the job, where an operator
// looks for it; a note that fails does not make the receiver get the event again.
func (c *courier) deliver(ctx context.Context, t *asynq.Task) error {
	v, err := parseDelivery(t)
	if err != nil {
		c.log.Warn("a task is archived", "queue", EventQueue, "error", err)
		return fmt.Errorf("%w: %w", err, asynq.SkipRetry)
	}
	status, err := c.store.Status(ctx, v.Job)
	if err != nil && !errors.Is(err, queue.ErrNoJob) { // a job that was removed has told its end
		return err
	}
	if known := err == nil; known && !c.wanted(ctx, status, v.URL) {
		return nil
	}
	err = c.sender.Send(ctx, v.URL, v.Secret, v.ID, v.Message)
	c.delivered(v.Job, err)
	tries, _ := asynq.GetRetryCount(ctx)
	note := frontier.DeliveryNote{URL: v.URL, Err: err, Revision: status.Revision,
		Gone: errors.Is(err, webhook.ErrGone), GivenUp: err != nil && tries+1 >= c.sender.Tries()}
	if noteErr := c.store.NoteDelivery(ctx, v.Job, note); noteErr != nil {
		c.log.Warn("a delivery could not be noted", "job", v.Job, "error", noteErr)
	}
	switch {
	case err == nil:
		return nil
	case note.Gone || note.GivenUp:
		c.log.Warn("an event is given up", "job", v.Job, "event", v.ID, "tries", tries+1, "error", err)
		return fmt.Errorf("%w: %w", err, asynq.SkipRetry)
	}
	c.log.Info("an event could not be delivered; it is tried again", "job", v.Job, "event", v.ID, "tries", tries+1,
		"error", err)
	return err
}

// wanted reports whether the receiver is still to be told: the job names it, and it has not said
// that it wants no more.
func (c *courier) wanted(ctx context.Context, job crawler.Status, url string) bool {
	named := slices.ContainsFunc(job.Job.Receivers(), func(w crawler.Webhook) bool { return w.URL == url })
	disabled, err := c.store.Disabled(ctx, job)
	return named && (err != nil || !disabled[url])
}
