package frontier

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/visit"
)

// spillFolder is a place for spilled blocks in memory, in which anything may go wrong.
type spillFolder struct {
	mu      sync.Mutex
	objects map[string]string
	away    bool         // nothing can be read or written
	before  func() error // called before an object is written; may be nil
	after   func() error // called after that
}

func newSpillFolder() *spillFolder { return &spillFolder{objects: make(map[string]string)} }

var errAway = errors.New("the place is away")

func (p *spillFolder) Put(_ context.Context, name string, content io.ReadSeeker, size int64) error {
	if p.before != nil {
		if err := p.before(); err != nil {
			return err
		}
	}
	b, err := io.ReadAll(content)
	p.mu.Lock()
	if err == nil && p.away {
		err = errAway
	}
	if err == nil {
		p.objects[name] = string(b[:size])
	}
	p.mu.Unlock()
	if err == nil && p.after != nil {
		err = p.after()
	}
	return err
}

func (p *spillFolder) ReadPart(_ context.Context, name string, offset, length int64) ([]byte, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	object, ok := p.objects[name]
	switch {
	case p.away:
		return nil, errAway
	case !ok:
		return nil, fs.ErrNotExist
	case length < 0:
		return []byte(object[offset:]), nil
	case offset+length > int64(len(object)):
		return nil, io.ErrUnexpectedEOF
	}
	return []byte(object[offset : offset+length]), nil
}

func (p *spillFolder) Remove(_ context.Context, name string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.objects[name]; !ok {
		return fs.ErrNotExist
	}
	delete(p.objects, name)
	return nil
}

func (p *spillFolder) Names(context.Context) ([]string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Sorted(maps.Keys(p.objects)), nil
}

func (p *spillFolder) leave(away bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.away = away
}

// spillsTo makes a store read and write spilled blocks in a place.
func spillsTo(s *Store, p *spillFolder) {
	s.OpenSpills(func(_ context.Context, where string) (SpillPlace, error) {
		if where != "place" {
			return nil, fmt.Errorf("unknown place %q", where)
		}
		return p, nil
	})
}

// all is never enough.
func all(total *Spilled) func(Spilled) (bool, error) {
	return func(s Spilled) (bool, error) {
		total.Objects, total.Blocks, total.URLs = total.Objects+s.Objects, total.Blocks+s.Blocks, total.URLs+s.URLs
		return false, nil
	}
}

// spill spills what it can, and returns how much that was.
func (b *testJob) spill(keep int) (total Spilled) {
	b.t.Helper()
	b.must(b.Spill(b.t.Context(), "place", keep, all(&total)))
	return total
}

// admitPages admits n pages of a host, in the order of a crawl: some at a time.
func (b *testJob) admitPages(h string, from, n int) (urls []string) {
	b.t.Helper()
	for i := range n {
		urls = append(urls, fmt.Sprintf("http://%s/manual/chapter-%d/page-%d.html", h, i%7, from+i*7919%n))
	}
	for page := range slices.Chunk(urls, 30) {
		b.admit(len(page), page...)
	}
	return urls
}

// takeAll takes and settles URLs of a host, and fails unless they are these, in order.
func (b *testJob) takeAll(h crawler.Host, urls []string) {
	b.t.Helper()
	lease := b.open(h)
	for left := range slices.Chunk(urls, 64) {
		b.settle(lease, crawler.OutcomeFetched, b.take(lease, len(left), left...)...)
	}
	b.take(lease, 64)
	b.close(lease, 0)
}

// mustWait fails unless so many URLs wait at a host, by all counts.
func (b *testJob) mustWait(h crawler.Host, want int) {
	b.t.Helper()
	status, err := b.Host(b.t.Context(), h)
	b.must(err)
	found := 0
	b.must(b.EachWaiting(b.t.Context(), func(e queue.Entry) {
		if e.URL.Host() == h {
			found++
		}
	}))
	if found -= int(status.Flight); status.Waiting != int64(want) || found != want {
		b.t.Errorf("%d URLs wait at %s, and %d are listed; want %d", status.Waiting, h, found, want)
	}
}

// mustHaveSpilled fails unless the fields and the counters of spilled URLs of a host have a value.
func (b *testJob) mustHaveSpilled(h crawler.Host, want int) {
	b.t.Helper()
	host := number(b.rdb.HGet(b.t.Context(), b.baseOf(h)+nameHost+string(h), "spilled").Val())
	if c := b.counters(); host != int64(want) || c.Spilled != int64(want) {
		b.t.Errorf("%d URLs are spilled at %s, %d in the job; want %d", host, h, c.Spilled, want)
	}
}

// What was spilled comes back in order, and all counts are exact meanwhile.
func spillsWhatIsDeep(t *testing.T, b *testJob) {
	place := newSpillFolder()
	spillsTo(b.store, place)
	const n = 1500
	urls := b.admitPages("a.test", 0, n)
	b.admitBand(queue.BandFirst, 1, "http://a.test/")
	memory := b.rdb.MemoryUsage(t.Context(), b.baseOf("a.test")+nameQueue+"1:a.test", 0).Val()

	first := b.spill(1)
	if first.Objects == 0 || first.URLs < n/2 {
		t.Errorf("%d of %d URLs are spilled in %d objects", first.URLs, n, first.Objects)
	}
	b.mustHaveSpilled("a.test", first.URLs)
	if again := b.spill(1); again.URLs != 0 {
		t.Errorf("spilled %d URLs again", again.URLs)
	}
	rest := b.spill(0)
	if first.URLs+rest.URLs < n-100 {
		t.Errorf("%d and %d of %d URLs are spilled", first.URLs, rest.URLs, n)
	}
	spilled := first.URLs + rest.URLs
	b.mustHaveSpilled("a.test", spilled)
	if now := b.rdb.MemoryUsage(t.Context(), b.baseOf("a.test")+nameQueue+"1:a.test", 0).Val(); memory > 0 {
		t.Logf("the queue takes %d bytes, %d before, in %d blocks", now, memory, first.Blocks+rest.Blocks)
	}
	b.mustWait("a.test", n+1)
	deep, err := b.Find(t.Context(), url(t, urls[1000]))
	if b.must(err); deep.Place != queue.PlaceQueue || deep.Before != 1001 {
		t.Errorf("URL 1000 is in place %v behind %d others", deep.Place, deep.Before)
	}
	listed, err := b.Queued(t.Context(), "a.test", 100)
	if b.must(err); len(listed) != 100 || listed[99].Entry.URL.String() != urls[98] {
		t.Errorf("of the first 100 URLs, %d are listed", len(listed))
	}

	more := b.admitPages("a.test", n, 300)
	lease := b.open("a.test")
	b.settle(lease, crawler.OutcomeFetched, b.take(lease, 100, append([]string{"http://a.test/"}, urls[:99]...)...)...)
	b.take(lease, 7, urls[99:106]...)
	b.must(b.Abandon(t.Context())) // its worker dies
	b.mustWait("a.test", n+300-99)
	lease = b.open("a.test")
	for _, u := range urls[99:106] {
		b.settle(lease, crawler.OutcomeFetched, b.take(lease, 7, u)...) // they were lost with a worker
	}
	b.close(lease, 0)
	b.takeAll("a.test", append(urls[106:], more...))
	b.mustHaveSpilled("a.test", 0)
	if exists := b.rdb.HExists(t.Context(), b.baseOf("a.test")+nameHost+"a.test", "spilled").Val(); exists {
		t.Error("the empty host has spilled URLs")
	}
	b.mustBeIdle()

	left, err := b.store.SweepSpills(t.Context(), "place", false)
	if b.must(err); left != first.Objects+rest.Objects {
		t.Errorf("%d objects are left, want all for an hour", left)
	}
	left, err = b.store.SweepSpills(t.Context(), "place", true)
	if b.must(err); left != 0 || len(place.objects) != 0 {
		t.Errorf("%d objects are left at the end", len(place.objects))
	}
	if n := b.rdb.HLen(t.Context(), b.baseOf("a.test")+nameSpills).Val(); n != 0 {
		t.Errorf("%d objects are known at the end", n)
	}
}

// Hosts with more waiting URLs are spilled first, and no more than enough.
func spillsTheDeepestFirst(t *testing.T, b *testJob) {
	spillsTo(b.store, newSpillFolder())
	b.admitPages("few.a.test", 0, 400)
	b.admitPages("many.a.test", 0, 2000)
	b.admit(1, "http://one.a.test/")
	hosts, err := b.deepest(t.Context(), b.baseOf("many.a.test"), true)
	b.must(err)
	if len(hosts) == 0 || hosts[0] != "many.a.test" || slices.Contains(hosts, "one.a.test") {
		t.Errorf("the deepest hosts are %v, want many.a.test first", hosts)
	}
	asked := 0
	b.must(b.Spill(t.Context(), "place", 1, func(Spilled) (bool, error) {
		asked++
		return true, nil
	}))
	if asked != 1 {
		t.Errorf("asked %d times whether it is enough, want once", asked)
	}
	b.mustWait("few.a.test", 400)
	b.mustWait("many.a.test", 2000)
}

// A process that dies between two steps of spilling loses nothing, and its object is removed.
func losesNothingWhileSpilling(t *testing.T, b *testJob) {
	place := newSpillFolder()
	spillsTo(b.store, place)
	urls := b.admitPages("a.test", 0, 1200)
	died := errors.New("the process died")
	die := func() error { return died }

	place.before = die
	var total Spilled
	if err := b.Spill(t.Context(), "place", 1, all(&total)); !errors.Is(err, died) {
		t.Fatal(err)
	}
	b.mustHaveSpilled("a.test", 0)
	place.before, place.after = nil, die
	if err := b.Spill(t.Context(), "place", 1, all(&total)); !errors.Is(err, died) || len(place.objects) != 1 {
		t.Fatalf("%v, with %d objects", err, len(place.objects))
	}
	b.mustHaveSpilled("a.test", 0)
	b.mustWait("a.test", 1200)
	left, err := b.store.SweepSpills(t.Context(), "place", false)
	if b.must(err); left != 1 {
		t.Errorf("%d objects are left; a young one may still be referred to", left)
	}
	orphan := slices.Collect(maps.Keys(place.objects))[0]

	place.after = nil
	spilled := b.spill(1)
	b.mustWait("a.test", 1200)
	b.must(errOf(b.store.SweepSpills(t.Context(), "place", true)))
	if place.objects[orphan] != "" || len(place.objects) != spilled.Objects {
		t.Errorf("%d objects are left, want the %d that are referred to", len(place.objects), spilled.Objects)
	}

	lease := b.open("a.test")
	place.leave(true)
	taken, err := lease.Take(t.Context(), 600, 0)
	if b.must(err); len(taken) == 0 || len(taken) == 600 {
		t.Errorf("took %d URLs of 1200, of which some are spilled", len(taken))
	}
	b.must(b.Abandon(t.Context())) // its worker dies before it brings anything back
	place.leave(false)
	b.mustWait("a.test", 1200)
	lease = b.open("a.test")
	for _, u := range urls[:len(taken)] {
		b.settle(lease, crawler.OutcomeFetched, b.take(lease, 7, u)...)
	}
	b.close(lease, 0)
	b.takeAll("a.test", urls[len(taken):])
	b.mustBeIdle()
}

func errOf(_ int, err error) error { return err }

// While the place cannot be read, the host waits and nothing is lost.
func waitsForSpilled(t *testing.T, b *testJob) {
	place := newSpillFolder()
	spillsTo(b.store, place)
	var heard []string
	b.store.HearSpills(func(_ string, urls int, err error) {
		heard = append(heard, fmt.Sprint(urls > 0, " ", err != nil))
	})
	urls := b.admitPages("a.test", 0, 800)
	b.spill(0)
	lease := b.open("a.test")
	head := len(b.takeSome(lease, 800, place))
	if head < sealHead || head > 200 {
		t.Errorf("took %d URLs while the place is away", head)
	}
	taken, err := lease.Take(t.Context(), 10, 0)
	if !errors.Is(err, queue.ErrSpilled) || !errors.Is(err, errAway) || len(taken) > 0 {
		t.Errorf("took %d URLs, %v; want ErrSpilled", len(taken), err)
	}
	damaged := maps.Clone(place.objects)
	for name, object := range place.objects {
		place.objects[name] = strings.Repeat("x", len(object))
	}
	place.leave(false)
	_, err = lease.Take(t.Context(), 10, 0)
	if !errors.Is(err, queue.ErrSpilled) || !strings.Contains(err.Error(), "checksum") {
		t.Errorf("%v; want a wrong checksum", err)
	}
	if err := b.EachWaiting(t.Context(), func(queue.Entry) {}); !errors.Is(err, queue.ErrSpilled) {
		t.Errorf("%v; want ErrSpilled", err)
	}
	place.objects = make(map[string]string)
	if _, err = lease.Take(t.Context(), 10, 0); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v; want that the object does not exist", err)
	}
	if c := b.counters(); c.Waiting != int64(800-head) || c.Garbage != 0 {
		t.Errorf("%d URLs wait, %d garbled; want %d and 0", c.Waiting, c.Garbage, 800-head)
	}
	moved := newSpillFolder()
	moved.objects = damaged
	b.store.OpenSpills(func(_ context.Context, where string) (SpillPlace, error) {
		if where == "elsewhere" {
			return moved, nil
		}
		return place, nil
	})
	b.store.SpillTo("elsewhere")
	b.settle(lease, crawler.OutcomeFetched, b.take(lease, 10, urls[head:head+10]...)...)
	b.must(lease.Close(t.Context(), queue.Rest{}))
	if want := "true false"; heard[0] != "false true" || heard[len(heard)-1] != want {
		t.Errorf("heard %q", heard)
	}
}

// takeSome takes and settles up to n URLs while a place is away.
func (b *testJob) takeSome(lease visit.HostLease, n int, place *spillFolder) []queue.Taken {
	b.t.Helper()
	place.leave(true)
	taken, err := lease.Take(b.t.Context(), n, 0)
	b.must(err)
	b.settle(lease, crawler.OutcomeFetched, taken...)
	return taken
}

// Blocks are spilled while visits take URLs and others are admitted: each is taken once.
func spillsWhileTaken(t *testing.T, b *testJob) {
	place := newSpillFolder()
	spillsTo(b.store, place)
	var spilling sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	for range 2 {
		other := New(b.rdb)
		spillsTo(other, place)
		frontier := other.Frontier(b.job)
		spilling.Go(func() {
			for ctx.Err() == nil {
				var total Spilled
				if err := frontier.Spill(ctx, "place", 0, all(&total)); err != nil && ctx.Err() == nil {
					t.Error(err)
				}
			}
		})
	}
	b.takeWhileAdmitted(2, 30, 40)
	stop()
	spilling.Wait()
	b.mustHaveSpilled("a.test", 0)
	b.mustBeIdle()
}

// A call whose answer was lost is repeated, and one that comes too late changes nothing.
func repeatsSpilling(t *testing.T, b *testJob) {
	place := newSpillFolder()
	spillsTo(b.store, place)
	urls := b.admitPages("a.test", 0, 900)
	base := b.baseOf("a.test")
	key := base + nameQueue + "1:a.test"
	seals := b.rdb.LPosCount(t.Context(), key, seal, 0, redis.LPosArgs{}).Val()
	block := b.rdb.LIndex(t.Context(), key, seals[0]+1).Val()
	object := newSpillObject(b.rdb.Time(t.Context()).Val())
	r := reference{nameOf(block), object, 0, len(block)}
	call := func(deadline time.Time) []int64 {
		got, err := run(t.Context(), b.rdb, spillScript(), "spill", base, object, deadline.UnixMilli(), "place",
			"a.test", 1, 1, 1, r.pack()).Int64Slice()
		b.must(err)
		return got
	}
	if got := call(b.rdb.Time(t.Context()).Val().Add(-time.Second)); got[0] != 0 {
		t.Errorf("%d blocks are spilled too late", got[0])
	}
	b.mustHaveSpilled("a.test", 0)
	soon := b.rdb.Time(t.Context()).Val().Add(time.Hour)
	n := waitingIn(block)
	if diff := cmp.Diff([]int64{1, int64(n)}, call(soon)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if got := call(soon); got[0] != 1 {
		t.Errorf("%d blocks are spilled by the repeated call, want 1", got[0])
	}
	b.mustHaveSpilled("a.test", n)
	fleet, err := b.store.FleetID(t.Context())
	b.must(err)
	place.objects[spillObject(fleet, b.job.Name, shardIn(base), object)] = block
	b.takeAll("a.test", urls)
	if got := call(soon); got[0] != 0 {
		t.Errorf("%d blocks are spilled by a call that is repeated much later, want 0", got[0])
	}
	b.mustHaveSpilled("a.test", 0)
}

// The number of spilled URLs is known even after the record of their host was garbage.
func recountsSpilled(t *testing.T, b *testJob) {
	spillsTo(b.store, newSpillFolder())
	urls := b.admitPages("a.test", 0, 900)
	spilled := b.spill(1)
	b.must(b.rdb.Set(t.Context(), b.baseOf("a.test")+nameHost+"a.test", "garbage", 0).Err())
	lease := b.open("a.test")
	b.close(lease, 0)
	b.mustHaveSpilled("a.test", spilled.URLs)
	b.mustWait("a.test", 900)
	b.takeAll("a.test", urls)
	b.mustHaveSpilled("a.test", 0)
}

// A job that is removed leaves objects that are removed as well.
func sweepsRemoved(t *testing.T, b *testJob) {
	place := newSpillFolder()
	spillsTo(b.store, place)
	b.admitPages("a.test", 0, 900)
	b.spill(1)
	place.objects["another.file"] = "not ours"
	place.objects[spillObject("OTHER", b.job.Name, 0, newSpillObject(time.Unix(0, 0)))] = "another fleet's"
	b.must(errOf(b.store.SweepSpills(t.Context(), "place", true)))
	if len(place.objects) < 3 {
		t.Errorf("%d objects are left, want that of the job as well", len(place.objects))
	}
	b.must(b.store.Remove(t.Context(), b.job.Name))
	b.must(errOf(b.store.SweepSpills(t.Context(), "place", true)))
	if len(place.objects) != 2 {
		t.Errorf("%d objects are left, want the two of others", len(place.objects))
	}
}

func TestReferencesAreRead(t *testing.T) {
	t.Parallel()
	entries, _ := splitAll(manualPages(t, 300))
	block := packSealed(entries)
	r := reference{nameOf(block), newSpillObject(time.UnixMilli(1<<40 + 5)), 300_000, len(block)}
	packed := r.pack()
	if got, ok := parseReference(packed); !ok || got != r {
		t.Errorf("read %+v (%v), want %+v", got, ok, r)
	}
	if got := waitingIn(packed); got != 300 {
		t.Errorf("%d URLs wait, want 300", got)
	}
	if _, err := unpackSealed(packed); err == nil {
		t.Error("a reference is read as a block")
	}
	if got := namedAt(r.object); got.UnixMilli() != 1<<40+5 {
		t.Errorf("it was named at %v", got)
	}
	o, ok := parseSpillObject(spillObject("FLEET", "a-job", 3, r.object))
	if want := (spillName{o.name, "FLEET", "a-job", r.object, 3}); !ok || o != want {
		t.Errorf("read %+v, want %+v", o, want)
	}
	for _, bad := range []string{"", "\x80", block, packed[:20], packed[:len(packed)-2]} {
		if r, ok := parseReference(bad); ok {
			t.Errorf("%q is read as %+v", bad, r)
		}
	}
	t.Logf("a reference to %d URLs takes %d bytes", waitingIn(packed), len(packed))
}

func TestOneWorkerSpills(t *testing.T) {
	t.Parallel()
	s := New(connect(t, redistest.Own(t).URL()))
	holds := func(worker string, want bool) {
		t.Helper()
		if got, err := s.HoldSpiller(t.Context(), worker); err != nil || got != want {
			t.Errorf("%s holds it: %v (%v), want %v", worker, got, err, want)
		}
	}
	holds("a", true)
	holds("b", false)
	holds("a", true)
	for _, worker := range []string{"b", "a", "a"} {
		if err := s.LeaveSpiller(t.Context(), worker); err != nil {
			t.Error(err)
		}
	}
	holds("b", true)
	for _, want := range []int64{0, 1000} {
		if want > 0 {
			if err := s.SetBudget(t.Context(), want); err != nil {
				t.Error(err)
			}
		}
		if budget, err := s.Budget(t.Context()); err != nil || budget != want {
			t.Errorf("the budget is %d (%v), want %d", budget, err, want)
		}
	}
}

// A visit that goes on would bring its last block back at once.
func keepsBlocksOfVisits(t *testing.T, b *testJob) {
	spillsTo(b.store, newSpillFolder())
	b.admitPages("a.test", 0, 900)
	lease := b.open("a.test")
	first := b.spill(1)
	if rest := b.spill(0); first.Blocks == 0 || rest.Blocks > 0 {
		t.Errorf("%d blocks are spilled behind the first, then %d during a visit", first.Blocks, rest.Blocks)
	}
	b.close(lease, 0)
	if rest := b.spill(0); rest.Blocks == 0 {
		t.Error("the first block is not spilled after the visit")
	}
	b.mustWait("a.test", 900)
}

// A Redis that is full already is relieved by spilling, although it refuses other writes.
func TestAFullRedisIsRelievedBySpilling(t *testing.T) {
	t.Parallel()
	b := newTestJob(t, redistest.Own(t).URL(), 1)
	place := newSpillFolder()
	spillsTo(b.store, place)
	urls := b.admitPages("a.test", 0, 3000)
	_, err := b.store.FleetID(t.Context())
	b.must(err)
	b.configure("maxmemory", "1")
	if err := b.store.Probe(t.Context()); err == nil {
		t.Fatal("Redis is not full")
	}
	if holds, err := b.store.HoldSpiller(t.Context(), "a"); !holds || err != nil {
		t.Errorf("no one may spill: %v", err)
	}
	if spilled := b.spill(1); spilled.Blocks == 0 || spilled.Blocks*sealedMost < 2000 {
		t.Errorf("%d blocks are spilled", spilled.Blocks)
	}
	b.mustWait("a.test", 3000)
	b.configure("maxmemory", "0")
	b.takeAll("a.test", urls)
}
