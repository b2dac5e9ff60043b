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
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/redisconn"
)

// Garbage is something unexpected in Redis that was set aside.
type Garbage struct {
	Job  string // "" if it belongs to none
	What string
}

const (
	asideTerm  = 7 * 24 * time.Hour // how long a key that was set aside is kept
	maxNotes   = 100                // length of a job's list of garbage
	maxReports = 100                // findings that wait to be reported
)

// reports are the process's findings, to be logged. The zero value is ready to use. It is
// safe for concurrent use.
type reports struct {
	mu  sync.Mutex
	all []Garbage
}

// add adds a finding, unless too many are waiting.
func (r *reports) add(job, what string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.all) < maxReports {
		r.all = append(r.all, Garbage{job, what})
	}
}

// Garbage returns what this process has set aside since the last call, at most a hundred
// findings. What scripts set aside is only in the job's counters and in [Store.GarbageOf].
func (s *Store) Garbage() []Garbage {
	s.reports.mu.Lock()
	defer s.reports.mu.Unlock()
	all := s.reports.all
	s.reports.all = nil
	return all
}

// GarbageOf lists what was set aside of a job, at most a hundred entries for the job itself
// and for each shard, newest first.
func (s *Store) GarbageOf(ctx context.Context, job crawler.Job) ([]string, error) {
	bases := []string{jobBase(job.Name)}
	for shard := range job.Shards {
		bases = append(bases, shardBase(job.Name, shard))
	}
	var all []string
	for _, base := range bases {
		some, err := s.rdb.LRange(ctx, base+nameGarbage, 0, maxNotes-1).Result()
		if err != nil && !redisconn.IsWrongType(err) {
			return nil, fmt.Errorf("garbage of job %s: %w", job.Name, err)
		}
		all = append(all, some...)
	}
	return all, nil
}

// setAside renames one of a job's own keys that has the wrong type, and records that.
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
		p.LTrim(ctx, base+nameGarbage, 0, maxNotes-1)
		return nil
	})
	if err != nil && !strings.Contains(err.Error(), "no such key") { // another process was faster
		return fmt.Errorf("set aside %s: %w", base+name, err)
	}
	s.reports.add(job, what)
	return nil
}

// jobKeys are the job's own keys that it can do without, and their types.
var jobKeys = map[string]string{nameHolds: "zset", nameHomes: "set", namePorts: "set", nameTroubles: "hash",
	nameAwaited: "hash", nameGarbage: "list"}

// mendStatus reads a job's status when a key has the wrong type. It sets aside the keys
// that the job can do without.
func (s *Store) mendStatus(ctx context.Context, name string, now time.Time) (crawler.Status, error) {
	for key, want := range jobKeys {
		kind, err := s.rdb.Type(ctx, jobBase(name)+key).Result()
		if err == nil && kind != want && kind != "none" {
			err = s.setAside(ctx, name, key)
		}
		if err != nil {
			return crawler.Status{}, fmt.Errorf("job %s: %w", name, err)
		}
	}
	status, err := s.status(ctx, name, now)
	if !redisconn.IsWrongType(err) {
		return status, err
	}
	kind, err := s.rdb.Type(ctx, jobBase(name)+nameJob).Result()
	if err != nil {
		return crawler.Status{}, fmt.Errorf("job %s: %w", name, err)
	}
	return broken(name, now, fmt.Sprintf("its record %s is a %s, which should be a hash", jobBase(name)+nameJob, kind)),
		nil
}

// broken returns the status of a job whose record cannot be read.
func broken(name string, now time.Time, reason string) crawler.Status {
	job := crawler.DefaultJob()
	job.Name = name
	return crawler.Status{Job: job, State: crawler.StateBroken, Now: now,
		Reason: reason + ": repair it, or remove the job (trawl job rm " + name + ")"}
}

// flaw decodes a job's settings into its status, and says why the job cannot be used; "" if
// it can.
func flaw(status *crawler.Status, name, settings string) string {
	record := jobBase(name) + nameJob
	if settings == "" {
		return "its record " + record + " has no settings"
	}
	if err := json.Unmarshal([]byte(settings), &status.Job); err != nil {
		return fmt.Sprintf("its settings in %s cannot be read: %v", record, err)
	}
	switch status.State {
	case crawler.StateCreated, crawler.StateRunning, crawler.StatePaused, crawler.StateDone, crawler.StateCancelled,
		crawler.StateFailed:
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

// mendJobs rebuilds the list of jobs from their records, if it has the wrong type.
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

// recorded returns the names of all jobs that have a record, on any node.
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

// mendLedger restarts the ledger of the job's budget with the pages fetched so far. The
// promises to open visits are forgotten, so these visits may exceed the budget by that many
// pages.
func (f *Frontier) mendLedger(ctx context.Context) error {
	s := f.store
	if err := s.setAside(ctx, f.job.Name, nameLedger); err != nil {
		return err
	}
	counters, err := f.Counters(ctx)
	if err != nil {
		return err
	}
	return s.rdb.HSetNX(ctx, jobBase(f.job.Name)+nameLedger, "spent", counters.Pages()).Err()
}

// garbled makes errors of scripts that met garbage wrap [queue.ErrGarbage], and adds the
// key if the script named it.
func garbled(err error) error {
	text := err.Error()
	if _, rest, found := strings.Cut(text, "GARBAGE "); found {
		rest, _, _ = strings.Cut(rest, ", which it should not be")
		return fmt.Errorf("%w: %s", queue.ErrGarbage, rest)
	}
	if strings.Contains(text, "WRONGTYPE") || strings.Contains(text, "not an integer") {
		return fmt.Errorf("%w: %w", queue.ErrGarbage, err)
	}
	return err
}

// queueKeys are asynq's keys of a queue, and their types.
var queueKeys = map[string]string{
	"pending": "list", "active": "list", "lease": "zset", "scheduled": "zset", "retry": "zset",
	"completed": "zset", "archived": "zset", "paused": "string", "groups": "set",
}

// MendQueue deletes asynq's keys of a job's queue, and those shared by all queues, that
// have the wrong type. It returns their names. Visits that were enqueued there are armed
// again after [ArmTerm].
func (s *Store) MendQueue(ctx context.Context, job string) (gone []string, err error) {
	want := map[string]string{keyQueues: "set", "asynq:servers": "zset", "asynq:workers": "zset",
		"asynq:schedulers": "zset"}
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
