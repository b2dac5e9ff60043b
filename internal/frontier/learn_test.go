package frontier

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/need"
)

// learn adds a page of a pattern to what a.test has taught.
func (b *testJob) learn(f *Frontier, pattern string, gained bool) map[need.Key]need.Lesson {
	b.t.Helper()
	known, err := f.Learn(b.t.Context(), "a.test", need.TaughtBy(pattern, 0, gained))
	if err != nil {
		b.t.Fatal(err)
	}
	return known
}

func sharesLessons(t *testing.T, b *testJob) {
	if known, err := b.Learn(t.Context(), "a.test", nil); err != nil || len(known) != 0 {
		t.Fatalf("a host that was never rendered has taught %v: %v", known, err)
	}
	b.learn(b.Frontier, "/blog/w", false)
	b.learn(b.otherProcess(), "/blog/w", false)
	got := b.learn(b.otherProcess(), "/app/N", true)
	want := map[need.Key]need.Lesson{
		need.KeyOf("/blog/w", need.Complete): {Plain: 2}, need.KeyOf("/app/N", need.Complete): {Gained: 1},
		need.KeyOf("", need.Complete): {Gained: 1, Plain: 2},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the fleet knows (-want +got):\n%s", diff)
	}
	if known, err := b.Learn(t.Context(), "b.test", nil); err != nil || len(known) != 0 {
		t.Errorf("another host has taught %v: %v", known, err)
	}
	for range 300 {
		got = b.learn(b.Frontier, "/app/N", true)
	}
	lesson := need.Lesson{Gained: 1}
	for range 300 {
		lesson = lesson.Add(true)
	}
	if got[need.KeyOf("/app/N", need.Complete)] != lesson {
		t.Errorf("after 301 pages, the lesson is %+v, want %+v", got[need.KeyOf("/app/N", need.Complete)], lesson)
	}
}

func limitsLessons(t *testing.T, b *testJob) {
	var known map[need.Key]need.Lesson
	for i := range maxLessons + 50 {
		known = b.learn(b.Frontier, fmt.Sprintf("/%d/w", i), i%2 == 0)
	}
	if len(known) != maxLessons {
		t.Errorf("%d lessons are stored, want %d with that of the host", len(known), maxLessons)
	}
	if host := known[need.KeyOf("", need.Complete)]; int(host.Gained)+int(host.Plain) != maxLessons+50 {
		t.Errorf("the whole host has taught %+v, want all %d pages", host, maxLessons+50)
	}
	key := b.base(shardOf(crawler.Host("a.test"), b.job.Shards)) + nameLessons + "a.test"
	bytes, err := b.rdb.MemoryUsage(t.Context(), key, 0).Result()
	if err != nil {
		t.Logf("this Redis does not say how much memory a key takes: %v", err)
		return
	}
	t.Logf("%d lessons take %d bytes, with the key", len(known), bytes)
	if each := float64(bytes) / float64(len(known)); each > 32 {
		t.Errorf("a lesson takes %.1f bytes, want at most 32", each)
	}
}
