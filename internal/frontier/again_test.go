package frontier

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/pathblock"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/recrawl"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/visit"
)

// TestContinuous tests continuous jobs on every kind of Redis.
func TestContinuous(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		test func(t *testing.T, b *testJob)
	}{
		{"a page is tracked, and queued again when it is due", returnsWhenDue},
		{"a page that waits to be fetched again is not queued a second time", returnsOnce},
		{"a page is queued once, however long it waits, unless Redis has lost it", returnsOnceInMonths},
		{"of a block, no more pages wait than the job fetches in an hour", returnsAsManyAsAreFetched},
		{"what a fetch found is learned", learnsFromFetches},
		{"a fetch that failed teaches nothing", learnsNothingFromFailures},
		{"a page that failed at its first fetch is fetched again, and new when it is found", returnsFailed},
		{"a page that is queued by hand is tracked once", tracksOnce},
		{"what a feed says of itself is kept until it is fetched again", keepsPace},
		{"links from other hosts make a page matter more", countsLinks},
		{"a page with a value of 0 is not fetched again", returnsNoWorthless},
		{"pages of many blocks are queued again", returnsFromManyBlocks},
		{"blocks are packed", packsBlocks},
		{"a page whose record was lost is as before its fetch", returnsLostPages},
		{"a swept visit returns its pages, which remain tracked", returnsSweptPages},
		{"a stale visit tracks nothing", tracksNothingWhenStale},
		{"a page that a signal names is due", returnsSignalled},
		{"visits take no more than their ration", rationsVisits},
		{"a host that lines up for a ration gets it, and no host that comes later", keepsPromises},
		{"a small ration fills while no visit asks for it", savesUpForOne},
		{"low and other URLs have rations of their own", rationsBands},
		{"the job is steered by one process at a time", steersInTurn},
		{"the job is steered when something happened", steersWhenSomethingHappened},
		{"figures of freshness are stored with the job", tellsFreshness},
		{"keys of the wrong type are set aside, and the job continues", setsTrackedAside},
		{"a block without names for its pages is reported", reportsBrokenBlocks},
		{"a removed job leaves no pages", removesTracked},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, shards := range []int{1, 4} {
				t.Run(fmt.Sprintf("%d shards", shards), func(t *testing.T) {
					t.Parallel()
					onEach(t, c.name, func(t *testing.T, url string) { c.test(t, newContinuousJob(t, url, shards)) })
					if shards > 1 {
						t.Run("cluster", func(t *testing.T) { c.test(t, newContinuousJob(t, clusterURL(t), shards).strict()) })
					}
				})
			}
		})
	}
}

// newContinuousJob returns a job with more budget than its test needs.
func newContinuousJob(t testing.TB, url string, shards int) *testJob {
	t.Helper()
	rdb := connect(t, url)
	job := crawler.DefaultJob()
	job.Name, job.Shards, job.Politeness = redistest.Name(t), shards, crawler.PolitenessJob
	job.Recrawl = crawler.Recrawl{
		Budget: crawler.FetchRate{Fetches: 1e8, Per: 24 * time.Hour}, Value: map[string]float64{"/worthless": 0},
	}
	store := New(rdb)
	if err := store.Create(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Status(t.Context(), job.Name); err != nil { // the frontier follows what is read of the job later
		t.Fatal(err)
	}
	return &testJob{store.Frontier(job), t, store, rdb, make(map[crawler.Host]queue.VisitRef)}
}

// sighted settles URLs as fetched, with the content that a function returns for their paths.
func (b *testJob) sighted(lease visit.HostLease, content func(path string) uint32, taken ...queue.Taken) {
	b.t.Helper()
	var done []queue.Settlement
	for _, t := range taken {
		done = append(done, queue.Settlement{Ticket: t.Ticket, Outcome: crawler.OutcomeFetched, Page: queue.Sighting{
			Entry: t.Entry, Found: true, Text: true, Content: content(t.Entry.URL.Path()),
		}})
	}
	b.must(lease.Settle(b.t.Context(), done))
}

// same is the content of pages that do not change.
func same(string) uint32 { return 7 }

// crawl fetches all that waits at a host.
func (b *testJob) crawl(h crawler.Host, content func(path string) uint32) []queue.Taken {
	b.t.Helper()
	lease := b.open(h)
	var all []queue.Taken
	for {
		taken, err := lease.Take(b.t.Context(), 500, 0)
		b.must(err)
		if len(taken) == 0 {
			break
		}
		b.sighted(lease, content, taken...)
		all = append(all, taken...)
	}
	b.close(lease, 0)
	return all
}

// trackedAt returns what is known of the pages of a host, by path.
func (b *testJob) trackedAt(h crawler.Host) map[string]recrawl.State {
	b.t.Helper()
	all := make(map[string]recrawl.State)
	for _, blk := range b.blocks(h) {
		for at := range blk.pages() {
			e, err := blk.entry(at)
			b.must(err)
			all[e.URL.Path()], _, err = blk.state(at)
			b.must(err)
		}
	}
	return all
}

// blocks reads the blocks of a host.
func (b *testJob) blocks(h crawler.Host) (all []block) {
	b.t.Helper()
	for number := 0; ; number++ {
		blk := block{number: number, host: h}
		slots, err := b.rdb.Get(b.t.Context(), b.baseOf(h)+blk.key(nameStates)).Result()
		if errors.Is(err, redis.Nil) {
			return all
		}
		b.must(err)
		blk.slots = slots
		blk.packed, err = b.rdb.Get(b.t.Context(), b.baseOf(h)+blk.key(namePaths)).Result()
		b.must(err)
		all = append(all, blk)
	}
}

// age makes the pages of a host this much older, and has their blocks looked at now.
func (b *testJob) age(h crawler.Host, by time.Duration) {
	b.t.Helper()
	for _, blk := range b.blocks(h) {
		var slots string
		for at := range blk.pages() {
			page, queued, err := blk.slot(at)
			b.must(err)
			state, err := recrawl.Parse([]byte(page.State))
			b.must(err)
			state.Last -= uint32(by.Seconds())
			page.State = string(state.Append(nil))
			slots += page.Slot(queued)
		}
		b.must(b.rdb.Set(b.t.Context(), b.baseOf(h)+blk.key(nameStates), slots, 0).Err())
		b.must(b.rdb.ZAdd(b.t.Context(), b.baseOf(h)+nameReturns,
			redis.Z{Member: fmt.Sprintf("%d %s", blk.number, h)}).Err())
	}
}

// again queues what is due.
func (b *testJob) again() {
	b.t.Helper()
	_, err := b.Again(b.t.Context(), b.counters())
	b.must(err)
}

func returnsWhenDue(t *testing.T, b *testJob) {
	b.admit(2, "http://a.test/1", "https://b.test/x?y=2")
	b.crawl("a.test", same)
	b.crawl("b.test", same)
	b.again()
	if n := b.counters(); n.Tracked != 2 || n.Waiting != 0 || !n.Idle() {
		t.Fatalf("after the first fetches, the counters are %+v", n)
	}
	b.age("a.test", time.Hour)
	b.age("b.test", time.Hour)
	b.again()
	if n := b.counters(); n.Waiting != 2 || n.Back != 2 || n.Seen != 2 {
		t.Fatalf("an hour later, the counters are %+v", n)
	}
	for h, want := range map[crawler.Host]string{"a.test": "http://a.test/1", "b.test": "https://b.test/x?y=2"} {
		taken := b.crawl(h, same)
		if diff := cmp.Diff([]string{want}, urlsOf(taken)); diff != "" {
			t.Errorf("took (-want +got):\n%s", diff)
		}
		if page := taken[0].Entry.Page; page.Fetches != 1 || taken[0].Entry.Band != queue.BandLow {
			t.Errorf("the page %s was fetched %d times, and waits in band %d", want, page.Fetches, taken[0].Entry.Band)
		}
	}
	if n := b.counters(); n.Again != 2 || n.Unchanged != 2 || n.Changed != 0 || n.Back != 0 || n.Tracked != 2 ||
		n.Outcomes[crawler.OutcomeFetched] != 4 {
		t.Errorf("after the second fetches, the counters are %+v", n)
	}
}

func returnsOnce(t *testing.T, b *testJob) {
	b.admit(1, "http://a.test/1")
	b.crawl("a.test", same)
	for range 2 {
		b.age("a.test", time.Hour)
		b.again()
	}
	b.must(b.otherProcess().Steer(t.Context()))
	if n := b.counters(); n.Waiting != 1 {
		t.Errorf("%d URLs wait, want 1", n.Waiting)
	}
	if got := len(b.crawl("a.test", same)); got != 1 {
		t.Errorf("%d URLs were fetched again, want 1", got)
	}
}

func returnsOnceInMonths(t *testing.T, b *testJob) {
	b.admit(1, "http://a.test/1")
	b.crawl("a.test", same)
	low := b.baseOf("a.test") + nameQueue + fmt.Sprint(int(queue.BandLow)) + ":a.test"
	entries := func(want int64) {
		t.Helper()
		for range 3 {
			b.age("a.test", 2*queuedTerm)
			b.again()
		}
		if n := b.rdb.LLen(t.Context(), low).Val(); n != want {
			t.Errorf("the page is queued %d times, want %d", n, want)
		}
	}
	entries(1)
	b.must(b.rdb.Del(t.Context(), low).Err())
	entries(1)
	if got := len(b.crawl("a.test", same)); got != 1 {
		t.Errorf("the page was fetched %d times, want once", got)
	}
}

func returnsAsManyAsAreFetched(t *testing.T, b *testJob) {
	var urls []string
	for i := range 9 {
		urls = append(urls, fmt.Sprintf("http://a.test/%d", i))
	}
	b.admit(len(urls), urls...)
	b.crawl("a.test", same)
	b.setThreshold(recrawl.Threshold{Again: 48}) // two an hour
	for range 2 {
		b.age("a.test", time.Hour)
		b.again()
	}
	if n := b.counters(); n.Waiting != 2+leastOfBlock {
		t.Errorf("%d pages wait, want %d", n.Waiting, 2+leastOfBlock)
	}
}

func learnsFromFetches(t *testing.T, b *testJob) {
	b.admit(2, "http://a.test/news", "http://a.test/still")
	b.crawl("a.test", same)
	content := uint32(0)
	for range 6 {
		b.age("a.test", 24*time.Hour)
		b.again()
		content = ^content
		b.crawl("a.test", func(path string) uint32 {
			if path == "/news" {
				return content
			}
			return 7
		})
	}
	if n := b.counters(); n.Again != 12 || n.Changed != 6 || n.Unchanged != 6 {
		t.Errorf("fetched again %d, changed %d, unchanged %d", n.Again, n.Changed, n.Unchanged)
	}
	states := b.trackedAt("a.test")
	news, still := states["/news"].ChangesPerDay(), states["/still"].ChangesPerDay()
	if !(news > 3*still) {
		t.Errorf("a page that changes each day changes %.3f times a day, one that does not %.3f", news, still)
	}
	if priors := b.rdb.HLen(t.Context(), b.baseOf("a.test")+namePriors+"a.test").Val(); priors == 0 {
		t.Error("nothing was learned about the pattern of the URLs")
	}
	if page, _, err := b.blocks("a.test")[0].slot(0); err != nil || page.Fetches != 7 {
		t.Errorf("the page was fetched %d times, %v; want 7", page.Fetches, err)
	}
}

func learnsNothingFromFailures(t *testing.T, b *testJob) {
	b.admit(1, "http://a.test/1")
	b.crawl("a.test", same)
	before := b.trackedAt("a.test")["/1"]
	b.age("a.test", time.Hour)
	b.again()
	lease := b.open("a.test")
	taken := b.takeAny(lease)
	b.must(lease.Settle(t.Context(), []queue.Settlement{{
		Ticket: taken[0].Ticket, Outcome: crawler.OutcomeFailed, Page: queue.Sighting{Entry: taken[0].Entry},
	}}))
	after := b.trackedAt("a.test")["/1"]
	if after.Rate != before.Rate || after.Knowledge != before.Knowledge || after.Content != before.Content ||
		after.Last < before.Last {
		t.Errorf("before the failure %+v, after it %+v", before, after)
	}
	if n := b.counters(); n.Again != 1 || n.Changed+n.Unchanged != 0 {
		t.Errorf("the counters are %+v", n)
	}
}

// settleAs settles all that waits at a host with an outcome.
func (b *testJob) settleAs(h crawler.Host, o crawler.Outcome, found queue.Sighting) []queue.Taken {
	b.t.Helper()
	lease := b.open(h)
	taken, err := lease.Take(b.t.Context(), 500, 0)
	b.must(err)
	var done []queue.Settlement
	for _, t := range taken {
		s := queue.Settlement{Ticket: t.Ticket, Outcome: o, Page: found}
		s.Page.Entry = t.Entry
		if o == crawler.OutcomeFailed {
			s.Cause, s.Failed = "timeout", queue.Failed{Entry: t.Entry, Outcome: o}
		}
		done = append(done, s)
	}
	b.must(lease.Settle(b.t.Context(), done))
	b.close(lease, 0)
	return taken
}

func returnsFailed(t *testing.T, b *testJob) {
	b.admit(1, "http://a.test/1")
	for fetch := range 3 {
		taken := b.settleAs("a.test", crawler.OutcomeFailed, queue.Sighting{})
		state := b.trackedAt("a.test")["/1"]
		if len(taken) != 1 || taken[0].Entry.Page.Fetches != fetch || !state.Flags.Has(recrawl.Unseen) {
			t.Fatalf("fetch %d takes %+v, and leaves %+v", fetch+1, taken, state)
		}
		b.age("a.test", 90*24*time.Hour)
		b.again()
	}
	before := b.trackedAt("a.test")["/1"]
	lease := b.open("a.test")
	taken := b.takeAny(lease)
	if found := (queue.Sighting{Entry: taken[0].Entry, Found: true, Content: 7}); found.Change(2) != crawler.ChangeNew {
		t.Errorf("when it is found, the page is %q, want new", found.Change(2))
	}
	b.sighted(lease, same, taken...)
	b.close(lease, 0)
	state := b.trackedAt("a.test")["/1"]
	if state.Flags != 0 || state.Content != 7 || state.ChangesPerDay() <= before.ChangesPerDay() {
		t.Errorf("before it was found %+v, then %+v", before, state)
	}
	if n := b.counters(); n.Tracked != 1 || n.Again != 3 || n.Changed+n.Unchanged != 0 || n.Back != 0 {
		t.Errorf("the counters are %+v", n)
	}
	b.admit(1, "http://a.test/gone")
	b.settleAs("a.test", crawler.OutcomeGone, queue.Sighting{Gone: true})
	gone := b.trackedAt("a.test")["/gone"]
	page := queue.Tracked{State: string(gone.Append(nil))}
	again := queue.Sighting{Entry: queue.Entry{Page: page}, Gone: true}
	if gone.Flags != recrawl.Gone|recrawl.Unseen || again.Change(2) != crawler.ChangeUnchanged {
		t.Errorf("a page that was never there is %+v; when it is gone again, it is %q", gone, again.Change(2))
	}
}

func tracksOnce(t *testing.T, b *testJob) {
	b.admit(2, "http://a.test/1", "http://a.test/2")
	b.settleAs("a.test", crawler.OutcomeFailed, queue.Sighting{})
	failed, err := b.Failed(t.Context(), 10)
	b.must(err)
	if n, err := b.Retry(t.Context(), failed); err != nil || n != 2 {
		t.Fatalf("%d URLs are queued, %v", n, err)
	}
	b.age("a.test", 24*time.Hour)
	b.again() // they wait already
	if got := len(b.crawl("a.test", same)); got != 2 {
		t.Errorf("%d URLs were fetched again, want 2", got)
	}
	var named []queue.Entry
	b.must(b.EachTracked(t.Context(), func(e queue.Entry) error {
		named = append(named, e)
		return nil
	}))
	if len(named) != 2 || !named[0].Page.Known() {
		t.Fatalf("the pages are %+v", named)
	}
	plain := []queue.Entry{{URL: url(t, "http://a.test/1")}}
	for _, entries := range [][]queue.Entry{named, plain} {
		if n, err := b.Readmit(t.Context(), entries); err != nil || n != len(entries) {
			t.Fatalf("%d URLs are queued, %v", n, err)
		}
		b.age("a.test", 24*time.Hour)
		b.again()
		if got := len(b.crawl("a.test", same)); got != 2 { // the other one is due by itself
			t.Errorf("%d URLs were fetched again, want 2", got)
		}
	}
	if n := b.counters(); n.Tracked != 2 || n.Back != 0 {
		t.Errorf("%d pages are tracked, %d wait to be fetched again", n.Tracked, n.Back)
	}
}

func keepsPace(t *testing.T, b *testJob) {
	b.admit(2, "http://a.test/feed", "http://a.test/other")
	lease := b.open("a.test")
	for _, taken := range b.takeAny(lease) {
		s := queue.Sighting{Entry: taken.Entry, Found: true, Content: 7}
		if taken.Entry.URL.Path() == "/feed" {
			s.Keeps = 24 * time.Hour
		}
		b.must(lease.Settle(t.Context(), []queue.Settlement{{Ticket: taken.Ticket, Outcome: crawler.OutcomeFetched,
			Page: s}}))
	}
	b.close(lease, 0)
	b.age("a.test", 23*time.Hour)
	b.again()
	b.settleAs("a.test", crawler.OutcomeNotModified, queue.Sighting{Same: true})
	if states := b.trackedAt("a.test"); states["/feed"].Kept() != 24*time.Hour || states["/other"].Kept() != 0 {
		t.Errorf("the states are %+v", states)
	}
	b.age("a.test", 2*time.Hour)
	b.again()
	taken := b.settleAs("a.test", crawler.OutcomeNotModified, queue.Sighting{Same: true})
	if got := fmt.Sprint(urlsOf(taken)); !strings.Contains(got, "/feed") {
		t.Errorf("after a day, %s are fetched", got)
	}
	if kept := b.trackedAt("a.test")["/feed"].Kept(); kept != 24*time.Hour {
		t.Errorf("the feed was not modified, and stays as it is for %v", kept)
	}
	b.age("a.test", 25*time.Hour)
	b.again()
	b.crawl("a.test", same) // it says nothing of itself any more
	if kept := b.trackedAt("a.test")["/feed"].Kept(); kept != 0 {
		t.Errorf("the feed stays as it is for %v", kept)
	}
}

func countsLinks(t *testing.T, b *testJob) {
	b.admit(2, "http://a.test/linked", "http://a.test/other")
	b.crawl("a.test", same)
	before := b.trackedAt("a.test")
	var links []queue.Entry
	for i := range 200 {
		links = append(links,
			queue.Entry{URL: url(t, "http://a.test/linked"), Referrer: url(t, fmt.Sprintf("http://h%d.test/", i)), Depth: 1},
			queue.Entry{URL: url(t, "http://a.test/other"), Referrer: url(t, fmt.Sprintf("http://a.test/menu/%d", i)), Depth: 1})
	}
	for range 2 { // the same links again change nothing
		_, err := b.Admit(t.Context(), links)
		b.must(err)
		_, err = b.otherProcess().Admit(t.Context(), links)
		b.must(err)
		b.age("a.test", 24*time.Hour)
		b.again()
		b.crawl("a.test", same)
		after := b.trackedAt("a.test")
		if w := after["/linked"].Weight(); w < 2.5 || w > 4.6 || after["/other"].Weight() != before["/other"].Weight() {
			t.Errorf("a page that 200 hosts link to has the importance %.2f, another one %.2f", w, after["/other"].Weight())
		}
	}
}

func returnsNoWorthless(t *testing.T, b *testJob) {
	b.admit(2, "http://a.test/1", "http://a.test/worthless")
	b.crawl("a.test", same)
	b.age("a.test", 300*24*time.Hour)
	b.again()
	b.take(b.open("a.test"), 9, "http://a.test/1")
}

func returnsFromManyBlocks(t *testing.T, b *testJob) {
	const pages = 1100
	var urls []string
	for i := range pages {
		urls = append(urls, fmt.Sprintf("http://a.test/page/%d", i))
	}
	b.admit(pages, urls...)
	b.crawl("a.test", same)
	if got := len(b.blocks("a.test")); got != 3 {
		t.Errorf("%d pages are in %d blocks, want 3", pages, got)
	}
	b.age("a.test", time.Hour)
	for b.counters().Waiting < min(pages, leastBack) {
		b.again()
	}
	taken := b.crawl("a.test", same)
	got := urlsOf(taken)
	slices.Sort(got)
	if len(slices.Compact(got)) < leastBack {
		t.Errorf("%d pages were fetched again, want at least %d", len(got), leastBack)
	}
	for _, one := range taken {
		if one.Entry.URL.String() != urls[one.Entry.Page.Block*511+one.Entry.Page.At] {
			t.Fatalf("%s has the place %d of block %d", one.Entry.URL, one.Entry.Page.At, one.Entry.Page.Block)
		}
	}
}

func packsBlocks(t *testing.T, b *testJob) {
	var urls []string
	const packed = 32
	for i := range packed + 8 {
		urls = append(urls, fmt.Sprintf("http://a.test/docs/chapter/%d.html", i*7919%1000))
	}
	b.admit(packed, urls[:packed]...)
	b.crawl("a.test", same)
	before := len(b.blocks("a.test")[0].packed)
	b.age("a.test", 0)
	b.again()
	if after := len(b.blocks("a.test")[0].packed); after >= before {
		t.Errorf("a block of %d bytes has %d after it was packed", before, after)
	}
	b.admit(8, urls[packed:]...)
	b.crawl("a.test", same)
	blk := b.blocks("a.test")[0]
	b.must(blk.decode())
	if blk.plain != 8 || len(blk.names) != len(urls) {
		t.Fatalf("%d names, %d of them not packed", len(blk.names), blk.plain)
	}
	for i, u := range urls {
		if e, err := blk.entry(i); err != nil || e.URL.String() != u {
			t.Errorf("name %d is that of %v, %v; want %s", i, e.URL, err, u)
		}
	}
}

func returnsLostPages(t *testing.T, b *testJob) {
	b.admit(1, "http://a.test/1")
	settle := func(content uint32) {
		t.Helper()
		lease := b.open("a.test")
		taken := b.takeAny(lease)
		b.must(lease.Settle(t.Context(), []queue.Settlement{{Ticket: taken[0].Ticket, Outcome: crawler.OutcomeFetched,
			Segment: "w1", Page: queue.Sighting{Entry: taken[0].Entry, Found: true, Content: content}}}))
		b.close(lease, 0)
		b.expireSegments("w1")
		b.reclaim(1)
	}
	settle(1)
	if n := b.counters(); n.Tracked != 1 || n.Back != 1 || n.Waiting != 1 {
		t.Fatalf("when its first record was lost, the counters are %+v", n)
	}
	b.age("a.test", 0)
	b.again() // it waits already
	b.crawl("a.test", same)
	if n := b.counters(); n.Tracked != 1 || n.Waiting != 0 || n.Outcomes[crawler.OutcomeFetched] != 1 {
		t.Fatalf("after it was fetched again, the counters are %+v", n)
	}
	b.age("a.test", time.Hour)
	before := b.trackedAt("a.test")
	b.again()
	settle(99)
	if diff := cmp.Diff(before, b.trackedAt("a.test")); diff != "" {
		t.Errorf("when a later record was lost (-before +after):\n%s", diff)
	}
	if got := b.crawl("a.test", same); len(got) != 1 || got[0].Entry.Page.Fetches != 1 {
		t.Errorf("fetched again: %+v", got)
	}
}

func returnsSweptPages(t *testing.T, b *testJob) {
	b.admit(1, "http://a.test/1")
	b.crawl("a.test", same)
	b.age("a.test", time.Hour)
	b.again()
	b.takeAny(b.open("a.test"))
	b.must(b.Abandon(t.Context()))
	b.age("a.test", time.Hour)
	b.again()
	taken := b.crawl("a.test", same)
	if len(taken) != 1 || taken[0].Entry.Lost != 1 || !taken[0].Entry.Page.Known() {
		t.Errorf("after the visit was lost, it takes %+v", taken)
	}
	if n := b.counters(); n.Back != 0 || n.Tracked != 1 {
		t.Errorf("the counters are %+v", n)
	}
}

func tracksNothingWhenStale(t *testing.T, b *testJob) {
	b.admit(1, "http://a.test/1")
	lease := b.open("a.test")
	taken := b.takeAny(lease)
	b.must(b.Abandon(t.Context()))
	err := lease.Settle(t.Context(), []queue.Settlement{{Ticket: taken[0].Ticket, Outcome: crawler.OutcomeFetched,
		Page: queue.Sighting{Entry: taken[0].Entry, Found: true}}})
	if !errors.Is(err, queue.ErrStale) {
		t.Errorf("it settles with %v, want %v", err, queue.ErrStale)
	}
	if n := b.counters(); n.Tracked != 0 {
		t.Errorf("%d pages are tracked", n.Tracked)
	}
}

func returnsSignalled(t *testing.T, b *testJob) {
	b.admit(3, "http://a.test/1", "http://a.test/2", "http://b.test/")
	b.crawl("a.test", same)
	b.crawl("b.test", same)
	b.age("a.test", 20*time.Minute)
	// A threshold that no page passes by itself.
	b.setThreshold(recrawl.Threshold{Value: 1e6, Again: 1e9, New: 1e9})
	unknown, err := b.Changed(t.Context(), []crawler.URL{
		url(t, "http://a.test/2"), url(t, "http://a.test/3"), url(t, "http://c.test/"),
	}, 1)
	b.must(err)
	if diff := cmp.Diff([]string{"http://a.test/3", "http://c.test/"}, texts(unknown)); diff != "" {
		t.Errorf("unknown URLs (-want +got):\n%s", diff)
	}
	b.again()
	b.take(b.open("a.test"), 9, "http://a.test/2")
}

func texts(urls []crawler.URL) (all []string) {
	for _, u := range urls {
		all = append(all, u.String())
	}
	return all
}

// setThreshold stores a threshold with the job, and reads it.
func (b *testJob) setThreshold(threshold recrawl.Threshold) {
	b.t.Helper()
	b.must(b.rdb.HSet(b.t.Context(), jobBase(b.job.Name)+nameJob, "threshold", threshold.Append(nil)).Err())
	_, err := b.store.Status(b.t.Context(), b.job.Name)
	b.must(err)
}

func rationsVisits(t *testing.T, b *testJob) {
	b.admit(5, "http://a.test/1", "http://a.test/2", "http://a.test/3", "http://a.test/4", "http://a.test/5")
	b.setThreshold(recrawl.Threshold{New: 48}) // two an hour
	lease := b.open("a.test")
	taken := b.take(lease, 5, "http://a.test/1", "http://a.test/2")
	b.sighted(lease, same, taken...)
	var rationed *queue.Rationed
	if got, err := lease.Take(t.Context(), 5, 0); !errors.As(err, &rationed) || len(got) > 0 {
		t.Fatalf("took %v, %v; want a ration that is used up", urlsOf(got), err)
	}
	if rationed.Wait < 20*time.Minute || rationed.Wait > time.Hour {
		t.Errorf("the host waits for %v, want about half an hour", rationed.Wait)
	}
	b.close(lease, 0)
	if sum, err := b.spentToday(t.Context(), time.Now()); err != nil || sum != 2 {
		t.Errorf("%d were spent today, %v; want 2", sum, err)
	}
}

func keepsPromises(t *testing.T, b *testJob) {
	b.admit(4, "http://a.test/1", "http://a.test/2", "http://b.test/1", "http://b.test/2")
	b.setThreshold(recrawl.Threshold{New: 24}) // one an hour
	lease := b.open("a.test")
	b.sighted(lease, same, b.take(lease, 5, "http://a.test/1")...)
	var rationed *queue.Rationed
	if _, err := lease.Take(t.Context(), 5, 0); !errors.As(err, &rationed) {
		t.Fatalf("the budget is used up, and the error is %v", err)
	}
	b.close(lease, 0)
	b.passRation(time.Hour) // one more may be fetched
	late := b.open("b.test")
	if _, err := late.Take(t.Context(), 5, 0); !errors.As(err, &rationed) {
		t.Errorf("a host that comes later gets what another one was promised: %v", err)
	}
	b.close(late, 0)
	again := b.open("a.test")
	b.take(again, 5, "http://a.test/2")
	b.close(again, 0)
	b.passRation(time.Hour)
	b.take(b.open("b.test"), 5, "http://b.test/1")
}

// With a budget of a few URLs a day, no visit may ask for hours. What is due then need not wait for the
// time that has passed already.
func savesUpForOne(t *testing.T, b *testJob) {
	b.admit(2, "http://a.test/1", "http://a.test/2")
	b.setThreshold(recrawl.Threshold{New: 6}) // one in four hours
	var rationed *queue.Rationed
	early := b.open("a.test")
	if got, err := early.Take(t.Context(), 5, 0); !errors.As(err, &rationed) {
		t.Fatalf("took %v, %v in the first hour", urlsOf(got), err)
	}
	b.close(early, 0)
	b.passRation(5 * time.Hour)
	late := b.open("a.test")
	b.take(late, 5, "http://a.test/1")
	b.close(late, 0)
}

// passRation lets time pass for the budget.
func (b *testJob) passRation(by time.Duration) {
	b.t.Helper()
	key := jobBase(b.job.Name) + nameRation
	for _, field := range []string{"at", "line:low", "line:others"} {
		b.must(b.rdb.HIncrBy(b.t.Context(), key, field, -by.Milliseconds()).Err())
	}
	for _, h := range []crawler.Host{"a.test", "b.test"} {
		text := b.rdb.HGet(b.t.Context(), b.baseOf(h)+nameHost+string(h), fieldPromise).Val()
		if which, since, ok := strings.Cut(text, " "); ok {
			b.must(b.rdb.HSet(b.t.Context(), b.baseOf(h)+nameHost+string(h), fieldPromise,
				fmt.Sprintf("%s %d", which, number(since)-by.Milliseconds())).Err())
		}
	}
}

func rationsBands(t *testing.T, b *testJob) {
	b.admit(3, "http://a.test/1", "http://a.test/2", "http://a.test/3")
	b.crawl("a.test", same)
	b.age("a.test", time.Hour)
	b.again()
	b.admit(2, "http://a.test/new/1", "http://a.test/new/2")
	b.must(b.rdb.Del(t.Context(), jobBase(b.job.Name)+nameRation).Err())
	b.setThreshold(recrawl.Threshold{New: 24, Again: 48})
	got := b.takeN(b.open("a.test"), 9)
	if len(got) != 3 || got[0] != "http://a.test/new/1" || slices.Contains(got, "http://a.test/new/2") {
		t.Errorf("took %v, want one new URL and two of the others", got)
	}
}

func (b *testJob) takeN(lease visit.HostLease, n int) []string {
	b.t.Helper()
	taken, err := lease.Take(b.t.Context(), n, 0)
	b.must(err)
	return urlsOf(taken)
}

func steersInTurn(t *testing.T, b *testJob) {
	b.admit(1, "http://a.test/1")
	b.crawl("a.test", same)
	for range 3 {
		b.must(b.otherProcess().Steer(t.Context()))
	}
	first := b.rdb.HGet(t.Context(), jobBase(b.job.Name)+nameJob, "threshold").Val()
	threshold, err := recrawl.ParseThreshold([]byte(first))
	b.must(err)
	if !(threshold.Again > 0) || !(threshold.New > 0) {
		t.Errorf("after the first step, %+v", threshold)
	}
	b.must(b.rdb.HSet(t.Context(), jobBase(b.job.Name)+nameJob, "steered", 1).Err())
	b.must(b.otherProcess().Steer(t.Context()))
	if at := b.rdb.HGet(t.Context(), jobBase(b.job.Name)+nameJob, "steered").Val(); at == "1" {
		t.Error("a minute later, there was no step")
	}
	b.must(b.rdb.HSet(t.Context(), jobBase(b.job.Name)+nameJob, "threshold", "no threshold", "steered", 1).Err())
	b.must(b.otherProcess().Steer(t.Context()))
	if _, err := recrawl.ParseThreshold([]byte(b.rdb.HGet(t.Context(), jobBase(b.job.Name)+nameJob,
		"threshold").Val())); err != nil {
		t.Errorf("a threshold that cannot be read is still there: %v", err)
	}
}

func tellsFreshness(t *testing.T, b *testJob) {
	b.admit(2, "http://a.test/1", "http://b.test/")
	b.crawl("a.test", same)
	b.crawl("b.test", same)
	b.age("a.test", 24*time.Hour)
	b.must(b.Steer(t.Context()))
	status, err := b.store.Status(t.Context(), b.job.Name)
	b.must(err)
	f := status.Freshness
	if f == nil {
		t.Fatal("there are no figures")
	}
	age := f.At.Sub(f.Oldest)
	if f.Pages != 2 || !(f.UpToDate > 0.8 && f.UpToDate < 1) || age < 24*time.Hour || age > 25*time.Hour ||
		f.Budget != 1e8 || f.Used != 2 || !(f.Enough > 0) || f.Next.IsZero() {
		t.Errorf("the figures are %+v, and the oldest page is %v old", *f, age)
	}
}

func setsTrackedAside(t *testing.T, b *testJob) {
	b.admit(1, "http://a.test/1")
	b.crawl("a.test", same)
	base := b.baseOf("a.test")
	for _, name := range []string{namePaths + "0:a.test", namePriors + "a.test"} {
		b.must(b.rdb.Del(t.Context(), base+name).Err())
		b.must(b.rdb.LPush(t.Context(), base+name, "garbage").Err())
	}
	b.admit(1, "http://a.test/2")
	b.crawl("a.test", same)
	if n := b.counters(); n.Garbage == 0 {
		t.Error("no garbage is counted")
	}
	b.admit(1, "http://b.test/")
	b.crawl("b.test", same)
	b.age("b.test", time.Hour)
	b.again()
	b.take(b.open("b.test"), 9, "http://b.test/")
}

func reportsBrokenBlocks(t *testing.T, b *testJob) {
	b.admit(2, "http://a.test/1", "http://b.test/1")
	b.crawl("a.test", same)
	b.crawl("b.test", same)
	b.must(b.rdb.Append(t.Context(), b.baseOf("a.test")+namePaths+"0:a.test",
		string(pathblock.Append(nil, "/more\x00\x00\x00"))).Err())
	b.age("a.test", time.Hour)
	b.age("b.test", time.Hour)
	if _, err := b.Again(t.Context(), b.counters()); err == nil || !strings.Contains(err.Error(),
		"block 0 of host a.test has 2 names for 1 pages") {
		t.Errorf("it returns %v", err)
	}
	b.take(b.open("b.test"), 9, "http://b.test/1")
}

func removesTracked(t *testing.T, b *testJob) {
	b.admit(1, "http://a.test/1")
	b.crawl("a.test", same)
	b.must(b.store.Remove(t.Context(), b.job.Name))
	for _, key := range b.keys() {
		t.Errorf("the key %s is left", key)
	}
}

// TestTheCostOfATrackedPage measures the memory of Redis for each tracked page, as MEMORY USAGE has
// it, of hosts with hundreds of pages and of smaller ones. It is skipped as [TestTheCostOfAURL] is.
// With TRAWL_BENCH=10m, there are ten million pages of the first kind, which takes some ten minutes.
func TestTheCostOfATrackedPage(t *testing.T) {
	hosts, ok := map[string]int{"1": 200, "10m": 20_000}[os.Getenv("TRAWL_BENCH")]
	if !ok {
		t.Skip("the test fills a Redis with many pages: run make memory")
	}
	const target = 24
	for _, c := range []struct{ hosts, pages int }{{hosts, 500}, {300, 300}, {500, 100}, {3000, 1}} {
		b := newContinuousJob(t, privateRedis(t), 1)
		b.setThreshold(recrawl.Threshold{Value: 1e12, Again: 1e12, New: 1e12})
		for i := range c.hosts {
			host := fmt.Sprintf("host%d.test", i)
			urls := make([]string, c.pages)
			for p := range urls {
				urls[p] = fmt.Sprintf("https://%s/docs/%s/%s-%d.html", host, words[p*7%len(words)], words[(p*13+i)%len(words)],
					(p*7919+i)%100_000)
			}
			b.admit(c.pages, urls...)
			b.crawl(crawler.Host(host), same)
			b.age(crawler.Host(host), 0)
		}
		for range c.hosts/againBatch + 1 {
			b.again()
		}
		sum := int64(0)
		for _, key := range b.keys() {
			if strings.Contains(key, namePaths) || strings.Contains(key, nameStates) || strings.Contains(key, nameReturns) ||
				strings.Contains(key, namePriors) {
				sum += b.rdb.MemoryUsage(t.Context(), key, 0).Val()
			}
		}
		each := float64(sum) / float64(c.hosts*c.pages)
		t.Logf("%d hosts with %d pages: %.1f bytes a page", c.hosts, c.pages, each)
		if c.pages == 500 && each > target {
			t.Errorf("a page takes %.1f bytes, want at most %d", each, target)
		}
	}
}

var words = strings.Fields(`crawler frontier host visit robots sink segment ledger archive index scope seed depth band
	lease epoch redirect record outbox worker scheduler runner shard gate settle sweep arm admit place entry flight due`)

// While nothing is fetched or found, a step every ten minutes is enough.
func steersWhenSomethingHappened(t *testing.T, b *testJob) {
	b.admit(2, "http://a.test/1", "http://a.test/2")
	b.crawl("a.test", same)
	job := jobBase(b.job.Name) + nameJob
	step := func() (stepped bool) {
		t.Helper()
		b.must(b.rdb.HSet(t.Context(), job, "steered", 1, "freshness", "").Err())
		b.must(b.Steer(t.Context()))
		return b.rdb.HGet(t.Context(), job, "freshness").Val() != ""
	}
	if !step() {
		t.Fatal("the first time, there was no step")
	}
	if step() {
		t.Error("there was a step although nothing had happened")
	}
	b.admit(1, "http://a.test/3")
	if !step() {
		t.Error("there was no step after a page was found")
	}
	b.must(b.rdb.HSet(t.Context(), job, "threshold", "").Err())
	if !step() {
		t.Error("there was no step although Redis had lost the threshold")
	}
	last := *b.live.steered.Load()
	last.at = last.at.Add(-quietSteer)
	b.live.steered.Store(&last)
	if !step() {
		t.Error("there was no step after ten minutes")
	}
}
