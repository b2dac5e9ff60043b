package frontier

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/test/race"
	"github.com/trawlcrawler/trawl/internal/visit"
)

// changingSite is a web in virtual time whose pages change at rates of their own. It is crawled by
// a frontier alone: visits take, settle and close, and no page is really fetched.
type changingSite struct {
	*testJob
	server  *miniredis.Miniredis
	now     time.Time
	random  *rand.Rand
	changes map[string]float64 // a day, by URL
	fetches map[int]int        // by day
	news    map[int]int        // those for the first time
	again   map[string]int     // by URL
}

const virtualDay = 24 * time.Hour

func newChangingSite(t *testing.T, budget int64) *changingSite {
	t.Helper()
	s := &changingSite{server: miniredis.NewMiniRedis(), now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC),
		random: rand.New(rand.NewPCG(1, 2)), changes: make(map[string]float64), fetches: make(map[int]int),
		news: make(map[int]int), again: make(map[string]int)}
	s.server.SetTime(s.now)
	t.Cleanup(s.server.Close)
	rdb := redis.NewClient(&redis.Options{
		Protocol: 2, DisableIdentity: true, ReadTimeout: -1, WriteTimeout: -1,
		MaintNotificationsConfig: &maintnotifications.Config{
			Mode: maintnotifications.ModeDisabled, EndpointType: maintnotifications.EndpointTypeNone,
		},
		Dialer: func(context.Context, string, string) (net.Conn, error) { return s.server.Dial() },
	})
	t.Cleanup(func() { _ = rdb.Close() })
	job := crawler.DefaultJob()
	job.Name, job.Politeness, job.Shards = "news", crawler.PolitenessJob, 2
	job.Recrawl = crawler.Recrawl{Budget: crawler.FetchRate{Fetches: budget, Per: virtualDay}}
	store := New(rdb)
	if err := store.Create(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Status(t.Context(), job.Name); err != nil { // the frontier follows what is read of the job later
		t.Fatal(err)
	}
	s.testJob = &testJob{store.Frontier(job), t, store, rdb, make(map[crawler.Host]queue.VisitRef)}
	return s
}

// add adds new pages to the site.
func (s *changingSite) add(pages int) {
	s.t.Helper()
	var urls []string
	for range pages {
		u := fmt.Sprintf("http://h%d.test/page/%d", s.random.IntN(8), len(s.changes))
		rate := []float64{0, 0, 0, 0, 0, 0.02, 0.05, 0.2, 1, 50}[s.random.IntN(10)]
		s.changes[u] = rate
		urls = append(urls, u)
	}
	s.admit(pages, urls...)
}

// content is what a page says now: another text after each change.
func (s *changingSite) content(u string) uint32 {
	sum := fnv.New32a()
	fmt.Fprint(sum, u, math.Floor(float64(s.now.Unix())/86400*s.changes[u]))
	return sum.Sum32()
}

// step lets time pass, and does everything that is due then. With lose, the worker of a visit dies.
func (s *changingSite) step(by time.Duration, lose bool) {
	s.t.Helper()
	s.now = s.now.Add(by)
	s.server.SetTime(s.now)
	s.must(s.Steer(s.t.Context()))
	status, err := s.store.Status(s.t.Context(), s.job.Name)
	s.must(err)
	_, err = s.Again(s.t.Context(), s.counters())
	s.must(err)
	if status.State != crawler.StateCreated {
		s.t.Fatalf("the job is %s", status.State)
	}
	for _, o := range s.arm() {
		lease, err := s.Open(s.t.Context(), o, "tester", visit.Want{})
		s.must(err)
		rest, lost := s.visit(lease, lose)
		if lost {
			lose = false
			continue
		}
		s.must(lease.Close(s.t.Context(), rest))
	}
	s.must(s.Abandon(s.t.Context()))
}

// visit fetches what may be taken at a host. A worker that dies has fetched what it took.
func (s *changingSite) visit(lease visit.HostLease, lose bool) (rest queue.Rest, lost bool) {
	s.t.Helper()
	for {
		taken, err := lease.Take(s.t.Context(), 8, 0)
		var rationed *queue.Rationed
		if errors.As(err, &rationed) {
			return queue.Rest{NotBefore: rationed.Wait}, false
		}
		s.must(err)
		if len(taken) == 0 {
			return queue.Rest{}, false
		}
		day := int(s.now.Sub(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)) / virtualDay)
		var done []queue.Settlement
		for _, one := range taken {
			u := one.Entry.URL.String()
			s.fetches[day]++
			s.again[u]++
			if !one.Entry.Page.Known() {
				s.news[day]++
			}
			done = append(done, queue.Settlement{Ticket: one.Ticket, Outcome: crawler.OutcomeFetched,
				Page: queue.Sighting{Entry: one.Entry, Found: true, Content: s.content(u)}})
		}
		if lose {
			return queue.Rest{}, true
		}
		s.must(lease.Settle(s.t.Context(), done))
	}
}

func TestABudgetIsMetOverDays(t *testing.T) {
	t.Parallel()
	race.Skip(t) // it runs in one goroutine
	const budget, days, pages = 400, 9, 800
	s := newChangingSite(t, budget)
	s.add(pages)
	steps := 0
	for day := range days {
		for range 24 * 6 {
			steps++
			s.step(10*time.Minute, steps%50 == 0)
		}
		s.add(30)
		n := s.counters()
		t.Logf("day %d: %d fetches, %d for the first time; %d tracked, %d back, %d wait; %+v", day, s.fetches[day],
			s.news[day], n.Tracked, n.Back, n.Waiting, s.freshNow())
	}
	sum := 0
	for day := 3; day < days; day++ {
		sum += s.fetches[day]
		if got := s.fetches[day]; math.Abs(float64(got)-budget) > 0.1*budget {
			t.Errorf("on day %d, there were %d fetches, want %d", day, got, budget)
		}
	}
	if mean := float64(sum) / (days - 3); math.Abs(mean-budget) > 0.05*budget {
		t.Errorf("there were %.0f fetches a day, want %d to within 5 %%", mean, budget)
	}
	if s.news[days-1] < 20 {
		t.Errorf("on the last day, %d of 30 new pages were fetched", s.news[days-1])
	}
	if n := s.counters(); n.Tracked < pages || n.Seen != int64(len(s.changes)) {
		t.Errorf("of %d pages, %d were seen and %d are tracked", len(s.changes), n.Seen, n.Tracked)
	}
	for u, rate := range s.changes {
		if rate == 50 && s.again[u] > 200 {
			t.Errorf("a page that changes too fast to follow was fetched %d times", s.again[u])
		}
	}
}

func (s *changingSite) freshNow() crawler.Freshness {
	status, err := s.store.Status(s.t.Context(), s.job.Name)
	s.must(err)
	if status.Freshness == nil {
		return crawler.Freshness{}
	}
	return *status.Freshness
}
