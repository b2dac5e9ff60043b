package frontier

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/internal/redisconn"
)

// Signal tells the processes of the fleet that something is to be done for a job: tasks wait in its
// queue, or URLs were admitted while it may have been idle. A signal may be lost. It only makes
// processes look earlier than they would.
func (s *Store) Signal(ctx context.Context, job string) error {
	if err := s.rdb.Publish(ctx, keySignal, job).Err(); err != nil {
		return fmt.Errorf("signal job %s: %w", job, redisconn.Passing(err))
	}
	return nil
}

// signalPause is the pause after a subscription that failed.
const signalPause = time.Second

// Signals calls heard with the job of each signal, and with "" whenever signals may have been
// missed, until ctx ends. heard must not block.
func (s *Store) Signals(ctx context.Context, heard func(job string)) {
	for ctx.Err() == nil {
		s.subscribed(ctx, heard)
		select {
		case <-time.After(signalPause):
		case <-ctx.Done():
		}
	}
}

// subscribed listens to one subscription. go-redis connects it again by itself.
func (s *Store) subscribed(ctx context.Context, heard func(job string)) {
	sub := s.rdb.Subscribe(ctx, keySignal)
	defer sub.Close()
	said := sub.ChannelWithSubscriptions()
	for {
		select {
		case m, ok := <-said:
			if !ok {
				return
			}
			switch m := m.(type) {
			case *redis.Subscription:
				heard("")
			case *redis.Message:
				heard(m.Payload)
			}
		case <-ctx.Done():
			return
		}
	}
}

// AnyPending reports whether tasks wait in the asynq queue of one of these jobs.
func (s *Store) AnyPending(ctx context.Context, jobs []string) (bool, error) {
	counts := make([]*redis.IntCmd, 0, len(jobs))
	_, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, keys := range s.together(jobs) {
			counts = append(counts, p.Exists(ctx, keys...))
		}
		return nil
	})
	if err != nil {
		return false, fmt.Errorf("queues of %d jobs: %w", len(jobs), redisconn.Passing(err))
	}
	for _, n := range counts {
		if n.Val() > 0 {
			return true, nil
		}
	}
	return false, nil
}

// together returns the keys of the tasks that wait, grouped by the command that may name them: in a
// Cluster each queue is in another slot.
func (s *Store) together(jobs []string) (groups [][]string) {
	_, cluster := s.rdb.(*redis.ClusterClient)
	for i, job := range jobs {
		key := queueBase(job) + "pending"
		if i == 0 || cluster {
			groups = append(groups, []string{key})
		} else {
			groups[0] = append(groups[0], key)
		}
	}
	return groups
}

// QueuePaused reports whether the asynq queue of a job is paused. known is false if the queue does
// not exist. connection is a client that a [Connector] made.
func QueuePaused(ctx context.Context, connection any, job string) (paused, known bool, err error) {
	rdb, ok := connection.(redis.UniversalClient)
	if !ok {
		return false, false, fmt.Errorf("queue %s: a %T is no Redis client", job, connection)
	}
	var is *redis.IntCmd
	var in *redis.BoolCmd
	_, err = rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		in = p.SIsMember(ctx, keyQueues, job)
		is = p.Exists(ctx, queueBase(job)+"paused")
		return nil
	})
	if err != nil {
		return false, false, fmt.Errorf("queue %s: %w", job, redisconn.Passing(err))
	}
	return is.Val() == 1, in.Val(), nil
}
