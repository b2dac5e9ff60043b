package frontier

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
)

// Statuses lists all jobs with their states, by name.
func (s *Store) Statuses(ctx context.Context) ([]crawler.Status, error) {
	names, err := s.Jobs(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]crawler.Status, 0, len(names))
	for _, name := range names {
		status, err := s.Status(ctx, name)
		if err != nil {
			continue // removed in between, or of another make: the others matter still
		}
		all = append(all, status)
	}
	return all, ctx.Err()
}

// Counters reads the numbers of a job, also of one that was cleared.
func (s *Store) Counters(ctx context.Context, name string) (crawler.Counters, error) {
	status, err := s.Status(ctx, name)
	if err != nil {
		return crawler.Counters{}, err
	}
	if !status.Cleared {
		return s.Frontier(status.Job).Counters(ctx)
	}
	text, err := s.rdb.HGet(ctx, jobBase(name)+nameJob, "counters").Bytes()
	if err != nil {
		return crawler.Counters{}, fmt.Errorf("counters of job %s: %w", name, err)
	}
	var numbers crawler.Counters
	if err := json.Unmarshal(text, &numbers); err != nil {
		return crawler.Counters{}, fmt.Errorf("counters of job %s: %w", name, err)
	}
	return numbers, nil
}

// Hold keeps a job from ending for the time term, because holder brings it
// seeds. The holder holds again before the term is over, and lets go at the end.
func (s *Store) Hold(ctx context.Context, name, holder string, term time.Duration) error {
	now, err := s.rdb.Time(ctx).Result()
	if err != nil {
		return fmt.Errorf("hold job %s: %w", name, err)
	}
	until := redis.Z{Score: float64(now.Add(term).UnixMilli()), Member: holder}
	if err := s.rdb.ZAdd(ctx, jobBase(name)+nameHolds, until).Err(); err != nil {
		return fmt.Errorf("hold job %s: %w", name, err)
	}
	return nil
}

// LetGo ends a hold.
func (s *Store) LetGo(ctx context.Context, name, holder string) error {
	return s.rdb.ZRem(ctx, jobBase(name)+nameHolds, holder).Err()
}

// Paused returns whether the job was last seen paused in asynq.
func (s *Store) Paused(ctx context.Context, name string) (bool, error) {
	v, err := s.rdb.HGet(ctx, jobBase(name)+nameJob, "paused").Result()
	if err != nil && err != redis.Nil {
		return false, fmt.Errorf("job %s: %w", name, err)
	}
	return v == "1", nil
}

// SetPaused notes whether the job was seen paused in asynq.
func (s *Store) SetPaused(ctx context.Context, name string, paused bool) error {
	value := "0"
	if paused {
		value = "1"
	}
	return s.rdb.HSet(ctx, jobBase(name)+nameJob, "paused", value).Err()
}
