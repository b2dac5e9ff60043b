package frontier

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/internal/waiting"
)

// ProcessTerm is how long a process is listed after its last sign of life. It is long
// enough for a process on a busy machine, and for a short outage of Redis.
const ProcessTerm = 10 * time.Second

// Appear records that a process of the fleet is alive. The process must call it again, with
// the same fields, before [ProcessTerm] plus extra has passed. It also counts as silent only that
// much later.
func (s *Store) Appear(ctx context.Context, p waiting.Process, extra time.Duration) error {
	return s.appear(ctx, p, ProcessTerm+extra)
}

// Disappear records that a process ends.
func (s *Store) Disappear(ctx context.Context, p waiting.Process) error { return s.appear(ctx, p, 0) }

func (s *Store) appear(ctx context.Context, p waiting.Process, term time.Duration) error {
	text, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("process %s: %w", p.Name, err)
	}
	return run(ctx, s.rdb, appearScript(), "appear", keyProcesses, text, term.Milliseconds()).Err()
}

// silentTerm is how long after its last sign of life a process counts as silent. A worker also
// reports its load, so that it is not silent while that is fresh.
const silentTerm = 3500 * time.Millisecond

// Processes lists the live schedulers and workers of the fleet. A process that was killed
// is silent after four seconds, and listed for up to [ProcessTerm].
func (s *Store) Processes(ctx context.Context) ([]waiting.Process, error) {
	now, err := s.rdb.Time(ctx).Result()
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	listed, err := s.rdb.ZRangeByScoreWithScores(ctx, keyProcesses,
		&redis.ZRangeBy{Min: strconv.FormatInt(now.UnixMilli(), 10), Max: "+inf"}).Result()
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	loads, err := s.Workers(ctx)
	if err != nil {
		return nil, err
	}
	var all []waiting.Process
	for _, z := range listed {
		var p waiting.Process
		text, _ := z.Member.(string)
		if json.Unmarshal([]byte(text), &p) != nil {
			continue // of an incompatible version
		}
		seen := time.UnixMilli(int64(z.Score)).Add(-ProcessTerm)
		p.Silent = now.Sub(seen) > silentTerm && !slices.ContainsFunc(loads, func(l WorkerLoad) bool { return l.of(p) })
		all = append(all, p)
	}
	return all, nil
}

// Namesakes returns, for each process of a kind and name, when it counts as gone unless it
// shows another sign of life. The keys are the IDs of the processes.
func (s *Store) Namesakes(ctx context.Context, kind waiting.ProcessKind, name string) (map[string]time.Time, error) {
	now, err := s.rdb.Time(ctx).Result()
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	living := &redis.ZRangeBy{Min: strconv.FormatInt(now.UnixMilli(), 10), Max: "+inf"}
	all, err := s.rdb.ZRangeByScoreWithScores(ctx, keyProcesses, living).Result()
	if err != nil {
		return nil, fmt.Errorf("list processes: %w", err)
	}
	gone := make(map[string]time.Time)
	for _, z := range all {
		var p waiting.Process
		text, _ := z.Member.(string)
		if json.Unmarshal([]byte(text), &p) == nil && p.Kind == kind && p.Name == name {
			gone[p.ID] = time.UnixMilli(int64(z.Score))
		}
	}
	return gone, nil
}

// Due returns when the first host that waits for a visit is due, by Redis's clock. It is
// the zero time if none waits, and [waiting.Never] if all that wait are paused.
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
