package frontier

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/redisconn"
)

// removeBatch is about how many keys are scanned and unlinked in one call.
const removeBatch = 500

// Remove deletes every key of a job, including those of its queue in asynq. It may take a
// while and may be repeated. Visits still in progress find that they have lost their hosts,
// but URLs that they admit would bring keys back, so all visits should have ended.
func (s *Store) Remove(ctx context.Context, name string) error {
	if _, err := s.Status(ctx, name); err != nil {
		return err
	}
	if err := s.removeAll(ctx, name, nameJob); err != nil {
		return err
	}
	if err := s.rdb.SRem(ctx, keyQueues, name).Err(); err != nil && !redisconn.IsWrongType(err) {
		return fmt.Errorf("remove job %s: %w", name, err)
	}
	// Up to here Remove can be repeated, and the name cannot be reused.
	if err := s.rdb.SRem(ctx, keyJobs, name).Err(); err != nil {
		return fmt.Errorf("remove job %s: %w", name, err)
	}
	if err := s.rdb.Unlink(ctx, jobBase(name)+nameJob).Err(); err != nil {
		return fmt.Errorf("remove job %s: %w", name, err)
	}
	s.Tell(ctx, name)
	return nil
}

// Clear deletes everything of a job except its record, in which it stores the current
// counters, and its events and their deliveries. It may be repeated.
func (s *Store) Clear(ctx context.Context, name string) error {
	status, err := s.Status(ctx, name)
	if err != nil {
		return err
	}
	if err := s.keepCounters(ctx, status.Job); err != nil {
		return err
	}
	if err := s.removeAll(ctx, name, nameJob, nameEvents, nameWebhooks); err != nil {
		return err
	}
	return s.note(ctx, name, "cleared", flag(true))
}

// keepCounters stores the job's counters in its record, from which they are read from then
// on. Keys removed afterwards must not change them.
func (s *Store) keepCounters(ctx context.Context, job crawler.Job) error {
	if _, kept, err := s.keptCounters(ctx, job.Name); kept || err != nil {
		return err
	}
	counters, err := s.Frontier(job).Counters(ctx)
	if err != nil {
		return err
	}
	text, err := json.Marshal(counters)
	if err != nil {
		return fmt.Errorf("clear job %s: %w", job.Name, err)
	}
	// Another process may have stored them since, and begun to remove the keys.
	return run(ctx, s.rdb, keepScript(), "keep", jobBase(job.Name)+nameJob, "counters", text).Err()
}

// keptCounters reads the counters in a job's record, if there are any.
func (s *Store) keptCounters(ctx context.Context, name string) (counters crawler.Counters, kept bool, err error) {
	text, err := s.rdb.HGet(ctx, jobBase(name)+nameJob, "counters").Bytes()
	if err == redis.Nil {
		return counters, false, nil
	}
	if err == nil {
		err = json.Unmarshal(text, &counters)
	}
	if err != nil {
		return counters, false, fmt.Errorf("counters of job %s: %w", name, err)
	}
	return counters, true, nil
}

// removeAll deletes all keys of a job and of its queue, except the job's own keys of the
// given names.
func (s *Store) removeAll(ctx context.Context, name string, but ...string) error {
	s.mu.Lock()
	delete(s.recent, name)
	s.mu.Unlock()
	kept := make([]string, len(but))
	for i, own := range but {
		kept[i] = jobBase(name) + own
	}
	for _, pattern := range []string{anyKey(name), queueBase(name) + "*"} {
		if err := s.removeLike(ctx, pattern, kept); err != nil {
			return err
		}
	}
	return nil
}

// removeLike deletes the keys that match a pattern, except some, on every node.
func (s *Store) removeLike(ctx context.Context, pattern string, but []string) error {
	err := s.scan(ctx, pattern, func(ctx context.Context, node redis.Cmdable, keys []string) error {
		// One command for each key, because they are in many slots.
		_, err := node.Pipelined(ctx, func(p redis.Pipeliner) error {
			for _, key := range keys {
				if !slices.Contains(but, key) {
					p.Unlink(ctx, key)
				}
			}
			return nil
		})
		return err
	})
	if err != nil {
		return fmt.Errorf("remove %s: %w", pattern, err)
	}
	return nil
}

// scan calls do with the keys that match a pattern, a few hundred at a time. It may repeat
// keys. The nodes of a Cluster are scanned concurrently, so do must be safe for concurrent
// use.
func (s *Store) scan(ctx context.Context, pattern string,
	do func(ctx context.Context, node redis.Cmdable, keys []string) error) error {
	scan := func(ctx context.Context, node redis.Cmdable) error {
		var cursor uint64
		for {
			keys, next, err := node.Scan(ctx, cursor, pattern, removeBatch).Result()
			if err == nil {
				err = do(ctx, node, keys)
			}
			if err != nil || next == 0 {
				return err
			}
			cursor = next
		}
	}
	if cluster, ok := s.rdb.(*redis.ClusterClient); ok {
		return cluster.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
			return scan(ctx, node)
		})
	}
	return scan(ctx, s.rdb)
}
