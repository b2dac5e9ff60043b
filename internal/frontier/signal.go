package frontier

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/internal/redisconn"
)

// Signal tells the processes of the fleet that something is to be done for a job: tasks wait in its
// queue, or URLs were admitted while it may have been idle. A signal may be lost: it only makes
// processes look earlier than they would without it.
func (s *Store) Signal(ctx context.Context, job string) error {
	if err := s.rdb.Publish(ctx, keySignal, job).Err(); err != nil {
		return fmt.Errorf("signal job %s: %w", job, redisconn.Passing(err))
	}
	return nil
}

// Tell tells the processes of the fleet that a job was changed, or that URLs of it were admitted.
// It also counts the change, so that a process that missed the signal notices at its next
// [Store.Review]. If Redis cannot do either now, processes find out by themselves, later.
func (s *Store) Tell(ctx context.Context, job string) {
	_, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.Incr(ctx, keyChanges)
		p.Publish(ctx, keySignal, job)
		return nil
	})
	if redisconn.IsWrongType(err) {
		_ = s.rdb.Del(ctx, keyChanges).Err()
	}
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

// QueueTasks says which tasks an asynq queue has.
type QueueTasks struct {
	// Pending says that some wait to be taken.
	Pending bool
	// Kept says that some are taken, or wait for their time. asynq handles these in any open server
	// of the queue.
	Kept bool
}

// Queues returns the tasks of these asynq queues; queues without tasks are left out. If no queue
// has any, that takes one command, or one for each queue in a Cluster.
func (s *Store) Queues(ctx context.Context, queues []string) (map[string]QueueTasks, error) {
	all, err := exist(ctx, s.rdb, s.together(queues))
	if err != nil || !slices.ContainsFunc(all, func(n int) bool { return n > 0 }) {
		return nil, err
	}
	var keys [][]string
	for _, queue := range queues {
		keys = append(keys, []string{queueBase(queue) + "pending"}, keptKeys(queue))
	}
	if all, err = exist(ctx, s.rdb, keys); err != nil {
		return nil, err
	}
	found := make(map[string]QueueTasks)
	for i, queue := range queues {
		if q := (QueueTasks{Pending: all[2*i] > 0, Kept: all[2*i+1] > 0}); q != (QueueTasks{}) {
			found[queue] = q
		}
	}
	return found, nil
}

// exist returns for each group of keys how many of them exist.
func exist(ctx context.Context, rdb redis.UniversalClient, groups [][]string) ([]int, error) {
	counts := make([]*redis.IntCmd, len(groups))
	_, err := rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, keys := range groups {
			counts[i] = p.Exists(ctx, keys...)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("look at %d queues: %w", len(groups), redisconn.Passing(err))
	}
	there := make([]int, len(groups))
	for i, n := range counts {
		there[i] = int(n.Val())
	}
	return there, nil
}

// keptKeys returns the keys of the tasks of a queue that are taken, or wait for their time.
func keptKeys(queue string) []string {
	base := queueBase(queue)
	return []string{base + "lease", base + "scheduled", base + "retry"}
}

// together returns the keys of all tasks of these queues, grouped by the command that may name them:
// in a Cluster each queue is in another slot.
func (s *Store) together(queues []string) (groups [][]string) {
	_, cluster := s.rdb.(*redis.ClusterClient)
	for i, queue := range queues {
		keys := append(keptKeys(queue), queueBase(queue)+"pending")
		if i == 0 || cluster {
			groups = append(groups, keys)
		} else {
			groups[0] = append(groups[0], keys...)
		}
	}
	return groups
}

// QueuePauses returns how many asynq queues of these jobs are paused. connection is a client that a
// [Connector] made.
func QueuePauses(ctx context.Context, connection any, jobs []string) (paused int, err error) {
	rdb, ok := connection.(redis.UniversalClient)
	if !ok {
		return 0, fmt.Errorf("queues of %d jobs: a %T is no Redis client", len(jobs), connection)
	}
	var keys [][]string
	_, cluster := rdb.(*redis.ClusterClient)
	for i, job := range jobs {
		key := queueBase(job) + "paused"
		if i == 0 || cluster {
			keys = append(keys, []string{key})
		} else {
			keys[0] = append(keys[0], key)
		}
	}
	counts, err := exist(ctx, rdb, keys)
	for _, n := range counts {
		paused += n
	}
	return paused, err
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
