package frontier

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"
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
	s.mu.Lock()
	delete(s.recent, name)
	s.mu.Unlock()
	for shard := range status.Job.Shards {
		if err := s.removeUnder(ctx, shardBase(name, shard)); err != nil {
			return err
		}
	}
	if err := s.removeUnder(ctx, jobBase(name)); err != nil {
		return err
	}
	return s.rdb.SRem(ctx, keyJobs, name).Err()
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
