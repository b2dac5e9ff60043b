package testfleet

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/tasks"
)

// Fleet is a Redis, a folder for results, and the processes of a test. All end with the
// test.
type Fleet struct {
	Redis  *redistest.Node // with an append-only file
	Client *tasks.Client
	Out    string // the folder of the results

	// Command and Env apply to processes that are started from now on: a binary to use
	// instead of that of Binary, and additional environment variables.
	Command string
	Env     []string
	// Reach is the network, besides public ones, that workers started from now on may
	// connect to. Default all loopback addresses.
	Reach string
	// Cage is the cage of workers that are started from now on; nil for none.
	Cage *Cage

	t       testing.TB
	dir     string // working directory of the processes
	tmp     string // where they keep temporary files
	env     []string
	started atomic.Int64
	whole   context.Context // ends when a process fails
	fail    context.CancelCauseFunc
}

// New starts the Redis of a fleet. The test starts schedulers and workers. redis are
// additional arguments of the server, such as "--appendfsync", "always"; the default is
// everysec. The test is skipped if no server is on PATH.
func New(t testing.TB, redis ...string) *Fleet {
	t.Helper()
	f := &Fleet{t: t, Redis: redistest.Durable(t, redis...), dir: t.TempDir(), tmp: t.TempDir(), Reach: "127.0.0.0/8"}
	f.Out = filepath.Join(f.dir, "out")
	f.whole, f.fail = context.WithCancelCause(t.Context())
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "TRAWL_") && !strings.HasPrefix(v, "TMPDIR=") {
			f.env = append(f.env, v)
		}
	}
	f.env = append(f.env, "TMPDIR="+f.tmp)
	client, err := tasks.Open(Soon(t), f.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	f.Client = client
	return f
}

// URL returns the address of the fleet's Redis.
func (f *Fleet) URL() string { return "redis://" + f.Redis.TCP + "/0" }

// Scheduler starts a scheduler and waits until it is ready.
func (f *Fleet) Scheduler(flags ...string) *Process {
	f.t.Helper()
	name := fmt.Sprintf("scheduler-%d", f.started.Add(1))
	args := []string{"scheduler", "--redis", f.URL(), "--listen", "127.0.0.1:0"}
	return f.start(name, append(args, flags...)...).ready()
}

// Worker starts a worker and waits until it is ready. It may connect to the addresses of
// Reach.
func (f *Fleet) Worker(flags ...string) *Process {
	f.t.Helper()
	name := fmt.Sprintf("worker-%d", f.started.Add(1))
	args := []string{
		"worker", "--redis", f.URL(), "--listen", "127.0.0.1:0", "--name", name,
		"--out", f.Out, "--allow-cidr", f.Reach,
	}
	return f.startIn(f.Cage, name, append(args, flags...)...).ready()
}

// Workers starts n workers.
func (f *Fleet) Workers(n int, flags ...string) []*Process {
	f.t.Helper()
	workers := make([]*Process, n)
	for i := range workers {
		workers[i] = f.Worker(flags...)
	}
	return workers
}

// Create creates a job.
func (f *Fleet) Create(job crawler.Job) {
	f.t.Helper()
	if err := f.Client.Create(Soon(f.t), job); err != nil {
		f.t.Fatal(err)
	}
}

// Done waits until a job is done, and returns its counters. It does not wait if a process has failed.
func (f *Fleet) Done(job string) crawler.Counters {
	f.t.Helper()
	ctx, cancel := context.WithCancelCause(Patience(f.t))
	defer cancel(nil)
	defer context.AfterFunc(f.whole, func() { cancel(context.Cause(f.whole)) })()
	status, err := f.Client.Wait(ctx, job)
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	counters, _ := f.Client.Counters(Soon(f.t), job)
	if err != nil {
		f.t.Fatalf("wait for job %s: %v; its counters are %+v", job, err, counters)
	}
	if status.State != crawler.StateDone {
		f.t.Fatalf("job %s is %s (%s), want done", job, status.State, status.Reason)
	}
	return counters
}
