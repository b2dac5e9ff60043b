package tasks

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl/internal/queue"
)

// Post enqueues a task of the program's own into asynq, under an ID that overrides the
// task's. It does nothing if asynq already has a task with that ID in the queue, whether it
// waits, is active, failed permanently, or is kept for its result ([asynq.Retention]), or
// if the task must be unique and another one exists ([asynq.Unique]). For a task that
// [Client.CheckTask] accepts, the error wraps [queue.ErrUnavailable].
func (c *Client) Post(ctx context.Context, id string, task *asynq.Task, options ...asynq.Option) error {
	_, err := c.queues.Client().EnqueueContext(ctx, task, append(slices.Clone(options), asynq.TaskID(id))...)
	if err != nil && !errors.Is(err, asynq.ErrTaskIDConflict) && !errors.Is(err, asynq.ErrDuplicateTask) {
		return fmt.Errorf("%w: enqueue task %s of type %q: %w", queue.ErrUnavailable, id, task.Type(), err)
	}
	return nil
}

// CheckTask returns an error if asynq would refuse to enqueue a task: it has no type, or an
// invalid option. Only asynq can read the options of a task, and it checks them when it
// enqueues. So CheckTask enqueues the task with a context that has ended, which lets
// nothing through to Redis.
func (c *Client) CheckTask(task *asynq.Task, options ...asynq.Option) error {
	ended, end := context.WithCancel(context.Background())
	end()
	_, err := c.queues.Client().EnqueueContext(ended, task, options...)
	if err == nil || strings.Contains(err.Error(), context.Canceled.Error()) { // asynq does not wrap it
		return nil
	}
	return err
}
