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

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/scheduler"
)

// TestScheduler checks how a scheduler runs a job, with a real Redis and with the built-in one.
func TestScheduler(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		test func(t *testing.T, s *fixture)
	}{
		{"the workers' capacity limits the number of armed and open visits", fillsCapacity},
		{"fewer visits are armed while Redis is nearly full", armsFewerWithLittleRoom},
		{"nothing is armed while there are no workers", waitsForWorkers},
		{"a visit is recalled for a host with urgent URLs", recallsForUrgent},
		{"a host whose worker vanished is visited again", replacesLostWorkers},
		{"a job ends when it is idle and all its seeds are admitted", endsWhenSeeded},
		{"a job does not end while its last URL is in flight", waitsForFlight},
		{"links that are found late keep the job running", followsLateLinks},
		{"a job of several shards ends", endsInShards},
		{"a paused job arms nothing, and continues when it is resumed", armsNothingWhilePaused},
		{"a job that is paused when it is idle ends when it is resumed", pausedAtTheEnd},
		{"the scheduler waits for a job that is not started", waitsForStart},
		{"what a running job has done is recorded", recordsHistory},
		{"a nudge starts the next round early", respondsToNudges},
		{"the scheduler stops when its job is cancelled", stopsWhenCancelled},
		{"the scheduler stops when its paused job is cancelled", stopsWhenCancelledWhilePaused},
		{"the scheduler stops when its context ends, and the job keeps running", stopsWithContext},
		{"a call that hangs does not delay the end of the scheduler", stopsDuringCall},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			redistest.Sampled(t, func(t *testing.T, url string) {
				t.Parallel()
				c.test(t, newFixture(t, url, func(j *crawler.Job) {
					if strings.Contains(c.name, "several shards") {
						j.Shards = 4
					}
				}))
			})
		})
	}
}

func recordsHistory(t *testing.T, s *fixture) {
	s.seed(sites(1)...)
	s.run(fastConfig)
	s.waitCalls("counters", 1)
	h, err := s.History(t.Context(), s.job)
	if err != nil || len(h.Seconds) != 1 || len(h.Minutes) != 1 {
		t.Fatalf("after one look, the history is %+v, %v", h, err)
	}
}

func recallsForUrgent(t *testing.T, s *fixture) {
	s.setCapacity(2)
	s.seed(sites(3)...)
	s.run(fastConfig)
	visits := make(map[crawler.Host]*openVisit)
	for _, o := range s.waitEnqueued(2) {
		visits[o.Host] = s.open(o)
	}
	recalled := func() (hosts []crawler.Host) {
		for host, v := range visits {
			if err := v.Renew(t.Context(), 0); err != nil {
				t.Fatal(err)
			}
			if v.Recalled() {
				hosts = append(hosts, host)
			}
		}
		return hosts
	}
	s.wantRunning()
	if hosts := recalled(); len(hosts) > 0 {
		t.Fatalf("visits of %v are recalled, although nothing is urgent", hosts)
	}
	urgent, err := crawler.ParseURL("https://urgent.example/")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Admit(t.Context(), []queue.Entry{{URL: urgent, Band: queue.BandUrgent}}); err != nil {
		t.Fatal(err)
	}
	hosts := recalled()
	for ; len(hosts) == 0; hosts = recalled() {
		s.wantRunning()
	}
	s.wantRunning()
	if len(recalled()) != 1 {
		t.Errorf("visits of %v are recalled, want one", recalled())
	}
	visits[hosts[0]].take().fetched(1).close()
	delete(visits, hosts[0])
	next := s.waitEnqueued(1)[0]
	if next.Host != urgent.Host() {
		t.Errorf("the next visit is for %s, want %s", next.Host, urgent.Host())
	}
	s.visit(next)
	for _, v := range visits {
		v.take().fetched(1).close()
	}
	s.visit(s.waitEnqueued(1)[0])
	s.wantEnd(crawler.StateDone, "")
}

func armsFewerWithLittleRoom(t *testing.T, s *fixture) {
	s.setCapacity(4)
	s.seed(sites(5)...)
	var room atomic.Int64 // in percent
	room.Store(60)
	config := fastConfig
	config.Room = func(context.Context) float64 { return float64(room.Load()) / 100 }
	s.run(config)
	out := s.waitEnqueued(2)
	s.wantRunning()
	s.wantNoneEnqueued()
	room.Store(0)
	s.visit(out[0])
	s.wantRunning()
	s.wantNoneEnqueued() // one is still out
	s.visit(out[1])
	third := s.waitEnqueued(1)[0]
	s.wantRunning()
	s.wantNoneEnqueued()
	room.Store(100)
	for _, o := range append(s.waitEnqueued(2), third) {
		s.visit(o)
	}
	s.wantEnd(crawler.StateDone, "")
}

func fillsCapacity(t *testing.T, s *fixture) {
	s.setCapacity(3)
	s.seed(sites(5)...)
	s.run(fastConfig)
	first := s.waitEnqueued(3)
	s.wantRunning()
	if c := s.counts(); c.Armed != 3 || c.Due != 2 {
		t.Fatalf("%d visits are armed and %d hosts due, want 3 and 2", c.Armed, c.Due)
	}
	visit := s.open(first[0])
	s.wantRunning()
	s.wantNoneEnqueued() // an open visit counts like one that is enqueued
	visit.take().fetched(1).close()
	fourth := s.waitEnqueued(1)
	s.wantRunning()
	s.wantNoneEnqueued()
	s.setCapacity(2)
	s.visit(fourth[0])
	s.wantRunning()
	s.wantNoneEnqueued() // two are still open, and a worker has left
	s.visit(first[1])
	s.visit(s.waitEnqueued(1)[0])
	s.visit(first[2])
	s.wantEnd(crawler.StateDone, "")
	if pages := s.counts().Pages(); pages != 5 {
		t.Errorf("%d pages are fetched, want 5", pages)
	}
}

func respondsToNudges(t *testing.T, s *fixture) {
	s.run(scheduler.Config{Tick: time.Hour})
	s.seed(sites(1)...)
	s.scheduler.Nudge()
	visit := s.waitEnqueued(1)[0]
	s.visit(visit)
	s.scheduler.Nudge()
	s.wantEnd(crawler.StateDone, "")
}

func waitsForWorkers(t *testing.T, s *fixture) {
	s.setCapacity(0)
	s.seed(sites(2)...)
	s.run(fastConfig)
	s.wantRunning()
	s.wantNoneEnqueued()
	if c := s.counts(); c.Due != 2 || c.Armed != 0 {
		t.Fatalf("%d hosts are due and %d visits armed, want 2 and 0", c.Due, c.Armed)
	}
	s.setCapacity(2)
	for _, o := range s.waitEnqueued(2) {
		s.visit(o)
	}
	s.wantEnd(crawler.StateDone, "")
}

// The deadlines of visits cannot be changed, so the next sweep breaks the visits as it would after
// their deadlines.
func replacesLostWorkers(t *testing.T, s *fixture) {
	s.seed("https://a.example/")
	s.run(fastConfig)
	first := s.waitEnqueued(1)[0]
	lost := s.open(first).take()
	s.wantRunning()
	s.wantNoneEnqueued()
	s.hook("sweep", sync.OnceValue(func() error { return s.Abandon(t.Context()) }))
	second := s.waitEnqueued(1)[0]
	if second.Host != first.Host || second.Epoch <= first.Epoch {
		t.Fatalf("%v is followed by %v, want the same host with a later epoch", first, second)
	}
	again := s.open(second).take()
	if len(again.taken) != 1 {
		t.Fatalf("the second visit takes %d URLs, want the one that was in flight", len(again.taken))
	}
	if err := lost.Settle(t.Context(), nil); !errors.Is(err, queue.ErrStale) {
		t.Errorf("the first worker gets %v when it settles, want ErrStale", err)
	}
	again.fetched(1).close()
	s.wantEnd(crawler.StateDone, "")
	if c := s.counts(); c.Broken != 1 || c.Pages() != 1 {
		t.Errorf("%d visits broke and %d pages are fetched, want 1 and 1", c.Broken, c.Pages())
	}
}

func endsWhenSeeded(t *testing.T, s *fixture) {
	s.run(fastConfig)
	s.wantRunning() // the frontier is empty, but seeds may follow
	s.admit("https://a.example/")
	s.visit(s.waitEnqueued(1)[0])
	s.wantRunning()
	s.admit("https://a.example/second")
	s.visit(s.waitEnqueued(1)[0])
	s.wantRunning()
	s.seeded()
	s.wantEnd(crawler.StateDone, "")
	if !s.status.Seeded || s.status.Ended.IsZero() {
		t.Errorf("Run returns %+v, want the status after the end", s.status)
	}
}

func waitsForFlight(t *testing.T, s *fixture) {
	s.seed("https://a.example/")
	s.run(fastConfig)
	order := s.waitEnqueued(1)[0]
	s.wantRunning() // it is armed
	visit := s.open(order)
	s.wantRunning() // it is open
	visit.take()
	s.wantRunning() // nothing waits, and one URL is in flight
	visit.fetched(1)
	s.wantRunning() // all URLs are settled, and the visit may still admit links
	visit.close()
	s.wantEnd(crawler.StateDone, "")
}

func followsLateLinks(t *testing.T, s *fixture) {
	s.seed("https://a.example/")
	s.run(fastConfig)
	a := s.open(s.waitEnqueued(1)[0]).take()
	s.admit("https://b.example/")
	b := s.open(s.waitEnqueued(1)[0]).take()
	a.fetched(1).close()
	s.wantRunning()
	s.admit("https://a.example/late") // its host was idle already
	s.visit(s.waitEnqueued(1)[0])
	s.wantRunning()
	b.fetched(1).close()
	s.wantEnd(crawler.StateDone, "")
	if c := s.counts(); c.Pages() != 3 || c.Settled() != c.Seen {
		t.Errorf("%d pages are fetched, %d of %d URLs settled, want 3, and all", c.Pages(), c.Settled(), c.Seen)
	}
}

func endsInShards(t *testing.T, s *fixture) {
	s.seed(sites(12)...)
	s.run(fastConfig)
	orders := s.waitEnqueued(12)
	for _, o := range orders[1:] {
		s.visit(o)
	}
	s.wantRunning()
	s.visit(orders[0])
	s.wantEnd(crawler.StateDone, "")
}

func armsNothingWhilePaused(t *testing.T, s *fixture) {
	s.setCapacity(0)
	s.seed(sites(2)...)
	s.run(fastConfig)
	s.wantRunning()
	s.move(crawler.StatePaused)
	s.waitCalls("status", 1)
	s.setCapacity(2)
	s.waitCalls("status", 2)
	s.wantNoneEnqueued()
	s.move(crawler.StateRunning)
	for _, o := range s.waitEnqueued(2) {
		s.visit(o)
	}
	s.wantEnd(crawler.StateDone, "")
}

func pausedAtTheEnd(t *testing.T, s *fixture) {
	s.hook("move", sync.OnceValue(func() error { s.move(crawler.StatePaused); return nil }))
	s.seed("https://a.example/")
	s.run(fastConfig)
	s.visit(s.waitEnqueued(1)[0])
	s.waitCalls("status", 3)
	s.move(crawler.StateRunning)
	s.wantEnd(crawler.StateDone, "")
}

func waitsForStart(t *testing.T, s *fixture) {
	s.move(crawler.StateCreated)
	s.seed("https://a.example/")
	s.run(fastConfig)
	s.waitCalls("status", 2)
	s.wantNoneEnqueued()
	s.move(crawler.StateRunning)
	s.visit(s.waitEnqueued(1)[0])
	s.wantEnd(crawler.StateDone, "")
}

func stopsWhenCancelled(t *testing.T, s *fixture) {
	s.seed(sites(2)...)
	s.run(fastConfig)
	s.open(s.waitEnqueued(2)[0])
	s.move(crawler.StateCancelled)
	s.wantEnd(crawler.StateCancelled, "")
}

func stopsWhenCancelledWhilePaused(t *testing.T, s *fixture) {
	s.move(crawler.StatePaused)
	s.run(fastConfig)
	s.waitCalls("status", 1)
	s.move(crawler.StateCancelled)
	s.wantEnd(crawler.StateCancelled, "")
}

func stopsWithContext(t *testing.T, s *fixture) {
	s.seed("https://a.example/")
	cancel := s.run(fastConfig)
	s.waitEnqueued(1)
	cancel()
	<-s.done
	if !errors.Is(s.err, context.Canceled) {
		t.Errorf("Run returns %v, want %v", s.err, context.Canceled)
	}
	if s.status.State != crawler.StateRunning {
		t.Errorf("Run returns a job that is %q, want running", s.status.State)
	}
}

func stopsDuringCall(t *testing.T, s *fixture) {
	ctx, cancel := context.WithCancel(t.Context())
	s.hook("counters", func() error {
		go cancel()
		<-ctx.Done()
		return ctx.Err()
	})
	log := new(recorder)
	_, err := scheduler.New(s.job, s, s, s, scheduler.Config{Log: slog.New(log)}).Run(ctx)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("Run returns %v, want %v", err, context.Canceled)
	}
	if got := log.messages(slog.LevelWarn); len(got) > 0 {
		t.Errorf("the requested end is logged as a failure: %q", got)
	}
}
