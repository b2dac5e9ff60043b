package forecast

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// shape is a web to crawl, and how.
type shape struct {
	name     string
	hosts    []simHost
	links    int     // of a page
	abroad   float64 // share of the links that lead to other hosts
	chain    bool    // the pages of a host form a list, each linking to the next
	places   int     // visits at once
	job      func(*crawler.Job)
	seeds    int           // URLs that are known at the beginning; 0: the first page of the first host
	overhead time.Duration // of a request, in a place
}

// simHost is a host that is crawled.
type simHost struct {
	pages    int
	interval time.Duration // between requests
}

func same(n, pages int, interval time.Duration) []simHost {
	return slices.Repeat([]simHost{{pages, interval}}, n)
}

func longTail(n, largest int, interval time.Duration) (hosts []simHost) {
	for i := range n {
		hosts = append(hosts, simHost{max(1, int(float64(largest)/math.Pow(float64(i+1), 1.1))), interval})
	}
	return hosts
}

var shapes = []shape{
	{name: "one host", hosts: same(1, 600, time.Second), links: 15, places: 8},
	{name: "a list of pages that link to the next", hosts: same(1, 300, time.Second), chain: true, places: 8},
	{name: "fifty equal hosts", hosts: same(50, 60, time.Second), links: 15, abroad: 0.2, places: 64},
	{
		name: "more hosts than places", hosts: same(400, 30, time.Second), links: 10, abroad: 0.3, places: 40,
		overhead: 200 * time.Millisecond,
	},
	{name: "a long tail", hosts: longTail(200, 400, time.Second), links: 12, abroad: 0.4, places: 256},
	{
		name: "one slow host of twenty", hosts: append(same(19, 100, time.Second), simHost{100, 6 * time.Second}),
		links: 15, abroad: 0.2, places: 64,
	},
	{
		name: "a budget of pages", hosts: same(100, 500, time.Second), links: 20, abroad: 0.3, places: 128,
		job: func(j *crawler.Job) { j.Pages = 8000 },
	},
	{
		name: "a budget of time", hosts: same(20, 5000, time.Second), links: 20, abroad: 0.3, places: 64,
		job: func(j *crawler.Job) { j.Time = 5 * time.Minute },
	},
	{
		name: "a list of URLs", hosts: longTail(60, 300, time.Second), places: 64, seeds: math.MaxInt32,
		job: func(j *crawler.Job) { j.Follow = false },
	},
	{name: "few links", hosts: same(10, 300, time.Second), links: 3, abroad: 0.1, places: 64},
}

// simPage is a page of a host.
type simPage struct{ host, number int }

// simulation is a crawl in virtual time.
type simulation struct {
	shape
	job     crawler.Status
	rng     *rand.Rand
	now     time.Duration
	seen    map[simPage]bool
	queues  [][]int
	next    []time.Duration // when a host may be asked again
	pages   int64
	samples []Sample
}

const simStep = 50 * time.Millisecond

func simulate(s shape, seed uint64) *simulation {
	m := &simulation{shape: s, rng: rand.New(rand.NewPCG(seed, 1)), seen: map[simPage]bool{},
		queues: make([][]int, len(s.hosts)), next: make([]time.Duration, len(s.hosts))}
	m.job.Job = crawler.DefaultJob()
	m.job.Seeded = true
	if s.job != nil {
		s.job(&m.job.Job)
	}
	m.admit(simPage{0, 0})
	for h := range s.hosts {
		for p := range min(s.seeds, s.hosts[h].pages) {
			m.admit(simPage{h, p})
		}
	}
	return m
}

func (m *simulation) admit(p simPage) {
	if !m.seen[p] {
		m.seen[p] = true
		m.queues[p.host] = append(m.queues[p.host], p.number)
	}
}

// step crawls for a moment, and reports whether the crawl goes on.
func (m *simulation) step() bool {
	room := float64(m.places)
	if m.overhead > 0 {
		room *= float64(simStep) / float64(m.overhead)
	}
	for _, h := range m.rng.Perm(len(m.hosts)) {
		if room < 1 {
			break
		}
		if len(m.queues[h]) == 0 || m.next[h] > m.now {
			continue
		}
		room--
		m.next[h] = m.now + m.hosts[h].interval
		m.fetch(h)
		if m.job.Job.Pages > 0 && m.pages >= m.job.Job.Pages {
			return false
		}
	}
	m.now += simStep
	m.job.Ran = m.now
	return m.waiting() > 0 && (m.job.Job.Time == 0 || m.now < m.job.Job.Time)
}

func (m *simulation) fetch(h int) {
	page := m.queues[h][0]
	m.queues[h] = m.queues[h][1:]
	m.pages++
	if !m.job.Job.Follow {
		return
	}
	if m.chain && page+1 < m.hosts[h].pages {
		m.admit(simPage{h, page + 1})
	}
	for range m.links {
		to := h
		if m.rng.Float64() < m.abroad {
			to = m.rng.IntN(len(m.hosts))
		}
		m.admit(simPage{to, m.rng.IntN(m.hosts[to].pages)})
	}
}

func (m *simulation) waiting() (n int64) {
	for _, q := range m.queues {
		n += int64(len(q))
	}
	return n
}

func (m *simulation) counters() crawler.Counters {
	ready := int64(0)
	for h, q := range m.queues {
		if len(q) > 0 && m.next[h] <= m.now-simStep {
			ready++
		}
	}
	return crawler.Counters{
		Ready: ready, Waiting: m.waiting(), Seen: int64(len(m.seen)), Hosts: int64(len(m.hosts)),
		Bytes: m.pages * 1000, Outcomes: map[crawler.Outcome]int64{crawler.OutcomeFetched: m.pages},
	}
}

func (m *simulation) statuses() (all []crawler.HostStatus) {
	for h, q := range m.queues {
		if len(q) > 0 {
			all = append(all, crawler.HostStatus{Host: crawler.Host(fmt.Sprintf("h%d", h)), Waiting: int64(len(q)),
				Interval: m.hosts[h].interval, Due: max(0, m.next[h]-m.now)})
		}
	}
	return all[:min(len(all), EstimateHosts)]
}

// told is what was said at a time.
type told struct {
	at time.Duration
	Estimate
}

// study crawls a shape, and estimates once a second.
func study(s shape, seed uint64) (all []told, took time.Duration) {
	m := simulate(s, seed)
	for sampled := time.Duration(-1); ; {
		if m.now/time.Second != sampled/time.Second || sampled < 0 {
			sampled = m.now
			c := m.counters()
			m.samples = append(m.samples, SampleOf(time.Unix(0, int64(m.now)), c))
			recent := m.samples[max(0, len(m.samples)-EstimateSamples):]
			all = append(all, told{m.now, EstimateOf(m.job, c, recent, m.statuses())})
		}
		if !m.step() {
			return all, m.now
		}
	}
}

// The truth lies within what is said, from a tenth of the way on, in nearly all shapes of
// crawls; and what is said is of use.
func TestTheTimeLeftIsWithinTheEstimate(t *testing.T) {
	t.Parallel()
	good, useful := 0, 0
	for _, s := range shapes {
		all, took := study(s, 7)
		inside, bounded, n := 0, 0, 0
		var wide []float64
		for _, e := range all {
			if e.at < took/10 {
				continue
			}
			n++
			truth := took - e.at
			const slack = time.Second // shown times are rounded
			low, high := e.Known && truth+slack < e.Least, e.Most > 0 && truth > e.Most+slack
			if !low && !high {
				inside++
			}
			if e.Most > 0 {
				bounded++
				wide = append(wide, float64(e.Most+slack)/float64(max(e.Least, slack)))
			}
		}
		slices.Sort(wide)
		width := math.Inf(1)
		if len(wide) > 0 {
			width = wide[len(wide)/2]
		}
		t.Logf("%-40s %6s: inside %3d %%, with an upper bound %3d %%, most/least %.1f", s.name, took.Round(time.Second),
			100*inside/n, 100*bounded/n, width)
		if inside*10 >= n*8 {
			good++
		}
		if bounded*10 >= n*8 {
			useful++
		}
	}
	if useful < 8 {
		t.Errorf("%d of %d crawls had an upper bound most of the time, want 8", useful, len(shapes))
	}
	if good < 8 {
		t.Errorf("the truth is within the estimate in %d of %d crawls, want 8", good, len(shapes))
	}
}
