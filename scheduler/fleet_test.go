package scheduler_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/frontier"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/redisconn"
	"github.com/trawlcrawler/trawl/internal/redisd"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/visit"
	"github.com/trawlcrawler/trawl/internal/wire"
	"github.com/trawlcrawler/trawl/scheduler"
	"github.com/trawlcrawler/trawl/tasks"
)

// testFleet is a fleet with its own Redis, because a runner serves all jobs that it finds. It
// consists of runners, each as in a separate process, a client, and asynq.
type testFleet struct {
	*tasks.Client
	t         *testing.T
	endpoint  redisconn.Endpoint
	rdb       redis.UniversalClient
	store     *frontier.Store
	inspector *asynq.Inspector
	log       *recorder // of all runners
	runners   []*countingStore
}

// countingStore is a runner's store that counts its rounds.
type countingStore struct {
	*frontier.Store
	rounds atomic.Int64
}

func (w *countingStore) Statuses(ctx context.Context) ([]crawler.Status, error) {
	defer w.rounds.Add(1)
	return w.Store.Statuses(ctx)
}

// testFleets runs a test with a fleet in a real Redis and in the built-in one.
func testFleets(t *testing.T, runners int, test func(t *testing.T, h *testFleet)) {
	t.Helper()
	t.Run("redis", func(t *testing.T) {
		t.Parallel()
		if _, ok := redisd.Find(); !ok {
			redistest.New(t) // skips or fails the test without a Redis
		}
		server, err := redisd.Start(t.Context(), redisd.Config{Dir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(server.Kill)
		test(t, newTestFleet(t, server.URL(), runners))
	})
	t.Run("builtin", func(t *testing.T) {
		t.Parallel()
		test(t, newTestFleet(t, redistest.Builtin(t), runners))
	})
}

func newTestFleet(t *testing.T, url string, runners int) *testFleet {
	t.Helper()
	endpoint, err := redisconn.ParseEndpoint(url)
	if err != nil {
		t.Fatal(err)
	}
	h := &testFleet{t: t, endpoint: endpoint, rdb: endpoint.Client(), inspector: asynq.NewInspector(endpoint),
		log: new(recorder)}
	h.store = frontier.New(h.rdb)
	h.Client = tasks.NewClient(h.store, endpoint)
	t.Cleanup(func() { h.Client.Close(); h.inspector.Close(); h.rdb.Close() })
	for range runners {
		h.open()
	}
	return h
}

// open starts a runner with the default configuration, as in a separate process.
func (h *testFleet) open() { h.openConfigured(scheduler.Config{}) }

// openConfigured starts a runner with a configuration.
func (h *testFleet) openConfigured(cfg scheduler.Config) *scheduler.Runner {
	return h.openWithQueues(cfg, func(queues *wire.Dispatcher) scheduler.Queues { return queues })
}

// openWithQueues starts a runner whose queues wrap those of asynq.
func (h *testFleet) openWithQueues(
	cfg scheduler.Config, wrap func(*wire.Dispatcher) scheduler.Queues,
) *scheduler.Runner {
	rdb := h.endpoint.Client()
	store := &countingStore{Store: frontier.New(rdb)}
	queues := wire.NewDispatcher(h.endpoint, 0)
	cfg.Log = slog.New(h.log)
	runner := scheduler.NewRunner(store, wrap(queues), store.Frontier, cfg)
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = runner.Run(ctx) })
	h.t.Cleanup(func() { stop(); running.Wait(); queues.Close(); rdb.Close() })
	h.runners = append(h.runners, store)
	return runner
}

// until waits until a condition holds, and returns how long that took.
func (h *testFleet) until(what string, condition func() bool) time.Duration {
	h.t.Helper()
	began := time.Now()
	for !condition() {
		if time.Since(began) > 10*time.Minute { // the condition will never hold
			h.t.Fatalf("after ten minutes this condition does not hold: %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
	return time.Since(began)
}

// waitRounds waits until each runner has completed n rounds over all jobs.
func (h *testFleet) waitRounds(n int64) {
	h.t.Helper()
	for _, b := range h.runners {
		enough := b.rounds.Load() + n + 1
		h.until("a runner continues", func() bool { return b.rounds.Load() >= enough })
	}
}

func (h *testFleet) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// create creates a job with n hosts to visit.
func (h *testFleet) create(name string, hosts int, settings ...func(*crawler.Job)) {
	h.t.Helper()
	job := crawler.DefaultJob()
	job.Name, job.Seeds, job.Politeness = name, sites(hosts), crawler.PolitenessJob
	for _, set := range settings {
		set(&job)
	}
	h.must(h.Create(h.t.Context(), job))
}

func (h *testFleet) status(job string) crawler.Status {
	h.t.Helper()
	status, err := h.Status(h.t.Context(), job)
	h.must(err)
	return status
}

func (h *testFleet) wantState(job string, state crawler.State) time.Duration {
	h.t.Helper()
	return h.until(job+" is "+string(state), func() bool { return h.status(job).State == state })
}

// work starts a worker that carries out the visits of a job until the test ends or stop is called.
// Each visit waits until let returns.
func (h *testFleet) work(job string, let func(host crawler.Host)) (stop func()) {
	h.t.Helper()
	f := h.store.Frontier(h.status(job).Job)
	handle := func(ctx context.Context, v wire.Visit, _ <-chan struct{}) (queue.Report, error) {
		return queue.Report{Ending: queue.EndDry}, carryOut(ctx, f, v.Ref(), let)
	}
	server, err := wire.Serve(context.Background(), h.endpoint, handle, wire.ServerConfig{Job: job, Concurrency: 5})
	h.must(err)
	stop = sync.OnceFunc(server.Close)
	h.t.Cleanup(stop)
	return stop
}

// carryOut takes all URLs of a host, waits until let returns, and settles them as fetched.
func carryOut(ctx context.Context, f *frontier.Frontier, o queue.VisitRef, let func(crawler.Host)) error {
	lease, err := f.Open(ctx, o, "worker", visit.Want{})
	if err != nil {
		return err
	}
	taken, err := lease.Take(ctx, 100, 0)
	if err != nil {
		return err
	}
	going := make(chan struct{})
	go func() { defer close(going); let(o.Host) }()
	for beat := time.NewTicker(time.Second); ; {
		select {
		case <-beat.C:
			if err := lease.Renew(ctx, 0); err != nil {
				return err
			}
			continue
		case <-going:
		}
		break
	}
	var done []queue.Settlement
	for _, t := range taken {
		done = append(done, queue.Settlement{Ticket: t.Ticket, Outcome: crawler.OutcomeFetched})
	}
	return errors.Join(lease.Settle(ctx, done), lease.Close(ctx, queue.Rest{}))
}

// keys lists all keys whose names contain a text.
func (h *testFleet) keys(text string) (keys []string) {
	h.t.Helper()
	found := h.rdb.Scan(h.t.Context(), 0, "*", 1000).Iterator()
	for found.Next(h.t.Context()) {
		if strings.Contains(found.Val(), text) {
			keys = append(keys, found.Val())
		}
	}
	h.must(found.Err())
	return keys
}
