package frontier

import (
	"context"
	"fmt"
	"github.com/trawlcrawler/trawl/internal/redisconn"
	"slices"
	"strings"
	"time"
)

// WorkerLoad is a worker's last report about itself.
type WorkerLoad struct {
	Worker string
	Places int      // the most visits at once
	Taken  int      // places in use
	Jobs   []string // jobs that it serves now
}

// AnyJob is listed among the jobs of a worker that serves every job.
const AnyJob = "*"

// Room returns how many more visits the worker can carry out.
func (l WorkerLoad) Room() int { return l.Places - l.Taken }

// Serves reports whether the worker serves a job.
func (l WorkerLoad) Serves(job string) bool { return slices.Contains(l.Jobs, job) }

// heardTerm is how long a worker's last report counts.
const heardTerm = 3 * time.Second

// ShareLoad reports a worker's load to the other workers of the fleet, and returns their
// reports of the last three seconds, by Redis's clock. Call it at least every second.
func (s *Store) ShareLoad(ctx context.Context, own WorkerLoad) ([]WorkerLoad, error) {
	return s.workers(ctx, own.Worker, fmt.Sprintf("%d %d %s", own.Places, own.Taken, strings.Join(own.Jobs, ",")))
}

// Leave tells the other workers that a worker is gone.
func (s *Store) Leave(ctx context.Context, worker string) error {
	_, err := s.workers(ctx, worker, "")
	return err
}

// Workers returns the reports of the fleet's workers of the last three seconds.
func (s *Store) Workers(ctx context.Context) ([]WorkerLoad, error) { return s.workers(ctx, "", "") }

func (s *Store) workers(ctx context.Context, worker, said string) ([]WorkerLoad, error) {
	got, err := run(ctx, s.rdb, workersScript(), "workers", keyWorkers, worker, said,
		heardTerm.Milliseconds()).StringSlice()
	if err != nil {
		return nil, err
	}
	var all []WorkerLoad
	for i := 0; i+1 < len(got); i += 2 {
		l := WorkerLoad{Worker: got[i]}
		jobs := ""
		if n, _ := fmt.Sscanf(got[i+1], "%d %d %s", &l.Places, &l.Taken, &jobs); n < 2 {
			continue // garbage
		}
		if jobs != "" {
			l.Jobs = strings.Split(jobs, ",")
		}
		all = append(all, l)
	}
	return all, nil
}

// Pending returns how many tasks wait in the asynq queue of a job.
func (s *Store) Pending(ctx context.Context, job string) (int, error) {
	n, err := s.rdb.LLen(ctx, queueBase(job)+"pending").Result()
	if err != nil {
		return 0, fmt.Errorf("queue of job %s: %w", job, redisconn.Passing(err))
	}
	return int(n), nil
}
