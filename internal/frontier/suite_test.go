package frontier

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/redisconn"
	"github.com/trawlcrawler/trawl/internal/rules"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/visit"
)

// concurrent lists the tests of suites that call the frontier from several goroutines. They run
// against the built-in Redis with the race detector, too.
var concurrent = []string{
	"if many admit a URL at once, it is new to one of them",
	"concurrent arming does not exceed the limit of visits",
	"a large segment is put back once by concurrent callers",
	"a job never reserves more money than it may spend",
	"one of many visits that open at once holds it",
	"visits that open and end at the same time do not mix",
	"URLs are sealed while others are taken",
	"blocks are spilled while URLs are taken",
	"fingerprints are spilled while URLs are admitted",
}

// onEach runs a test of a suite against a real Redis and the built-in one.
func onEach(t *testing.T, name string, test func(t *testing.T, url string)) {
	t.Helper()
	if slices.Contains(concurrent, name) {
		redistest.Both(t, test)
	} else {
		redistest.Sampled(t, test)
	}
}

// TestFrontier tests a frontier on every kind of Redis: a real server, the built-in Redis, and a
// Cluster.
func TestFrontier(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		test func(t *testing.T, b *testJob)
	}{
		{"a URL is admitted once, even if it is found repeatedly", admittedOnce},
		{"a job that is created again does not know the URLs of its predecessor", seenByAnother},
		{"if many admit a URL at once, it is new to one of them", admittedByMany},
		{"links to many hosts, in several shards, wait in the queues of their hosts", admittedToMany},
		{"an idle host becomes due; a host with a visit does not", wokenWhenIdle},
		{"a task opens one visit", opensOnce},
		{"visits that open and end at the same time do not mix", opensTogether},
		{"no epoch is used twice after Redis lost its last writes", epochsAreNotRepeated},
		{"concurrent arming does not exceed the limit of visits", armsTogether},
		{"each shard has its turn, whatever the number of visits", armsEachShard},
		{"every shard has its turn when the limit of visits is small", armsInTurn},
		{"a visit takes its first URLs when it opens, as many as its time allows", takesAtOnce},
		{"a visit with a budget, or at a host with rules or failures, takes no URLs when it opens",
			takesNothingAtOnce},
		{"a visit whose opening got no answer is opened again with the same URLs", opensAgain},
		{"the first URLs of a visit return to the queue when it closes", returnsFirstURLs},
		{"a visit ends with its last URL", finishes},
		{"a visit does not end with a URL while others wait", finishesNotEarly},
		{"a swept visit does not end a second time", finishesNotLate},
		{"only the URLs of a batch that are in flight are settled", settlesInPart},
		{"seeds are taken before links, and links in order of arrival", takenInOrder},
		{"settled URLs are counted and do not return", settledAndCounted},
		{"a URL to be retried waits for its pause and comes first", retriedLater},
		{"the target of a redirect is put in flight unless it was seen", claimed},
		{"a visit that closes returns its unsettled URLs, in order", closedInOrder},
		{"a host rests after a visit for the given time", restsAfterVisit},
		{"a visit that shows no sign of life is swept, and its late calls are refused", sweptWhenSilent},
		{"after a broken visit, the host rests for the gap of the last renewal", sweptWithItsGap},
		{"a visit that shows signs of life is not swept", renewed},
		{"a visit learns that the fleet is short of places", learnsOfShortage},
		{"a visit that is never opened is swept, and its task is stale", sweptWhenNeverOpened},
		{"visits of workers that are known to be lost end at once", abandoned},
		{"an entry counts the workers that were lost with it", losesWorkers},
		{"URLs of a lost visit are taken one by one, after those before them", takenAlone},
		{"the job is idle exactly when nothing is left to do", idleAtTheEnd},
		{"pages promised and fetched never exceed the budget", keepsBudget},
		{"pages that Redis lost in a failover do not count against the budget", chargesWhatIsKnown},
		{"no ticket is used twice after a failover", numbersTickets},
		{"a broken visit returns its promised pages to the budget, but not its fetched ones", breaksWithBudget},
		{"hosts of a domain share its budget, whatever their shards", sharesDomainBudget},
		{"a broken visit returns the promised pages of its domain", breaksWithDomainBudget},
		{"a visit with a garbled epoch is broken, and its host is visited again", breaksWithGarbage},
		{"the failures of a host are stored, and reset when it is forgiven", remembersConsecutiveFailures},
		{"of two changes to the rules of a host at once, none is lost", losesNoRules},
		{"how long the responses of a host took is stored", remembersLatency},
		{"a paused host is not due, and the job is not idle", pausesHost},
		{"changed rules of a host reach its open visit", reachesVisit},
		{"hosts are listed by their next event", listsHosts},
		{"URLs that are the same page to the job are admitted once", samePages},
		{"hosts that share an address are visited one at a time", sharesAddress},
		{"a visit without requests does not change the rest of its address", keepsAddressOfIdleVisit},
		{"an address is free again after a broken visit", freesAddress},
		{"a retried URL keeps its band", triedAgainInItsBand},
		{"hosts with urgent URLs come first", urgentHostsFirst},
		{"visits are recalled, those with the most fetched pages first", recallsVisits},
		{"the last fifty failures are listed", namesFailures},
		{"URLs that failed are queued again, once, and counted back", retriesFailed},
		{"the number of remembered failures of a cause is limited", boundsFailed},
		{"failures whose record is on its way are not queued again", keepsUnshippedFailures},
		{"a URL is found in every state", findsURLs},
		{"copies of a page are recognised within its host", recognisesCopies},
		{"near duplicates are found, within a host and in the job", tellsNearDuplicates},
		{"later visits find near duplicates of the pages of earlier visits", tellsNearDuplicatesInLaterVisits},
		{"a partly stored page is compared again", remembersTheRestLater},
		{"the number of stored sketches of a host is limited", limitsSketches},
		{"the number of stored bands of a job is limited", limitsBands},
		{"garbled sketches are removed", forgetsGarbledSketches},
		{"the origin of a job is stored", keepsOrigins},
		{"hosts and ports that are opened for a job are stored", keepsWhatIsOpened},
		{"places of pages are stored, with their number", keepsPlaces},
		{"live processes are listed", listsProcesses},
		{"live processes are listed with their loads", listsMembers},
		{"the first URLs of a host are listed", listsQueued},
		{"silent processes are removed", forgetsProcesses},
		{"the time at which the first host is due is known", tellsWhenHostsAreDue},
		{"what rendering has taught is shared by the fleet", sharesLessons},
		{"the number of stored lessons of a host is limited", limitsLessons},
		{"requests of pages to hosts without a visit take turns", givesGuestsTurns},
		{"a host without a visit is left alone by all", letsHostsOfGuestsRest},
		{"jobs share the turns at hosts without a visit", sharesTurnsOfGuestsBetweenJobs},
		{"a garbled turn at a host without a visit is replaced", replacesGarbledTurnsOfGuests},
		{"the number of stored contents of a host is limited", limitsContents},
		{"URLs are settled for good when their segment is shipped", shipsSegments},
		{"the URLs of a lost segment return, first and in order, and are not counted", reclaimsLost},
		{"a large segment is put back once by concurrent callers", reclaimsMany},
		{"lost pages return to the budget once", refundsBudget},
		{"a job never reserves more money than it may spend", spendsWithin},
		{"if the disk is enough, pages in lost segments count", countsOnDisk},
		{"segments of a worker that is known to be lost return at once", forfeitsAtOnce},
		{"the seen and the waiting URLs of a job are listed", listsSeen},
		{"URLs that are settled wait again, and those that are forgotten can be found again", bringsAgain},
		{"the counters are set to those of the output", recounts},
		{"seen stays exact while its buckets are split", exactWhileGrowing},
		{"what lies deep in a queue is sealed, and taken in order", sealsWhatIsDeep},
		{"URLs are sealed while others are taken", sealsWhileTaken},
		{"a sealed block that cannot be read is recorded", setsSealedGarbageAside},
		{"sealed URLs are counted again after a host's record was garbage", recountsSealed},
		{"a budget is exact where URLs are sealed", keepsBudgetWithSealed},
		{"what was spilled comes back in order", spillsWhatIsDeep},
		{"the hosts with the most waiting URLs are spilled first", spillsTheDeepestFirst},
		{"the first blocks of a host with a visit stay", keepsBlocksOfVisits},
		{"a process that dies while it spills loses nothing", losesNothingWhileSpilling},
		{"a host waits while its spilled URLs cannot be read", waitsForSpilled},
		{"blocks are spilled while URLs are taken", spillsWhileTaken},
		{"a repeated call spills nothing twice", repeatsSpilling},
		{"spilled URLs are counted again after a host's record was garbage", recountsSpilled},
		{"objects of a removed job are removed", sweepsRemoved},
		{"seen stays exact while its buckets are spilled, merged and divided", exactWhileSpilled},
		{"a URL that only looks like a spilled one is admitted", admitsLookalikes},
		{"URLs are claimed, found and listed where seen is spilled", knowsSpilled},
		{"spilled URLs wait again, and those that are forgotten can be found again", bringsSpilledAgain},
		{"a process that dies while it spills seen loses nothing", losesNothingWhileSpillingSeen},
		{"URLs wait to be admitted while spilled fingerprints cannot be read", waitsForSpilledSeen},
		{"fingerprints are spilled while URLs are admitted", spillsWhileAdmitted},
		{"a bucket that has changed since it was read is not spilled", sparesChangedBuckets},
		{"an idle host is folded, and unfolded with its next URL", foldsIdleHosts},
		{"a host that failed is folded, and unfolded with its failures", foldsFailedHosts},
		{"a host with rules, traps or a long name is not folded", foldsNothingUnusual},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, shards := range []int{1, 4} {
				t.Run(fmt.Sprintf("%d shards", shards), func(t *testing.T) {
					t.Parallel()
					onEach(t, c.name, func(t *testing.T, url string) { c.test(t, newTestJob(t, url, shards)) })
					if shards > 1 {
						t.Run("cluster", func(t *testing.T) { c.test(t, newClusterJob(t, shards)) })
					}
				})
			}
		})
	}
}

// testJob is a job with its frontier and store, with methods that fail the test on errors.
type testJob struct {
	*Frontier
	t     testing.TB
	store *Store
	rdb   redis.UniversalClient
	out   map[crawler.Host]queue.VisitRef // armed, but not yet opened
}

func newTestJob(t testing.TB, url string, shards int) *testJob {
	t.Helper()
	rdb := connect(t, url)
	job := crawler.DefaultJob()
	job.Name, job.Shards = redistest.Name(t), shards
	job.Politeness = crawler.PolitenessJob // tests in the same Redis use the same host names
	store := New(rdb)
	if err := store.Create(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	return &testJob{store.Frontier(job), t, store, rdb, make(map[crawler.Host]queue.VisitRef)}
}

// otherProcess returns a frontier of the same job, with the state of another process.
func (b *testJob) otherProcess() *Frontier {
	return New(b.rdb).Frontier(b.job)
}

func url(t testing.TB, s string) crawler.URL {
	t.Helper()
	u, err := crawler.ParseURL(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func (b *testJob) entries(band queue.Band, urls ...string) []queue.Entry {
	b.t.Helper()
	all := make([]queue.Entry, len(urls))
	for i, u := range urls {
		all[i] = queue.Entry{URL: url(b.t, u), Band: band}
	}
	return all
}

func (b *testJob) admit(want int, urls ...string) {
	b.t.Helper()
	b.admitBand(queue.BandNormal, want, urls...)
}

func (b *testJob) admitBand(band queue.Band, want int, urls ...string) {
	b.t.Helper()
	got, err := b.Admit(b.t.Context(), b.entries(band, urls...))
	if err != nil {
		b.t.Fatal(err)
	}
	if got != want {
		b.t.Fatalf("admitted %d of %v as new, want %d", got, urls, want)
	}
}

func (b *testJob) arm() []queue.VisitRef {
	b.t.Helper()
	orders, err := b.Arm(b.t.Context(), 1000)
	if err != nil {
		b.t.Fatal(err)
	}
	return orders
}

// armed waits until the host is due and arms it.
func (b *testJob) armed(h crawler.Host) queue.VisitRef {
	b.t.Helper()
	for {
		for _, o := range b.arm() {
			b.out[o.Host] = o
		}
		if o, ok := b.out[h]; ok {
			delete(b.out, h)
			return o
		}
		if err := b.t.Context().Err(); err != nil {
			b.t.Fatal(err)
		}
	}
}

func (b *testJob) open(h crawler.Host) visit.HostLease {
	b.t.Helper()
	lease, err := b.Open(b.t.Context(), b.armed(h), "tester", visit.Want{})
	if err != nil {
		b.t.Fatal(err)
	}
	return lease
}

func (b *testJob) take(lease visit.HostLease, n int, want ...string) []queue.Taken {
	b.t.Helper()
	taken, err := lease.Take(b.t.Context(), n, 0)
	if err != nil {
		b.t.Fatal(err)
	}
	if diff := cmp.Diff(want, urlsOf(taken)); diff != "" {
		b.t.Fatalf("took (-want +got):\n%s", diff)
	}
	return taken
}

// takeAny takes any URL.
func (b *testJob) takeAny(lease visit.HostLease) []queue.Taken {
	b.t.Helper()
	taken, err := lease.Take(b.t.Context(), 1, 0)
	if err != nil {
		b.t.Fatal(err)
	}
	return taken
}

func urlsOf(taken []queue.Taken) []string {
	var urls []string
	for _, t := range taken {
		urls = append(urls, t.Entry.URL.String())
	}
	return urls
}

func (b *testJob) settle(lease visit.HostLease, o crawler.Outcome, taken ...queue.Taken) {
	b.t.Helper()
	var done []queue.Settlement
	for _, t := range taken {
		done = append(done, queue.Settlement{Ticket: t.Ticket, Outcome: o, Bytes: 10})
	}
	if err := lease.Settle(b.t.Context(), done); err != nil {
		b.t.Fatal(err)
	}
}

func (b *testJob) close(lease visit.HostLease, wait time.Duration) {
	b.t.Helper()
	if err := lease.Close(b.t.Context(), queue.Rest{Wait: wait}); err != nil {
		b.t.Fatal(err)
	}
}

func (b *testJob) counters() crawler.Counters {
	b.t.Helper()
	c, err := b.Counters(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

// sweepUntil sweeps until n visits are broken.
func (b *testJob) sweepUntil(n int) {
	b.t.Helper()
	for broken := 0; broken < n; {
		more, err := b.Sweep(b.t.Context(), 0)
		if err != nil {
			b.t.Fatal(err)
		}
		broken += more
	}
}

func samePages(t *testing.T, b *testJob) {
	job := b.Job()
	job.Name = "s" + job.Name[1:]
	job.Same = []string{rules.SameWWW, rules.SameTracking, rules.SameSlash}
	if err := b.store.Create(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	same := &testJob{b.store.Frontier(job), t, b.store, b.rdb, b.out}
	same.admit(2, "http://www.a.test/p/", "http://a.test/p?utm_source=x", "http://a.test/p", "http://a.test/p?q")
	same.admit(0, "http://www.a.test/p?q&gclid=1")
	same.admit(1, "https://a.test/p")
	same.take(same.open("www.a.test"), 9, "http://www.a.test/p/")
	same.take(same.open("a.test"), 9, "http://a.test/p?q", "https://a.test/p")
}

func admittedOnce(t *testing.T, b *testJob) {
	b.admit(2, "http://a.test/1", "http://a.test/2", "http://a.test/1")
	b.admit(1, "http://a.test/1", "http://a.test/3")
	fresh, err := b.otherProcess().Admit(t.Context(), b.entries(0, "http://a.test/3", "http://a.test/4"))
	if err != nil || fresh != 1 {
		t.Fatalf("another process admitted %d as new, %v; want 1", fresh, err)
	}
	want := crawler.Counters{Seen: 4, Waiting: 4, Hosts: 1, Due: 1, Ready: 1, Outcomes: map[crawler.Outcome]int64{}}
	if diff := cmp.Diff(want, b.counters()); diff != "" {
		t.Errorf("counters (-want +got):\n%s", diff)
	}
}

func admittedByMany(t *testing.T, b *testJob) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	fresh := 0
	for range 8 {
		other := b.otherProcess()
		wg.Go(func() {
			for page := range 20 {
				n, err := other.Admit(context.Background(),
					b.entries(0, fmt.Sprintf("http://h%d.test/%d", page%3, page)))
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				fresh += n
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if fresh != 20 {
		t.Errorf("8 callers that admit the same 20 URLs: %d are new, want 20", fresh)
	}
}

func admittedToMany(t *testing.T, b *testJob) {
	var urls []string
	for i := range 1200 {
		urls = append(urls, fmt.Sprintf("https://h%d.test/%d", i%40, i))
	}
	b.admit(1200, urls...)
	orders := b.arm()
	if len(orders) != 40 {
		t.Fatalf("%d hosts are due, want 40", len(orders))
	}
	var got []string
	for _, o := range orders {
		lease, err := b.Open(t.Context(), o, "tester", visit.Want{})
		if err != nil {
			t.Fatal(err)
		}
		taken, err := lease.Take(t.Context(), 100, 0)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, urlsOf(taken)...)
	}
	slices.Sort(urls)
	slices.Sort(got)
	if diff := cmp.Diff(urls, got); diff != "" {
		t.Errorf("taken (-want +got):\n%s", diff)
	}
}

func wokenWhenIdle(t *testing.T, b *testJob) {
	b.admit(1, "http://a.test/1")
	lease := b.open("a.test")
	b.admit(1, "http://a.test/2")
	if orders := b.arm(); len(orders) != 0 {
		t.Fatalf("a host with a visit was armed: %v", orders)
	}
	b.settle(lease, crawler.OutcomeFetched, b.take(lease, 10, "http://a.test/1", "http://a.test/2")...)
	b.close(lease, 0)
	if orders := b.arm(); len(orders) != 0 {
		t.Fatalf("a host without waiting URLs was armed: %v", orders)
	}
	b.admit(1, "http://a.test/3")
	b.take(b.open("a.test"), 10, "http://a.test/3")
}

func opensOnce(t *testing.T, b *testJob) {
	b.admit(1, "http://a.test/1")
	o := b.armed("a.test")
	for _, wrong := range []queue.VisitRef{{Host: "a.test", Epoch: o.Epoch - 1}, {Host: "a.test", Epoch: o.Epoch + 1},
		{Host: "b.test", Epoch: o.Epoch}} {
		if _, err := b.Open(t.Context(), wrong, "tester", visit.Want{}); !errors.Is(err, queue.ErrStale) {
			t.Errorf("visit %v: %v, want ErrStale", wrong, err)
		}
	}
	if _, err := b.Open(t.Context(), o, "tester", visit.Want{}); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Open(t.Context(), o, "tester", visit.Want{}); !errors.Is(err, queue.ErrStale) {
		t.Errorf("the visit was opened twice: %v", err)
	}
}

func takenInOrder(t *testing.T, b *testJob) {
	b.admitBand(queue.BandLow, 1, "http://a.test/low")
	b.admitBand(queue.BandNormal, 2, "http://a.test/n1", "http://a.test/n2")
	b.admitBand(queue.BandFirst, 2, "http://a.test/s1", "http://a.test/s2")
	b.admitBand(queue.BandUrgent, 1, "http://a.test/u")
	lease := b.open("a.test")
	taken := b.take(lease, 4, "http://a.test/u", "http://a.test/s1", "http://a.test/s2", "http://a.test/n1")
	for i, want := range []queue.Band{queue.BandUrgent, queue.BandFirst, queue.BandFirst, queue.BandNormal} {
		if got := taken[i].Entry.Band; got != want {
			t.Errorf("band of %s is %d, want %d", taken[i].Entry.URL, got, want)
		}
	}
	b.take(lease, 3, "http://a.test/n2", "http://a.test/low")
	b.take(lease, 3)
}

// A retried URL comes before the other URLs of its band, and after those of higher bands, also
// after its worker was lost.
func triedAgainInItsBand(t *testing.T, b *testJob) {
	bands := map[string]queue.Band{
		"http://a.test/urgent": queue.BandUrgent, "http://a.test/high": queue.BandFirst,
		"http://a.test/normal": queue.BandNormal, "http://a.test/low": queue.BandLow,
	}
	order := []string{"http://a.test/urgent", "http://a.test/high", "http://a.test/normal", "http://a.test/low"}
	for _, u := range order {
		b.admitBand(bands[u], 1, u)
	}
	lease := b.open("a.test")
	var again []queue.Settlement
	for _, taken := range b.take(lease, 9, order...) {
		again = append(again, queue.Settlement{Ticket: taken.Ticket, Outcome: crawler.OutcomeRetry, Retry: taken.Entry})
	}
	slices.Reverse(again)
	if err := lease.Settle(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	for _, u := range order {
		w, err := b.Find(t.Context(), url(t, u))
		if err != nil || w.Place != queue.PlaceLater || w.Entry.Band != bands[u] {
			t.Errorf("%s: got %+v, %v, want a retry in band %d", u, w, err, bands[u])
		}
	}
	b.admitBand(queue.BandUrgent, 1, "http://a.test/urgent2")
	b.admitBand(queue.BandNormal, 1, "http://a.test/normal2")
	if err := lease.Close(t.Context(), queue.Rest{}); err != nil {
		t.Fatal(err)
	}
	lease = b.open("a.test")
	b.take(lease, 2, "http://a.test/urgent", "http://a.test/urgent2")
	b.take(lease, 3, "http://a.test/high", "http://a.test/normal", "http://a.test/normal2")
	for _, taken := range b.take(lease, 9, "http://a.test/low") {
		if taken.Entry.Band != queue.BandLow {
			t.Errorf("taken in band %d, want %d", taken.Entry.Band, queue.BandLow)
		}
	}
	b.close(lease, 0)
	b.take(b.open("a.test"), 9, "http://a.test/urgent", "http://a.test/urgent2", "http://a.test/high",
		"http://a.test/normal", "http://a.test/normal2", "http://a.test/low")
}

// Two visits are recalled, one of them the only visit that has fetched pages. No further visit is
// recalled until one of them has ended.
func recallsVisits(t *testing.T, b *testJob) {
	const hosts = 5
	leases := make(map[string]visit.HostLease)
	for n := range hosts {
		host := fmt.Sprintf("h%d.test", n)
		b.admit(2, "http://"+host+"/1", "http://"+host+"/2")
		leases[host] = b.open(crawler.Host(host))
	}
	told := func() (hosts []string) {
		for host, lease := range leases {
			if err := lease.Renew(t.Context(), 0); err != nil {
				t.Fatal(err)
			}
			if lease.Recalled() {
				hosts = append(hosts, host)
			}
		}
		return hosts
	}
	recall := func(n int) {
		for range 2 {
			if err := b.Recall(t.Context(), n); err != nil {
				t.Fatal(err)
			}
		}
	}
	busy := leases["h3.test"]
	b.settle(busy, crawler.OutcomeFetched, b.take(busy, 1, "http://h3.test/1")...)
	recall(2)
	if got := told(); len(got) != 2 || b.job.Shards == 1 && !slices.Contains(got, "h3.test") {
		t.Errorf("recalled: got %v, want two, including h3.test", got)
	}
	last := told()[0]
	b.take(leases[last], 1, map[bool]string{true: "http://h3.test/2",
		false: "http://" + last + "/1"}[last == "h3.test"])
	if !leases[last].Recalled() {
		t.Error("a recalled visit does not learn of it when it takes URLs")
	}
	b.close(leases[last], 0)
	delete(leases, last)
	recall(1)
	if got := told(); len(got) != 1 {
		t.Errorf("recalled: got %v, want one", got)
	}
	lease := b.open(crawler.Host(last))
	if err := lease.Renew(t.Context(), 0); err != nil || lease.Recalled() {
		t.Errorf("the next visit of the host is recalled, too, %v", err)
	}
}

// Due hosts of one shard are armed in the order in which they became due, but hosts with urgent
// URLs come first: new ones, those in flight, or those to be retried.
func urgentHostsFirst(t *testing.T, b *testJob) {
	host := func(n int) string { return fmt.Sprintf("http://h%d.test/", n) }
	const hosts = 40
	for n := range hosts {
		b.admit(1, host(n))
	}
	urgent := make(map[crawler.Host]bool)
	for n := hosts - 1; n > hosts-5; n-- {
		b.admitBand(queue.BandUrgent, 1, host(n)+"urgent")
		urgent[url(t, host(n)).Host()] = true
	}
	for round := range 3 {
		orders, err := b.Arm(t.Context(), len(urgent))
		if err != nil || len(orders) != len(urgent) {
			t.Fatalf("round %d: armed %v, %v", round, orders, err)
		}
		for _, o := range orders {
			if b.job.Shards == 1 && !urgent[o.Host] {
				t.Errorf("round %d: %s is armed before hosts with urgent URLs", round, o.Host)
			}
			lease, err := b.Open(t.Context(), o, "tester", visit.Want{})
			if err != nil {
				t.Fatal(err)
			}
			taken, err := lease.Take(t.Context(), 1, 0)
			if err != nil || len(taken) != 1 {
				t.Fatal(taken, err)
			}
			if round == 0 { // in the second round it is retried, and in the third it returns from flight
				again := queue.Settlement{Ticket: taken[0].Ticket, Outcome: crawler.OutcomeRetry, Retry: taken[0].Entry}
				if err := lease.Settle(t.Context(), []queue.Settlement{again}); err != nil {
					t.Fatal(err)
				}
			}
			b.close(lease, 0)
		}
	}
	b.arm()
	if c := b.counters(); c.Armed != hosts {
		t.Errorf("%d hosts are armed in the end, want %d", c.Armed, hosts)
	}
}

func settledAndCounted(t *testing.T, b *testJob) {
	b.admit(3, "http://a.test/1", "http://a.test/2", "http://a.test/3")
	lease := b.open("a.test")
	taken := b.take(lease, 2, "http://a.test/1", "http://a.test/2")
	b.settle(lease, crawler.OutcomeFetched, taken[0])
	b.settle(lease, crawler.OutcomeFetched, taken[0]) // a repetition, as after a lost reply
	b.settle(lease, crawler.OutcomeGone, taken[1])
	want := crawler.Counters{
		Seen: 3, Waiting: 1, Hosts: 1, Open: 1, Visits: 1, Bytes: 20,
		Outcomes: map[crawler.Outcome]int64{crawler.OutcomeFetched: 1, crawler.OutcomeGone: 1},
	}
	if diff := cmp.Diff(want, b.counters()); diff != "" {
		t.Errorf("counters (-want +got):\n%s", diff)
	}
	b.close(lease, 0)
	lease = b.open("a.test")
	if n := lease.HostHealth().Pages; n != 1 {
		t.Errorf("the host has %d pages, want 1", n)
	}
	b.take(lease, 10, "http://a.test/3")
}

func retriedLater(t *testing.T, b *testJob) {
	for pause := 300 * time.Millisecond; !retriedAfter(t, b, pause); pause *= 10 {
		t.Logf("the machine needs longer than %v: again, with a longer pause", pause)
	}
}

// retriedAfter settles a URL to be retried after a pause, at a host of its own. It returns false if
// the pause ended before the test had checked that another URL comes first.
func retriedAfter(t *testing.T, b *testJob, pause time.Duration) bool {
	host := crawler.Host(fmt.Sprintf("a%d.test", pause.Milliseconds()))
	one, two := "http://"+string(host)+"/1", "http://"+string(host)+"/2"
	waiting := b.counters().Waiting
	b.admit(2, one, two)
	lease := b.open(host)
	taken := b.take(lease, 1, one)
	again := taken[0].Entry
	again.Tries = 1
	before := time.Now()
	err := lease.Settle(t.Context(), []queue.Settlement{
		{Ticket: taken[0].Ticket, Outcome: crawler.OutcomeRetry, Retry: again, After: pause},
	})
	if err != nil {
		t.Fatal(err)
	}
	if c := b.counters(); c.Waiting != waiting+2 || c.Flight != 0 {
		t.Fatalf("%d wait and %d are in flight, want %d and 0", c.Waiting, c.Flight, waiting+2)
	}
	first, second := b.takeAny(lease), b.takeAny(lease)
	b.close(lease, 0) // returns /2, so the host is due at once
	lease = b.open(host)
	third := b.takeAny(lease)
	b.settle(lease, crawler.OutcomeFetched, third...)
	b.close(lease, 0) // only the URL to be retried waits
	if diff := cmp.Diff([][]string{{two}, nil, {two}},
		[][]string{urlsOf(first), urlsOf(second), urlsOf(third)}); diff != "" {
		if time.Since(before) >= pause {
			return false
		}
		t.Fatalf("took (-want +got):\n%s", diff)
	}
	lease = b.open(host)
	if since := time.Since(before); since < pause-time.Millisecond {
		t.Errorf("the host was due after %v, before the pause ended", since)
	}
	if got := b.take(lease, 1, one); got[0].Entry.Tries != 1 {
		t.Errorf("got %d tries, want 1", got[0].Entry.Tries)
	}
	return true
}

func claimed(t *testing.T, b *testJob) {
	b.admit(2, "http://a.test/1", "http://a.test/2")
	lease := b.open("a.test")
	b.take(lease, 1, "http://a.test/1")
	_, fresh, err := lease.Claim(t.Context(), b.entries(0, "http://a.test/2")[0])
	if err != nil || fresh {
		t.Fatalf("a waiting URL was claimed: %v, %v", fresh, err)
	}
	ticket, fresh, err := lease.Claim(t.Context(), b.entries(0, "http://a.test/new")[0])
	if err != nil || !fresh {
		t.Fatalf("a new URL was not claimed: %v, %v", fresh, err)
	}
	b.admit(0, "http://a.test/new")
	if c := b.counters(); c.Seen != 3 || c.Flight != 2 || c.Waiting != 1 {
		t.Errorf("seen %d, in flight %d, waiting %d; want 3, 2, 1", c.Seen, c.Flight, c.Waiting)
	}
	b.settle(lease, crawler.OutcomeFollowed, queue.Taken{Ticket: ticket})
	if c := b.counters(); c.Flight != 1 {
		t.Errorf("in flight %d, want 1", c.Flight)
	}
}

func closedInOrder(t *testing.T, b *testJob) {
	var urls []string
	for i := range 30 {
		urls = append(urls, fmt.Sprintf("http://a.test/%02d", i))
	}
	b.admitBand(queue.BandFirst, 2, "http://a.test/s1", "http://a.test/s2")
	b.admit(30, urls...)
	lease := b.open("a.test")
	all := append([]string{"http://a.test/s1", "http://a.test/s2"}, urls...)
	taken := b.take(lease, 20, all[:20]...)
	b.settle(lease, crawler.OutcomeFetched, taken[5])
	b.close(lease, 0)
	left := slices.Delete(slices.Clone(all), 5, 6)
	got := b.take(b.open("a.test"), 100, left...)
	if got[0].Entry.Lost != 0 {
		t.Errorf("a returned URL counts as lost")
	}
}

func restsAfterVisit(t *testing.T, b *testJob) {
	b.admit(2, "http://a.test/1", "http://a.test/2")
	lease := b.open("a.test")
	b.settle(lease, crawler.OutcomeFetched, b.take(lease, 1, "http://a.test/1")...)
	b.close(lease, time.Hour)
	b.admit(1, "http://a.test/3")
	if orders := b.arm(); len(orders) != 0 {
		t.Errorf("a host that rests for an hour was armed")
	}
	b.admit(1, "http://b.test/1")
	lease = b.open("b.test")
	b.settle(lease, crawler.OutcomeFetched, b.take(lease, 1, "http://b.test/1")...)
	b.close(lease, time.Hour) // idle
	b.admit(1, "http://b.test/2")
	if orders := b.arm(); len(orders) != 0 {
		t.Errorf("an idle host lost its rest")
	}
}

func sweptWhenSilent(t *testing.T, b *testJob) {
	b.lease = 50 * time.Millisecond
	b.admit(3, "http://a.test/1", "http://a.test/2", "http://a.test/3")
	lease := b.open("a.test")
	taken := b.take(lease, 2, "http://a.test/1", "http://a.test/2")
	b.sweepUntil(1)
	for name, call := range map[string]func() error{
		"settle": func() error {
			return lease.Settle(t.Context(),
				[]queue.Settlement{{Ticket: taken[0].Ticket, Outcome: crawler.OutcomeFetched}})
		},
		"take":  func() error { _, err := lease.Take(t.Context(), 1, 0); return err },
		"claim": func() error { _, _, err := lease.Claim(t.Context(), b.entries(0, "http://a.test/9")[0]); return err },
		"renew": func() error { return lease.Renew(t.Context(), 0) },
		"recognise": func() error {
			_, err := lease.Recognise(t.Context(), []queue.Content{{URL: taken[0].Entry.URL}})
			return err
		},
		"close": func() error { return lease.Close(t.Context(), queue.Rest{}) },
	} {
		if err := call(); !errors.Is(err, queue.ErrStale) {
			t.Errorf("%s of a swept visit: %v, want ErrStale", name, err)
		}
	}
	next := b.open("a.test")
	if err := lease.Renew(t.Context(), 0); !errors.Is(err, queue.ErrStale) {
		t.Errorf("renew of a stale visit: %v, want ErrStale", err)
	}
	for _, u := range []string{"http://a.test/1", "http://a.test/2", "http://a.test/3"} {
		b.take(next, 10, u)
	}
	if c := b.counters(); c.Broken != 1 || c.Seen != 3 {
		t.Errorf("broken %d, seen %d; want 1, 3", c.Broken, c.Seen)
	}
}

func sweptWithItsGap(t *testing.T, b *testJob) {
	b.lease = 50 * time.Millisecond
	b.admit(1, "http://a.test/1")
	lease := b.open("a.test")
	b.take(lease, 1, "http://a.test/1")
	if err := lease.Renew(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	b.sweepUntil(1)
	if orders := b.arm(); len(orders) != 0 {
		t.Errorf("a host that must rest for an hour is armed at once: %v", orders)
	}
}

func renewed(t *testing.T, b *testJob) {
	b.lease = time.Minute
	b.admit(1, "http://a.test/1")
	lease := b.open("a.test")
	b.lease = time.Hour
	if err := lease.Renew(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	deadline, err := b.rdb.ZScore(t.Context(), b.baseOf("a.test")+nameOpen, "a.test").Result()
	if err != nil {
		t.Fatal(err)
	}
	now, _ := b.rdb.Time(t.Context()).Result()
	if left := time.UnixMilli(int64(deadline)).Sub(now); left < 50*time.Minute {
		t.Errorf("a visit renewed for an hour has %v left", left)
	}
	if n, err := b.Sweep(t.Context(), 0); n != 0 || err != nil {
		t.Errorf("swept %d, %v", n, err)
	}
}

func sweptWhenNeverOpened(t *testing.T, b *testJob) {
	b.term = time.Millisecond
	b.admit(1, "http://a.test/1")
	first := b.armed("a.test")
	var second queue.VisitRef
	for second.Epoch == 0 {
		if _, err := b.Sweep(t.Context(), 0); err != nil {
			t.Fatal(err)
		}
		b.term = time.Hour
		if orders := b.arm(); len(orders) > 0 {
			second = orders[0]
		}
	}
	if second.Epoch <= first.Epoch {
		t.Fatalf("epoch %d after %d", second.Epoch, first.Epoch)
	}
	if _, err := b.Open(t.Context(), first, "late", visit.Want{}); !errors.Is(err, queue.ErrStale) {
		t.Errorf("a stale visit: %v, want ErrStale", err)
	}
	if _, err := b.Open(t.Context(), second, "tester", visit.Want{}); err != nil {
		t.Error(err)
	}
}

func abandoned(t *testing.T, b *testJob) {
	b.admit(3, "http://a.test/1", "http://b.test/1", "http://c.test/1")
	lease := b.open("a.test")
	b.take(lease, 1, "http://a.test/1")
	b.armed("b.test")
	if err := b.Abandon(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := lease.Renew(t.Context(), 0); !errors.Is(err, queue.ErrStale) {
		t.Errorf("renew of an abandoned visit: %v, want ErrStale", err)
	}
	if c := b.counters(); c.Due != 3 || c.Waiting != 3 || c.Out() != 0 {
		t.Errorf("due %d, waiting %d, out %d; want 3, 3, 0", c.Due, c.Waiting, c.Out())
	}
}

func losesWorkers(t *testing.T, b *testJob) {
	b.lease = time.Millisecond
	b.admit(1, "http://a.test/1")
	for lost := range 3 {
		lease := b.open("a.test")
		taken := b.take(lease, 1, "http://a.test/1")
		if got := taken[0].Entry.Lost; got != lost {
			t.Fatalf("the entry counts %d lost workers, want %d", got, lost)
		}
		b.sweepUntil(1)
	}
}

func takenAlone(t *testing.T, b *testJob) {
	b.lease = time.Millisecond
	b.admit(4, "http://a.test/1", "http://a.test/2", "http://a.test/3", "http://a.test/4")
	b.take(b.open("a.test"), 2, "http://a.test/1", "http://a.test/2")
	b.sweepUntil(1)
	b.lease = time.Minute
	b.admitBand(queue.BandFirst, 2, "http://a.test/5", "http://a.test/6")
	lease := b.open("a.test")
	b.take(lease, 10, "http://a.test/5", "http://a.test/6")
	b.take(lease, 10, "http://a.test/1")
	if c := b.counters(); c.Waiting != 3 || c.Flight != 3 {
		t.Errorf("%d wait and %d are in flight, want 3 and 3", c.Waiting, c.Flight)
	}
	b.take(lease, 10, "http://a.test/2")
	b.take(lease, 10, "http://a.test/3", "http://a.test/4")
}

func idleAtTheEnd(t *testing.T, b *testJob) {
	idle := func(want bool, when string) {
		t.Helper()
		got, err := b.Idle(t.Context())
		if err != nil || got != want {
			t.Fatalf("%s: idle %v, %v; want %v", when, got, err, want)
		}
	}
	idle(true, "before anything")
	b.admit(1, "http://a.test/1")
	idle(false, "with a URL waiting")
	o := b.armed("a.test")
	idle(false, "with a visit armed")
	lease, err := b.Open(t.Context(), o, "tester", visit.Want{})
	if err != nil {
		t.Fatal(err)
	}
	taken := b.take(lease, 1, "http://a.test/1")
	idle(false, "with a visit open")
	b.admit(1, "http://b.test/1")
	b.settle(lease, crawler.OutcomeFetched, taken...)
	b.close(lease, 0)
	idle(false, "with a link found at another host")
	lease = b.open("b.test")
	b.settle(lease, crawler.OutcomeFetched, b.take(lease, 1, "http://b.test/1")...)
	idle(false, "with all settled and a visit open")
	b.close(lease, time.Hour)
	idle(true, "at the end")
}

func keepsBudget(t *testing.T, b *testJob) {
	b.job.Pages = 5
	for i := range 4 {
		for h := range 3 {
			b.admit(1, fmt.Sprintf("http://h%d.test/%d", h, i))
		}
	}
	one, two := b.open("h0.test"), b.open("h1.test")
	first := b.take(one, 3, "http://h0.test/0", "http://h0.test/1", "http://h0.test/2")
	second := b.take(two, 3, "http://h1.test/0", "http://h1.test/1")
	if _, err := two.Take(t.Context(), 3, 0); !errors.Is(err, queue.ErrSpent) {
		t.Fatalf("take with all pages promised: %v, want ErrSpent", err)
	}
	b.settle(one, crawler.OutcomeGone, first[0])
	b.settle(one, crawler.OutcomeFetched, first[1:]...)
	third := b.take(one, 3, "http://h0.test/3") // the visit returned one page
	b.settle(two, crawler.OutcomeFetched, second...)
	b.close(two, 0)
	b.settle(one, crawler.OutcomeGone, third...)
	b.close(one, 0)
	last := b.open("h2.test")
	b.settle(last, crawler.OutcomeFetched, b.take(last, 9, "http://h2.test/0")...)
	if _, err := last.Take(t.Context(), 3, 0); !errors.Is(err, queue.ErrSpent) {
		t.Fatalf("take with all pages fetched: %v, want ErrSpent", err)
	}
	if got := b.counters().Pages(); got != 5 {
		t.Errorf("%d pages, want 5", got)
	}
}

// snapshot returns a function that restores the job's current state, like a failover to a replica
// without the later writes.
func (b *testJob) snapshot() (fail func()) {
	if _, cluster := b.rdb.(*redis.ClusterClient); cluster {
		b.t.Skip("snapshots of a Cluster are not supported")
	}
	ctx, names := b.t.Context(), func() []string { return b.rdb.Keys(b.t.Context(), anyKey(b.job.Name)).Val() }
	was := names()
	for _, key := range was {
		b.must(b.rdb.Copy(ctx, key, key+" before", 0, false).Err())
	}
	return func() {
		for _, key := range names() {
			if !strings.HasSuffix(key, " before") {
				b.must(b.rdb.Del(ctx, key).Err())
			}
		}
		for _, key := range was {
			b.must(b.rdb.Rename(ctx, key+" before", key).Err())
		}
	}
}

// passMillisecond returns when Redis's clock shows another millisecond.
func (b *testJob) passMillisecond() {
	b.t.Helper()
	began := b.rdb.Time(b.t.Context()).Val().UnixMilli()
	for {
		now, err := b.rdb.Time(b.t.Context()).Result()
		b.must(err)
		if now.UnixMilli() > began {
			return
		}
	}
}

func chargesWhatIsKnown(t *testing.T, b *testJob) {
	b.job.Pages = 3
	b.admit(4, "http://a.test/1", "http://a.test/2", "http://b.test/1", "http://b.test/2")
	one := b.open("a.test")
	b.take(one, 1, "http://a.test/1")
	fail := b.snapshot()
	lost := b.take(one, 1, "http://a.test/2")
	fail()
	b.settle(one, crawler.OutcomeFetched, lost...)
	b.close(one, 0)
	one, two := b.open("a.test"), b.open("b.test")
	b.settle(one, crawler.OutcomeFetched, b.take(one, 2, "http://a.test/1", "http://a.test/2")...)
	b.close(one, 0)
	b.settle(two, crawler.OutcomeFetched, b.take(two, 2, "http://b.test/1")...)
	if _, err := two.Take(t.Context(), 1, 0); !errors.Is(err, queue.ErrSpent) {
		t.Errorf("take with all pages fetched: %v, want ErrSpent", err)
	}
	if got := b.counters().Pages(); got != 3 {
		t.Errorf("%d pages, want 3", got)
	}
}

func numbersTickets(t *testing.T, b *testJob) {
	b.admit(2, "http://a.test/1", "http://a.test/2")
	lease := b.open("a.test")
	fail := b.snapshot()
	lost := b.take(lease, 1, "http://a.test/1")
	b.passMillisecond() // tickets start at the clock, and every failover takes longer
	fail()
	again := b.take(lease, 1, "http://a.test/1")
	if lost[0].Ticket == again[0].Ticket {
		t.Errorf("the ticket %s is used twice", again[0].Ticket)
	}
	b.settle(lease, crawler.OutcomeFetched, lost...)
	if got := b.counters(); got.Pages() != 0 || got.Flight != 1 {
		t.Errorf("%d pages are fetched and %d in flight, want 0 and 1: the settled ticket is lost",
			got.Pages(), got.Flight)
	}
}

func breaksWithBudget(t *testing.T, b *testJob) {
	b.job.Pages = 3
	b.lease = 20 * time.Millisecond
	b.admit(4, "http://a.test/1", "http://a.test/2", "http://a.test/3", "http://a.test/4")
	lease := b.open("a.test")
	taken := b.take(lease, 3, "http://a.test/1", "http://a.test/2", "http://a.test/3")
	if err := lease.Settle(t.Context(),
		[]queue.Settlement{{Ticket: taken[0].Ticket, Outcome: crawler.OutcomeFetched}}); err != nil {
		t.Skip("the machine is too slow: the lease ended before the test began")
	}
	b.sweepUntil(1)
	b.lease = time.Minute
	lease = b.open("a.test")
	b.settle(lease, crawler.OutcomeFetched, b.take(lease, 9, "http://a.test/2")...)
	b.settle(lease, crawler.OutcomeFetched, b.take(lease, 9, "http://a.test/3")...)
	if _, err := lease.Take(t.Context(), 1, 0); !errors.Is(err, queue.ErrSpent) {
		t.Errorf("take with all pages fetched: %v, want ErrSpent", err)
	}
}

// setDomainBudget gives the job a budget of pages for each domain.
func (b *testJob) setDomainBudget(pages int64) {
	b.job.PagesPerDomain = pages
	b.live.note(budgetsOf(b.job.BudgetSettings, 1<<40, 0))
}

// allow requests pages from the budget of the domain and takes URLs for them.
func (b *testJob) allow(lease visit.HostLease, n, want int, spent bool, urls ...string) []queue.Taken {
	b.t.Helper()
	got, over, err := lease.Allow(b.t.Context(), n)
	if err != nil || got != want || over != spent {
		b.t.Fatalf("%d URLs: %d are allowed, spent %t, %v; want %d and %t", n, got, over, err, want, spent)
	}
	if got == 0 {
		return nil
	}
	return b.take(lease, got, urls...)
}

func sharesDomainBudget(t *testing.T, b *testJob) {
	b.setDomainBudget(4)
	for i := range 4 {
		b.admit(4, fmt.Sprintf("http://one.a.test/%d", i), fmt.Sprintf("http://two.a.test:81/%d", i),
			fmt.Sprintf("http://three.a.test/%d", i), fmt.Sprintf("http://b.test/%d", i))
	}
	one, two, other := b.open("one.a.test"), b.open("two.a.test:81"), b.open("b.test")
	first := b.allow(one, 3, 3, false, "http://one.a.test/0", "http://one.a.test/1", "http://one.a.test/2")
	second := b.allow(two, 3, 1, false, "http://two.a.test:81/0")
	b.allow(two, 3, 0, false) // the budget is promised, but not spent
	b.settle(one, crawler.OutcomeGone, first[0])
	b.settle(one, crawler.OutcomeFetched, first[1:]...)
	third := b.allow(two, 3, 0, false)
	if third != nil {
		t.Fatal("the first visit has not reported its pages")
	}
	b.close(one, time.Hour) // reports its pages, and returns one
	b.settle(two, crawler.OutcomeFetched, second...)
	b.settle(two, crawler.OutcomeFetched, b.allow(two, 3, 1, false, "http://two.a.test:81/1")...)
	b.allow(two, 3, 0, true)
	b.take(two, 2, "http://two.a.test:81/2", "http://two.a.test:81/3") // these are not fetched
	b.close(two, time.Hour)
	b.allow(b.open("three.a.test"), 1, 0, true)
	b.allow(other, 9, 4, false, "http://b.test/0", "http://b.test/1", "http://b.test/2", "http://b.test/3")
}

func breaksWithDomainBudget(t *testing.T, b *testJob) {
	b.setDomainBudget(3)
	b.admit(4, "http://a.test/1", "http://a.test/2", "http://www.a.test/1", "http://www.a.test/2")
	lease := b.open("a.test")
	taken := b.allow(lease, 2, 2, false, "http://a.test/1", "http://a.test/2")
	b.settle(lease, crawler.OutcomeFetched, taken[0])
	b.must(b.Abandon(t.Context()))
	b.allow(b.open("www.a.test"), 9, 2, false, "http://www.a.test/1", "http://www.a.test/2")
}

func breaksWithGarbage(t *testing.T, b *testJob) {
	const one, two = "http://a.test/1", "http://a.test/2"
	b.job.Pages = 100 // with a budget, the host waits for its release
	b.admit(2, one, two)
	b.take(b.open("a.test"), 1, one)
	b.must(b.rdb.HSet(t.Context(), b.baseOf("a.test")+nameHost+"a.test", "epoch", "garbage").Err())
	b.must(b.Abandon(t.Context()))
	b.take(b.open("a.test"), 1, one)
	if c := b.counters(); c.Garbage != 1 || c.Broken != 1 {
		t.Errorf("%d garbled values and %d broken visits, want 1 and 1", c.Garbage, c.Broken)
	}
}

func exactWhileGrowing(t *testing.T, b *testJob) {
	const n = 5000
	var urls []string
	for i := range n {
		urls = append(urls, fmt.Sprintf("http://h%d.test/page/%d", i%7, i))
	}
	b.admit(n, urls...)
	fresh, err := b.otherProcess().Admit(t.Context(), b.entries(0, urls...))
	if err != nil || fresh != 0 {
		t.Fatalf("%d of %d URLs were admitted twice, %v", fresh, n, err)
	}
	largest, members := int64(0), int64(0)
	for _, key := range b.keys() {
		if strings.Contains(key, "}:"+nameSeen) {
			size := b.rdb.SCard(t.Context(), key).Val()
			largest, members = max(largest, size), members+size
		}
	}
	if members != n || largest > 512 {
		t.Errorf("%d fingerprints in %v, the largest set with %d", members, b.keys(), largest)
	}
}

// Another process removes the job and creates it again, as a scheduler does. One process admits the
// URL both times.
func seenByAnother(t *testing.T, b *testJob) {
	ctx := t.Context()
	again := func() *Frontier {
		status, err := b.store.Status(ctx, b.job.Name)
		if err != nil {
			t.Fatal(err)
		}
		return b.store.Frontier(status.Job)
	}
	b.Frontier = again()
	b.admit(1, "https://a.example/")
	b.Frontier = again()
	b.admit(0, "https://a.example/")
	other := New(b.rdb)
	if err := other.Remove(ctx, b.job.Name); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * time.Millisecond) // jobs with the same name differ in their time of creation
	if err := other.Create(ctx, b.job); err != nil {
		t.Fatal(err)
	}
	b.Frontier = again()
	b.admit(1, "https://a.example/")
}

func endpoint(t testing.TB, url string) redisconn.Endpoint {
	t.Helper()
	e, err := redisconn.ParseEndpoint(url)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// connect returns a client that is closed with the test. It waits for its server for longer than
// usual, because the machine may be busy.
func connect(t testing.TB, url string) redis.UniversalClient {
	t.Helper()
	mark := "?"
	if strings.Contains(url, mark) {
		mark = "&"
	}
	rdb := endpoint(t, url+mark+"read_timeout=2m&write_timeout=2m").Client()
	t.Cleanup(func() { rdb.Close() })
	return rdb
}

// file writes a file that is removed with the test.
func file(t testing.TB, text string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
