package tasks_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/account"
	"github.com/trawlcrawler/trawl/internal/frontier"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/redisconn"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/visit"
	"github.com/trawlcrawler/trawl/tasks"
)

// endedJob is a job that the tests end.
type endedJob struct {
	t        *testing.T
	store    *frontier.Store
	client   *tasks.Client
	job      crawler.Job
	frontier *frontier.Frontier
	rdb      *redis.Client
}

// newEndedJob creates a running job.
func newEndedJob(t *testing.T, set func(j *crawler.Job)) *endedJob {
	t.Helper()
	url := redistest.New(t)
	endpoint, err := redisconn.ParseEndpoint(url)
	if err != nil {
		t.Fatal(err)
	}
	opt, err := redis.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	e := &endedJob{t: t, rdb: redis.NewClient(opt), job: crawler.DefaultJob()}
	e.job.Name, e.job.Seeds, e.job.Politeness = strings.ToLower("j"+rand.Text()[:12]), []string{"http://a.test/"},
		crawler.PolitenessJob
	if set != nil {
		set(&e.job)
	}
	e.store = frontier.New(e.rdb)
	e.client = tasks.NewClient(e.store, endpoint)
	t.Cleanup(func() { e.client.Close(); e.rdb.Close() })
	e.must(e.store.Create(t.Context(), e.job))
	e.frontier = e.store.Frontier(e.job)
	e.move(crawler.StateRunning)
	return e
}

func (e *endedJob) must(err error) {
	e.t.Helper()
	if err != nil {
		e.t.Fatal(err)
	}
}

func (e *endedJob) move(to crawler.State) {
	e.t.Helper()
	_, err := e.store.Move(e.t.Context(), e.job.Name, to, "", crawler.StateCreated, crawler.StateRunning)
	e.must(err)
}

// url parses a URL.
func (e *endedJob) url(text string) crawler.URL {
	e.t.Helper()
	u, err := crawler.ParseURL(text)
	e.must(err)
	return u
}

// settle settles URLs of a host with their outcomes. The outcome "over" means skipped because of
// the host's budget.
func (e *endedJob) settle(h crawler.Host, outcomes map[string]crawler.Outcome) {
	e.t.Helper()
	var entries []queue.Entry
	for u := range outcomes {
		entries = append(entries, queue.Entry{URL: e.url(u)})
	}
	_, err := e.frontier.Admit(e.t.Context(), entries)
	e.must(err)
	orders, err := e.frontier.Arm(e.t.Context(), 10)
	e.must(err)
	if len(orders) != 1 || orders[0].Host != h {
		e.t.Fatalf("%v is armed, want %s", orders, h)
	}
	lease, err := e.frontier.Open(e.t.Context(), orders[0], "tester", visit.Want{})
	e.must(err)
	taken, err := lease.Take(e.t.Context(), 100, 0)
	e.must(err)
	var done []queue.Settlement
	for _, t := range taken {
		s := queue.Settlement{Ticket: t.Ticket, Outcome: outcomes[t.Entry.URL.String()]}
		if s.Outcome == "over" {
			s.Outcome, s.Over = crawler.OutcomeSkipped, true
		}
		if e.job.Recrawl.On() {
			s.Page = queue.Sighting{Entry: t.Entry, Found: true, Content: 7}
		}
		done = append(done, s)
	}
	e.must(lease.Settle(e.t.Context(), done))
	e.must(lease.Close(e.t.Context(), queue.Rest{}))
}

// record returns the record of a page.
func record(u string, o crawler.Outcome, links any) crawler.Record {
	return crawler.Record{URL: u, FinalURL: u, Outcome: o, Links: links, Depth: 1}
}

// compare compares the job with records, and stops before the job is reopened.
func (e *endedJob) compare(records ...crawler.Record) (*tasks.Comparing, account.Comparison) {
	e.t.Helper()
	ctx := e.t.Context()
	c, err := e.client.Compare(ctx, e.job.Name, "")
	e.must(err)
	for _, r := range records {
		e.must(c.Record(ctx, r))
	}
	sum := c.Sum(true)
	if !c.Due() {
		return c, sum
	}
	e.must(c.OfferSeeds(ctx))
	for _, r := range records {
		e.must(c.OfferLinksOf(ctx, r))
	}
	if c.Unnamed() > 0 {
		for _, r := range records {
			e.must(c.Reread(ctx, r))
		}
	}
	return c, sum
}

// reopen ends the comparison.
func (e *endedJob) reopen(c *tasks.Comparing) queue.Refetch {
	e.t.Helper()
	brought, err := c.Reopen(e.t.Context())
	e.must(err)
	e.must(c.Close(e.t.Context()))
	return brought
}

func (e *endedJob) wantPlaces(want map[string]queue.Place) {
	e.t.Helper()
	for u, place := range want {
		w, err := e.frontier.Find(e.t.Context(), e.url(u))
		e.must(err)
		if w.Place != place {
			e.t.Errorf("%s is %s, want %s", u, w.Place, place)
		}
	}
}

func TestAComparisonChangesNothingIfNoRecordIsMissing(t *testing.T) {
	t.Parallel()
	e := newEndedJob(t, nil)
	e.settle("a.test", map[string]crawler.Outcome{
		"http://a.test/": crawler.OutcomeFetched, "http://a.test/to": crawler.OutcomeFollowed,
		"http://a.test/over": "over", "http://a.test/gone": crawler.OutcomeGone,
	})
	e.move(crawler.StateDone)
	first := record("http://a.test/", crawler.OutcomeFetched, 3)
	first.Redirects = []string{"http://a.test/to"}
	c, sum := e.compare(first, record("http://a.test/gone", crawler.OutcomeGone, 0),
		record("http://other.test/", crawler.OutcomeFetched, 1))
	if sum != (account.Comparison{Settled: 2, Records: 2}) || c.Due() {
		t.Errorf("%v, and URLs to fetch: %v", sum, c.Due())
	}
	if _, err := e.client.Compare(t.Context(), e.job.Name, ""); !errors.Is(err, queue.ErrNotComparable) {
		t.Errorf("a second comparison is running: %v", err)
	}
	e.must(c.Close(t.Context()))
}

func TestMissingURLsInRecordsAreFetchedAgain(t *testing.T) {
	t.Parallel()
	e := newEndedJob(t, nil)
	e.settle("a.test", map[string]crawler.Outcome{
		"http://a.test/": crawler.OutcomeFetched, "http://a.test/1": crawler.OutcomeFetched,
		"http://a.test/2": crawler.OutcomeFetched,
		"http://a.test/3": crawler.OutcomeGone,
	})
	e.move(crawler.StateDone)
	last := record("http://a.test/2", crawler.OutcomeFetched, 0)
	last.Referrer = "http://a.test/1"
	c, sum := e.compare(last, record("http://a.test/3", crawler.OutcomeGone, 0))
	if brought := e.reopen(c); sum.Missing() != 2 || brought != (queue.Refetch{Named: 2}) {
		t.Errorf("%v: the URLs to fetch again are %+v", sum, brought)
	}
	e.wantPlaces(map[string]queue.Place{
		"http://a.test/": queue.PlaceQueue, "http://a.test/1": queue.PlaceQueue, "http://a.test/2": queue.PlaceSettled,
		"http://a.test/3": queue.PlaceSettled,
	})
	status, err := e.store.Status(t.Context(), e.job.Name)
	e.must(err)
	counters, err := e.client.Counters(t.Context(), e.job.Name)
	e.must(err)
	if status.State != crawler.StateRunning || !status.Seeded || status.Held || counters.Recorded() != 2 ||
		counters.Pages() != 1 || counters.Waiting != 2 || counters.Seen != 4 {
		t.Errorf("the job is %s, seeded %v, held %v; %+v", status.State, status.Seeded, status.Held, counters)
	}
}

// The page that linked to a lost URL is fetched again, with the redirect that led there, and so are
// sitemaps.
func TestPagesThatMayLeadToMissingURLsAreFetchedAgain(t *testing.T) {
	t.Parallel()
	e := newEndedJob(t, func(j *crawler.Job) { j.Sitemaps = true })
	e.settle("a.test", map[string]crawler.Outcome{
		"http://a.test/": crawler.OutcomeFetched, "http://a.test/to": crawler.OutcomeFollowed,
		"http://a.test/leaf": crawler.OutcomeFetched,
		"http://a.test/lost": crawler.OutcomeFetched, "http://a.test/map.xml": crawler.OutcomeFetched,
	})
	e.move(crawler.StateDone)
	first := record("http://a.test/", crawler.OutcomeFetched, 3)
	first.Redirects = []string{"http://a.test/to"}
	sitemap := record("http://a.test/map.xml", crawler.OutcomeFetched, []any{})
	sitemap.Sitemap = 1
	c, _ := e.compare(first, record("http://a.test/leaf", crawler.OutcomeFetched, 0), sitemap)
	if brought := e.reopen(c); brought != (queue.Refetch{Reread: 2, Forgotten: 2}) {
		t.Errorf("%+v", brought)
	}
	e.wantPlaces(map[string]queue.Place{
		"http://a.test/": queue.PlaceQueue, "http://a.test/to": queue.PlaceUnseen,
		"http://a.test/leaf": queue.PlaceSettled,
		"http://a.test/lost": queue.PlaceUnseen, "http://a.test/map.xml": queue.PlaceQueue,
	})
	w, err := e.frontier.Find(t.Context(), e.url("http://a.test/map.xml"))
	if err != nil || w.Entry.Sitemap != 1 {
		t.Errorf("the sitemap waits as %+v, %v", w.Entry, err)
	}
	counters, err := e.client.Counters(t.Context(), e.job.Name)
	e.must(err)
	if counters.Pages() != 1 || counters.Outcomes[crawler.OutcomeFollowed] != 0 || counters.Known != 5 ||
		counters.Seen != 3 {
		t.Errorf("%+v", counters)
	}
}

// A continuous job knows its pages, and fetches them again as those that it knows.
func TestMissingPagesOfAContinuousJobAreTrackedOnce(t *testing.T) {
	t.Parallel()
	e := newEndedJob(t, func(j *crawler.Job) {
		j.Recrawl = crawler.Recrawl{Budget: crawler.FetchRate{Fetches: 1e6, Per: 24 * time.Hour}}
	})
	outcomes := map[string]crawler.Outcome{"http://a.test/": crawler.OutcomeFetched,
		"http://a.test/lost": crawler.OutcomeFetched}
	e.settle("a.test", outcomes)
	e.move(crawler.StateDone)
	c, _ := e.compare(record("http://a.test/", crawler.OutcomeFetched, 1))
	if brought := e.reopen(c); brought != (queue.Refetch{Named: 1}) {
		t.Errorf("%+v", brought)
	}
	e.wantPlaces(map[string]queue.Place{"http://a.test/": queue.PlaceSettled, "http://a.test/lost": queue.PlaceQueue})
	e.settle("a.test", outcomes)
	counters, err := e.client.Counters(t.Context(), e.job.Name)
	e.must(err)
	if counters.Tracked != 2 || counters.Back != 0 || counters.Again != 1 {
		t.Errorf("%d pages are tracked, %d wait, %d were fetched again; want 2, 0 and 1", counters.Tracked, counters.Back,
			counters.Again)
	}
}

// The seed list is no longer available, but the hosts of its URLs are known.
func TestTheFirstPagesOfSeededHostsAreFetchedAgain(t *testing.T) {
	t.Parallel()
	e := newEndedJob(t, nil)
	e.settle("a.test", map[string]crawler.Outcome{"http://a.test/": crawler.OutcomeFetched})
	e.must(e.store.AddHomes(t.Context(), e.job.Name, []crawler.Host{"b.test"}))
	e.settle("b.test", map[string]crawler.Outcome{"http://b.test/": crawler.OutcomeFetched,
		"http://b.test/deep": crawler.OutcomeFetched})
	e.move(crawler.StateDone)
	c, _ := e.compare(record("http://a.test/", crawler.OutcomeFetched, []any{}))
	if brought := e.reopen(c); brought != (queue.Refetch{Named: 1, Forgotten: 1}) {
		t.Errorf("%+v", brought)
	}
	e.wantPlaces(map[string]queue.Place{"http://b.test/": queue.PlaceQueue, "http://b.test/deep": queue.PlaceUnseen})
}

// A comparison may be killed at any moment: the next one finishes its work.
func TestTheNextComparisonFinishesAKilledOne(t *testing.T) {
	t.Parallel()
	const n = 1200 // several batches
	all := make(map[string]crawler.Outcome)
	var kept []crawler.Record
	var links []any
	for i := range n {
		u := fmt.Sprintf("http://a.test/%04d", i)
		all[u] = crawler.OutcomeFetched
		links = append(links, u)
	}
	kept = append(kept, record("http://a.test/0000", crawler.OutcomeFetched, links),
		record("http://a.test/0001", crawler.OutcomeFetched, 2))
	e := newEndedJob(t, nil)
	for range 12 {
		part := make(map[string]crawler.Outcome)
		for u := range all {
			if len(part) < 100 {
				part[u] = all[u]
				delete(all, u)
			}
		}
		e.settle("a.test", part)
	}
	e.settle("a.test", map[string]crawler.Outcome{"http://a.test/unnamed": crawler.OutcomeFetched})
	e.move(crawler.StateDone)
	began, _ := e.compare(kept...) // up to two batches wait by now
	e.must(began.Close(t.Context()))
	second, _ := e.compare(kept...)
	interrupted, cancel := context.WithCancel(t.Context())
	time.AfterFunc(100*time.Millisecond, cancel)
	if _, err := second.Reopen(interrupted); err == nil {
		t.Fatal("the job was reopened at once, although processes may still remember forgotten URLs")
	}
	e.must(second.Close(t.Context()))
	third, _ := e.compare(kept...)
	if !third.Due() {
		t.Fatal("the comparison finds nothing to do")
	}
	e.reopen(third)
	waiting := make(map[string]int)
	e.must(e.frontier.EachWaiting(t.Context(), func(entry queue.Entry) { waiting[entry.URL.String()]++ }))
	for u, times := range waiting {
		if times != 1 {
			t.Errorf("%s waits %d times", u, times)
		}
	}
	counters, err := e.client.Counters(t.Context(), e.job.Name)
	e.must(err)
	if len(waiting) != n-1 || waiting["http://a.test/0000"] != 0 || counters.Waiting != n-1 ||
		counters.Recorded() != 1 || counters.Seen != n {
		t.Errorf("%d URLs wait, want %d; %+v", len(waiting), n-1, counters)
	}
}

func TestTheErrorForAJobThatCannotBeComparedSaysWhatToDo(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		set func(j *crawler.Job)
		do  func(e *endedJob)
	}{
		"running": {},
		"periodic": {
			set: func(j *crawler.Job) { j.Schedule = "0 3 * * *" }, do: func(e *endedJob) { e.move(crawler.StateDone) },
		},
		"held": {do: func(e *endedJob) {
			e.move(crawler.StateDone)
			e.must(e.store.Hold(e.t.Context(), e.job.Name, "somebody", time.Minute))
		}},
		"of spent time": {set: func(j *crawler.Job) { j.Time = time.Millisecond },
			do: func(e *endedJob) {
				for ran := time.Duration(0); ran < time.Millisecond; {
					var err error
					ran, err = e.store.Age(e.t.Context(), e.job.Name)
					e.must(err)
				}
				e.move(crawler.StateDone)
			}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			e := newEndedJob(t, c.set)
			if c.do != nil {
				c.do(e)
			}
			if _, err := e.client.Compare(t.Context(), e.job.Name, ""); !errors.Is(err, queue.ErrNotComparable) {
				t.Errorf("the comparison started: %v", err)
			}
		})
	}
}
