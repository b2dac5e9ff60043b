package visit_test

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/frontier"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/robots"
	"github.com/trawlcrawler/trawl/internal/test/race"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
	"github.com/trawlcrawler/trawl/internal/visit"
)

const randomWebDepth = 8

// randomWeb is a random web on several hosts: chains of pages with shortcuts between them, and some
// redirects. Page 0 is the seed.
type randomWeb struct {
	hosts    []int // host of each page
	links    [][]int
	redirect []int // redirect target of each page; 0 for none
}

func newRandomWeb(r *rand.Rand) randomWeb {
	const pages, hosts = 120, 8
	m := randomWeb{make([]int, pages), make([][]int, pages), make([]int, pages)}
	for i := range pages {
		m.hosts[i] = r.IntN(hosts)
		m.links[i] = append(m.links[i], (i+1)%pages)
		if r.IntN(2) == 0 || i == 0 {
			m.links[i] = append(m.links[i], r.IntN(pages))
		}
		if i > 0 && i < pages-1 && r.IntN(8) == 0 {
			m.redirect[i] = i + 1 + r.IntN(pages-i-1)
		}
	}
	return m
}

func (m randomWeb) host(page int) int    { return m.hosts[page] }
func (m randomWeb) path(page int) string { return fmt.Sprintf("/page%d", page) }

// serve serves the web. Pages link to one another by absolute URLs.
func (m randomWeb) serve(t *testing.T) *testsite.Site {
	t.Helper()
	hosts := slices.Max(m.hosts) + 1
	webs, handlers := make([]web, hosts), make([]http.Handler, hosts)
	for i := range webs {
		webs[i] = web{}
		handlers[i] = webs[i]
	}
	site := testsite.Serve(t, handlers...)
	for page, to := range m.links {
		var urls []string
		for _, link := range to {
			urls = append(urls, site.URL(m.host(link), m.path(link)))
		}
		webs[m.host(page)][m.path(page)] = links(urls...)
		if target := m.redirect[page]; target > 0 {
			webs[m.host(page)][m.path(page)] = "301 " + site.URL(m.host(target), m.path(target))
		}
	}
	return site
}

// within returns one request for each page up to this depth.
func (m randomWeb) within(depth int) map[string]int {
	distance := map[int]int{0: 0}
	for {
		before := maps.Clone(distance)
		reach := func(page, d int) {
			if was, ok := distance[page]; d <= depth && (!ok || d < was) {
				distance[page] = d
			}
		}
		for page, d := range before {
			if target := m.redirect[page]; target > 0 {
				reach(target, d)
				continue
			}
			for _, link := range m.links[page] {
				reach(link, d+1)
			}
		}
		if maps.Equal(before, distance) {
			break
		}
	}
	asked := make(map[string]int)
	for page := range distance {
		asked[m.path(page)] = 1
	}
	return asked
}

func (m randomWeb) requests(site *testsite.Site) map[string]int {
	asked := make(map[string]int)
	for page := range m.links {
		if n := site.Count(m.path(page)); n > 0 {
			asked[m.path(page)] = n
		}
	}
	return asked
}

// newRandomWebCrawl creates a crawl up to randomWebDepth, on the Redis at the URL.
func newRandomWebCrawl(t *testing.T, url string, shards int, site *testsite.Site, change func(*crawler.Job)) *crawl {
	t.Helper()
	c := newCrawl(t, site, func(j *crawler.Job) {
		j.Depth, j.Shards, j.Traps, j.Scope = randomWebDepth, shards, false, crawler.ScopeAny
		if change != nil {
			change(j)
		}
	})
	opt, err := redis.ParseURL(url)
	check(t, err)
	rdb := redis.NewClient(opt)
	t.Cleanup(func() { rdb.Close() })
	store := frontier.New(rdb)
	c.job.Name = redistest.Name(t)
	check(t, store.Create(t.Context(), c.job))
	c.frontier = store.Frontier(c.job)
	c.tools.Frontier, c.tools.Robots = c.frontier, robots.New(store.RobotsCache(), robots.Config{})
	c.cfg.Pages = 1
	return c
}

// visitRandomly makes visits of one URL each until the job is idle. The order of hosts is random,
// with some hosts chosen rarely, and the frontier admits links again at random moments.
func (c *crawl) visitRandomly(r *rand.Rand) {
	c.t.Helper()
	salt := r.Uint64()
	var orders []queue.VisitRef
	for !c.over() {
		more, err := c.frontier.Arm(c.t.Context(), 1000)
		check(c.t, err)
		orders = append(orders, more...)
		if len(orders) == 0 || r.IntN(3) == 0 {
			check(c.t, c.frontier.Approach(c.t.Context()))
		}
		if len(orders) == 0 {
			continue
		}
		slices.SortFunc(orders, func(a, b queue.VisitRef) int {
			return cmp.Compare(shuffled(a.Host, salt), shuffled(b.Host, salt))
		})
		i := r.IntN(1 + r.IntN(1+r.IntN(len(orders))))
		report, err := c.visitor().Visit(c.t.Context(), orders[i], nil)
		check(c.t, err)
		if report.Ending == queue.EndStale { // the worker was lost
			check(c.t, c.frontier.Abandon(c.t.Context()))
		}
		orders = slices.Delete(orders, i, i+1)
	}
}

func shuffled(h crawler.Host, salt uint64) uint64 {
	sum := fnv.New64a()
	fmt.Fprint(sum, salt, h)
	return sum.Sum64()
}

func TestTheOrderOfVisitsDoesNotChangeTheFetchedPages(t *testing.T) {
	t.Parallel()
	for seed := range uint64(10) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			if seed > 1 {
				race.Skip(t) // one seed for each number of shards is enough for the detector
			}
			redistest.Sampled(t, func(t *testing.T, url string) {
				r := rand.New(rand.NewPCG(seed, 1))
				m := newRandomWeb(r)
				site := m.serve(t)
				c := newRandomWebCrawl(t, url, []int{1, 4}[seed%2], site, nil)
				c.admit(queue.Entry{URL: parseURL(t, site.URL(m.host(0), m.path(0)))})
				c.visitRandomly(r)
				if diff := gocmp.Diff(m.within(randomWebDepth), m.requests(site)); diff != "" {
					t.Errorf("requested pages (-want +got):\n%s", diff)
				}
				if n := c.counters(); n.Waiting != 0 || n.Flight != 0 || n.Nearer != 0 || n.Seen != n.Settled() {
					t.Errorf("counters: got %+v", n)
				}
			})
		})
	}
}

// workerLossFrontier is the frontier of a worker that is lost a given number of times, at random
// moments.
type workerLossFrontier struct {
	visit.Frontier
	r    *rand.Rand
	left int
}

func (f *workerLossFrontier) Open(ctx context.Context, o queue.VisitRef, worker string,
	want visit.Want) (visit.HostLease, error) {
	lease, err := f.Frontier.Open(ctx, o, worker, want)
	return workerLossLease{lease, f}, err
}

func (f *workerLossFrontier) lost() bool {
	if f.left == 0 || f.r.IntN(4) > 0 {
		return false
	}
	f.left--
	return true
}

func (f *workerLossFrontier) Admit(ctx context.Context, entries []queue.Entry) (int, error) {
	if f.lost() {
		return 0, queue.ErrStale
	}
	return f.Frontier.Admit(ctx, entries)
}

type workerLossLease struct {
	visit.HostLease
	workerLossFrontier *workerLossFrontier
}

func (t workerLossLease) Remember(ctx context.Context, pages []fetched.Outlinks) ([]int, error) {
	if t.workerLossFrontier.lost() {
		return nil, queue.ErrStale
	}
	return t.HostLease.Remember(ctx, pages)
}

func (t workerLossLease) Finish(ctx context.Context, done []queue.Settlement, r queue.Rest) (bool, error) {
	if t.workerLossFrontier.lost() {
		return false, queue.ErrStale
	}
	return t.HostLease.Finish(ctx, done, r)
}

func (t workerLossLease) Settle(ctx context.Context, done []queue.Settlement) error {
	if t.workerLossFrontier.lost() {
		return queue.ErrStale
	}
	return t.HostLease.Settle(ctx, done)
}

func TestNoPageIsMissedWhenWorkersAreLost(t *testing.T) {
	t.Parallel()
	for seed := range uint64(6) {
		t.Run(fmt.Sprintf("seed %d", seed), func(t *testing.T) {
			t.Parallel()
			if seed > 1 {
				race.Skip(t) // as above
			}
			redistest.Sampled(t, func(t *testing.T, url string) {
				r := rand.New(rand.NewPCG(seed, 2))
				m := newRandomWeb(r)
				site := m.serve(t)
				c := newRandomWebCrawl(t, url, []int{1, 4}[seed%2], site, nil)
				c.admit(queue.Entry{URL: parseURL(t, site.URL(m.host(0), m.path(0)))})
				c.tools.Frontier = &workerLossFrontier{c.frontier, r, 2}
				c.visitRandomly(r)
				want, got := m.within(randomWebDepth), m.requests(site)
				for page := range got {
					got[page] = min(got[page], 1) // a page of a lost worker may be requested more than once
				}
				if diff := gocmp.Diff(want, got); diff != "" {
					t.Errorf("requested pages (-want +got):\n%s", diff)
				}
			})
		})
	}
}

func TestAWaitingPageIsRecordedAtItsSmallestDepth(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, web{"/page": links("/next"), "/next": links("/last"), "/last": links("/beyond")})
	c := newCrawl(t, site, func(j *crawler.Job) { j.Depth = 3 })
	for _, depth := range []int{3, 1} {
		c.admit(queue.Entry{URL: parseURL(t, site.URL(0, "/page")), Depth: depth})
	}
	c.finish()
	for path, want := range map[string]int{"/page": 1, "/next": 2, "/last": 3} {
		if got := c.record(path).Depth; got != want {
			t.Errorf("%s is recorded at depth %d, want %d", path, got, want)
		}
	}
	c.wantRequests(map[string]int{"/page": 1, "/next": 1, "/last": 1, "/beyond": 0})
}

func TestWhatIsFollowedWhenTheDepthOfAPageShrinks(t *testing.T) {
	t.Parallel()
	sitemapOf := func(urls ...string) string {
		return `<?xml version="1.0"?><urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url><loc>` +
			strings.Join(urls, "</loc></url><url><loc>") + `</loc></url></urlset>`
	}
	for _, c := range []struct {
		name string
		job  func(*crawler.Job)
		web  web
		far  []string // paths requested while the page is at depth 2, the limit
		near []string // further paths requested when the page is a seed
	}{
		{"links", nil, web{"/page": links("/a", "/b")}, nil, []string{"/a", "/b"}},
		{"links up to the depth of a follow rule", func(j *crawler.Job) {
			j.Depth, j.FollowRules = -1, []crawler.FollowRule{{To: "/a", Depth: 2}, {To: "/c"}}
		}, web{"/page": links("/a", "/b", "/c")}, []string{"/c"}, []string{"/a"}},
		{"links of its redirect target", nil, web{"/page": "301 /to", "/to": links("/a")}, []string{"/to"},
			[]string{"/a"}},
		{"links of the target of several redirects", nil, web{"/page": "301 /1", "/1": "302 /2", "/2": links("/a")},
			[]string{"/1", "/2"}, []string{"/a"}},
		{"links of its canonical form", func(j *crawler.Job) { j.Canonical = true },
			web{"/page": `<link rel=canonical href=/other>`, "/other": links("/a")}, []string{"/other"},
			[]string{"/a"}},
		{"links of resources that are pages of the job", func(j *crawler.Job) { j.Resources = true },
			web{"/page": `<img src=/frame><img src=/i.png>`, "/frame": links("/a"), "/i.png": "404"},
			[]string{"/frame", "/i.png"}, []string{"/a"}},
		{"links of pages in a sitemap of its host", func(j *crawler.Job) { j.Sitemaps = true },
			web{"/page": links(), "/sitemap.xml": sitemapOf("/listed"), "/listed": links("/a")},
			[]string{"/sitemap.xml"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			site := testsite.Serve(t, c.web)
			if body, ok := c.web["/sitemap.xml"]; ok {
				c.web["/sitemap.xml"] = strings.ReplaceAll(body, "<loc>/", "<loc>"+site.URL(0, "/"))
				c.far, c.near = append(c.far, "/listed"), []string{"/a"}
			}
			crawl := newCrawl(t, site, func(j *crawler.Job) {
				j.Depth = 2
				if c.job != nil {
					c.job(j)
				}
			})
			page := parseURL(t, site.URL(0, "/page"))
			crawl.admit(queue.Entry{URL: page, Depth: 2})
			crawl.finish()
			crawl.wantRequestsOnly(append(c.far, "/page"), c.near)
			crawl.admit(queue.Entry{URL: page})
			crawl.visitRandomly(rand.New(rand.NewPCG(1, 1)))
			crawl.wantRequestsOnly(append(append(c.far, "/page"), c.near...), nil)
		})
	}
}

// wantRequestsOnly fails unless the site received one request for each path of once, and none for
// the paths of never.
func (c *crawl) wantRequestsOnly(once, never []string) {
	c.t.Helper()
	want := make(map[string]int)
	for _, path := range never {
		want[path] = 0
	}
	for _, path := range once {
		want[path] = 1
	}
	c.wantRequests(want)
}

func TestAPageWithoutLinksIsNotRemembered(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, web{"/a": links("/b"), "/b": "<title>end</title>"})
	c := newCrawl(t, site, func(j *crawler.Job) { j.Depth = 5 })
	c.seed("/a")
	c.finish()
	c.admit(queue.Entry{URL: parseURL(t, site.URL(0, "/b"))})
	if n := c.counters(); n.Lowered != 1 || n.Nearer != 0 {
		t.Errorf("%d depths were lowered, and the links of %d pages are to be admitted again; want 1, 0",
			n.Lowered, n.Nearer)
	}
}
