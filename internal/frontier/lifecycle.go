package frontier

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// Statuses lists all jobs with their states, sorted by name. It also frees the memory that
// the process uses for jobs that have ended or were removed.
func (s *Store) Statuses(ctx context.Context) ([]crawler.Status, error) {
	names, err := s.Jobs(ctx)
	if err != nil {
		return nil, err
	}
	now, err := s.rdb.Time(ctx).Result()
	if err != nil {
		return nil, fmt.Errorf("list jobs: %w", err)
	}
	all := make([]crawler.Status, 0, len(names))
	for _, name := range names {
		status, err := s.statusAt(ctx, name, now)
		if errors.Is(err, queue.ErrNoJob) {
			continue // removed in between
		}
		if err != nil {
			return nil, err // a job that cannot be read is not gone
		}
		all = append(all, status)
	}
	s.part(all)
	return all, nil
}

// part forgets what this process remembers of jobs that are not listed or have ended.
func (s *Store) part(all []crawler.Status) {
	going := make(map[string]bool, len(all))
	for _, status := range all {
		going[status.Job.Name] = !status.State.Ended()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for name := range s.created {
		if !going[name] {
			delete(s.recent, name)
			delete(s.created, name)
			delete(s.live, name)
		}
	}
}

// Counters reads the counters of a job, even if the job was cleared.
func (s *Store) Counters(ctx context.Context, name string) (crawler.Counters, error) {
	status, err := s.Status(ctx, name)
	if err != nil {
		return crawler.Counters{}, err
	}
	if status.Cleared || status.State == crawler.StateCancelled { // it was or will be cleared
		if counters, kept, err := s.keptCounters(ctx, name); kept || err != nil {
			return counters, err
		}
	}
	return s.Frontier(status.Job).Counters(ctx)
}

// Hold keeps a job from ending for term, because holder is adding seeds to it. The holder
// must call Hold again before the term is over, and LetGo when it is done.
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

// Seeded records whether all seeds of a job are admitted. Only then may it end.
func (s *Store) Seeded(ctx context.Context, name string, all bool) error {
	return s.note(ctx, name, "seeded", flag(all))
}

// SetClosing records whether a running job has nothing left to fetch and waits only for its
// output. Then its workers finish and ship their output.
func (s *Store) SetClosing(ctx context.Context, name string, closing bool) error {
	return s.note(ctx, name, "closing", flag(closing))
}

// End stops a running job from fetching because the given budget is spent; "" lets it fetch
// again. It does nothing if the job's settings are no longer at the given revision. The job
// is done when its visits have ended.
func (s *Store) End(ctx context.Context, name string, revision int64, budget string) error {
	defer s.Tell(ctx, name)
	return runKeys(ctx, s.rdb, windScript(), "wind", eventKeys(name), budget, revision).Err()
}

// maxAge is the longest time that one call of Age adds. It is longer than the interval
// between a scheduler's looks, and than another scheduler takes to take over.
const maxAge = 5 * time.Second

// Age records that a job is being run, and returns for how long it has run in total. It
// must be called every few seconds: pauses and times without a scheduler do not count.
func (s *Store) Age(ctx context.Context, name string) (time.Duration, error) {
	ms, err := run(ctx, s.rdb, ageScript(), "age", jobBase(name)+nameJob, maxAge.Milliseconds()).Int64()
	return time.Duration(ms) * time.Millisecond, err
}

// pauseUnsure is stored while the job's queue is being paused or resumed.
const pauseUnsure = "?"

// ShowPause records that the job's queue is about to be paused or resumed to match the job.
// Until SetPaused is called, the state of the queue does not express what a user wants.
func (s *Store) ShowPause(ctx context.Context, name string) error {
	return s.note(ctx, name, "paused", pauseUnsure)
}

// SetPaused records whether the job's queue is paused to match the job.
func (s *Store) SetPaused(ctx context.Context, name string, paused bool) error {
	return s.note(ctx, name, "paused", flag(paused))
}

// Ticked records that a tick of a periodic job was handled, and the job's last run.
func (s *Store) Ticked(ctx context.Context, name string, tick time.Time, lastRun string) error {
	return run(ctx, s.rdb, tickScript(), "tick", jobBase(name)+nameJob, tick.UnixMilli(), lastRun).Err()
}

// note writes fields of a job's record. It does nothing for a job that was removed.
func (s *Store) note(ctx context.Context, name string, fields ...any) error {
	defer s.Tell(ctx, name)
	return run(ctx, s.rdb, noteScript(), "note", jobBase(name)+nameJob, fields...).Err()
}

// flag encodes a bool.
func flag(b bool) string {
	if b {
		return "1"
	}
	return "0"
}
