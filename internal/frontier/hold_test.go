package frontier

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/visit"
)

// TestJobsShareAHost tests visits of several jobs at one host, on every kind of Redis.
func TestJobsShareAHost(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]func(*testing.T, *sharedHost){
		"one job holds it at a time, and learns that others wait": oneAtATime,
		"jobs hold it in turn":                                inTurn,
		"a job that has ended is not waited for":              endedOwesNothing,
		"a job without URLs there is not waited for":          idleOwesNothing,
		"a paused job keeps its gap, and waits for no turn":   pausedWaitsForNoTurn,
		"a long rest is stored and applies to all jobs":       longRest,
		"a visit of a lost worker holds it until it is swept": lostWorker,
		"a removed job may still be making requests":          removedJob,
		"a new job with the same name is another job":         recreatedJob,
		"a job with its own politeness is not waited for":     optsOut,
		"an unreadable hold has no holder":                    unreadableHold,
		"one of many visits that open at once holds it":       manyAtOnce,
		"a visit that is woken before it queues is due":       wokenEarly,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			onEach(t, name, func(t *testing.T, url string) { test(t, newSharedHost(newTestJob(t, url, 1), 1)) })
			t.Run("cluster", func(t *testing.T) { test(t, newSharedHost(newClusterJob(t, 1), 7)) })
		})
	}
}

// sharedHost is a host with URLs of two jobs.
type sharedHost struct {
	root *testJob
	host crawler.Host
	a, b *testJob
}

func newSharedHost(root *testJob, shards int) *sharedHost {
	c := &sharedHost{root: root, host: crawler.Host(redistest.Name(root.t) + ".test")}
	c.a, c.b = c.job(redistest.Name(root.t), 1), c.job(redistest.Name(root.t), shards)
	return c
}

// job creates a running job with a delay of two seconds and three URLs at the host.
func (c *sharedHost) job(name string, shards int) *testJob {
	c.root.t.Helper()
	job := crawler.DefaultJob()
	job.Name, job.Shards, job.Delay = name, shards, 2*time.Second
	ctx := c.root.t.Context()
	c.root.must(c.root.store.Create(ctx, job))
	_, err := c.root.store.Move(ctx, name, crawler.StateRunning, "", crawler.StateCreated)
	c.root.must(err)
	_, err = c.root.store.Status(ctx, name) // reads the time of creation
	c.root.must(err)
	b := &testJob{c.root.store.Frontier(job), c.root.t, c.root.store, c.root.rdb, make(map[crawler.Host]queue.VisitRef)}
	for i := range 3 {
		b.admit(1, fmt.Sprintf("http://%s/%d", c.host, i))
	}
	return b
}

// afterRequest returns the rest of a host after a visit that has just made a request.
func afterRequest(wait, gap time.Duration) queue.Rest { return queue.Rest{Wait: wait, Gap: gap} }

// idle is the rest of a host after a visit without requests.
var idle = queue.Rest{Last: -1, Gap: 2 * time.Second}

// holds fails unless the visit holds the host, or not, as wanted.
func holds(t *testing.T, lease visit.HostLease, want bool) queue.Sharing {
	t.Helper()
	got := lease.Sharing()
	if got.Held != want {
		t.Fatalf("the visit holds the host: %t, want %t", got.Held, want)
	}
	return got
}

func (b *testJob) renew(lease visit.HostLease) queue.Sharing {
	b.t.Helper()
	b.must(lease.Renew(b.t.Context(), 0))
	return lease.Sharing()
}

func oneAtATime(t *testing.T, c *sharedHost) {
	first := c.a.open(c.host)
	if got := holds(t, first, true); got.Others || got.Gap != 0 {
		t.Errorf("without other jobs: got sharing %+v", got)
	}
	second := c.b.open(c.host)
	holds(t, second, false)
	c.b.leave(second, idle)
	if orders := c.b.arm(); len(orders) > 0 {
		t.Errorf("%v are due while another job holds the host", orders)
	}
	if got := c.a.renew(first); !got.Others || got.Gap != 2*time.Second {
		t.Errorf("while another job waits: got sharing %+v", got)
	}
	if taken, err := first.Take(t.Context(), 1, time.Second); err != nil || len(taken) != 1 {
		t.Errorf("took %v, %v", taken, err)
	}
	const rest = 200 * time.Millisecond
	left := time.Now()
	c.a.leave(first, afterRequest(rest, time.Second))
	second = c.b.open(c.host) // the host is due again
	got := holds(t, second, true)
	if since := time.Since(got.Last); !got.Others || got.Gap != time.Second || since < 0 || since > time.Minute {
		t.Errorf("after another job: got sharing %+v", got)
	}
	if wait := second.Wait(); wait > rest || time.Since(left)+wait < rest {
		t.Errorf("the first request may be made in %v, %v after the release of the host, want %v after it", wait,
			time.Since(left), rest)
	}
}

func inTurn(t *testing.T, c *sharedHost) {
	jobs := []*testJob{c.a, c.b, c.job(redistest.Name(t), 3)}
	lease := jobs[0].open(c.host)
	holds(t, lease, true)
	for _, other := range jobs[1:] {
		o := other.open(c.host)
		holds(t, o, false)
		other.leave(o, idle)
	}
	var order []int
	last := 0
	for range 6 {
		jobs[last].leave(lease, afterRequest(0, 0))
		for next, woken := last, false; !woken; {
			next = (next + 1) % 3
			for _, o := range jobs[next].arm() {
				var err error
				lease, err = jobs[next].Open(t.Context(), o, "tester", visit.Want{})
				jobs[next].must(err)
				if woken = lease.Sharing().Held; !woken {
					jobs[next].leave(lease, idle)
					continue
				}
				last = next
			}
		}
		order = append(order, last)
	}
	count := make(map[int]int)
	for i, job := range order {
		count[job]++
		if i > 0 && order[i-1] == job {
			t.Errorf("one job held the host twice in a row while others waited: %v", order)
		}
	}
	if len(count) != 3 || count[0] != 2 || count[1] != 2 {
		t.Errorf("order of the jobs: got %v", order)
	}
}

func endedOwesNothing(t *testing.T, c *sharedHost) {
	c.a.leave(c.a.open(c.host), afterRequest(0, time.Second))
	_, err := c.root.store.Move(t.Context(), c.a.job.Name, crawler.StateCancelled, "", crawler.StateRunning)
	c.a.must(err)
	if got := holds(t, c.b.open(c.host), true); got.Gap != 0 || got.Others || got.Last.IsZero() {
		t.Errorf("after a job that has ended: got sharing %+v", got)
	}
}

func idleOwesNothing(t *testing.T, c *sharedHost) {
	lease := c.a.open(c.host)
	taken, err := lease.Take(t.Context(), 3, time.Second)
	c.a.must(err)
	c.a.settle(lease, crawler.OutcomeFetched, taken...)
	c.a.leave(lease, afterRequest(0, time.Second))
	if got := holds(t, c.b.open(c.host), true); got.Gap != 0 || got.Others {
		t.Errorf("after a job without URLs: got sharing %+v", got)
	}
}

func pausedWaitsForNoTurn(t *testing.T, c *sharedHost) {
	c.a.leave(c.a.open(c.host), afterRequest(0, time.Minute))
	_, err := c.root.store.Move(t.Context(), c.a.job.Name, crawler.StatePaused, "", crawler.StateRunning)
	c.a.must(err)
	if got := holds(t, c.b.open(c.host), true); got.Gap != time.Minute || got.Others {
		t.Errorf("after a paused job: got sharing %+v", got)
	}
}

func longRest(t *testing.T, c *sharedHost) {
	c.a.leave(c.a.open(c.host), afterRequest(3*time.Hour, 0))
	lease := c.b.open(c.host)
	holds(t, lease, true)
	if wait := lease.Wait(); wait < 170*time.Minute {
		t.Errorf("the next request may be made in %v, want 3h", wait)
	}
	if ttl := c.root.rdb.PTTL(t.Context(), holdKey(c.host)).Val(); ttl < time.Minute {
		t.Errorf("the hold is stored for %v", ttl)
	}
	c.b.leave(lease, queue.Rest{Wait: lease.Wait(), Last: -1})
	if ttl := c.root.rdb.PTTL(t.Context(), holdKey(c.host)).Val(); ttl < 170*time.Minute {
		t.Errorf("the hold is stored for %v, want the duration of the rest", ttl)
	}
}

func lostWorker(t *testing.T, c *sharedHost) {
	lease := c.a.open(c.host)
	if _, err := lease.Take(t.Context(), 1, time.Minute); err != nil {
		t.Fatal(err)
	}
	waiting := c.b.open(c.host)
	holds(t, waiting, false)
	c.b.leave(waiting, queue.Rest{Last: -1})
	for broken := 0; broken == 0; {
		var err error
		broken, err = c.a.sweep(t.Context(), time.Hour)
		c.a.must(err)
	}
	// The visit tries again after a while.
	c.b.must(c.root.rdb.ZAdd(t.Context(), c.b.baseOf(c.host)+nameDue, due(c.host, 0)).Err())
	order := c.b.armed(c.host)
	next, err := c.b.Open(t.Context(), order, "tester", visit.Want{})
	c.b.must(err)
	if got := holds(t, next, true); got.Gap != time.Minute || time.Since(got.Last) > 30*time.Second ||
		next.Wait() < 30*time.Second {
		t.Errorf("after a broken visit: got wait %v, sharing %+v", next.Wait(), got)
	}
}

func removedJob(t *testing.T, c *sharedHost) {
	c.a.open(c.host)
	c.a.must(c.root.store.Remove(t.Context(), c.a.job.Name))
	lease := c.b.open(c.host)
	holds(t, lease, true)
	if wait := lease.Wait(); wait < Lease {
		t.Errorf("the next request may be made in %v, while the removed job's visit may last for %v", wait, Lease)
	}
}

func recreatedJob(t *testing.T, c *sharedHost) {
	c.a.leave(c.a.open(c.host), afterRequest(0, 0))
	c.a.must(c.root.store.Remove(t.Context(), c.a.job.Name))
	again := c.job(c.a.job.Name, 1)
	lease := again.open(c.host)
	if holds(t, lease, true); lease.Wait() < Lease {
		t.Errorf("the next request may be made in %v, while a visit of the removed job may be running", lease.Wait())
	}
}

func optsOut(t *testing.T, c *sharedHost) {
	job := c.b.job
	job.Politeness = crawler.PolitenessJob
	own := c.root.store.Frontier(job)
	c.a.open(c.host)
	lease, err := own.Open(t.Context(), c.b.armed(c.host), "tester", visit.Want{})
	c.b.must(err)
	holds(t, lease, true)
	if got := c.a.renew(c.a.reopen(c.host)); got.Others {
		t.Errorf("without waiting jobs: got sharing %+v", got)
	}
}

// reopen opens the open visit of a host again.
func (b *testJob) reopen(h crawler.Host) visit.HostLease {
	b.t.Helper()
	epoch, err := b.rdb.HGet(b.t.Context(), b.baseOf(h)+nameHost+string(h), "epoch").Int64()
	b.must(err)
	return &HostLease{frontier: b.Frontier, ref: queue.VisitRef{Host: h, Epoch: epoch}, base: b.baseOf(h),
		lock: new(hostLock)}
}

func unreadableHold(t *testing.T, c *sharedHost) {
	c.a.must(c.root.rdb.Set(t.Context(), holdKey(c.host), "what is this?", time.Minute).Err())
	if got := holds(t, c.a.open(c.host), true); got.Last.IsZero() {
		t.Error("the visit does not keep the gap after unknown requests")
	}
}

func manyAtOnce(t *testing.T, c *sharedHost) {
	jobs := []*testJob{c.a, c.b}
	for range 6 {
		jobs = append(jobs, c.job(redistest.Name(t), 1))
	}
	var wg sync.WaitGroup
	var held atomic.Int64
	for _, job := range jobs {
		order := job.armed(c.host)
		wg.Go(func() {
			lease, err := job.Open(t.Context(), order, "tester", visit.Want{})
			if err != nil {
				t.Error(err)
			} else if lease.Sharing().Held {
				held.Add(1)
			}
		})
	}
	wg.Wait()
	if held.Load() != 1 {
		t.Errorf("%d visits hold the host, want 1", held.Load())
	}
}

func wokenEarly(t *testing.T, c *sharedHost) {
	first, second := c.a.open(c.host), c.b.open(c.host)
	holds(t, second, false)
	c.a.leave(first, afterRequest(0, 0))
	c.b.leave(second, idle)
	holds(t, c.b.open(c.host), true) // at once, not after lineTerm
}

func TestAHoldIsTheSameAfterPacking(t *testing.T) {
	t.Parallel()
	h := hold{holder: party{"a", 12, 3}, epoch: 4, others: []party{{"b-2", 0, 0}, {"c", 5, 1023}}}
	if got := unpackHold(h.pack()); got.pack() != h.pack() {
		t.Errorf("%q is unpacked as %+v", h.pack(), got)
	}
	if got := unpackHold("a 12 3 4,>b 1 2 99"); got.next != (party{"b", 1, 2}) || got.until != 99 || got.epoch != 4 {
		t.Errorf("a hold that is reserved for a job is unpacked as %+v", got)
	}
	for _, text := range []string{"", "a", "a 1", "a 1 2 3 4", "a x 2 3", "a 1 2 3,b"} {
		if got := unpackHold(text); got.holder.job != "" {
			t.Errorf("%q is unpacked as %+v", text, got)
		}
	}
}

func due(h crawler.Host, at float64) redis.Z { return redis.Z{Score: at, Member: string(h)} }
