package frontier

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
)

// spillSeen spills all buckets of seen that are worth it, and returns how much that was.
func (b *testJob) spillSeen() (total Spilled) {
	b.t.Helper()
	b.must(b.SpillSeen(b.t.Context(), "place", 0, all(&total)))
	return total
}

// withPlace returns a frontier of the same job in another process, which reads a place.
func (b *testJob) withPlace(place *spillFolder) *Frontier {
	store := New(b.rdb)
	spillsTo(store, place)
	return store.Frontier(b.job)
}

// mustKnow fails unless another process takes all URLs for seen, and the job lists n of them.
func (b *testJob) mustKnow(place *spillFolder, n int, urls ...string) {
	b.t.Helper()
	other := b.withPlace(place)
	for some := range slices.Chunk(urls, 500) {
		if fresh, err := other.Admit(b.t.Context(), b.entries(0, some...)); err != nil || fresh != 0 {
			b.t.Fatalf("%d of %d URLs were admitted twice, %v", fresh, len(some), err)
		}
	}
	seen := make(map[int64]int)
	b.must(other.EachSeen(b.t.Context(), func(s Sighting) { seen[s.Fingerprint]++ }))
	for fp, times := range seen {
		if times != 1 {
			b.t.Errorf("%d is listed %d times", fp, times)
		}
	}
	if c := b.counters(); len(seen) != n || c.Seen != int64(n) {
		b.t.Errorf("%d URLs are listed, %d counted as seen, want %d", len(seen), c.Seen, n)
	}
}

// inSets returns how many fingerprints are in the sets of a job, and how many buckets have filters.
func (b *testJob) inSets() (fps, filters int) {
	b.t.Helper()
	for _, key := range b.keys() {
		if strings.Contains(key, "}:"+nameSeen) {
			fps += int(b.rdb.SCard(b.t.Context(), key).Val())
		}
		if strings.Contains(key, "}:"+nameFilters) {
			filters += int(b.rdb.HLen(b.t.Context(), key).Val())
		}
	}
	return fps, filters
}

// pagesOf returns URLs of pages of a host.
func pagesOf(host string, from, n int) (urls []string) {
	for i := range n {
		urls = append(urls, fmt.Sprintf("http://%s/page/%d", host, from+i))
	}
	return urls
}

func exactWhileSpilled(t *testing.T, b *testJob) {
	place := newSpillFolder()
	spillsTo(b.store, place)
	few := []string{"http://b.test/", "http://c.test/"}
	urls := pagesOf("a.test", 0, 1200)
	b.admit(len(urls), urls...)
	b.admit(2, few...)
	first := b.spillSeen()
	left, filters := b.inSets()
	if first.URLs != len(urls) || left != len(few) || filters != first.Blocks {
		t.Errorf("spilled %+v; %d fingerprints are left, and %d filters", first, left, filters)
	}
	if again := b.spillSeen(); again.URLs != 0 {
		t.Errorf("spilled %+v again", again)
	}
	b.mustKnow(place, 1202, append(urls, few...)...)

	// Many more URLs divide the buckets, whose blocks then have two each.
	more := pagesOf("a.test", 1200, 3000)
	b.admit(len(more), more...)
	if _, divided := b.inSets(); divided <= filters {
		t.Errorf("%d buckets are spilled, %d before they were divided", divided, filters)
	}
	urls = append(urls, more...)
	b.mustKnow(place, len(urls)+2, append(urls, few...)...)
	second := b.spillSeen()
	if left, _ := b.inSets(); second.URLs+left != len(more)+2 || left > len(more)/10 {
		t.Errorf("spilled %+v; %d fingerprints are left", second, left)
	}
	b.mustKnow(place, len(urls)+2, append(urls, few...)...)
	last := pagesOf("a.test", 4200, 700)
	b.admit(len(last), last...)
	b.spillSeen()
	b.mustKnow(place, len(urls)+702, append(append(urls, few...), last...)...)

	// What was merged is no longer referred to, and what is referred to stays.
	b.must(errOf(b.store.SweepSpills(t.Context(), "place", true)))
	b.mustKnow(place, len(urls)+702, append(append(urls, few...), last...)...)
	b.must(b.store.Remove(t.Context(), b.job.Name))
	b.must(errOf(b.store.SweepSpills(t.Context(), "place", true)))
	if len(place.objects) > 0 {
		t.Errorf("%d objects are left of a removed job", len(place.objects))
	}
}

// lookalikes returns URLs of a host that a job has not seen, and whose fingerprints may be in spilled
// buckets by their filters.
func (b *testJob) lookalikes(host string, n int) (urls []string) {
	b.t.Helper()
	group := groupOf(crawler.Host(host))
	base := b.baseOf(crawler.Host(host))
	buckets := bucketsIn(b.rdb.HGet(b.t.Context(), base+nameGroups, strconv.Itoa(group)).Val())
	filters := b.rdb.HGetAll(b.t.Context(), base+nameFilters+strconv.Itoa(group)).Val()
	for i := 0; len(urls) < n; i++ {
		u := fmt.Sprintf("http://%s/other/%d", host, i)
		fp := strconv.FormatInt(b.Fingerprint(url(b.t, u)), 10)
		filter := filters[strconv.Itoa(bucketIn(buckets, fp))]
		for at := 1 + len(referenceIn(filter)); at+1 < len(filter); at += 2 {
			if uint16(filter[at])<<8|uint16(filter[at+1]) == pairOf(fp) {
				urls = append(urls, u)
				break
			}
		}
	}
	return urls
}

func admitsLookalikes(t *testing.T, b *testJob) {
	place := newSpillFolder()
	spillsTo(b.store, place)
	urls := pagesOf("a.test", 0, 1000)
	b.admit(len(urls), urls...)
	b.spillSeen()
	alike := b.lookalikes("a.test", 20)
	b.admit(10, append(alike[:10:10], urls[:50]...)...)
	lease := b.open("a.test")
	ticket, fresh, err := lease.Claim(t.Context(), b.entries(0, alike[10])[0])
	if err != nil || !fresh || ticket == "" {
		t.Errorf("a new URL is not claimed: %v", err)
	}
	for _, u := range []string{alike[11], alike[10], alike[0], urls[0]} {
		w, err := b.Find(t.Context(), url(t, u))
		if want := u != alike[11]; err != nil || (w.Place != queue.PlaceUnseen) != want {
			t.Errorf("%s is at %v (%v); seen: %v", u, w.Place, err, want)
		}
	}
	b.close(lease, 0)
	// While the place is away, only what certainly was never seen is admitted.
	place.leave(true)
	other := b.withPlace(place)
	certain, err := other.Admit(t.Context(), b.entries(0, append(alike[11:], "http://a.test/certainly-new")...))
	if !errors.Is(err, queue.ErrUnavailable) || certain != 1 {
		t.Errorf("%d URLs are admitted (%v), want the one that was certainly never seen", certain, err)
	}
	place.leave(false)
	if fresh, err := other.Admit(t.Context(), b.entries(0, alike...)); err != nil || fresh != 9 {
		t.Errorf("%d URLs are admitted, want 9: %v", fresh, err)
	}
	b.mustKnow(place, 1021, append(urls, alike...)...)
}

func knowsSpilled(t *testing.T, b *testJob) {
	place := newSpillFolder()
	spillsTo(b.store, place)
	urls := pagesOf("a.test", 0, 800)
	b.admit(len(urls), urls...)
	b.spillSeen()
	lease := b.open("a.test")
	for _, u := range urls[:20] {
		if _, fresh, err := lease.Claim(t.Context(), b.entries(0, u)[0]); err != nil || fresh {
			t.Fatalf("%s is claimed (%v), although it was seen", u, err)
		}
	}
	if _, fresh, err := lease.Claim(t.Context(), b.entries(0, "http://a.test/new")[0]); err != nil || !fresh {
		t.Errorf("a new URL is not claimed: %v", err)
	}
	if w, err := b.Find(t.Context(), url(t, urls[7])); err != nil || w.Place != queue.PlaceQueue {
		t.Errorf("%s is at %v (%v), want its queue", urls[7], w.Place, err)
	}
	place.leave(true)
	unread := b.withPlace(place)
	if _, err := unread.Find(t.Context(), url(t, urls[7])); !errors.Is(err, errAway) {
		t.Errorf("%v; want that the place is away", err)
	}
	if err := unread.EachSeen(t.Context(), func(Sighting) {}); !errors.Is(err, errAway) {
		t.Errorf("%v; want that the place is away", err)
	}
	place.leave(false)
	b.mustKnow(place, 801, append(urls, "http://a.test/new")...)
}

func bringsSpilledAgain(t *testing.T, b *testJob) {
	place := newSpillFolder()
	spillsTo(b.store, place)
	urls := pagesOf("a.test", 0, 900)
	b.admit(len(urls), urls...)
	b.spillSeen()
	alike := b.lookalikes("a.test", 2)
	b.takeAll("a.test", urls)
	n, err := b.Readmit(t.Context(), b.entries(queue.BandFirst, urls[5], alike[0], "http://new.test/"))
	if b.must(err); n != 3 {
		t.Errorf("%d URLs wait again, want 3", n)
	}
	b.mustKnow(place, 902, append(urls, alike[0], "http://new.test/")...)
	b.take(b.open("a.test"), 9, urls[5], alike[0])

	before, filters := b.inSets()
	sightings := sightings(t, b.Frontier)
	gone := []Sighting{sightings[b.Fingerprint(url(t, urls[8]))], sightings[b.Fingerprint(url(t, urls[9]))]}
	never := gone[0]
	never.Fingerprint = b.Fingerprint(url(t, alike[1]))
	forgotten, err := b.Forget(t.Context(), append(gone, never))
	if b.must(err); forgotten != 2 {
		t.Errorf("%d URLs are forgotten, want 2", forgotten)
	}
	if after, left := b.inSets(); after <= before || left >= filters {
		t.Errorf("%d fingerprints are in sets, %d before; %d of %d filters are left", after, before, left, filters)
	}
	b.mustKnow(place, 900, slices.Concat(urls[:8], urls[10:], alike[:1])...)
	b.admit(3, urls[8], urls[9], alike[1])
	b.spillSeen()
	b.mustKnow(place, 903, append(urls, alike...)...)
}

func losesNothingWhileSpillingSeen(t *testing.T, b *testJob) {
	place := newSpillFolder()
	spillsTo(b.store, place)
	urls := pagesOf("a.test", 0, 900)
	b.admit(len(urls), urls...)
	died := errors.New("the process died")
	die := func() error { return died }
	var total Spilled
	place.before = die
	if err := b.SpillSeen(t.Context(), "place", 0, all(&total)); !errors.Is(err, died) {
		t.Fatal(err)
	}
	place.before, place.after = nil, die
	if err := b.SpillSeen(t.Context(), "place", 0, all(&total)); !errors.Is(err, died) || len(place.objects) != 1 {
		t.Fatalf("%v, with %d objects", err, len(place.objects))
	}
	if left, filters := b.inSets(); left != len(urls) || filters != 0 {
		t.Errorf("%d fingerprints and %d filters are left", left, filters)
	}
	orphan := slices.Collect(maps.Keys(place.objects))[0]
	place.after = nil
	b.spillSeen()
	b.must(errOf(b.store.SweepSpills(t.Context(), "place", true)))
	if place.objects[orphan] != "" {
		t.Error("the object that nothing refers to is left")
	}
	b.mustKnow(place, len(urls), urls...)
}

func waitsForSpilledSeen(t *testing.T, b *testJob) {
	place := newSpillFolder()
	spillsTo(b.store, place)
	urls := pagesOf("a.test", 0, 600)
	b.admit(len(urls), urls...)
	b.spillSeen()
	b.admit(1200, pagesOf("a.test", 600, 1200)...)
	b.admit(100, pagesOf("b.test", 0, 100)...)
	store := New(b.rdb)
	spillsTo(store, place)
	var heard []error
	store.HearSpills(func(_ string, _ int, err error) { heard = append(heard, err) })
	other := store.Frontier(b.job)
	refused := func(want string, is error) {
		t.Helper()
		fresh, err := other.Admit(t.Context(), b.entries(0, urls[:30]...))
		if !errors.Is(err, queue.ErrUnavailable) || !errors.Is(err, is) || fresh != 0 ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%d URLs are admitted, %v; want %q", fresh, err, want)
		}
		if len(heard) == 0 || heard[len(heard)-1] == nil {
			t.Errorf("heard %v", heard)
		}
	}
	place.leave(true)
	refused("the place is away", errAway)
	place.leave(false)
	whole := maps.Clone(place.objects)
	for name, object := range place.objects {
		place.objects[name] = object[:len(object)-400] + strings.Repeat("x", 400)
	}
	refused("checksum", queue.ErrUnavailable)
	var total Spilled
	if err := b.withPlace(place).SpillSeen(t.Context(), "place", 0, all(&total)); err == nil || total.URLs != 100 {
		t.Errorf("spilled %+v (%v), want what has nothing to do with the damaged object", total, err)
	}
	place.objects = make(map[string]string)
	refused("cannot be read now", fs.ErrNotExist)

	moved := newSpillFolder()
	moved.objects = whole
	store.OpenSpills(func(_ context.Context, where string) (SpillPlace, error) {
		if where == "elsewhere" {
			return moved, nil
		}
		return place, nil
	})
	store.SpillTo("elsewhere")
	fresh, err := other.Admit(t.Context(), b.entries(0, append(urls, "http://a.test/new")...))
	if b.must(err); fresh != 1 || heard[len(heard)-1] != nil {
		t.Errorf("%d URLs are admitted, heard %v at last", fresh, heard[len(heard)-1])
	}
}

// Several processes admit the same URLs while two others spill: each URL is new once.
func spillsWhileAdmitted(t *testing.T, b *testJob) {
	const admitters, pages, links = 3, 60, 40
	place := newSpillFolder()
	spillsTo(b.store, place)
	ctx, stop := context.WithCancel(t.Context())
	var spilling, admitting sync.WaitGroup
	for range 2 {
		frontier := b.withPlace(place)
		spilling.Go(func() {
			for ctx.Err() == nil {
				var total Spilled
				if err := frontier.SpillSeen(ctx, "place", 0, all(&total)); err != nil && ctx.Err() == nil {
					t.Error(err)
				}
			}
		})
	}
	urls := pagesOf("a.test", 0, pages*links)
	var fresh atomic.Int64
	for range admitters {
		frontier := b.withPlace(place)
		admitting.Go(func() {
			for page := range pages { // each links to pages before it as well
				some := urls[max(0, page-3)*links : (page+1)*links]
				n, err := frontier.Admit(t.Context(), b.entries(0, some...))
				if err != nil {
					t.Error(err)
				}
				fresh.Add(int64(n))
			}
		})
	}
	admitting.Wait()
	stop()
	spilling.Wait()
	if fresh.Load() != int64(len(urls)) {
		t.Errorf("%d URLs were new, want %d", fresh.Load(), len(urls))
	}
	b.mustKnow(place, len(urls), urls...)
}

// A call comes too late, or finds another bucket than the one that was read.
func sparesChangedBuckets(t *testing.T, b *testJob) {
	place := newSpillFolder()
	spillsTo(b.store, place)
	urls := pagesOf("a.test", 0, 150)
	b.admit(len(urls), urls...)
	base, group := b.baseOf("a.test"), groupOf("a.test")
	key := base + nameSeen + strconv.Itoa(group)
	now := b.rdb.Time(t.Context()).Val()
	call := func(deadline time.Time, members []string) int64 {
		t.Helper()
		object := newSpillObject(now)
		bucket := seenBucket{group: group, buckets: 1, members: members}
		fps := bucket.fingerprints(b.depths, "")
		block := packSeen(fps)
		filter := packFilter(reference{nameOf(block), object, 0, len(block)}, fps)
		args := []any{object, deadline.UnixMilli(), "place", group, 0, "", filter, len(members)}
		for _, m := range members {
			args = append(args, m)
		}
		got, err := run(t.Context(), b.rdb, spillSeenScript(), "spillseen", base, args...).Int64Slice()
		b.must(err)
		return got[0]
	}
	members := b.rdb.SMembers(t.Context(), key).Val()
	soon := now.Add(time.Hour)
	for _, c := range []struct {
		situation string
		spilled   int64
		want      int64
	}{
		{"the time of the object is over", call(now.Add(-time.Second), members), 0},
		{"a fingerprint is gone", call(soon, append(slices.Clone(members[1:]), "12345678901")), 0},
		{"another fingerprint was added", call(soon, members[1:]), 1},
		{"the bucket was spilled", call(soon, members[:1]), 0},
	} {
		if c.spilled != c.want {
			t.Errorf("%s: %d buckets are spilled, want %d", c.situation, c.spilled, c.want)
		}
	}
	if diff := cmp.Diff(members[:1], b.rdb.SMembers(t.Context(), key).Val()); diff != "" {
		t.Errorf("in the set (-want +got):\n%s", diff)
	}
}

// Only buckets that no one has looked at for a while are spilled, and no more than enough.
func TestColdBucketsAreSpilled(t *testing.T) {
	t.Parallel()
	b := newTestJob(t, redistest.New(t), 1)
	place := newSpillFolder()
	spillsTo(b.store, place)
	b.admit(200, pagesOf("a.test", 0, 200)...)
	b.admit(200, pagesOf("b.test", 0, 200)...)
	var total Spilled
	b.must(b.SpillSeen(t.Context(), "place", time.Hour, all(&total)))
	if total.URLs != 0 {
		t.Errorf("spilled %+v, although all buckets were looked at just now", total)
	}
	key := b.baseOf("a.test") + nameSeen + strconv.Itoa(groupOf("a.test"))
	set := b.rdb.Dump(t.Context(), key).Val()
	b.must(b.rdb.Do(t.Context(), "RESTORE", key, 0, set, "REPLACE", "IDLETIME", 7200).Err())
	b.must(b.SpillSeen(t.Context(), "place", time.Hour, all(&total)))
	if total.URLs != 200 {
		t.Errorf("spilled %+v, want the bucket that no one has looked at for two hours", total)
	}
	asked := 0
	b.must(b.SpillSeen(t.Context(), "place", 0, func(s Spilled) (bool, error) {
		asked++
		return true, nil
	}))
	if left, filters := b.inSets(); asked != 1 || left != 0 || filters != 2 {
		t.Errorf("asked %d times; %d fingerprints and %d filters are left", asked, left, filters)
	}
}

// A Redis that is full already is relieved by spilling seen, although it refuses other writes.
func TestAFullRedisIsRelievedBySpillingSeen(t *testing.T) {
	t.Parallel()
	b := newTestJob(t, redistest.Own(t).URL(), 1)
	place := newSpillFolder()
	spillsTo(b.store, place)
	urls := pagesOf("a.test", 0, 2000)
	b.admit(len(urls), urls...)
	_, err := b.store.FleetID(t.Context())
	b.must(err)
	b.configure("maxmemory", "1")
	if err := b.store.Probe(t.Context()); err == nil {
		t.Fatal("Redis is not full")
	}
	if spilled := b.spillSeen(); spilled.URLs != len(urls) {
		t.Errorf("spilled %+v", spilled)
	}
	b.configure("maxmemory", "0")
	b.mustKnow(place, len(urls), urls...)
}

func TestBlocksOfSeen(t *testing.T) {
	t.Parallel()
	fps := []int64{-5_000_000_000, 7_000_000_000, 1 << 62, -1 << 63, 3_000_000_000}
	b, err := parseSeen(packSeen(slices.Clone(fps)))
	if err != nil {
		t.Fatal(err)
	}
	for _, fp := range fps {
		if !b.has(fp) || b.has(fp+1) {
			t.Errorf("%d is not found, or the next number is", fp)
		}
	}
	got := b.all()
	slices.Sort(got)
	slices.Sort(fps)
	if diff := cmp.Diff(fps, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	for _, bad := range []string{"", "x", string(b[:len(b)-1])} {
		if _, err := parseSeen(bad); err == nil {
			t.Errorf("%q is read as a block", bad)
		}
	}
}

// The memory of blocks is bounded, and keeps those that are used.
func TestBlocksOfSeenAreRemembered(t *testing.T) {
	t.Parallel()
	var m seenMemory
	block := seenBlock(strings.Repeat("x", 1<<20))
	for i := range 4 * seenCache >> 20 {
		m.add(strconv.Itoa(i), block)
		m.add("used", block)
		if _, ok := m.get("used"); !ok {
			t.Fatal("a block that is used was forgotten")
		}
	}
	if n := len(m.young) + len(m.old); n > seenCache>>20+2 {
		t.Errorf("%d blocks of 1 MiB are remembered", n)
	}
	if _, ok := m.get("0"); ok {
		t.Error("a block that is not used is still remembered")
	}
}
