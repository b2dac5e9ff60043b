package frontier

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
)

// Statuses lists all jobs with their states, by name. Whoever asks again and again
// which jobs there are remembers nothing of those that have ended or are gone.
func (s *Store) Statuses(ctx context.Context) ([]crawler.Status, error) {
	names, err := s.Jobs(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]crawler.Status, 0, len(names))
	for _, name := range names {
		status, err := s.Status(ctx, name)
		if errors.Is(err, crawler.ErrNoJob) {
			continue // removed in between
		}
		if err != nil {
			return nil, err // a job that can not be read is not gone
		}
		all = append(all, status)
	}
	s.part(all)
	return all, nil
}

// part forgets what this process remembers of jobs that are not among those
// listed, or have ended.
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

// Counters reads the numbers of a job, also of one that was cleared.
func (s *Store) Counters(ctx context.Context, name string) (crawler.Counters, error) {
	status, err := s.Status(ctx, name)
	if err != nil {
		return crawler.Counters{}, err
	}
	if status.Cleared || status.State == crawler.StateCancelled { // it is or will be cleared
		if numbers, kept, err := s.keptCounters(ctx, name); kept || err != nil {
			return numbers, err
		}
	}
	return s.Frontier(status.Job).Counters(ctx)
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

// Seeded notes whether all seeds of a job are admitted, so that it may end.
func (s *Store) Seeded(ctx context.Context, name string, all bool) error {
	return s.note(ctx, name, "seeded", flag(all))
}

// SetClosing notes whether a running job has nothing left to fetch and waits only for
// its output, so that its workers finish and ship what they have.
func (s *Store) SetClosing(ctx context.Context, name string, closing bool) error {
	return s.note(ctx, name, "closing", flag(closing))
}

// End lets a running job fetch no more, because of the budget given, as its settings have it in a
// revision; "" lets it fetch again. It does nothing if they were changed since. The job is done when its visits
// have ended.
func (s *Store) End(ctx context.Context, name string, revision int64, budget string) error {
	return run(ctx, s.rdb, windScript, "wind", jobBase(name)+nameJob, budget, revision).Err()
}

// mostAge is by how much a job ages at most between two calls of Age. It is
// longer than a scheduler takes to look again, and than another takes over.
const mostAge = 5 * time.Second

// Age notes that a job is kept going and returns for how long it ran, if that
// was noted every few seconds: neither pauses count, nor times without a
// scheduler.
func (s *Store) Age(ctx context.Context, name string) (time.Duration, error) {
	ms, err := run(ctx, s.rdb, ageScript, "age", jobBase(name)+nameJob, mostAge.Milliseconds()).Int64()
	return time.Duration(ms) * time.Millisecond, err
}

// pauseUnsure is noted while the job's queue is made to show whether the job is paused.
const pauseUnsure = "?"

// ShowPause notes that the job's queue is about to be made to show whether the job is
// paused. Until SetPaused says that it does, what the queue shows is nobody's wish.
func (s *Store) ShowPause(ctx context.Context, name string) error {
	return s.note(ctx, name, "paused", pauseUnsure)
}

// SetPaused notes whether the job's queue shows that it is paused.
func (s *Store) SetPaused(ctx context.Context, name string, paused bool) error {
	return s.note(ctx, name, "paused", flag(paused))
}

// Ticked notes that a tick of a periodic job was seen to, and the job's last run.
func (s *Store) Ticked(ctx context.Context, name string, tick time.Time, lastRun string) error {
	return run(ctx, s.rdb, tickScript, "tick", jobBase(name)+nameJob, tick.UnixMilli(), lastRun).Err()
}

// note writes fields of a job's record. Of a job that was removed there is
// nothing to note.
func (s *Store) note(ctx context.Context, name string, fields ...any) error {
	return run(ctx, s.rdb, noteScript, "note", jobBase(name)+nameJob, fields...).Err()
}

// flag is a bool in Redis.
func flag(b bool) string {
	if b {
		return "1"
	}
	return "0"
}
