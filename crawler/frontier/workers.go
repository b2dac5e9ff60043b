package frontier

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// WorkerLoad is what a worker last said of itself.
type WorkerLoad struct {
	Worker string
	Places int      // the most visits at once
	Taken  int      // places that are taken
	Jobs   []string // those that it serves now
}

// AnyJob stands among the jobs of a worker that takes up whatever job begins.
const AnyJob = "*"

// Room is how many more visits the worker can carry out.
func (l WorkerLoad) Room() int { return l.Places - l.Taken }

// Serves reports whether the worker serves a job.
func (l WorkerLoad) Serves(job string) bool { return slices.Contains(l.Jobs, job) }

// heardTerm is for how long a worker counts that has said nothing since.
const heardTerm = 3 * time.Second

// ShareLoad tells the other workers of the fleet of one's load, and returns what they
// said within the last three seconds, by Redis's clock. It is called every second at
// least.
func (s *Store) ShareLoad(ctx context.Context, own WorkerLoad) ([]WorkerLoad, error) {
	return s.workers(ctx, own.Worker, fmt.Sprintf("%d %d %s", own.Places, own.Taken, strings.Join(own.Jobs, ",")))
}

// Leave tells the other workers that one is gone.
func (s *Store) Leave(ctx context.Context, worker string) error {
	_, err := s.workers(ctx, worker, "")
	return err
}

// Workers returns what the workers of the fleet have said within the last three
// seconds.
func (s *Store) Workers(ctx context.Context) ([]WorkerLoad, error) { return s.workers(ctx, "", "") }

func (s *Store) workers(ctx context.Context, worker, said string) ([]WorkerLoad, error) {
	got, err := run(ctx, s.rdb, workersScript, "workers", keyWorkers, worker, said, heardTerm.Milliseconds()).StringSlice()
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
		return 0, fmt.Errorf("queue of job %s: %w", job, passing(err))
	}
	return int(n), nil
}
