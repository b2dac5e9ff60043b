package scheduler_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/redistest"
	"github.com/trawlcrawler/trawl/scheduler"
)

// TestScheduler is how a scheduler keeps a job going, over a real Redis and
// over the one that is built in.
func TestScheduler(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		story func(t *testing.T, s *stage)
	}{
		{"no more visits are out than the workers can carry out", fillsCapacity},
		{"nothing is armed while there are no workers", waitsForWorkers},
		{"a visit makes room for a host with urgent URLs", makesRoomForUrgent},
		{"a host whose worker vanished is visited again", replacesLostWorkers},
		{"a job ends when it is idle and all its seeds are in", endsWhenSeeded},
		{"a job does not end while its last URL is in flight", waitsForFlight},
		{"links that are found late keep the job alive", followsLateLinks},
		{"a job of several shards ends", endsInShards},
		{"a job that is paused arms nothing, and goes on when it is resumed", restsWhilePaused},
		{"a job that is paused at its very end ends when it is resumed", pausedAtTheEnd},
		{"a job that is not started is waited for", waitsForStart},
		{"a nudge lets it look before its time", heedsNudges},
		{"a job that is cancelled is let go", letsGoWhenCancelled},
		{"a job that is cancelled while it is paused is let go", letsGoWhenCancelledPaused},
		{"the scheduler leaves a job that runs when it is told to", leaves},
		{"a call that hangs does not keep the scheduler", leavesFromCall},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			redistest.Both(t, func(t *testing.T, url string) {
				t.Parallel()
				c.story(t, newStage(t, url, func(j *crawler.Job) {
					if strings.Contains(c.name, "several shards") {
						j.Shards = 4
					}
				}))
			})
		})
	}
}

func makesRoomForUrgent(t *testing.T, s *stage) {
	s.employ(2)
	s.seed(sites(3)...)
	s.run(quick)
	visits := make(map[crawler.Host]*visit)
	for _, o := range s.ordered(2) {
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
	s.goesOn()
	if hosts := recalled(); len(hosts) > 0 {
		t.Fatalf("visits of %v are to end, though nothing is urgent", hosts)
	}
	urgent, err := crawler.ParseURL("https://urgent.example/")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Admit(t.Context(), []crawler.Entry{{URL: urgent, Band: crawler.BandUrgent}}); err != nil {
		t.Fatal(err)
	}
	hosts := recalled()
	for ; len(hosts) == 0; hosts = recalled() {
		s.goesOn()
	}
	s.goesOn()
	if len(recalled()) != 1 {
		t.Errorf("visits of %v are to end, want one", recalled())
	}
	visits[hosts[0]].take().fetched(1).close()
	delete(visits, hosts[0])
	next := s.ordered(1)[0]
	if next.Host != urgent.Host() {
		t.Errorf("the next visit is of %s, want %s", next.Host, urgent.Host())
	}
	s.visited(next)
	for _, v := range visits {
		v.take().fetched(1).close()
	}
	s.visited(s.ordered(1)[0])
	s.ends(crawler.StateDone, "")
}

func fillsCapacity(t *testing.T, s *stage) {
	s.employ(3)
	s.seed(sites(5)...)
	s.run(quick)
	first := s.ordered(3)
	s.goesOn()
	if c := s.now(); c.Armed != 3 || c.Due != 2 {
		t.Fatalf("%d visits are armed and %d hosts due, want 3 and 2", c.Armed, c.Due)
	}
	visit := s.open(first[0])
	s.goesOn()
	s.orderedNone() // a visit that is open counts like one that is enqueued
	visit.take().fetched(1).close()
	fourth := s.ordered(1)
	s.goesOn()
	s.orderedNone()
	s.employ(2)
	s.visited(fourth[0])
	s.goesOn()
	s.orderedNone() // two are still out, and a worker left
	s.visited(first[1])
	s.visited(s.ordered(1)[0])
	s.visited(first[2])
	s.ends(crawler.StateDone, "")
	if pages := s.now().Pages(); pages != 5 {
		t.Errorf("%d pages are fetched, want 5", pages)
	}
}

func heedsNudges(t *testing.T, s *stage) {
	s.run(scheduler.Config{Tick: time.Hour})
	s.seed(sites(1)...)
	s.scheduler.Nudge()
	visit := s.ordered(1)[0]
	s.visited(visit)
	s.scheduler.Nudge()
	s.ends(crawler.StateDone, "")
}

func waitsForWorkers(t *testing.T, s *stage) {
	s.employ(0)
	s.seed(sites(2)...)
	s.run(quick)
	s.goesOn()
	s.orderedNone()
	if c := s.now(); c.Due != 2 || c.Armed != 0 {
		t.Fatalf("%d hosts are due and %d visits armed, want 2 and 0", c.Due, c.Armed)
	}
	s.employ(2)
	for _, o := range s.ordered(2) {
		s.visited(o)
	}
	s.ends(crawler.StateDone, "")
}

// The deadlines of visits can not be moved. The sweep that is due here does
// what it would do after they have passed.
func replacesLostWorkers(t *testing.T, s *stage) {
	s.seed("https://a.example/")
	s.run(quick)
	first := s.ordered(1)[0]
	lost := s.open(first).take()
	s.goesOn()
	s.orderedNone()
	s.on("sweep", sync.OnceValue(func() error { return s.Abandon(t.Context()) }))
	second := s.ordered(1)[0]
	if second.Host != first.Host || second.Epoch <= first.Epoch {
		t.Fatalf("after %v comes %v, want the same host with a later epoch", first, second)
	}
	again := s.open(second).take()
	if len(again.taken) != 1 {
		t.Fatalf("the second visit takes %d URLs, want the one that was in flight", len(again.taken))
	}
	if err := lost.Settle(t.Context(), nil); !errors.Is(err, crawler.ErrStale) {
		t.Errorf("the first worker, back from the dead, gets %v, want ErrStale", err)
	}
	again.fetched(1).close()
	s.ends(crawler.StateDone, "")
	if c := s.now(); c.Broken != 1 || c.Pages() != 1 {
		t.Errorf("%d visits broke and %d pages are fetched, want 1 and 1", c.Broken, c.Pages())
	}
}

func endsWhenSeeded(t *testing.T, s *stage) {
	s.run(quick)
	s.goesOn() // nothing is there, but seeds may come
	s.admit("https://a.example/")
	s.visited(s.ordered(1)[0])
	s.goesOn()
	s.admit("https://a.example/second")
	s.visited(s.ordered(1)[0])
	s.goesOn()
	s.seeded()
	s.ends(crawler.StateDone, "")
	if !s.status.Seeded || s.status.Ended.IsZero() {
		t.Errorf("Run returns %+v, want the status after the end", s.status)
	}
}

func waitsForFlight(t *testing.T, s *stage) {
	s.seed("https://a.example/")
	s.run(quick)
	order := s.ordered(1)[0]
	s.goesOn() // it is armed
	visit := s.open(order)
	s.goesOn() // it is open
	visit.take()
	s.goesOn() // nothing waits, and one URL is in flight
	visit.fetched(1)
	s.goesOn() // all is settled, and the visit may still admit links
	visit.close()
	s.ends(crawler.StateDone, "")
}

func followsLateLinks(t *testing.T, s *stage) {
	s.seed("https://a.example/")
	s.run(quick)
	a := s.open(s.ordered(1)[0]).take()
	s.admit("https://b.example/")
	b := s.open(s.ordered(1)[0]).take()
	a.fetched(1).close()
	s.goesOn()
	s.admit("https://a.example/late") // its host was idle already
	s.visited(s.ordered(1)[0])
	s.goesOn()
	b.fetched(1).close()
	s.ends(crawler.StateDone, "")
	if c := s.now(); c.Pages() != 3 || c.Settled() != c.Seen {
		t.Errorf("%d pages are fetched, %d of %d URLs settled, want 3, and all", c.Pages(), c.Settled(), c.Seen)
	}
}

func endsInShards(t *testing.T, s *stage) {
	s.seed(sites(12)...)
	s.run(quick)
	orders := s.ordered(12)
	for _, o := range orders[1:] {
		s.visited(o)
	}
	s.goesOn()
	s.visited(orders[0])
	s.ends(crawler.StateDone, "")
}

func restsWhilePaused(t *testing.T, s *stage) {
	s.employ(0)
	s.seed(sites(2)...)
	s.run(quick)
	s.goesOn()
	s.goes(crawler.StatePaused)
	s.sees("status", 1)
	s.employ(2)
	s.sees("status", 2)
	s.orderedNone()
	s.goes(crawler.StateRunning)
	for _, o := range s.ordered(2) {
		s.visited(o)
	}
	s.ends(crawler.StateDone, "")
}

func pausedAtTheEnd(t *testing.T, s *stage) {
	s.on("move", sync.OnceValue(func() error { s.goes(crawler.StatePaused); return nil }))
	s.seed("https://a.example/")
	s.run(quick)
	s.visited(s.ordered(1)[0])
	s.sees("status", 3)
	s.goes(crawler.StateRunning)
	s.ends(crawler.StateDone, "")
}

func waitsForStart(t *testing.T, s *stage) {
	s.goes(crawler.StateCreated)
	s.seed("https://a.example/")
	s.run(quick)
	s.sees("status", 2)
	s.orderedNone()
	s.goes(crawler.StateRunning)
	s.visited(s.ordered(1)[0])
	s.ends(crawler.StateDone, "")
}

func letsGoWhenCancelled(t *testing.T, s *stage) {
	s.seed(sites(2)...)
	s.run(quick)
	s.open(s.ordered(2)[0])
	s.goes(crawler.StateCancelled)
	s.ends(crawler.StateCancelled, "")
}

func letsGoWhenCancelledPaused(t *testing.T, s *stage) {
	s.goes(crawler.StatePaused)
	s.run(quick)
	s.sees("status", 1)
	s.goes(crawler.StateCancelled)
	s.ends(crawler.StateCancelled, "")
}

func leaves(t *testing.T, s *stage) {
	s.seed("https://a.example/")
	cancel := s.run(quick)
	s.ordered(1)
	cancel()
	<-s.over
	if !errors.Is(s.err, context.Canceled) {
		t.Errorf("Run returns %v, want %v", s.err, context.Canceled)
	}
	if s.status.State != crawler.StateRunning {
		t.Errorf("Run returns a job that is %q, want running", s.status.State)
	}
}

func leavesFromCall(t *testing.T, s *stage) {
	ctx, cancel := context.WithCancel(t.Context())
	s.on("counters", func() error {
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
		t.Errorf("an end that was asked for is logged as trouble: %q", got)
	}
}
