package frontier

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/minhash"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/test/race"
	"github.com/trawlcrawler/trawl/internal/visit"
)

// sketched returns a page with a sketch derived from a word: "x" and "x'" are near duplicates, "x"
// and "y" are not.
func sketched(t testing.TB, page, word string) queue.Sketched {
	t.Helper()
	m := &minhash.Sketch{Shingles: 100}
	seed := uint32(2166136261)
	for _, c := range []byte(strings.TrimRight(word, "'")) {
		seed = (seed ^ uint32(c)) * 16777619
	}
	for i := range m.Values {
		seed = seed*1664525 + 1013904223
		m.Values[i] = uint16(seed >> 16)
	}
	for i := range strings.Count(word, "'") { // each quote changes one band
		m.Values[i*minhash.Rows]++
	}
	return queue.Sketched{URL: url(t, page), Sketch: m}
}

// resemble compares pages, each given as its URL and its word. For each it returns the URL of the
// first near duplicate.
func (b *testJob) resemble(lease visit.HostLease, pages ...string) []string {
	b.t.Helper()
	asked := make([]queue.Sketched, len(pages)/2)
	for i := range asked {
		asked[i] = sketched(b.t, pages[2*i], pages[2*i+1])
	}
	first, err := lease.Resemble(b.t.Context(), asked)
	if err != nil {
		b.t.Fatal(err)
	}
	var all []string
	for _, u := range first {
		all = append(all, u.String())
	}
	return all
}

func (b *testJob) resembles(lease visit.HostLease, want []string, pages ...string) {
	b.t.Helper()
	if diff := cmp.Diff(want, b.resemble(lease, pages...)); diff != "" {
		b.t.Errorf("%q (-want +got):\n%s", pages, diff)
	}
}

func tellsNearDuplicates(t *testing.T, b *testJob) {
	const one, two, three, four = "http://a.test/1", "https://a.test/2?x", "http://a.test/3", "http://a.test/4"
	b.admit(3, one, "http://b.test/1", "http://c.test/1")
	lease := b.open("a.test")
	b.resembles(lease, []string{"", "", one}, one, "x", two, "y", three, "x'")
	b.resembles(lease, []string{one, two, ""}, "http://a.test/5", "x''", "http://a.test/6", "y", four, "z")
	b.resembles(lease, []string{"", one, four}, one, "x", three, "x'", "http://a.test/7", "z'") // fetched again

	other := b.open("b.test")
	b.resembles(other, []string{one, "", one}, "http://b.test/1", "x", "http://b.test/2", "w", "http://b.test/3", "x'")
	third := b.open("c.test")
	b.resembles(third, []string{one, "http://b.test/2"}, "http://c.test/1", "x'", "http://c.test/2", "w'''")
	b.resembles(third, []string{one, "http://b.test/2"}, "http://c.test/1", "x'", "http://c.test/2", "w'''")
	// Texts that share too few bands are not near duplicates.
	b.resembles(third, []string{""}, "http://c.test/9", "half")
	half := sketched(t, "http://c.test/10", "half")
	for i := range half.Sketch.Values[:minhash.Values/2] {
		half.Sketch.Values[i]++
	}
	if first, err := other.Resemble(t.Context(), []queue.Sketched{half}); err != nil || !first[0].IsZero() {
		t.Errorf("a text that shares half of another one is a near duplicate: %v, %v", first, err)
	}
}

// The next visit, by another worker, finds near duplicates of pages of earlier visits.
func tellsNearDuplicatesInLaterVisits(t *testing.T, b *testJob) {
	b.admit(3, "http://a.test/1", "http://a.test/2", "http://b.test/1")
	lease := b.open("a.test")
	b.resembles(lease, []string{""}, "http://a.test/1", "x")
	if err := lease.Close(t.Context(), queue.Rest{}); err != nil {
		t.Fatal(err)
	}
	again := b.open("a.test")
	b.resembles(again, []string{"http://a.test/1"}, "http://a.test/2", "x'")
	if _, err := lease.Resemble(t.Context(), []queue.Sketched{sketched(t, "http://a.test/3", "v")}); !errors.Is(err,
		queue.ErrStale) {
		t.Errorf("a visit that has ended compares pages: %v, want ErrStale", err)
	}
}

// If the process ends between its calls, a page that is compared again does not count as a
// duplicate of itself, and its bands are stored then.
func remembersTheRestLater(t *testing.T, b *testJob) {
	b.admit(2, "http://a.test/1", "http://b.test/1")
	page := sketched(t, "http://a.test/1", "x")
	lease := b.open("a.test").(*HostLease)
	if err := lease.readSketches(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, fresh, _ := lease.match([]queue.Sketched{page})
	if err := lease.addSketches(t.Context(), fresh); err != nil {
		t.Fatal(err)
	}
	b.resembles(b.open("b.test"), []string{""}, "http://b.test/0", "unrelated")
	lease.sketches = sketches{}
	b.resembles(lease, []string{""}, "http://a.test/1", "x")
	b.resembles(b.openAgain("b.test"), []string{"http://a.test/1"}, "http://b.test/1", "x")
}

// openAgain abandons the open visit of a host and opens another one.
func (b *testJob) openAgain(host crawler.Host) visit.HostLease {
	b.t.Helper()
	if err := b.Abandon(b.t.Context()); err != nil {
		b.t.Fatal(err)
	}
	return b.open(host)
}

func limitsSketches(t *testing.T, b *testJob) {
	b.admit(2, "http://a.test/1", "http://b.test/1")
	lease := b.open("a.test")
	b.resembles(lease, []string{""}, "http://a.test/1", "x")
	base := b.base(b.shardOf("a.test"))
	filler := minhash.Brief{}
	var texts []any
	for range maxSketches - 1 {
		texts = append(texts, "1 "+pageText(url(t, "http://a.test/f")))
	}
	pipe := b.rdb.Pipeline()
	pipe.Append(t.Context(), base+nameSketches+"a.test", strings.Repeat(string(filler[:]), maxSketches-1))
	pipe.RPush(t.Context(), base+nameSketched+"a.test", texts...)
	if _, err := pipe.Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	lease.(*HostLease).sketches = sketches{}
	// A page beyond the limit is compared with others, but others are not compared with it.
	b.resembles(lease, []string{"", "", "http://a.test/1"}, "http://a.test/2", "y", "http://a.test/3", "y",
		"http://a.test/4", "x'")
	if n := b.rdb.LLen(t.Context(), base+nameSketched+"a.test").Val(); n != maxSketches {
		t.Errorf("%d sketches are stored, want %d", n, maxSketches)
	}
	b.resembles(b.open("b.test"), []string{"", "http://a.test/1"}, "http://b.test/1", "y", "http://b.test/2", "x")
}

func limitsBands(t *testing.T, b *testJob) {
	b.admit(2, "http://a.test/1", "http://b.test/1")
	page := sketched(t, "http://a.test/1", "x")
	for _, key := range page.Sketch.Keys() {
		bucket := int(key % bandBuckets)
		name := fmt.Sprint(b.base(bucket%min(b.job.Shards, maxBandShards)), nameBand, bucket)
		var full []any
		for i := range maxBands {
			full = append(full, fmt.Sprintf("%08d", i), "0 nowhere.test")
		}
		if err := b.rdb.HSet(t.Context(), name, full...).Err(); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if n := b.rdb.HLen(t.Context(), name).Val(); n != maxBands {
				t.Errorf("a bucket has %d bands, want %d", n, maxBands)
			}
		}()
	}
	lease := b.open("a.test")
	// The host stores the sketch.
	b.resembles(lease, []string{"", "http://a.test/1"}, "http://a.test/1", "x", "http://a.test/2", "x")
	b.resembles(b.open("b.test"), []string{""}, "http://b.test/1", "x")
}

func forgetsGarbledSketches(t *testing.T, b *testJob) {
	b.admit(1, "http://a.test/1")
	lease := b.open("a.test")
	b.resembles(lease, []string{""}, "http://a.test/1", "x")
	if err := b.rdb.Append(t.Context(), b.base(b.shardOf("a.test"))+nameSketches+"a.test",
		"rubbish").Err(); err != nil {
		t.Fatal(err)
	}
	lease.(*HostLease).sketches = sketches{}
	b.resembles(lease, []string{"", "http://a.test/2"}, "http://a.test/2", "x'", "http://a.test/3", "x")
	if c := b.counters(); c.Garbage == 0 {
		t.Error("the garbage is not counted")
	}
	for _, name := range []string{nameSketches, nameSketched} {
		key := b.base(b.shardOf("a.test")) + name + "a.test"
		if err := errors.Join(b.rdb.Del(t.Context(), key).Err(), b.rdb.SAdd(t.Context(), key, "x").Err()); err != nil {
			t.Fatal(err)
		}
	}
	lease.(*HostLease).sketches = sketches{}
	b.resembles(lease, []string{"", "http://a.test/4"}, "http://a.test/4", "x", "http://a.test/5", "x'")
}

// TestTheCostOfAComparedPage checks the documented bound.
func TestTheCostOfAComparedPage(t *testing.T) {
	t.Parallel()
	race.Skip(t) // one goroutine measures a Redis
	b := newTestJob(t, privateRedis(t), 1)
	const pages, hosts = 20_000, 20
	total := func() (bytes int64) {
		for iter := b.rdb.Scan(t.Context(), 0, "*", 1000).Iterator(); iter.Next(t.Context()); {
			for _, name := range []string{nameSketches, nameSketched, nameBand} {
				if strings.Contains(iter.Val(), "}:"+name) {
					bytes += b.rdb.MemoryUsage(t.Context(), iter.Val(), 0).Val()
				}
			}
		}
		return bytes
	}
	for h := range hosts {
		host := fmt.Sprintf("www.example-%d.test", h)
		b.admit(1, "http://"+host+"/")
		lease := b.open(crawler.Host(host))
		for n := 0; n < pages/hosts; n += 50 {
			var batch []queue.Sketched
			for i := range 50 {
				at := fmt.Sprintf("http://%s/articles/2026/a-page-of-usual-length-%d", host, n+i)
				batch = append(batch, sketched(t, at, at))
			}
			if _, err := lease.Resemble(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
		}
	}
	each := total() / pages
	t.Logf("a page takes %d bytes", each)
	const most = 1500
	if each > most || each < 300 {
		t.Errorf("a stored page takes %d bytes of Redis, want at most %d", each, most)
	}
}
