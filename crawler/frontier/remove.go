package frontier

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
)

// removeBatch is how many keys are unlinked in one call.
const removeBatch = 500

// Remove deletes every key of a job. It may take a while and may be repeated.
// Visits that are under way find that they hold nothing any more.
func (s *Store) Remove(ctx context.Context, name string) error {
	status, err := s.Status(ctx, name)
	if err != nil {
		return err
	}
	if err := s.removeShards(ctx, status.Job); err != nil {
		return err
	}
	if err := s.removeUnder(ctx, jobBase(name)); err != nil {
		return err
	}
	return s.rdb.SRem(ctx, keyJobs, name).Err()
}

// Clear deletes all of a job but its record, with the counters as they are now.
// It may be repeated.
func (s *Store) Clear(ctx context.Context, name string) error {
	status, err := s.Status(ctx, name)
	if err != nil {
		return err
	}
	if !status.Cleared {
		if err := s.keepCounters(ctx, status.Job); err != nil {
			return err
		}
	}
	if err := s.removeShards(ctx, status.Job); err != nil {
		return err
	}
	base := jobBase(name)
	if err := s.rdb.Del(ctx, base+nameLedger, base+nameHolds).Err(); err != nil {
		return fmt.Errorf("clear job %s: %w", name, err)
	}
	return s.rdb.HSet(ctx, base+nameJob, "cleared", "1").Err()
}

// keepCounters writes the job's counters into its record.
func (s *Store) keepCounters(ctx context.Context, job crawler.Job) error {
	numbers, err := s.Frontier(job).Counters(ctx)
	if err != nil {
		return err
	}
	text, err := json.Marshal(numbers)
	if err != nil {
		return fmt.Errorf("clear job %s: %w", job.Name, err)
	}
	return s.rdb.HSet(ctx, jobBase(job.Name)+nameJob, "counters", text).Err()
}

// removeShards deletes a job's frontier.
func (s *Store) removeShards(ctx context.Context, job crawler.Job) error {
	s.mu.Lock()
	delete(s.recent, job.Name)
	s.mu.Unlock()
	for shard := range job.Shards {
		if err := s.removeUnder(ctx, shardBase(job.Name, shard)); err != nil {
			return err
		}
	}
	return nil
}

// removeUnder deletes the keys whose names begin with base, on every node.
func (s *Store) removeUnder(ctx context.Context, base string) error {
	remove := func(ctx context.Context, node redis.Cmdable) error {
		var cursor uint64
		for {
			keys, next, err := node.Scan(ctx, cursor, base+"*", removeBatch).Result()
			if err != nil {
				return fmt.Errorf("remove %s*: %w", base, err)
			}
			if len(keys) > 0 {
				if err := node.Unlink(ctx, keys...).Err(); err != nil {
					return fmt.Errorf("remove %s*: %w", base, err)
				}
			}
			if cursor = next; cursor == 0 {
				return nil
			}
		}
	}
	if cluster, ok := s.rdb.(*redis.ClusterClient); ok {
		return cluster.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error { return remove(ctx, node) })
	}
	return remove(ctx, s.rdb)
}
