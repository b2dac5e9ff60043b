package frontier

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/internal/activity"
	"github.com/trawlcrawler/trawl/internal/redisconn"
)

// WorkerLoad is a worker's last report about itself.
type WorkerLoad struct {
	Worker string
	Places int      // the most visits at once
	Taken  int      // places in use
	Memory int64    // bytes of memory that the process has from the system; 0: unknown
	Rate   float64  // pages that it has settled a second lately
	Jobs   []string // jobs that it serves now
	// Spent is what its visits of each job spent their time on within a recent time, and
	// Within is how long that was. Jobs without visits are left out.
	Spent  map[string]activity.Spent
	Within time.Duration
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
// reports of the last three seconds, by Redis's clock. Call it again within a second plus extra:
// the report counts for extra longer.
func (s *Store) ShareLoad(ctx context.Context, own WorkerLoad, extra time.Duration) ([]WorkerLoad, error) {
	return s.workers(ctx, own.Worker, own.pack(), extra)
}

// pack returns the report as text: "PLACES TAKEN JOB,JOB,… WITHIN JOB:SPENT,… MEMORY RATE". A
// report without jobs ends after TAKEN; one without times has 0 and - in their places.
func (l WorkerLoad) pack() string {
	text := fmt.Sprintf("%d %d %s", l.Places, l.Taken, strings.Join(l.Jobs, ","))
	if len(l.Jobs) == 0 {
		return text
	}
	spent := []string{}
	for _, job := range slices.Sorted(maps.Keys(l.Spent)) {
		spent = append(spent, job+":"+l.Spent[job].String())
	}
	within := l.Within.Milliseconds()
	if len(spent) == 0 {
		within, spent = 0, []string{"-"}
	}
	return fmt.Sprintf("%s %d %s %d %.2f", text, within, strings.Join(spent, ","), l.Memory, l.Rate)
}

// unpackLoad reads what pack returns. It returns false for garbage. Times of another version,
// with other kinds of activities, are left out.
func unpackLoad(worker, text string) (l WorkerLoad, ok bool) {
	l.Worker = worker
	var within int64
	var jobs, spent string
	n, _ := fmt.Sscanf(text, "%d %d %s %d %s %d %f", &l.Places, &l.Taken, &jobs, &within, &spent, &l.Memory, &l.Rate)
	if n < 2 {
		return l, false
	}
	if jobs != "" {
		l.Jobs = strings.Split(jobs, ",")
	}
	if n < 5 || within <= 0 {
		return l, true
	}
	l.Within, l.Spent = time.Duration(within)*time.Millisecond, make(map[string]activity.Spent)
	for one := range strings.SplitSeq(spent, ",") {
		job, packed, _ := strings.Cut(one, ":")
		if s, ok := activity.Parse(packed); ok {
			l.Spent[job] = s
		}
	}
	return l, true
}

// Leave tells the other workers that a worker is gone.
func (s *Store) Leave(ctx context.Context, worker string) error {
	_, err := s.workers(ctx, worker, "", 0)
	return err
}

// Workers returns the reports of the fleet's workers of the last three seconds.
func (s *Store) Workers(ctx context.Context) ([]WorkerLoad, error) { return s.workers(ctx, "", "", 0) }

func (s *Store) workers(ctx context.Context, worker, said string, extra time.Duration) ([]WorkerLoad, error) {
	got, err := run(ctx, s.rdb, workersScript(), "workers", keyWorkers, worker, said,
		heardTerm.Milliseconds(), extra.Milliseconds()).StringSlice()
	if err != nil {
		return nil, err
	}
	var all []WorkerLoad
	for i := 0; i+1 < len(got); i += 2 {
		if l, ok := unpackLoad(got[i], got[i+1]); ok {
			all = append(all, l)
		}
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
