package main_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/forecast"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// crawlShape is a real crawl whose estimates are compared with the truth.
type crawlShape struct {
	name   string
	hosts  []int         // pages of each host
	links  int           // random ones of a page, besides those to the pages below it
	chain  bool          // each page links to the next one only
	slow   time.Duration // of the responses of the first host
	list   bool          // the URLs of all pages are seeds, and links are not followed
	few    bool          // the workers of this job have few places
	delay  time.Duration
	change func(*crawler.Job)
}

// sizesOf returns the pages of hosts, whose sizes follow a power law.
func sizesOf(hosts, largest int) (sizes []int) {
	for i := range hosts {
		sizes = append(sizes, max(1, int(float64(largest)/math.Pow(float64(i+1), 1.1))))
	}
	return sizes
}

// crawlShapes are about those of the study in virtual time, each for about a minute.
var crawlShapes = []crawlShape{
	{name: "one host", hosts: []int{250}, links: 10, delay: 250 * time.Millisecond},
	{name: "a list of pages, each linking to the next", hosts: []int{150}, chain: true, delay: 400 * time.Millisecond},
	{name: "twenty equal hosts", hosts: slices.Repeat([]int{100}, 20), links: 10, delay: 600 * time.Millisecond},
	{name: "more hosts than places", hosts: slices.Repeat([]int{12}, 60), links: 8, few: true,
		delay: 500 * time.Millisecond},
	{name: "a long tail of hosts", hosts: sizesOf(60, 150), links: 10, delay: 400 * time.Millisecond},
	{name: "one slow host of ten", hosts: append([]int{30}, slices.Repeat([]int{60}, 9)...), links: 10,
		slow: time.Second, delay: 500 * time.Millisecond},
	{name: "a budget of pages", hosts: slices.Repeat([]int{1000}, 10), links: 20, delay: 250 * time.Millisecond,
		change: func(j *crawler.Job) { j.Pages = 2000 }},
	{name: "a budget of time", hosts: slices.Repeat([]int{1000}, 10), links: 20, delay: 400 * time.Millisecond,
		change: func(j *crawler.Job) { j.Time = time.Minute }},
	{name: "a list of URLs", hosts: sizesOf(40, 120), list: true, delay: 500 * time.Millisecond},
	{name: "few links", hosts: slices.Repeat([]int{120}, 5), links: 1, delay: 500 * time.Millisecond},
}

// serve serves the hosts of the shape.
func (s crawlShape) serve(t *testing.T) *testsite.Site {
	return testsite.ServeLinked(t, len(s.hosts), func(hosts []string) (all []http.Handler) {
		for i := range hosts {
			all = append(all, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				page, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/"))
				if err != nil || page >= s.hosts[i] {
					http.NotFound(w, r)
					return
				}
				if i == 0 {
					time.Sleep(s.slow)
				}
				w.Header().Set("Content-Type", "text/html")
				fmt.Fprintf(w, "<title>%d</title>", page)
				for _, link := range s.linksOf(i, page, hosts) {
					fmt.Fprintf(w, `<a href="%s">x</a>`, link)
				}
			}))
		}
		return all
	})
}

// linksOf returns the links of a page: to the pages below it in a tree, so that all can be found, to
// the next host, and random ones.
func (s crawlShape) linksOf(host, page int, hosts []string) (links []string) {
	add := func(host, page int) {
		if page < s.hosts[host] {
			links = append(links, fmt.Sprintf("http://%s/%d", hosts[host], page))
		}
	}
	if s.chain {
		add(host, page+1)
		return links
	}
	add(host, 2*page+1)
	add(host, 2*page+2)
	if page == 0 {
		add((host+1)%len(hosts), 0)
	}
	rng := rand.New(rand.NewPCG(uint64(host), uint64(page)))
	for range s.links {
		to := host
		if rng.Float64() < 0.2 {
			to = rng.IntN(len(hosts))
		}
		add(to, rng.IntN(s.hosts[to]))
	}
	return links
}

// jobOf returns the job that crawls the shape.
func (s crawlShape) jobOf(t *testing.T, i int, site *testsite.Site) crawler.Job {
	job := crawler.DefaultJob()
	job.Name, job.Scope, job.Delay = fmt.Sprintf("eta-%d", i), crawler.ScopeAny, s.delay
	job.Seeds = []string{site.URL(0, "/0")}
	if s.few {
		job.Name = "eta-few"
	}
	if s.list {
		job.Follow, job.Seeds = false, nil
		for host, pages := range s.hosts {
			for page := range pages {
				job.Seeds = append(job.Seeds, site.URL(host, fmt.Sprintf("/%d", page)))
			}
		}
	}
	if s.change != nil {
		s.change(&job)
	}
	return job
}

// said is an estimate of a job at a time.
type said struct {
	at time.Time // by Redis's clock
	forecast.Estimate
}

// estimates asks once a second how long a job still takes, until it has ended.
func (ft *fleetTest) estimates(job string) (all []said, status crawler.Status) {
	ctx := testfleet.Patience(ft.t)
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		status, err := ft.Client.Status(ctx, job)
		if err != nil {
			ft.t.Error(err)
			return nil, status
		}
		if status.State.Ended() {
			return all, status
		}
		if counters, err := ft.Client.Counters(ctx, job); err == nil && status.State == crawler.StateRunning {
			if e, err := ft.Client.Estimate(ctx, status, counters); err == nil {
				all = append(all, said{status.Now, e})
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			ft.t.Errorf("job %s does not end", job)
			return nil, status
		}
	}
}

// Ten real crawls of different shapes, by a scheduler and workers, at the same time. The table in
// docs/dashboard.md is the output of
//
//	TRAWL_SLOW=1 go test -v -run RealCrawlsTakeAsLong ./cmd/trawl
func TestRealCrawlsTakeAsLongAsTheirEstimatesSay(t *testing.T) {
	t.Parallel()
	skipUnlessSlow(t)
	ft := newFleetTest(t)
	ft.Scheduler()
	var others []string
	for i, s := range crawlShapes {
		if !s.few {
			others = append(others, fmt.Sprintf("eta-%d", i))
		}
	}
	ft.Worker("--concurrency", "200", "--jobs", strings.Join(others, ","))
	ft.Worker("--concurrency", "10", "--jobs", "eta-few")
	type result struct {
		shape  crawlShape
		all    []said
		status crawler.Status
	}
	results := make(chan result)
	for i, s := range crawlShapes {
		job := s.jobOf(t, i, s.serve(t))
		ft.Create(job)
		go func() {
			all, status := ft.estimates(job.Name)
			results <- result{s, all, status}
		}()
	}
	good := 0
	for range crawlShapes {
		r := <-results
		if inside(t, r.shape.name, r.all, r.status) {
			good++
		}
	}
	if good < 8 {
		t.Errorf("the truth is within the estimate in %d of %d crawls, want 8", good, len(crawlShapes))
	}
}

// inside reports whether the truth was within the estimate in eight of ten cases, after the first
// tenth of the crawl.
func inside(t *testing.T, name string, all []said, status crawler.Status) bool {
	const slack = time.Second // shown times are rounded
	took := status.Ended.Sub(status.Started)
	within, bounded, n := 0, 0, 0
	var wide []float64
	for _, e := range all {
		at := e.at.Sub(status.Started)
		if at < took/10 {
			continue
		}
		n++
		truth := took - at
		low, high := e.Known && truth+slack < e.Least, e.Most > 0 && truth > e.Most+slack
		if !low && !high {
			within++
		}
		if e.Most > 0 {
			bounded++
			wide = append(wide, float64(e.Most+slack)/float64(max(e.Least, slack)))
		}
	}
	if n == 0 {
		t.Errorf("%s: nothing was said", name)
		return false
	}
	width := "–"
	if slices.Sort(wide); len(wide) > 0 {
		width = fmt.Sprintf("%.1f", wide[len(wide)/2])
	}
	t.Logf("| %s | %v | %d %% | %d %% | %s |", name, took.Round(time.Second), 100*within/n, 100*bounded/n, width)
	return within*10 >= n*8
}
