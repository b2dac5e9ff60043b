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
	"github.com/trawlcrawler/trawl/crawler/frontier"
	"github.com/trawlcrawler/trawl/internal/redisd"
	"github.com/trawlcrawler/trawl/internal/redistest"
	"github.com/trawlcrawler/trawl/scheduler"
	"github.com/trawlcrawler/trawl/tasks"
)

// house is a fleet in a Redis of its own, because a bureau sees to all jobs that
// it finds: bureaus, each as in a process of its own, a client, and asynq.
type house struct {
	*tasks.Client
	t         *testing.T
	endpoint  frontier.Endpoint
	rdb       redis.UniversalClient
	store     *frontier.Store
	inspector *asynq.Inspector
	log       *recorder // of all bureaus
	bureaus   []*watched
}

// watched is a bureau's store that counts its rounds.
type watched struct {
	*frontier.Store
	rounds atomic.Int64
}

func (w *watched) Statuses(ctx context.Context) ([]crawler.Status, error) {
	defer w.rounds.Add(1)
	return w.Store.Statuses(ctx)
}

// houses runs a story in a house over a real Redis and over the built-in one.
func houses(t *testing.T, bureaus int, story func(t *testing.T, h *house)) {
	t.Helper()
	t.Run("redis", func(t *testing.T) {
		t.Parallel()
		if _, ok := redisd.Find(); !ok {
			redistest.New(t) // skips or fails
		}
		server, err := redisd.Start(t.Context(), redisd.Config{Dir: t.TempDir()})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(server.Kill)
		story(t, newHouse(t, server.URL(), bureaus))
	})
	t.Run("builtin", func(t *testing.T) {
		t.Parallel()
		story(t, newHouse(t, redistest.Builtin(t), bureaus))
	})
}

func newHouse(t *testing.T, url string, bureaus int) *house {
	t.Helper()
	endpoint, err := frontier.ParseEndpoint(url)
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, endpoint: endpoint, rdb: endpoint.Client(), inspector: asynq.NewInspector(endpoint), log: new(recorder)}
	h.store = frontier.New(h.rdb)
	h.Client = tasks.NewClient(h.store, endpoint)
	t.Cleanup(func() { h.Client.Close(); h.inspector.Close(); h.rdb.Close() })
	for range bureaus {
		h.open()
	}
	return h
}

// open opens a bureau, as a process of its own has one.
func (h *house) open() { h.openAs(scheduler.Config{}) }

// openAs opens one that does what a configuration says.
func (h *house) openAs(cfg scheduler.Config) *scheduler.Bureau {
	rdb := h.endpoint.Client()
	store := &watched{Store: frontier.New(rdb)}
	queues := tasks.NewDispatcher(h.endpoint, 0)
	frontiers := func(job crawler.Job) scheduler.SeededFrontier { return store.Frontier(job) }
	cfg.Log = slog.New(h.log)
	bureau := scheduler.NewBureau(store, queues, frontiers, cfg)
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = bureau.Run(ctx) })
	h.t.Cleanup(func() { stop(); running.Wait(); queues.Close(); rdb.Close() })
	h.bureaus = append(h.bureaus, store)
	return bureau
}

// until waits until something is so, and returns how long that took.
func (h *house) until(what string, so func() bool) time.Duration {
	h.t.Helper()
	began := time.Now()
	for !so() {
		if time.Since(began) > 10*time.Minute { // for ever
			h.t.Fatalf("after ten minutes it is still not so that %s", what)
		}
		time.Sleep(5 * time.Millisecond)
	}
	return time.Since(began)
}

// rounds waits until every bureau has looked at all jobs n times from beginning to
// end.
func (h *house) rounds(n int64) {
	h.t.Helper()
	for _, b := range h.bureaus {
		enough := b.rounds.Load() + n + 1
		h.until("a bureau goes on", func() bool { return b.rounds.Load() >= enough })
	}
}

func (h *house) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}

// create creates a job with so many hosts to visit.
func (h *house) create(name string, hosts int, settings ...func(*crawler.Job)) {
	h.t.Helper()
	job := crawler.DefaultJob()
	job.Name, job.Seeds, job.Politeness = name, sites(hosts), crawler.PolitenessJob
	for _, set := range settings {
		set(&job)
	}
	h.must(h.Create(h.t.Context(), job))
}

func (h *house) status(job string) crawler.Status {
	h.t.Helper()
	status, err := h.Status(h.t.Context(), job)
	h.must(err)
	return status
}

func (h *house) is(job string, state crawler.State) time.Duration {
	h.t.Helper()
	return h.until(job+" is "+string(state), func() bool { return h.status(job).State == state })
}

// work lets a worker carry out the visits of a job, each when it is let, until the
// test ends or it is told to.
func (h *house) work(job string, let func(host crawler.Host)) (stop func()) {
	h.t.Helper()
	f := h.store.Frontier(h.status(job).Job)
	handle := func(ctx context.Context, v tasks.Visit, _ <-chan struct{}) (crawler.Report, error) {
		return crawler.Report{Ending: crawler.EndDry}, carryOut(ctx, f, v.Order(), let)
	}
	server, err := tasks.Serve(context.Background(), h.endpoint, handle, tasks.ServerConfig{Job: job, Concurrency: 5})
	h.must(err)
	stop = sync.OnceFunc(server.Close)
	h.t.Cleanup(stop)
	return stop
}

// carryOut takes all URLs of a host, waits until it is let, and has fetched them.
func carryOut(ctx context.Context, f *frontier.Frontier, o crawler.Order, let func(crawler.Host)) error {
	turn, err := f.Open(ctx, o, "worker")
	if err != nil {
		return err
	}
	taken, err := turn.Take(ctx, 100, 0)
	if err != nil {
		return err
	}
	going := make(chan struct{})
	go func() { defer close(going); let(o.Host) }()
	for beat := time.NewTicker(time.Second); ; {
		select {
		case <-beat.C:
			if err := turn.Renew(ctx, 0); err != nil {
				return err
			}
			continue
		case <-going:
		}
		break
	}
	var done []crawler.Settlement
	for _, t := range taken {
		done = append(done, crawler.Settlement{Ticket: t.Ticket, Outcome: crawler.OutcomeFetched})
	}
	return errors.Join(turn.Settle(ctx, done), turn.Close(ctx, crawler.Rest{}))
}

// keys lists all keys whose names have a text in them.
func (h *house) keys(text string) (keys []string) {
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
