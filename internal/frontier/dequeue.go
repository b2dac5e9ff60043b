package frontier

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/trawlcrawler/trawl/internal/redisconn"
)

// Connector makes go-redis clients. It is asynq's RedisConnOpt.
type Connector interface{ MakeRedisClient() any }

// DequeuePolicy decides when asynq's server may take tasks from a queue. It is safe for
// concurrent use.
type DequeuePolicy interface {
	// Before is called before each attempt to take a task. If it returns false, Redis is not
	// asked, and the queue appears to be empty.
	Before(ctx context.Context, queue string) bool
	// After is called after each attempt; got says whether there was a task.
	After(queue string, got bool)
	// Failed is called when an attempt failed for another reason than an empty queue.
	Failed(ctx context.Context, queue string, err error)
	// Finished is called when asynq has recorded that a task of the queue ended.
	Finished(queue string)
}

// WithDequeuePolicy returns a connector whose clients consult a policy before they take
// tasks from a queue. A hook on the Redis client is needed because asynq polls
// continuously, in each server on its own, and offers no other way to intervene.
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

// dequeueHook applies the policy.
type dequeueHook struct{ policy DequeuePolicy }

func (h dequeueHook) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h dequeueHook) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// refusedPause is the pause after a failed attempt to take a task, because asynq itself
// retries at once.
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
	if err != nil && !errors.Is(err, redis.Nil) && redisconn.ErrorWord(err) != "NOSCRIPT" {
		h.policy.Failed(ctx, queue, err)
		select {
		case <-time.After(refusedPause):
		case <-ctx.Done():
		}
	}
	return err
}

// asynqSteps is the role of an asynq command in the life of a task.
type asynqSteps int

const (
	stepOther asynqSteps = iota
	stepDequeue
	stepFinish
)

// asynqStep recognizes asynq's scripts by their keys. Only the script that takes a task
// checks whether the queue is paused. Those that end a task remove it from the active tasks
// and their leases.
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
