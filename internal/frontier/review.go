package frontier

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/redisconn"
)

// Review is what a process learns about its Redis while it runs.
type Review struct {
	// Emptied says that this is not the Redis that the process began with: it was emptied
	// (FLUSHALL), came back without its data, or holds other data. It is reported once.
	Emptied bool
	// Skew is how far this process's clock is ahead of Redis's; negative if behind. It is
	// accurate to half the round-trip time.
	Skew time.Duration
	// Changed says that a job was changed since the last Review, or may have been.
	Changed bool
}

// reviewed is what a store remembers of its last Review.
type reviewed struct {
	mu      sync.Mutex
	skew    time.Duration
	skewed  time.Time // when skew was measured
	changes string    // the number of changes
}

// skewEvery is how often Redis is asked for its time.
const skewEvery = 10 * time.Second

// Review checks whether Redis still holds the layout that this version of trawl writes, and
// the data that it held before. While Redis holds another layout, all other calls of the
// store and its frontiers fail with [queue.ErrLayout], and so does Review. They work
// again once Review finds the right layout. Any other error means that Redis could not be
// queried. A long-running process should call Review about every second.
func (s *Store) Review(ctx context.Context) (Review, error) {
	ctx = context.WithValue(ctx, reviewing{}, true)
	news, same, err := s.glance(ctx)
	if err != nil {
		return Review{}, err
	}
	skew, err := s.skew(ctx)
	if err != nil || same {
		return Review{Skew: skew, Changed: news}, err
	}
	emptied, err := s.emptied(ctx)
	if err != nil {
		return Review{Skew: skew, Changed: news}, err
	}
	if emptied {
		s.forget()
	}
	err = s.checkSchema(ctx, changed)
	if errors.Is(err, queue.ErrLayout) {
		s.closed.Store(&err)
		return Review{Emptied: emptied, Skew: skew, Changed: news}, err
	}
	if err == nil {
		s.closed.Store(nil)
	} else if redisconn.RefusesWrites(err) {
		err = nil
	}
	return Review{Emptied: emptied, Skew: skew, Changed: news}, err
}

// glance reports whether the number of changes of jobs has changed since the last call, and whether
// the layout and the ID of the fleet are still the same. It takes one command, or three in a
// Cluster.
func (s *Store) glance(ctx context.Context) (changed, same bool, err error) {
	values, err := s.texts(ctx, keySchema, keyFleet, keyChanges)
	if err != nil {
		return false, false, fmt.Errorf("read the version of the layout in %s: %w", keySchema, redisconn.Passing(err))
	}
	knew := s.fleet.Load()
	same = values[0] == strconv.Itoa(schema) && knew != nil && values[1] == *knew && s.closed.Load() == nil
	s.review.mu.Lock()
	defer s.review.mu.Unlock()
	changed = values[2] != s.review.changes
	s.review.changes = values[2]
	return changed, same, nil
}

// texts reads keys, "" for those that do not exist or are no strings.
func (s *Store) texts(ctx context.Context, keys ...string) ([]string, error) {
	all := make([]string, len(keys))
	if _, cluster := s.rdb.(*redis.ClusterClient); !cluster {
		values, err := s.rdb.MGet(ctx, keys...).Result()
		for i, v := range values {
			all[i], _ = v.(string)
		}
		return all, err
	}
	got := make([]*redis.StringCmd, len(keys))
	_, err := s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, key := range keys {
			got[i] = p.Get(ctx, key)
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) && !redisconn.IsWrongType(err) {
		return nil, err
	}
	for i, cmd := range got {
		if err := cmd.Err(); err != nil && !errors.Is(err, redis.Nil) && !redisconn.IsWrongType(err) {
			return nil, err
		}
		all[i] = cmd.Val()
	}
	return all, nil
}

// emptied reports whether the fleet's ID has changed.
func (s *Store) emptied(ctx context.Context) (bool, error) {
	knew := s.fleet.Load()
	if knew == nil {
		return false, nil
	}
	id, err := s.rdb.Get(ctx, keyFleet).Result()
	if err != nil && !errors.Is(err, redis.Nil) && !redisconn.IsWrongType(err) {
		return false, fmt.Errorf("read the ID of the fleet in %s: %w", keyFleet, redisconn.Passing(err))
	}
	if id == *knew {
		return false, nil
	}
	s.fleet.Store(&id)
	return true, nil
}

// changed returns the error for a layout version that changed while the process runs.
// Unlike a process that starts, it must not overwrite the version: the other version is
// running.
func changed(_ context.Context, theirs string) error {
	return foreign("the version of the layout in %s became %q, but this trawl, which is running, writes version %d: "+
		"nothing is read or written until the version is %d again; end this process, and start the trawl of version %q",
		keySchema, theirs, schema, schema, theirs)
}

// skew returns how far the local clock is ahead of Redis's, measured now or some seconds ago.
func (s *Store) skew(ctx context.Context) (time.Duration, error) {
	s.review.mu.Lock()
	defer s.review.mu.Unlock()
	if time.Since(s.review.skewed) < skewEvery {
		return s.review.skew, nil
	}
	skew, err := s.measureSkew(ctx)
	if err == nil {
		s.review.skew, s.review.skewed = skew, time.Now()
	}
	return skew, err
}

// measureSkew measures how far the local clock is ahead of Redis's.
func (s *Store) measureSkew(ctx context.Context) (time.Duration, error) {
	asked := s.now()
	theirs, err := s.rdb.Time(ctx).Result()
	if err != nil {
		return 0, fmt.Errorf("ask Redis for the time: %w", redisconn.Passing(err))
	}
	answered := s.now()
	return asked.Add(answered.Sub(asked) / 2).Round(0).Sub(theirs), nil
}

// reviewing marks the contexts of calls made by [Store.Review].
type reviewing struct{}

// gate is a hook that refuses all commands except those of [Store.Review] while Redis
// belongs to another version of trawl.
type gate struct{ store *Store }

func (g gate) refuse(ctx context.Context) error {
	if err := g.store.closed.Load(); err != nil && ctx.Value(reviewing{}) == nil {
		return *err
	}
	return nil
}

func (g gate) DialHook(next redis.DialHook) redis.DialHook { return next }

func (g gate) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if err := g.refuse(ctx); err != nil {
			cmd.SetErr(err)
			return err
		}
		return next(ctx, cmd)
	}
}

func (g gate) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if err := g.refuse(ctx); err != nil {
			for _, cmd := range cmds {
				cmd.SetErr(err)
			}
			return err
		}
		return next(ctx, cmds)
	}
}
