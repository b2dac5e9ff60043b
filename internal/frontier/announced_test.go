package frontier

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/announce"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/recrawl"
)

// TestAnnounced tests what sites announce to continuous jobs, on every kind of Redis.
func TestAnnounced(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		test func(t *testing.T, b *testJob)
	}{
		{"a page whose date is another one is due", followsDates},
		{"a site is trusted as far as it was right", learnsTrust},
		{"a site that lies is not followed", followsNoLiar},
		{"a list that announces pages matters more", weighsLists},
		{"dates that are garbage are replaced", replacesDates},
		{"a stale visit announces nothing", announcesNothingWhenStale},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			onEach(t, c.name, func(t *testing.T, url string) { c.test(t, newContinuousJob(t, url, 1)) })
			t.Run("cluster", func(t *testing.T) { c.test(t, newContinuousJob(t, clusterURL(t), 4).strict()) })
		})
	}
}

const listURL = "http://a.test/sitemap.xml"

// announcing returns a job that has fetched two pages, which are not due by themselves.
func announcing(b *testJob) {
	b.t.Helper()
	b.admit(2, "http://a.test/1", "http://a.test/2")
	b.crawl("a.test", same)
	b.rest()
}

// rest lets time pass, because no page is due again at once, and keeps pages from being due by
// themselves.
func (b *testJob) rest() {
	b.t.Helper()
	b.age("a.test", 20*time.Minute)
	b.setThreshold(recrawl.Threshold{Value: 1e4, Again: 1e9, New: 1e9})
}

// announced says in a visit that a list has these pages with these dates, in seconds.
func (b *testJob) announced(dates ...int64) {
	b.t.Helper()
	lease := b.open("a.test")
	b.must(lease.Announced(b.t.Context(), url(b.t, listURL), b.dated(dates...)))
	b.close(lease, 0)
}

// read reads the list after a day, and fetches what the list announces when it is read the next
// time. The content of all pages has changed by then. It returns how much the list matters after
// that.
func (b *testJob) read(content uint32, dates ...int64) float64 {
	b.t.Helper()
	b.age("a.test", 24*time.Hour)
	_, err := b.Changed(b.t.Context(), []crawler.URL{url(b.t, listURL)}, 1)
	b.must(err)
	b.again()
	lease := b.open("a.test")
	taken, err := lease.Take(b.t.Context(), 9, 0)
	b.must(err)
	b.must(lease.Announced(b.t.Context(), url(b.t, listURL), b.dated(dates...)))
	b.sighted(lease, func(string) uint32 { return content }, taken...)
	b.close(lease, 0)
	return b.trackedAt("a.test")["/sitemap.xml"].Weight()
}

func weighsLists(t *testing.T, b *testJob) {
	b.admit(1, listURL)
	announcing(b)
	var silent, telling float64
	for i := range int64(4) {
		silent = b.read(uint32(i%2)-1, 100, 100)
	}
	for i := range int64(4) {
		telling = b.read(uint32(i%2)-1, 200+i, 100)
	}
	if silent > 1.2 || telling < 2*silent {
		t.Errorf("a list that announces nothing matters %.2f times as much as a page, one that does %.2f times", silent,
			telling)
	}
}

func (b *testJob) dated(dates ...int64) (all []announce.Entry) {
	for i, at := range dates {
		all = append(all, announce.Entry{URL: url(b.t, fmt.Sprintf("http://a.test/%d", i+1)), Modified: time.Unix(at, 0)})
	}
	return all
}

// returning returns the paths that are queued again.
func (b *testJob) returning() (paths []string) {
	b.t.Helper()
	b.again()
	lease := b.open("a.test")
	taken, err := lease.Take(b.t.Context(), 9, 0)
	b.must(err)
	for _, taken := range taken {
		paths = append(paths, taken.Entry.URL.Path())
	}
	b.sighted(lease, same, taken...)
	b.close(lease, 0)
	return paths
}

func followsDates(t *testing.T, b *testJob) {
	announcing(b)
	b.admit(1, "http://a.test/3") // so that the host is visited
	b.announced(100, 200)
	b.announced(100, 200)
	if state := b.trackedAt("a.test")["/2"]; state.Flags.Has(recrawl.Signalled) {
		t.Error("a page is due although its date is the same")
	}
	b.announced(100, 50)
	pages := b.trackedAt("a.test")
	if !pages["/2"].Flags.Has(recrawl.Signalled) || pages["/1"].Flags.Has(recrawl.Signalled) {
		t.Errorf("after the second date has changed, the pages are %+v", pages)
	}
	if got := fmt.Sprint(b.returning()); got != "[/3 /2]" {
		t.Errorf("%s are queued, want the new page and the one that was announced", got)
	}
}

func learnsTrust(t *testing.T, b *testJob) {
	announcing(b)
	trust := func() float64 {
		got, err := b.Trust(t.Context(), "a.test")
		b.must(err)
		return got
	}
	if got := trust(); got != 0.5 {
		t.Errorf("a site that nothing is known of is trusted by %v, want 0.5", got)
	}
	b.admit(1, "http://a.test/3")
	b.announced(100, 200)
	b.announced(100, 201)
	b.returning() // the page is the same as before
	if got := trust(); got >= 0.5 {
		t.Errorf("after a wrong announcement, the site is trusted by %v", got)
	}
	b.rest()
	b.admit(1, "http://a.test/4")
	b.announced(101, 201)
	b.again()
	b.crawl("a.test", func(path string) uint32 { return 1 << 31 >> len(path) })
	b.rest()
	if got := trust(); got != 0.5 {
		t.Errorf("after one that was wrong and one that was right, the site is trusted by %v, want 0.5", got)
	}
}

func followsNoLiar(t *testing.T, b *testJob) {
	announcing(b)
	lies := recrawl.Signals{Wrong: 12}
	b.must(b.rdb.HSet(t.Context(), b.baseOf("a.test")+namePriors+"a.test", fieldSignals, lies.Append(nil)).Err())
	b.admit(1, "http://a.test/3")
	b.announced(100, 200)
	b.announced(100, 201)
	if got := fmt.Sprint(b.returning()); got != "[/3]" {
		t.Errorf("%s are queued, want the new page alone: a site that lies has announced another", got)
	}
	// Its pages are compared when they are fetched anyway, so it can win the trust back.
	for i := range 4 {
		b.age("a.test", 60*24*time.Hour)
		b.again()
		b.crawl("a.test", func(string) uint32 { return 0xffff << (8 * (i % 2)) })
		b.rest()
		b.admit(1, fmt.Sprintf("http://a.test/new/%d", i))
		b.announced(100, int64(300+i))
	}
	trust, err := b.Trust(t.Context(), "a.test")
	if want := lies.Precision(); err != nil || trust <= want {
		t.Errorf("after it was right several times, it is trusted by %v, %v; want more than %v", trust, err, want)
	}
}

func replacesDates(t *testing.T, b *testJob) {
	announcing(b)
	key := b.baseOf("a.test") + nameDates + fmt.Sprintf("%016x", hashOfList(url(t, listURL)))
	b.admit(1, "http://a.test/3")
	for _, spoil := range []func() error{
		func() error { return b.rdb.Set(t.Context(), key, "garbage", 0).Err() },
		func() error {
			return errors.Join(b.rdb.Del(t.Context(), key).Err(), b.rdb.SAdd(t.Context(), key, "garbage").Err())
		},
	} {
		b.must(spoil())
		b.announced(100, 200)
		kept, err := b.rdb.Get(t.Context(), key).Bytes()
		if _, bad := announce.ParseDates(kept); err != nil || bad != nil || len(kept) == 0 {
			t.Errorf("%x is kept: %v, %v", kept, err, bad)
		}
	}
}

func announcesNothingWhenStale(t *testing.T, b *testJob) {
	announcing(b)
	b.admit(1, "http://a.test/3")
	lease := b.open("a.test")
	b.must(b.Abandon(t.Context()))
	if err := lease.Announced(t.Context(), url(t, listURL), b.dated(100)); !errors.Is(err, queue.ErrStale) {
		t.Errorf("the error is %v, want %v", err, queue.ErrStale)
	}
}

// In other jobs, pages are fetched once, and there is nothing to compare.
func TestNothingIsAnnouncedToAJobThatEnds(t *testing.T) {
	t.Parallel()
	onEach(t, t.Name(), func(t *testing.T, address string) {
		b := newTestJob(t, address, 1)
		b.admit(1, "http://a.test/1")
		lease := b.open("a.test")
		b.must(lease.Announced(t.Context(), url(t, listURL), b.dated(100)))
		if keys := b.rdb.Keys(t.Context(), jobBase(b.job.Name)+"*"+nameDates+"*").Val(); len(keys) > 0 {
			t.Errorf("there are %q", keys)
		}
	})
}
