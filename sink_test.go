package trawl_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
)

var errDatabase = errors.New("the database is gone")

// brokenSink returns handlers whose sink fails, while broken says so, and counts its calls.
func brokenSink(fails func() error) (h *trawl.Handlers, broken *atomic.Bool, calls, kept *atomic.Int64) {
	broken, calls, kept = new(atomic.Bool), new(atomic.Int64), new(atomic.Int64)
	broken.Store(true)
	h = trawl.NewHandlers("store")
	h.Sink(func(_ context.Context, results []trawl.Result) error {
		calls.Add(1)
		if broken.Load() {
			return fails()
		}
		kept.Add(int64(len(results)))
		return nil
	})
	return h, broken, calls, kept
}

func TestASinkThatFailsForGoodEndsTheCrawlAndTheNextCallResumesIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fails func() error
		tries int64
		says  string
	}{
		"an error": {func() error { return errDatabase }, 8, "sink of handlers store: the database is gone (tried 8 times)"},
		"an error that wraps SkipRetry": {func() error { return fmt.Errorf("%w: %w", errDatabase, trawl.SkipRetry) }, 1,
			"the database is gone"},
		"an error that says that Redis is away": {
			func() error { return fmt.Errorf("%w: %w", errDatabase, trawl.ErrUnavailable) }, 8, "the database is gone"},
		"a panic": {func() error { panic(fmt.Errorf("nil map: %w", errDatabase)) }, 8, "it panicked: nil map"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newLocalSite(t, chain(5), "/")
			b.cfg = trawl.WithKeepPause(b.cfg, time.Millisecond)
			h, broken, calls, kept := brokenSink(c.fails)
			stats, err := trawl.Crawl(testfleet.Patience(t), b.job, b.cfg, h)
			if !errors.Is(err, errDatabase) || !errors.Is(err, trawl.ErrFailed) || !strings.Contains(err.Error(), c.says) ||
				!strings.Contains(err.Error(), "the same call resumes the crawl when that is mended") {
				t.Errorf("Crawl returns %v", err)
			}
			if stats.State != trawl.StateFailed || !strings.Contains(stats.Reason, c.says) || stats.Pages() != 0 {
				t.Errorf("the job is %s (%s), with %d pages", stats.State, stats.Reason, stats.Pages())
			}
			if n := calls.Load(); n != c.tries {
				t.Errorf("the sink was called %d times, want %d", n, c.tries)
			}
			panicked := new(trawl.PanicError)
			if errors.As(err, &panicked) != (name == "a panic") ||
				name == "a panic" && !strings.Contains(string(panicked.Stack), "brokenSink") {
				t.Errorf("the error has the stack %s", panicked.Stack)
			}
			broken.Store(false)
			if stats := b.crawl(h); stats.Pages() != 5 || kept.Load() != 5 || stats.State != trawl.StateDone {
				t.Errorf("the next call ends as %s, with %d pages, of which the sink kept %d", stats.State, stats.Pages(),
					kept.Load())
			}
		})
	}
}

func TestASinkThatFailsForGoodEndsItsJobAloneWhichIsResumed(t *testing.T) {
	t.Parallel()
	b := newLocalSite(t, chain(5), "/")
	b.cfg = trawl.WithKeepPause(b.cfg, time.Millisecond)
	h, broken, _, kept := brokenSink(func() error { return errDatabase })
	f := b.open(h)
	other := b.job
	other.Name, other.Handlers = "other", []string{}
	failing, fine := b.start(f, b.job), b.start(f, other)
	stats, err := failing.Wait(testfleet.Patience(t))
	if !errors.Is(err, errDatabase) || !errors.Is(err, trawl.ErrFailed) || stats.State != trawl.StateFailed ||
		!strings.Contains(stats.Reason, "the database is gone") {
		t.Errorf("the job is %s (%s); Wait returns %v", stats.State, stats.Reason, err)
	}
	if stats := b.wait(fine); stats.Pages() != 5 {
		t.Errorf("the other job has %d pages", stats.Pages())
	}
	broken.Store(false)
	if err := failing.Resume(t.Context()); err != nil {
		t.Fatal(err)
	}
	if stats := b.wait(failing); stats.Pages() != 5 || kept.Load() != 5 || stats.State != trawl.StateDone {
		t.Errorf("resumed, the job ends as %s, with %d pages, of which the sink kept %d", stats.State, stats.Pages(),
			kept.Load())
	}
}

func TestASinkOfAWorkerThatFailsForGoodEndsTheJobOfTheFleet(t *testing.T) {
	t.Parallel()
	b := newLocalSite(t, chain(5), "/")
	b.cfg.Redis, b.cfg.AllowPrivate = "redis://"+redistest.Own(t).TCP, true
	b.cfg = trawl.WithKeepPause(b.cfg, time.Millisecond)
	b.cfg.Name = "opener"                                  // other fleets of this process have its name
	fleet, err := trawl.Open(testfleet.Patience(t), b.cfg) // without the handlers
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.shutDown(fleet) })
	h, broken, _, kept := brokenSink(func() error { return errDatabase })
	cfg := b.cfg
	cfg.Out, cfg.Name = t.TempDir(), "worker"
	ctx, stop := context.WithCancel(testfleet.Patience(t))
	worked := make(chan error, 1)
	go func() { worked <- trawl.Work(ctx, cfg, h) }()
	b.job.Handlers = []string{"store"}
	if err := fleet.Client().Create(t.Context(), b.job); err != nil {
		t.Fatal(err)
	}
	run, err := fleet.Job(t.Context(), b.job.Name)
	if err != nil {
		t.Fatal(err)
	}
	stats, err := run.Wait(testfleet.Patience(t))
	if !errors.Is(err, trawl.ErrFailed) ||
		!strings.Contains(err.Error(), "sink of handlers store: the database is gone") ||
		stats.State != trawl.StateFailed {
		t.Errorf("the job is %s (%s); Wait returns %v", stats.State, stats.Reason, err)
	}
	broken.Store(false)
	if err := fleet.Client().Resume(t.Context(), b.job.Name); err != nil {
		t.Fatal(err)
	}
	status, err := fleet.Client().Wait(testfleet.Patience(t), b.job.Name)
	if err != nil || status.State != trawl.StateDone || kept.Load() != 5 {
		t.Errorf("resumed, the job ends as %s (%v); the sink kept %d pages", status.State, err, kept.Load())
	}
	stop()
	if err := <-worked; err != nil {
		t.Errorf("Work returns %v", err)
	}
}
