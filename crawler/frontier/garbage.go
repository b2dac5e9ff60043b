package frontier

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
)

// Garbage is something in Redis that is not what it should be, and was set aside.
type Garbage struct {
	Job  string // "" where it belongs to none
	What string
}

const (
	asideTerm   = 7 * 24 * time.Hour // for which a key that was set aside is kept
	mostNotes   = 100                // of a job's list of garbage
	mostReports = 100                // that wait to be told
)

// reports are what the process found, to be logged. The zero value is ready. They
// are safe for concurrent use.
type reports struct {
	mu  sync.Mutex
	all []Garbage
}

// add notes what was found; of many that nobody asks for, the first.
func (r *reports) add(job, what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.all) < mostReports {
		r.all = append(r.all, Garbage{job, what})
	}
}

// Garbage returns what this process has set aside since it was last asked, the first
// hundred. What scripts set aside is in the counters of the job and in
// [Store.GarbageOf] alone.
func (s *Store) Garbage() []Garbage {
	s.reports.mu.Lock()
	defer s.reports.mu.Unlock()
	all := s.reports.all
	s.reports.all = nil
	return all
}

// GarbageOf lists what was set aside of a job, the last first of each shard: at
// most a hundred of each.
func (s *Store) GarbageOf(ctx context.Context, job crawler.Job) ([]string, error) {
	bases := []string{jobBase(job.Name)}
	for shard := range job.Shards {
		bases = append(bases, shardBase(job.Name, shard))
	}
	var all []string
	for _, base := range bases {
		some, err := s.rdb.LRange(ctx, base+nameGarbage, 0, mostNotes-1).Result()
		if err != nil && !isWrongType(err) {
			return nil, fmt.Errorf("garbage of job %s: %w", job.Name, err)
		}
		all = append(all, some...)
	}
	return all, nil
}

// setAside renames a job's own key that is of the wrong type, and notes that.
func (s *Store) setAside(ctx context.Context, job, name string) error {
	base := jobBase(job)
	kind, err := s.rdb.Type(ctx, base+name).Result()
	if err != nil {
		return fmt.Errorf("set aside %s: %w", base+name, err)
	}
	what := fmt.Sprintf("%s was a %s and is set aside as %s", base+name, kind, base+nameAside+name)
	_, err = s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		p.Rename(ctx, base+name, base+nameAside+name)
		p.Expire(ctx, base+nameAside+name, asideTerm)
		p.LPush(ctx, base+nameGarbage, what)
		p.LTrim(ctx, base+nameGarbage, 0, mostNotes-1)
		return nil
	})
	if err != nil && !strings.Contains(err.Error(), "no such key") { // another process was faster
		return fmt.Errorf("set aside %s: %w", base+name, err)
	}
	s.reports.add(job, what)
	return nil
}

// jobKeys are a job's own keys that it can do without, and what they should be.
var jobKeys = map[string]string{nameHolds: "zset", nameHomes: "set", nameTroubles: "hash", nameAwaited: "hash", nameGarbage: "list"}

// mendStatus reads a job's status when one of the keys is of the wrong type: those
// that it can do without are set aside.
func (s *Store) mendStatus(ctx context.Context, name string) (crawler.Status, error) {
	for key, want := range jobKeys {
		kind, err := s.rdb.Type(ctx, jobBase(name)+key).Result()
		if err == nil && kind != want && kind != "none" {
			err = s.setAside(ctx, name, key)
		}
		if err != nil {
			return crawler.Status{}, fmt.Errorf("job %s: %w", name, err)
		}
	}
	status, err := s.status(ctx, name)
	if !isWrongType(err) {
		return status, err
	}
	kind, err := s.rdb.Type(ctx, jobBase(name)+nameJob).Result()
	if err != nil {
		return crawler.Status{}, fmt.Errorf("job %s: %w", name, err)
	}
	now, err := s.rdb.Time(ctx).Result()
	if err != nil {
		return crawler.Status{}, fmt.Errorf("job %s: %w", name, err)
	}
	return broken(name, now, fmt.Sprintf("its record %s is a %s, which should be a hash", jobBase(name)+nameJob, kind)), nil
}

// broken is the status of a job whose record cannot be read.
func broken(name string, now time.Time, reason string) crawler.Status {
	job := crawler.DefaultJob()
	job.Name = name
	return crawler.Status{Job: job, State: crawler.StateBroken, Now: now,
		Reason: reason + ": repair it, or remove the job (trawl job rm " + name + ")"}
}

// flaw reads the settings of a job into its status, and says why it is not workable;
// "" when it is.
func flaw(status *crawler.Status, name, settings string) string {
	record := jobBase(name) + nameJob
	if settings == "" {
		return "its record " + record + " has no settings"
	}
	if err := json.Unmarshal([]byte(settings), &status.Job); err != nil {
		return fmt.Sprintf("its settings in %s cannot be read: %v", record, err)
	}
	switch status.State {
	case crawler.StateCreated, crawler.StateRunning, crawler.StatePaused, crawler.StateDone, crawler.StateCancelled, crawler.StateFailed:
	default:
		return fmt.Sprintf("its state %q in %s is unknown", string(status.State), record)
	}
	if status.Job.Name != name {
		return fmt.Sprintf("its settings in %s are those of job %q", record, status.Job.Name)
	}
	if status.Job.Shards < 1 {
		return fmt.Sprintf("its settings in %s have shards %d, which must be at least 1", record, status.Job.Shards)
	}
	return ""
}

// mendJobs makes the list of jobs again of the records that there are, when it is of
// the wrong type.
func (s *Store) mendJobs(ctx context.Context) error {
	kind, err := s.rdb.Type(ctx, keyJobs).Result()
	if err != nil {
		return fmt.Errorf("mend %s: %w", keyJobs, err)
	}
	names, err := s.recorded(ctx)
	if err != nil {
		return err
	}
	err = s.rdb.Rename(ctx, keyJobs, keyJobsAside).Err()
	if err != nil && !strings.Contains(err.Error(), "no such key") {
		return fmt.Errorf("mend %s: %w", keyJobs, err)
	}
	if len(names) > 0 {
		if err := s.rdb.SAdd(ctx, keyJobs, names...).Err(); err != nil {
			return fmt.Errorf("mend %s: %w", keyJobs, err)
		}
	}
	s.reports.add("", fmt.Sprintf("%s was a %s and is set aside as %s; the list of jobs was made again of their %d records", keyJobs, kind, keyJobsAside, len(names)))
	return nil
}

// recorded finds the names of all jobs that have a record, on every node.
func (s *Store) recorded(ctx context.Context) ([]any, error) {
	var mu sync.Mutex
	var names []any
	err := s.eachMaster(ctx, func(ctx context.Context, node *redis.Client, _ bool) error {
		found := node.Scan(ctx, 0, keyPrefix+"{*}:"+nameJob, removeBatch).Iterator()
		for found.Next(ctx) {
			name := strings.TrimSuffix(strings.TrimPrefix(found.Val(), keyPrefix+"{"), "}:"+nameJob)
			mu.Lock()
			names = append(names, name)
			mu.Unlock()
		}
		return found.Err()
	})
	if err != nil {
		return nil, fmt.Errorf("find the records of jobs: %w", err)
	}
	return names, nil
}

// mendLedger starts the account of the job's budget over, with the pages fetched so far.
// Promises to open visits are forgotten: these visits may exceed the budget by that
// number of pages.
func (f *Frontier) mendLedger(ctx context.Context) error {
	s := f.store
	if err := s.setAside(ctx, f.job.Name, nameLedger); err != nil {
		return err
	}
	numbers, err := f.Counters(ctx)
	if err != nil {
		return err
	}
	return s.rdb.HSetNX(ctx, jobBase(f.job.Name)+nameLedger, "spent", numbers.Pages()).Err()
}

// garbled gives the errors of scripts that met garbage [crawler.ErrGarbage], and names
// the key if the script did.
func garbled(err error) error {
	text := err.Error()
	if _, rest, found := strings.Cut(text, "GARBAGE "); found {
		rest, _, _ = strings.Cut(rest, ", which it should not be")
		return fmt.Errorf("%w: %s", crawler.ErrGarbage, rest)
	}
	if strings.Contains(text, "WRONGTYPE") || strings.Contains(text, "not an integer") {
		return fmt.Errorf("%w: %w", crawler.ErrGarbage, err)
	}
	return err
}

// queueKeys are asynq's keys of a queue, and what they should be.
var queueKeys = map[string]string{
	"pending": "list", "active": "list", "lease": "zset", "scheduled": "zset", "retry": "zset",
	"completed": "zset", "archived": "zset", "paused": "string", "groups": "set",
}

// MendQueue deletes those of asynq's keys of a job's queue, and of those of all queues,
// that are of the wrong type, and returns their names. Visits that were enqueued there
// are armed again after [ArmTerm].
func (s *Store) MendQueue(ctx context.Context, job string) (gone []string, err error) {
	want := map[string]string{keyQueues: "set", "asynq:servers": "zset", "asynq:workers": "zset", "asynq:schedulers": "zset"}
	for name, kind := range queueKeys {
		want[queueBase(job)+name] = kind
	}
	for key, wanted := range want {
		kind, err := s.rdb.Type(ctx, key).Result()
		if err == nil && kind != wanted && kind != "none" {
			err = s.rdb.Unlink(ctx, key).Err()
			gone = append(gone, key)
			s.reports.add(job, fmt.Sprintf("%s was a %s and is deleted: asynq wants a %s there", key, kind, wanted))
		}
		if err != nil && !errors.Is(err, redis.Nil) {
			return gone, fmt.Errorf("mend the queue of job %s: %w", job, err)
		}
	}
	return gone, nil
}
