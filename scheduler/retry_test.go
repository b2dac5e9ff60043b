package scheduler_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/scheduler"
)

func TestFailedCallsAreRetried(t *testing.T) {
	t.Parallel()
	for _, call := range []string{"status", "sweep", "counters", "capacity", "arm", "enqueue", "end", "idle", "move"} {
		t.Run(call, func(t *testing.T) {
			t.Parallel()
			s := newFixture(t, redistest.Private(t), func(j *crawler.Job) {
				if call == "end" {
					j.Pages = 3
				}
			})
			refused := 3
			fail := func() error {
				if refused--; refused >= 0 {
					return errors.New("LOADING Redis is loading the dataset in memory")
				}
				return nil
			}
			// Visits are carried out at once, so that a sweep finds only those whose enqueueing
			// failed.
			s.hook("sweep", func() error { return s.Abandon(t.Context()) })
			work := func() error { s.visit(s.waitEnqueued(1)[0]); return nil }
			s.hook("enqueue", work)
			switch call {
			case "enqueue":
				s.hook(call, func() error {
					if err := fail(); err != nil {
						s.waitEnqueued(1)
						return err
					}
					return work()
				})
			default:
				s.hook(call, fail)
			}
			log := new(recorder)
			s.seed(sites(4)...) // the budget leaves one visit out
			if call == "end" {
				s.setCapacity(1)
			}
			cfg := fastConfig
			cfg.Log = slog.New(log)
			s.run(cfg)
			want := ""
			if call == "end" {
				want = "budget of pages"
			}
			s.wantEnd(crawler.StateDone, want)
			if refused == 3 {
				t.Error("no call failed")
			}
			if got := log.messages(slog.LevelError); len(got) != 1 {
				t.Errorf("the failure is logged %d times: %q, want once", len(got), got)
			}
		})
	}
}

// A worker may hold hundreds of hosts when it is lost, but one sweep is bounded.
func TestALostWorkersVisitsAreAllSweptAtOnce(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		broken []int
	}{
		{"one sweep", []int{7, 0}},
		{"several sweeps", []int{20, 20, 20, 3, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := newFixture(t, redistest.Private(t))
			lost := &sweptFrontier{fixture: s, broken: c.broken}
			log := new(recorder)
			ctx, cancel := context.WithCancel(t.Context())
			cfg := scheduler.Config{Tick: time.Millisecond, SweepEvery: time.Hour, Log: slog.New(log)}
			var done sync.WaitGroup
			done.Go(func() { _, _ = scheduler.New(s.job, s, lost, s, cfg).Run(ctx) })
			s.waitCalls("counters", len(c.broken)+3)
			cancel()
			done.Wait()
			if lost.sweeps != len(c.broken) {
				t.Errorf("%d sweeps, want %d: the last one must find nothing", lost.sweeps, len(c.broken))
			}
			if got := log.messages(slog.LevelWarn); len(got) != len(c.broken)-1 {
				t.Errorf("the log has %q, want a warning for each sweep that broke visits", got)
			}
		})
	}
}

// sweptFrontier is a frontier whose sweeps break given numbers of visits.
type sweptFrontier struct {
	*fixture
	broken []int
	sweeps int
}

func (l *sweptFrontier) Sweep(context.Context, time.Duration) (broken int, err error) {
	if l.sweeps < len(l.broken) {
		broken = l.broken[l.sweeps]
	}
	l.sweeps++
	return broken, nil
}

// recorder is a log handler that stores its records.
type recorder struct {
	slog.Handler
	mu      sync.Mutex
	records []slog.Record
}

func (r *recorder) Enabled(context.Context, slog.Level) bool { return true }

func (r *recorder) Handle(_ context.Context, rec slog.Record) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.records = append(r.records, rec)
	return nil
}

// messages lists the messages that were logged at a level or above.
func (r *recorder) messages(least slog.Level) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []string
	for _, rec := range r.records {
		if rec.Level >= least {
			all = append(all, rec.Message)
		}
	}
	return all
}

func TestAVisitThatCouldNotBeEnqueuedIsEnqueuedInTheNextRound(t *testing.T) {
	t.Parallel()
	s := newFixture(t, redistest.Private(t))
	refused := false
	s.hook("enqueue", func() error {
		if refused {
			return nil
		}
		refused = true
		s.waitEnqueued(1)
		return errors.New("OOM command not allowed when used memory > 'maxmemory'")
	})
	s.seed(sites(3)...)
	s.run(fastConfig)
	for _, o := range s.waitEnqueued(3) {
		s.visit(o)
	}
	s.wantEnd(crawler.StateDone, "")
}

// While Redis was unavailable, no worker could renew its lease. After an outage, sweeps only end
// visits that are an hour late.
func TestNoVisitIsBrokenSoonAfterAnOutage(t *testing.T) {
	t.Parallel()
	s := newFixture(t, redistest.Private(t))
	cfg := fastConfig
	cfg.Reprieve = time.Hour
	refused, sweeps := false, 0
	s.hook("counters", func() error {
		if refused {
			return nil
		}
		refused = true
		return errors.New("connection refused")
	})
	s.hook("sweep", func() error {
		if refused {
			sweeps++
		}
		return nil
	})
	cancel := s.run(cfg)
	s.wantRunning()
	cancel()
	<-s.done
	if sweeps > 0 {
		t.Errorf("%d sweeps after the outage, want none for an hour", sweeps)
	}
}
