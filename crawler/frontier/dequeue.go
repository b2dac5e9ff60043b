package frontier

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// Connector makes go-redis clients. It is asynq's RedisConnOpt.
type Connector interface{ MakeRedisClient() any }

// DequeuePolicy decides when asynq's server asks a queue for a task. It is safe for
// concurrent use.
type DequeuePolicy interface {
	// Before is called before the queue is asked. If it returns false, the queue is
	// not asked, and seems to be empty.
	Before(ctx context.Context, queue string) bool
	// After is called when the queue was asked; got says that it gave a task.
	After(queue string, got bool)
	// Finished is called when asynq has noted that a task of the queue has ended.
	Finished(queue string)
}

// WithDequeuePolicy returns a connector whose clients ask a policy before they take
// tasks from a queue. asynq asks without end, each server for itself, and has no
// other place where one could step in.
func WithDequeuePolicy(c Connector, p DequeuePolicy) Connector { return policed{c, p} }

type policed struct {
	connector Connector
	policy    DequeuePolicy
}

// MakeRedisClient implements asynq's RedisConnOpt.
func (c policed) MakeRedisClient() any {
	made := c.connector.MakeRedisClient()
	if client, ok := made.(redis.UniversalClient); ok {
		client.AddHook(dequeueHook{c.policy})
	}
	return made
}

// dequeueHook asks the policy.
type dequeueHook struct{ policy DequeuePolicy }

func (h dequeueHook) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h dequeueHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// refusedPause is for how long a queue is left alone that could not be asked: asynq
// itself asks again at once.
const refusedPause = 100 * time.Millisecond

func (h dequeueHook) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		queue, step := asynqStep(cmd)
		switch step {
		case stepDequeue:
			return h.dequeue(ctx, cmd, queue, next)
		case stepFinish:
			err := next(ctx, cmd)
			if err == nil {
				h.policy.Finished(queue)
			}
			return err
		}
		return next(ctx, cmd)
	}
}

func (h dequeueHook) dequeue(ctx context.Context, cmd redis.Cmder, queue string, next redis.ProcessHook) error {
	if !h.policy.Before(ctx, queue) {
		cmd.SetErr(redis.Nil)
		return redis.Nil
	}
	err := next(ctx, cmd)
	h.policy.After(queue, err == nil)
	if err != nil && !errors.Is(err, redis.Nil) && errorWord(err) != "NOSCRIPT" {
		select {
		case <-time.After(refusedPause):
		case <-ctx.Done():
		}
	}
	return err
}

// asynqStep is what a command of asynq does in the life of a task.
type asynqSteps int

const (
	stepOther asynqSteps = iota
	stepDequeue
	stepFinish
)

// asynqStep recognizes asynq's scripts by the keys that they are given: only the one
// that takes a task looks whether the queue is paused, and those that end one remove
// it from the active tasks and their leases.
func asynqStep(cmd redis.Cmder) (queue string, step asynqSteps) {
	name, args := cmd.Name(), cmd.Args()
	if name != "evalsha" && name != "eval" || len(args) < 5 {
		return "", stepOther
	}
	n, _ := args[2].(int)
	var paused, active, lease bool
	for _, arg := range args[3:min(3+n, len(args))] {
		key, _ := arg.(string)
		paused = paused || strings.HasSuffix(key, "}:paused")
		active = active || strings.HasSuffix(key, "}:active")
		lease = lease || strings.HasSuffix(key, "}:lease")
	}
	if !active || !lease {
		return "", stepOther
	}
	first, _ := args[3].(string)
	_, rest, _ := strings.Cut(first, "{")
	queue, _, _ = strings.Cut(rest, "}")
	if paused {
		return queue, stepDequeue
	}
	return queue, stepFinish
}
