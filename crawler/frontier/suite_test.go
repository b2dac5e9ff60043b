package frontier

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/redistest"
)

// TestFrontier is what every Redis that a frontier lies in must do: the real
// one, the one that is built in, and a Cluster.
func TestFrontier(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		story func(t *testing.T, b *bench)
	}{
		{"a URL is admitted once, however often it is brought", admittedOnce},
		{"a job that is made again is told nothing of what the one before had seen", seenByAnother},
		{"of many who bring a URL at once, one is told that it is new", admittedByMany},
		{"links to many hosts, in several shards, wait at their hosts", admittedToMany},
		{"a host that was idle is due; one that is visited is not", wokenWhenIdle},
		{"an order opens one visit", opensOnce},
		{"a Redis that lost its last moments gives out no epoch twice", epochsAreNotRepeated},
		{"however many arm at once, no more visits are out than may be", armsTogether},
		{"every shard has its turn when few visits may be out", armsInTurn},
		{"seeds are taken before links, and links in the order they came", takenInOrder},
		{"what is settled is counted and does not come back", settledAndCounted},
		{"a URL to be retried waits for its time and comes first", retriedLater},
		{"a redirect's target goes into flight unless it was seen", claimed},
		{"a visit that closes gives back what it did not settle, in order", closedInOrder},
		{"a host rests after a visit for as long as it was told", restsAfterVisit},
		{"a visit that shows no sign of life is swept, and its late calls are refused", sweptWhenSilent},
		{"a visit that breaks owes its host the gap that it was renewed with", sweptWithItsGap},
		{"a visit that shows signs of life is not swept", renewed},
		{"a visit learns that a host has no place in the fleet", learnsOfShortage},
		{"a visit that is never opened is swept, and its order is overtaken", sweptWhenNeverOpened},
		{"visits whose workers are known to be lost are broken at once", abandoned},
		{"an entry knows how many workers were lost with it", losesWorkers},
		{"what a lost visit held is taken alone, first what waits before it", takenAlone},
		{"the job is idle exactly when nothing is left to do", idleAtTheEnd},
		{"pages promised and fetched never exceed the budget", keepsBudget},
		{"a visit that breaks gives its promised pages back and keeps those fetched", breaksWithBudget},
		{"a visit whose epoch is garbage breaks, and its host is visited again", breaksWithGarbage},
		{"what a host did is remembered, and forgotten when it is told to be", remembersStrikes},
		{"a host that is paused is not due, and the job is not idle", pausesHost},
		{"an operator's rules reach a visit that is under way", reachesVisit},
		{"hosts are listed by what becomes of them next", listsHosts},
		{"URLs that are the same page to the job are admitted once", samePages},
		{"hosts that share an address are visited one after the other", sharesAddress},
		{"a visit that asks for nothing leaves its address's rest as it was", keepsAddressOfIdleVisit},
		{"an address is free again when the visit that had it breaks", freesAddress},
		{"what is tried again keeps its band", triedAgainInItsBand},
		{"hosts with urgent URLs come first", urgentHostsFirst},
		{"visits are told to give their places back, those first that have fetched most", recallsVisits},
		{"of what failed the last fifty are named", namesFailures},
		{"a URL is found wherever it is", findsURLs},
		{"copies of a page are recognised within its host", recognisesCopies},
		{"the origin of a job is kept", keepsOrigins},
		{"what is opened for a job is kept", keepsWhatIsOpened},
		{"places of pages are kept, with how many", keepsPlaces},
		{"processes that live are listed", listsProcesses},
		{"processes that show no sign of life are forgotten", forgetsProcesses},
		{"it is told when the first host is due", tellsWhenHostsAreDue},
		{"so many contents of a host are remembered", remembersSoManyContents},
		{"URLs are settled for good when their segment is shipped", shipsSegments},
		{"a lost segment's URLs come back, first and in order, and count no more", reclaimsLost},
		{"a large segment is put back once, however many look at once", reclaimsMany},
		{"pages that were lost go back to the budget, once", refundsBudget},
		{"where the disk is enough, what is lost is counted", countsOnDisk},
		{"a worker that is known to be lost is not waited for", forfeitsAtOnce},
		{"what a job has seen, and what of it waits, is listed", listsSeen},
		{"URLs that are settled wait again, and those that are forgotten can be found again", bringsAgain},
		{"what settling counts is set to what the output has", recounts},
		{"seen stays exact while its buckets are split", exactWhileGrowing},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, shards := range []int{1, 4} {
				t.Run(fmt.Sprintf("%d shards", shards), func(t *testing.T) {
					t.Parallel()
					redistest.Both(t, func(t *testing.T, url string) { c.story(t, newBench(t, url, shards)) })
					if shards > 1 {
						t.Run("cluster", func(t *testing.T) { c.story(t, newClusterBench(t, shards)) })
					}
				})
			}
		})
	}
}

// bench is a frontier to be tried.
type bench struct {
	*Frontier
	t     testing.TB
	store *Store
	rdb   redis.UniversalClient
	out   map[crawler.Host]crawler.Order // armed and not yet opened
}

func newBench(t testing.TB, url string, shards int) *bench {
	t.Helper()
	rdb := connect(t, url)
	job := crawler.DefaultJob()
	job.Name, job.Shards = redistest.Name(t), shards
	job.Politeness = crawler.PolitenessJob // the hosts of all tests in this Redis have the same names
	store := New(rdb)
	if err := store.Create(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	return &bench{store.Frontier(job), t, store, rdb, make(map[crawler.Host]crawler.Order)}
}

// elsewhere returns a frontier of the same job in another process.
func (b *bench) elsewhere() *Frontier {
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

func (b *bench) entries(band crawler.Band, urls ...string) []crawler.Entry {
	b.t.Helper()
	all := make([]crawler.Entry, len(urls))
	for i, u := range urls {
		all[i] = crawler.Entry{URL: url(b.t, u), Band: band}
	}
	return all
}

func (b *bench) admit(want int, urls ...string) {
	b.t.Helper()
	b.admitBand(crawler.BandNormal, want, urls...)
}

func (b *bench) admitBand(band crawler.Band, want int, urls ...string) {
	b.t.Helper()
	got, err := b.Admit(b.t.Context(), b.entries(band, urls...))
	if err != nil {
		b.t.Fatal(err)
	}
	if got != want {
		b.t.Fatalf("admitted %d of %v as new, want %d", got, urls, want)
	}
}

func (b *bench) arm() []crawler.Order {
	b.t.Helper()
	orders, err := b.Arm(b.t.Context(), 1000)
	if err != nil {
		b.t.Fatal(err)
	}
	return orders
}

// armed waits until the host is due and arms it.
func (b *bench) armed(h crawler.Host) crawler.Order {
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

func (b *bench) open(h crawler.Host) crawler.Turn {
	b.t.Helper()
	turn, err := b.Open(b.t.Context(), b.armed(h), "tester")
	if err != nil {
		b.t.Fatal(err)
	}
	return turn
}

func (b *bench) take(turn crawler.Turn, n int, want ...string) []crawler.Taken {
	b.t.Helper()
	taken, err := turn.Take(b.t.Context(), n, 0)
	if err != nil {
		b.t.Fatal(err)
	}
	if diff := cmp.Diff(want, urlsOf(taken)); diff != "" {
		b.t.Fatalf("took (-want +got):\n%s", diff)
	}
	return taken
}

func urlsOf(taken []crawler.Taken) []string {
	var urls []string
	for _, t := range taken {
		urls = append(urls, t.Entry.URL.String())
	}
	return urls
}

func (b *bench) settle(turn crawler.Turn, o crawler.Outcome, taken ...crawler.Taken) {
	b.t.Helper()
	var done []crawler.Settlement
	for _, t := range taken {
		done = append(done, crawler.Settlement{Ticket: t.Ticket, Outcome: o, Bytes: 10})
	}
	if err := turn.Settle(b.t.Context(), done); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) close(turn crawler.Turn, wait time.Duration) {
	b.t.Helper()
	if err := turn.Close(b.t.Context(), crawler.Rest{Wait: wait}); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) counters() crawler.Counters {
	b.t.Helper()
	c, err := b.Counters(b.t.Context())
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

// sweepUntil sweeps until n visits are broken.
func (b *bench) sweepUntil(n int) {
	b.t.Helper()
	for broken := 0; broken < n; {
		more, err := b.Sweep(b.t.Context(), 0)
		if err != nil {
			b.t.Fatal(err)
		}
		broken += more
	}
}

func samePages(t *testing.T, b *bench) {
	job := b.Job()
	job.Name = "s" + job.Name[1:]
	job.Same = []string{crawler.SameWWW, crawler.SameTracking, crawler.SameSlash}
	if err := b.store.Create(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	same := &bench{b.store.Frontier(job), t, b.store, b.rdb, b.out}
	same.admit(2, "http://www.a.test/p/", "http://a.test/p?utm_source=x", "http://a.test/p", "http://a.test/p?q")
	same.admit(0, "http://www.a.test/p?q&gclid=1")
	same.admit(1, "https://a.test/p")
	same.take(same.open("www.a.test"), 9, "http://www.a.test/p/")
	same.take(same.open("a.test"), 9, "http://a.test/p?q", "https://a.test/p")
}

func admittedOnce(t *testing.T, b *bench) {
	b.admit(2, "http://a.test/1", "http://a.test/2", "http://a.test/1")
	b.admit(1, "http://a.test/1", "http://a.test/3")
	fresh, err := b.elsewhere().Admit(t.Context(), b.entries(0, "http://a.test/3", "http://a.test/4"))
	if err != nil || fresh != 1 {
		t.Fatalf("another process admitted %d as new, %v; want 1", fresh, err)
	}
	want := crawler.Counters{Seen: 4, Waiting: 4, Hosts: 1, Due: 1, Ready: 1, Outcomes: map[crawler.Outcome]int64{}}
	if diff := cmp.Diff(want, b.counters()); diff != "" {
		t.Errorf("counters (-want +got):\n%s", diff)
	}
}

func admittedByMany(t *testing.T, b *bench) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	fresh := 0
	for range 8 {
		other := b.elsewhere()
		wg.Go(func() {
			for page := range 20 {
				n, err := other.Admit(context.Background(), b.entries(0, fmt.Sprintf("http://h%d.test/%d", page%3, page)))
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
		t.Errorf("8 who bring the same 20 URLs were told %d times that one is new", fresh)
	}
}

func admittedToMany(t *testing.T, b *bench) {
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
		turn, err := b.Open(t.Context(), o, "tester")
		if err != nil {
			t.Fatal(err)
		}
		taken, err := turn.Take(t.Context(), 100, 0)
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

func wokenWhenIdle(t *testing.T, b *bench) {
	b.admit(1, "http://a.test/1")
	turn := b.open("a.test")
	b.admit(1, "http://a.test/2")
	if orders := b.arm(); len(orders) != 0 {
		t.Fatalf("a host that is visited was armed: %v", orders)
	}
	b.settle(turn, crawler.OutcomeFetched, b.take(turn, 10, "http://a.test/1", "http://a.test/2")...)
	b.close(turn, 0)
	if orders := b.arm(); len(orders) != 0 {
		t.Fatalf("a host where nothing waits was armed: %v", orders)
	}
	b.admit(1, "http://a.test/3")
	b.take(b.open("a.test"), 10, "http://a.test/3")
}

func opensOnce(t *testing.T, b *bench) {
	b.admit(1, "http://a.test/1")
	o := b.armed("a.test")
	for _, wrong := range []crawler.Order{{Host: "a.test", Epoch: o.Epoch - 1}, {Host: "a.test", Epoch: o.Epoch + 1}, {Host: "b.test", Epoch: o.Epoch}} {
		if _, err := b.Open(t.Context(), wrong, "tester"); !errors.Is(err, crawler.ErrStale) {
			t.Errorf("order %v: %v, want ErrStale", wrong, err)
		}
	}
	if _, err := b.Open(t.Context(), o, "tester"); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Open(t.Context(), o, "tester"); !errors.Is(err, crawler.ErrStale) {
		t.Errorf("the order was opened twice: %v", err)
	}
}

func takenInOrder(t *testing.T, b *bench) {
	b.admitBand(crawler.BandLow, 1, "http://a.test/low")
	b.admitBand(crawler.BandNormal, 2, "http://a.test/n1", "http://a.test/n2")
	b.admitBand(crawler.BandFirst, 2, "http://a.test/s1", "http://a.test/s2")
	b.admitBand(crawler.BandUrgent, 1, "http://a.test/u")
	turn := b.open("a.test")
	taken := b.take(turn, 4, "http://a.test/u", "http://a.test/s1", "http://a.test/s2", "http://a.test/n1")
	for i, want := range []crawler.Band{crawler.BandUrgent, crawler.BandFirst, crawler.BandFirst, crawler.BandNormal} {
		if got := taken[i].Entry.Band; got != want {
			t.Errorf("band of %s is %d, want %d", taken[i].Entry.URL, got, want)
		}
	}
	b.take(turn, 3, "http://a.test/n2", "http://a.test/low")
	b.take(turn, 3)
}

// What is tried again comes before others of its band, and behind all of a band before
// it, also after its worker was lost.
func triedAgainInItsBand(t *testing.T, b *bench) {
	bands := map[string]crawler.Band{
		"http://a.test/urgent": crawler.BandUrgent, "http://a.test/high": crawler.BandFirst,
		"http://a.test/normal": crawler.BandNormal, "http://a.test/low": crawler.BandLow,
	}
	order := []string{"http://a.test/urgent", "http://a.test/high", "http://a.test/normal", "http://a.test/low"}
	for _, u := range order {
		b.admitBand(bands[u], 1, u)
	}
	turn := b.open("a.test")
	var again []crawler.Settlement
	for _, taken := range b.take(turn, 9, order...) {
		again = append(again, crawler.Settlement{Ticket: taken.Ticket, Outcome: crawler.OutcomeRetry, Retry: taken.Entry})
	}
	slices.Reverse(again)
	if err := turn.Settle(t.Context(), again); err != nil {
		t.Fatal(err)
	}
	for _, u := range order {
		w, err := b.Find(t.Context(), url(t, u))
		if err != nil || w.Place != crawler.PlaceLater || w.Entry.Band != bands[u] {
			t.Errorf("%s is %+v, %v, want it to be tried again in band %d", u, w, err, bands[u])
		}
	}
	b.admitBand(crawler.BandUrgent, 1, "http://a.test/urgent2")
	b.admitBand(crawler.BandNormal, 1, "http://a.test/normal2")
	if err := turn.Close(t.Context(), crawler.Rest{}); err != nil {
		t.Fatal(err)
	}
	turn = b.open("a.test")
	b.take(turn, 2, "http://a.test/urgent", "http://a.test/urgent2")
	b.take(turn, 3, "http://a.test/high", "http://a.test/normal", "http://a.test/normal2")
	for _, taken := range b.take(turn, 9, "http://a.test/low") {
		if taken.Entry.Band != crawler.BandLow {
			t.Errorf("it is taken in band %d, want %d", taken.Entry.Band, crawler.BandLow)
		}
	}
	b.close(turn, 0)
	b.take(b.open("a.test"), 9, "http://a.test/urgent", "http://a.test/urgent2", "http://a.test/high", "http://a.test/normal", "http://a.test/normal2", "http://a.test/low")
}

// Of visits that have fetched nothing and one that has, two are told, that one among them,
// and no more when they are told again, until one has ended.
func recallsVisits(t *testing.T, b *bench) {
	const hosts = 5
	turns := make(map[string]crawler.Turn)
	for n := range hosts {
		host := fmt.Sprintf("h%d.test", n)
		b.admit(2, "http://"+host+"/1", "http://"+host+"/2")
		turns[host] = b.open(crawler.Host(host))
	}
	told := func() (hosts []string) {
		for host, turn := range turns {
			if err := turn.Renew(t.Context(), 0); err != nil {
				t.Fatal(err)
			}
			if turn.Recalled() {
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
	busy := turns["h3.test"]
	b.settle(busy, crawler.OutcomeFetched, b.take(busy, 1, "http://h3.test/1")...)
	recall(2)
	if got := told(); len(got) != 2 || b.job.Shards == 1 && !slices.Contains(got, "h3.test") {
		t.Errorf("%v are told, want two, h3.test among them", got)
	}
	last := told()[0]
	b.take(turns[last], 1, map[bool]string{true: "http://h3.test/2", false: "http://" + last + "/1"}[last == "h3.test"])
	if !turns[last].Recalled() {
		t.Error("a visit that takes URLs does not learn that it is recalled")
	}
	b.close(turns[last], 0)
	delete(turns, last)
	recall(1)
	if got := told(); len(got) != 1 {
		t.Errorf("%v are told, want one", got)
	}
	turn := b.open(crawler.Host(last))
	if err := turn.Renew(t.Context(), 0); err != nil || turn.Recalled() {
		t.Errorf("the next visit of the host is recalled as well, %v", err)
	}
}

// Hosts of one shard that are due are armed in the order in which they became so, but
// those with urgent URLs first: admitted there, in flight there, or to be tried again.
func urgentHostsFirst(t *testing.T, b *bench) {
	host := func(n int) string { return fmt.Sprintf("http://h%d.test/", n) }
	const hosts = 40
	for n := range hosts {
		b.admit(1, host(n))
	}
	urgent := make(map[crawler.Host]bool)
	for n := hosts - 1; n > hosts-5; n-- {
		b.admitBand(crawler.BandUrgent, 1, host(n)+"urgent")
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
			turn, err := b.Open(t.Context(), o, "tester")
			if err != nil {
				t.Fatal(err)
			}
			taken, err := turn.Take(t.Context(), 1, 0)
			if err != nil || len(taken) != 1 {
				t.Fatal(taken, err)
			}
			if round == 0 { // in the next one it is tried again, and in the third it returns from flight
				again := crawler.Settlement{Ticket: taken[0].Ticket, Outcome: crawler.OutcomeRetry, Retry: taken[0].Entry}
				if err := turn.Settle(t.Context(), []crawler.Settlement{again}); err != nil {
					t.Fatal(err)
				}
			}
			b.close(turn, 0)
		}
	}
	b.arm()
	if c := b.counters(); c.Armed != hosts {
		t.Errorf("%d hosts are armed in the end, want %d", c.Armed, hosts)
	}
}

func settledAndCounted(t *testing.T, b *bench) {
	b.admit(3, "http://a.test/1", "http://a.test/2", "http://a.test/3")
	turn := b.open("a.test")
	taken := b.take(turn, 2, "http://a.test/1", "http://a.test/2")
	b.settle(turn, crawler.OutcomeFetched, taken[0])
	b.settle(turn, crawler.OutcomeFetched, taken[0]) // repeated: an answer was lost
	b.settle(turn, crawler.OutcomeGone, taken[1])
	want := crawler.Counters{
		Seen: 3, Waiting: 1, Hosts: 1, Open: 1, Visits: 1, Bytes: 20,
		Outcomes: map[crawler.Outcome]int64{crawler.OutcomeFetched: 1, crawler.OutcomeGone: 1},
	}
	if diff := cmp.Diff(want, b.counters()); diff != "" {
		t.Errorf("counters (-want +got):\n%s", diff)
	}
	b.close(turn, 0)
	turn = b.open("a.test")
	if n := turn.Standing().Pages; n != 1 {
		t.Errorf("the host has %d pages, want 1", n)
	}
	b.take(turn, 10, "http://a.test/3")
}

func retriedLater(t *testing.T, b *bench) {
	b.admit(2, "http://a.test/1", "http://a.test/2")
	turn := b.open("a.test")
	taken := b.take(turn, 1, "http://a.test/1")
	again := taken[0].Entry
	again.Tries = 1
	const pause = 300 * time.Millisecond
	before := time.Now()
	err := turn.Settle(t.Context(), []crawler.Settlement{
		{Ticket: taken[0].Ticket, Outcome: crawler.OutcomeRetry, Retry: again, After: pause},
	})
	if err != nil {
		t.Fatal(err)
	}
	if c := b.counters(); c.Waiting != 2 || c.Flight != 0 {
		t.Fatalf("%d wait and %d are in flight, want 2 and 0", c.Waiting, c.Flight)
	}
	b.take(turn, 1, "http://a.test/2")
	b.take(turn, 1)
	b.close(turn, 0) // gives /2 back, and is due at once
	turn = b.open("a.test")
	b.settle(turn, crawler.OutcomeFetched, b.take(turn, 1, "http://a.test/2")...)
	b.close(turn, 0) // only the retry waits
	turn = b.open("a.test")
	if since := time.Since(before); since < pause-time.Millisecond {
		t.Errorf("the host was due after %v, before its retry", since)
	}
	if got := b.take(turn, 1, "http://a.test/1"); got[0].Entry.Tries != 1 {
		t.Errorf("the entry knows of %d tries, want 1", got[0].Entry.Tries)
	}
}

func claimed(t *testing.T, b *bench) {
	b.admit(2, "http://a.test/1", "http://a.test/2")
	turn := b.open("a.test")
	b.take(turn, 1, "http://a.test/1")
	_, fresh, err := turn.Claim(t.Context(), b.entries(0, "http://a.test/2")[0])
	if err != nil || fresh {
		t.Fatalf("a URL that waits was claimed: %v, %v", fresh, err)
	}
	ticket, fresh, err := turn.Claim(t.Context(), b.entries(0, "http://a.test/new")[0])
	if err != nil || !fresh {
		t.Fatalf("a new URL was not claimed: %v, %v", fresh, err)
	}
	b.admit(0, "http://a.test/new")
	if c := b.counters(); c.Seen != 3 || c.Flight != 2 || c.Waiting != 1 {
		t.Errorf("seen %d, in flight %d, waiting %d; want 3, 2, 1", c.Seen, c.Flight, c.Waiting)
	}
	b.settle(turn, crawler.OutcomeFollowed, crawler.Taken{Ticket: ticket})
	if c := b.counters(); c.Flight != 1 {
		t.Errorf("in flight %d, want 1", c.Flight)
	}
}

func closedInOrder(t *testing.T, b *bench) {
	var urls []string
	for i := range 30 {
		urls = append(urls, fmt.Sprintf("http://a.test/%02d", i))
	}
	b.admitBand(crawler.BandFirst, 2, "http://a.test/s1", "http://a.test/s2")
	b.admit(30, urls...)
	turn := b.open("a.test")
	all := append([]string{"http://a.test/s1", "http://a.test/s2"}, urls...)
	taken := b.take(turn, 20, all[:20]...)
	b.settle(turn, crawler.OutcomeFetched, taken[5])
	b.close(turn, 0)
	left := slices.Delete(slices.Clone(all), 5, 6)
	got := b.take(b.open("a.test"), 100, left...)
	if got[0].Entry.Lost != 0 {
		t.Errorf("a URL that was given back counts as lost")
	}
}

func restsAfterVisit(t *testing.T, b *bench) {
	b.admit(2, "http://a.test/1", "http://a.test/2")
	turn := b.open("a.test")
	b.settle(turn, crawler.OutcomeFetched, b.take(turn, 1, "http://a.test/1")...)
	b.close(turn, time.Hour)
	b.admit(1, "http://a.test/3")
	if orders := b.arm(); len(orders) != 0 {
		t.Errorf("a host that is to rest for an hour was armed")
	}
	b.admit(1, "http://b.test/1")
	turn = b.open("b.test")
	b.settle(turn, crawler.OutcomeFetched, b.take(turn, 1, "http://b.test/1")...)
	b.close(turn, time.Hour) // idle
	b.admit(1, "http://b.test/2")
	if orders := b.arm(); len(orders) != 0 {
		t.Errorf("a host that was idle forgot that it is to rest")
	}
}

func sweptWhenSilent(t *testing.T, b *bench) {
	b.lease = 50 * time.Millisecond
	b.admit(3, "http://a.test/1", "http://a.test/2", "http://a.test/3")
	turn := b.open("a.test")
	taken := b.take(turn, 2, "http://a.test/1", "http://a.test/2")
	b.sweepUntil(1)
	for name, call := range map[string]func() error{
		"settle": func() error {
			return turn.Settle(t.Context(), []crawler.Settlement{{Ticket: taken[0].Ticket, Outcome: crawler.OutcomeFetched}})
		},
		"take":  func() error { _, err := turn.Take(t.Context(), 1, 0); return err },
		"claim": func() error { _, _, err := turn.Claim(t.Context(), b.entries(0, "http://a.test/9")[0]); return err },
		"renew": func() error { return turn.Renew(t.Context(), 0) },
		"recognise": func() error {
			_, err := turn.Recognise(t.Context(), []crawler.Content{{URL: taken[0].Entry.URL}})
			return err
		},
		"close": func() error { return turn.Close(t.Context(), crawler.Rest{}) },
	} {
		if err := call(); !errors.Is(err, crawler.ErrStale) {
			t.Errorf("%s of a visit that was swept: %v, want ErrStale", name, err)
		}
	}
	next := b.open("a.test")
	if err := turn.Renew(t.Context(), 0); !errors.Is(err, crawler.ErrStale) {
		t.Errorf("renew of a visit that was overtaken: %v, want ErrStale", err)
	}
	for _, u := range []string{"http://a.test/1", "http://a.test/2", "http://a.test/3"} {
		b.take(next, 10, u)
	}
	if c := b.counters(); c.Broken != 1 || c.Seen != 3 {
		t.Errorf("broken %d, seen %d; want 1, 3", c.Broken, c.Seen)
	}
}

func sweptWithItsGap(t *testing.T, b *bench) {
	b.lease = 50 * time.Millisecond
	b.admit(1, "http://a.test/1")
	turn := b.open("a.test")
	b.take(turn, 1, "http://a.test/1")
	if err := turn.Renew(t.Context(), time.Hour); err != nil {
		t.Fatal(err)
	}
	b.sweepUntil(1)
	if orders := b.arm(); len(orders) != 0 {
		t.Errorf("a host that is owed an hour is visited at once: %v", orders)
	}
}

func renewed(t *testing.T, b *bench) {
	b.lease = time.Minute
	b.admit(1, "http://a.test/1")
	turn := b.open("a.test")
	b.lease = time.Hour
	if err := turn.Renew(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	deadline, err := b.rdb.ZScore(t.Context(), b.baseOf("a.test")+nameOpen, "a.test").Result()
	if err != nil {
		t.Fatal(err)
	}
	now, _ := b.rdb.Time(t.Context()).Result()
	if left := time.UnixMilli(int64(deadline)).Sub(now); left < 50*time.Minute {
		t.Errorf("a visit that was renewed for an hour has %v left", left)
	}
	if n, err := b.Sweep(t.Context(), 0); n != 0 || err != nil {
		t.Errorf("swept %d, %v", n, err)
	}
}

func sweptWhenNeverOpened(t *testing.T, b *bench) {
	b.term = time.Millisecond
	b.admit(1, "http://a.test/1")
	first := b.armed("a.test")
	var second crawler.Order
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
	if _, err := b.Open(t.Context(), first, "late"); !errors.Is(err, crawler.ErrStale) {
		t.Errorf("an order that was overtaken: %v, want ErrStale", err)
	}
	if _, err := b.Open(t.Context(), second, "tester"); err != nil {
		t.Error(err)
	}
}

func abandoned(t *testing.T, b *bench) {
	b.admit(3, "http://a.test/1", "http://b.test/1", "http://c.test/1")
	turn := b.open("a.test")
	b.take(turn, 1, "http://a.test/1")
	b.armed("b.test")
	if err := b.Abandon(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := turn.Renew(t.Context(), 0); !errors.Is(err, crawler.ErrStale) {
		t.Errorf("renew of a visit that was abandoned: %v, want ErrStale", err)
	}
	if c := b.counters(); c.Due != 3 || c.Waiting != 3 || c.Out() != 0 {
		t.Errorf("due %d, waiting %d, out %d; want 3, 3, 0", c.Due, c.Waiting, c.Out())
	}
}

func losesWorkers(t *testing.T, b *bench) {
	b.lease = time.Millisecond
	b.admit(1, "http://a.test/1")
	for lost := range 3 {
		turn := b.open("a.test")
		taken := b.take(turn, 1, "http://a.test/1")
		if got := taken[0].Entry.Lost; got != lost {
			t.Fatalf("the entry lost %d workers, want %d", got, lost)
		}
		b.sweepUntil(1)
	}
}

func takenAlone(t *testing.T, b *bench) {
	b.lease = time.Millisecond
	b.admit(4, "http://a.test/1", "http://a.test/2", "http://a.test/3", "http://a.test/4")
	b.take(b.open("a.test"), 2, "http://a.test/1", "http://a.test/2")
	b.sweepUntil(1)
	b.lease = time.Minute
	b.admitBand(crawler.BandFirst, 2, "http://a.test/5", "http://a.test/6")
	turn := b.open("a.test")
	b.take(turn, 10, "http://a.test/5", "http://a.test/6")
	b.take(turn, 10, "http://a.test/1")
	if c := b.counters(); c.Waiting != 3 || c.Flight != 3 {
		t.Errorf("%d wait and %d are in flight, want 3 and 3", c.Waiting, c.Flight)
	}
	b.take(turn, 10, "http://a.test/2")
	b.take(turn, 10, "http://a.test/3", "http://a.test/4")
}

func idleAtTheEnd(t *testing.T, b *bench) {
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
	turn, err := b.Open(t.Context(), o, "tester")
	if err != nil {
		t.Fatal(err)
	}
	taken := b.take(turn, 1, "http://a.test/1")
	idle(false, "with a visit open")
	b.admit(1, "http://b.test/1")
	b.settle(turn, crawler.OutcomeFetched, taken...)
	b.close(turn, 0)
	idle(false, "with a link found at another host")
	turn = b.open("b.test")
	b.settle(turn, crawler.OutcomeFetched, b.take(turn, 1, "http://b.test/1")...)
	idle(false, "with all settled and a visit open")
	b.close(turn, time.Hour)
	idle(true, "at the end")
}

func keepsBudget(t *testing.T, b *bench) {
	b.job.Pages = 5
	for i := range 4 {
		for h := range 3 {
			b.admit(1, fmt.Sprintf("http://h%d.test/%d", h, i))
		}
	}
	one, two := b.open("h0.test"), b.open("h1.test")
	first := b.take(one, 3, "http://h0.test/0", "http://h0.test/1", "http://h0.test/2")
	second := b.take(two, 3, "http://h1.test/0", "http://h1.test/1")
	if _, err := two.Take(t.Context(), 3, 0); !errors.Is(err, crawler.ErrSpent) {
		t.Fatalf("take with all pages promised: %v, want ErrSpent", err)
	}
	b.settle(one, crawler.OutcomeGone, first[0])
	b.settle(one, crawler.OutcomeFetched, first[1:]...)
	third := b.take(one, 3, "http://h0.test/3") // one page was not needed
	b.settle(two, crawler.OutcomeFetched, second...)
	b.close(two, 0)
	b.settle(one, crawler.OutcomeGone, third...)
	b.close(one, 0)
	last := b.open("h2.test")
	b.settle(last, crawler.OutcomeFetched, b.take(last, 9, "http://h2.test/0")...)
	if _, err := last.Take(t.Context(), 3, 0); !errors.Is(err, crawler.ErrSpent) {
		t.Fatalf("take with all pages fetched: %v, want ErrSpent", err)
	}
	if got := b.counters().Pages(); got != 5 {
		t.Errorf("%d pages, want 5", got)
	}
}

func breaksWithBudget(t *testing.T, b *bench) {
	b.job.Pages = 3
	b.lease = 20 * time.Millisecond
	b.admit(4, "http://a.test/1", "http://a.test/2", "http://a.test/3", "http://a.test/4")
	turn := b.open("a.test")
	taken := b.take(turn, 3, "http://a.test/1", "http://a.test/2", "http://a.test/3")
	if err := turn.Settle(t.Context(), []crawler.Settlement{{Ticket: taken[0].Ticket, Outcome: crawler.OutcomeFetched}}); err != nil {
		t.Skip("the machine is too slow: the lease ended before the test began")
	}
	b.sweepUntil(1)
	b.lease = time.Minute
	turn = b.open("a.test")
	b.settle(turn, crawler.OutcomeFetched, b.take(turn, 9, "http://a.test/2")...)
	b.settle(turn, crawler.OutcomeFetched, b.take(turn, 9, "http://a.test/3")...)
	if _, err := turn.Take(t.Context(), 1, 0); !errors.Is(err, crawler.ErrSpent) {
		t.Errorf("take with all pages fetched: %v, want ErrSpent", err)
	}
}

func breaksWithGarbage(t *testing.T, b *bench) {
	const one, two = "http://a.test/1", "http://a.test/2"
	b.job.Pages = 100 // so that the host waits for its release
	b.admit(2, one, two)
	b.take(b.open("a.test"), 1, one)
	b.must(b.rdb.HSet(t.Context(), b.baseOf("a.test")+nameHost+"a.test", "epoch", "garbage").Err())
	b.must(b.Abandon(t.Context()))
	b.take(b.open("a.test"), 1, one)
	if c := b.counters(); c.Garbage != 1 || c.Broken != 1 {
		t.Errorf("%d values were garbage and %d visits broke, want 1 and 1", c.Garbage, c.Broken)
	}
}

func exactWhileGrowing(t *testing.T, b *bench) {
	const n = 5000
	var urls []string
	for i := range n {
		urls = append(urls, fmt.Sprintf("http://h%d.test/page/%d", i%7, i))
	}
	b.admit(n, urls...)
	fresh, err := b.elsewhere().Admit(t.Context(), b.entries(0, urls...))
	if err != nil || fresh != 0 {
		t.Fatalf("%d of %d URLs were admitted twice, %v", fresh, n, err)
	}
	buckets, largest, members := 0, int64(0), int64(0)
	for shard := range b.job.Shards {
		count, err := b.rdb.HGet(t.Context(), b.base(shard)+nameCount, "buckets").Int()
		if err != nil && !errors.Is(err, redis.Nil) {
			t.Fatal(err)
		}
		for bucket := range max(count, 1) {
			size := b.rdb.SCard(t.Context(), fmt.Sprintf("%s%s%d", b.base(shard), nameSeen, bucket)).Val()
			largest, members, buckets = max(largest, size), members+size, buckets+1
		}
	}
	if members != n || largest > 512 || buckets < n/200 {
		t.Errorf("%d fingerprints in %d buckets, the largest with %d", members, buckets, largest)
	}
}

// The job is removed and made again by another process than the one that brings
// the URL both times, as a scheduler does.
func seenByAnother(t *testing.T, b *bench) {
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
	time.Sleep(2 * time.Millisecond) // jobs of one name differ in when they were made
	if err := other.Create(ctx, b.job); err != nil {
		t.Fatal(err)
	}
	b.Frontier = again()
	b.admit(1, "https://a.example/")
}
