package tasks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl/crawler"
)

// Post enqueues a task of the program's own into asynq, under an ID, which overrules
// one of the task. It does nothing while asynq knows a task of that ID in the queue:
// one that waits, is carried out, failed for good, or is kept for its result
// ([asynq.Retention]); or another that it is to be unique with ([asynq.Unique]). The
// error wraps [crawler.ErrUnavailable], for a task that [Client.CheckTask] finds no
// fault with.
func (c *Client) Post(ctx context.Context, id string, task *asynq.Task, options ...asynq.Option) error {
	_, err := c.queues.poster().EnqueueContext(ctx, task, append(slices.Clone(options), asynq.TaskID(id))...)
	if err != nil && !errors.Is(err, asynq.ErrTaskIDConflict) && !errors.Is(err, asynq.ErrDuplicateTask) {
		return fmt.Errorf("%w: enqueue task %s of type %q: %w", crawler.ErrUnavailable, id, task.Type(), err)
	}
	return nil
}

// poster returns the client that enqueues.
func (d *Dispatcher) poster() *asynq.Client {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.client
}

// CheckTask returns why asynq would refuse to enqueue a task: it has no type, or an
// option that can not be. Only asynq can read the options of a task, and it tells when
// it enqueues; so it is asked to, with a context that has ended, which lets nothing
// through to Redis.
func (c *Client) CheckTask(task *asynq.Task, options ...asynq.Option) error {
	ended, end := context.WithCancel(context.Background())
	end()
	_, err := c.queues.poster().EnqueueContext(ended, task, options...)
	if err == nil || strings.Contains(err.Error(), context.Canceled.Error()) { // it does not wrap it
		return nil
	}
	return err
}
