package frontier

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
)

// ProcessTerm is how long after its last sign of life a process is forgotten. It is
// long enough for a process on a busy machine, and for a short outage of Redis.
const ProcessTerm = 10 * time.Second

// Appear notes that a process of the fleet lives. It appears again, with the same
// fields, before [ProcessTerm] is over.
func (s *Store) Appear(ctx context.Context, p crawler.Process) error {
	return s.appear(ctx, p, ProcessTerm)
}

// Disappear notes that a process ends.
func (s *Store) Disappear(ctx context.Context, p crawler.Process) error { return s.appear(ctx, p, 0) }

func (s *Store) appear(ctx context.Context, p crawler.Process, term time.Duration) error {
	text, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("process %s: %w", p.Name, err)
	}
	return run(ctx, s.rdb, appearScript, "appear", keyProcesses, text, term.Milliseconds()).Err()
}

// Processes lists the schedulers and workers of the fleet that live. One that was
// killed is among them for up to [ProcessTerm].
func (s *Store) Processes(ctx context.Context) ([]crawler.Process, error) {
	now, err := s.rdb.Time(ctx).Result()
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	texts, err := s.rdb.ZRangeByScore(ctx, keyProcesses, &redis.ZRangeBy{Min: strconv.FormatInt(now.UnixMilli(), 10), Max: "+inf"}).Result()
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	var all []crawler.Process
	for _, text := range texts {
		var p crawler.Process
		if json.Unmarshal([]byte(text), &p) == nil { // one of another version says nothing to us
			all = append(all, p)
		}
	}
	return all, nil
}

// Due is when the first host that waits for a visit is due, by Redis's clock: the zero
// time when none waits, [crawler.Never] when all that wait are paused.
func (f *Frontier) Due(ctx context.Context) (time.Time, error) {
	var first time.Time
	for shard := range f.job.Shards {
		got, err := f.rdb.ZRangeWithScores(ctx, f.base(shard)+nameDue, 0, 0).Result()
		if err != nil {
			return time.Time{}, fmt.Errorf("frontier: first host due of %s: %w", f.job.Name, err)
		}
		if len(got) == 0 {
			continue
		}
		if due := time.UnixMilli(int64(got[0].Score)); first.IsZero() || due.Before(first) {
			first = due
		}
	}
	return first, nil
}
