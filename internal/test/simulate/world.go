package simulate

import (
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// world is the setup of a run. It depends only on a seed.
type world struct {
	rng        *rand.Rand
	hosts      []*host
	pages      map[string]*page // by URL
	jobs       []*jobPlan
	machines   int // workers
	schedulers int // schedulers
	places     int // per worker
	bucket     bool
	rates      rates
	faults     []fault
	skew       time.Duration // of Redis's clock
	skews      time.Duration // of the processes' clocks, at most
	span       time.Duration // the time span in which faults happen
	maxTime    time.Duration // after which a job that still runs counts as hanging
	shipsIn    time.Duration // after which a segment is finished and shipped to the bucket
	// tick is the least time between two looks of a process at what it looks at again and again, so
	// that days of a run cost no more than minutes of others; 0 for as often as usual.
	tick time.Duration
}

// host is a web server.
type host struct {
	name   string
	robots robotsPlan
	pages  []*page
}

// robotsPlan is how a host responds to requests for its robots.txt.
type robotsPlan struct {
	status  int           // after the failures
	failing int           // number of 500 responses before it
	delay   time.Duration // Crawl-delay; 0 for none
	private bool          // /private is forbidden
	sitemap bool          // it names /sitemap.xml
}

// page is a URL and how its host responds.
type page struct {
	url     crawler.URL
	host    *host
	status  int
	to      *page // target of its redirect
	failing int   // number of failures before the final response
	how     string
	takes   time.Duration
	links   []*page
	private bool
	life    life // in a world that goes on for days
}

// jobPlan is a job, and what an operator does with it.
type jobPlan struct {
	job    crawler.Job
	starts time.Duration
	seeds  []*page
	late   []lateSeed
	pauses []pause
	raises []raise
	goesOn time.Duration // how long a continuous job is left going on; 0 for other jobs
}

type lateSeed struct {
	at   time.Duration
	page *page
}

type pause struct{ at, lasts time.Duration }

// raise adds pages to a budget, either after the job has ended because of it, or at a
// time while the job runs.
type raise struct {
	at    time.Duration // 0 for when it has ended
	after time.Duration // how long the operator takes
	pages int64
}

// fault is a fault that happens at a time.
type fault struct {
	at    time.Duration
	kind  faultKind
	which int           // index of what it happens to
	lasts time.Duration // duration
	loses time.Duration // for a failover, the time span of the lost writes
	busy  bool          // it happens a moment after the next request for a page
}

type faultKind string

const (
	faultKill         faultKind = "worker killed"
	faultVanish       faultKind = "machine and disk vanished"
	faultDeploy       faultKind = "worker restarted in good order"
	faultStall        faultKind = "worker stalled"
	faultCut          faultKind = "worker cut off from Redis"
	faultFull         faultKind = "disk full"
	faultScheduler    faultKind = "scheduler killed"
	faultSchedulerCut faultKind = "scheduler cut off from Redis"
	faultAway         faultKind = "Redis away"
	faultFailover     faultKind = "failover that loses its tail"
	faultDelete       faultKind = "tasks deleted by hand"
)

// hashKey is a hash function without a random seed.
func hashKey(key string) uint64 {
	sum := fnv.New64a()
	io.WriteString(sum, key)
	return sum.Sum64() | 1
}

// pick returns a random one of several.
func pick[T any](r *rand.Rand, of ...T) T { return of[r.IntN(len(of))] }

// within returns a random duration.
func within(r *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(r.Int64N(int64(most-least)+1))
}

func chance(r *rand.Rand, rate float64) bool { return r.Float64() < rate }

// newWorld generates the world of a seed.
func newWorld(seed uint64, f features) *world {
	r := rand.New(rand.NewPCG(seed, 0))
	w := &world{
		rng: r, pages: make(map[string]*page), machines: 1 + r.IntN(3), schedulers: 1 + r.IntN(2),
		places: pick(r, 1, 2, 8),
		skew:   within(r, -time.Hour, time.Hour), maxTime: 40 * time.Minute,
	}
	w.makeHosts(f)
	w.makeJobs(f)
	w.makeFaults(f)
	w.makeBucket(f)
	w.makeContinuous(seed, f)
	return w
}

func (w *world) makeHosts(f features) {
	r := w.rng
	for i := range 1 + r.IntN(5) {
		h := &host{name: fmt.Sprintf("h%d.example", i)}
		h.robots = robotsPlan{status: pick(r, 200, 200, 404), private: chance(r, 0.3)}
		if chance(r, 0.2) {
			h.robots.failing = 1 + r.IntN(2)
		}
		if chance(r, 0.3) {
			h.robots.delay = pick(r, time.Second, 2*time.Second, 5*time.Second)
		}
		if chance(r, f.longDelays) {
			h.robots.delay = pick(r, 15*time.Second, 25*time.Second)
		}
		w.hosts = append(w.hosts, h)
		for n := range 1 + r.IntN(12) {
			w.addPage(h, fmt.Sprintf("/p%d", n))
		}
	}
	for _, h := range w.hosts {
		for _, p := range h.pages {
			w.link(p)
		}
	}
}

// addPage adds a page with random behavior.
func (w *world) addPage(h *host, path string) *page {
	r := w.rng
	private := h.robots.private && h.robots.status == 200 && chance(r, 0.2)
	if private {
		path = "/private" + path
	}
	u, err := crawler.ParseURL("https://" + h.name + path)
	if err != nil {
		panic(err)
	}
	p := &page{url: u, host: h, status: 200, takes: within(r, time.Millisecond, 200*time.Millisecond), private: private}
	switch r.IntN(12) {
	case 0:
		p.status = pick(r, 404, 410, 403)
	case 1:
		p.failing, p.how = 1+r.IntN(2), pick(r, "500", "reset", "500")
	case 2:
		p.failing, p.how = 1, "503"
	case 3:
		p.takes = within(r, time.Second, 8*time.Second)
	case 4:
		p.status = 301
	case 5:
		p.status = 500
	}
	h.pages = append(h.pages, p)
	w.pages[u.String()] = p
	return p
}

// link chooses where a page leads.
func (w *world) link(p *page) {
	r := w.rng
	switch {
	case p.status == 301:
		p.to = w.anyPage()
		if p.to == p {
			p.status, p.to = 404, nil
		}
	case p.status == 200:
		for range r.IntN(6) {
			if chance(r, 0.7) {
				p.links = append(p.links, p.host.pages[r.IntN(len(p.host.pages))])
			} else {
				p.links = append(p.links, w.anyPage())
			}
		}
	}
}

func (w *world) anyPage() *page {
	h := w.hosts[w.rng.IntN(len(w.hosts))]
	return h.pages[w.rng.IntN(len(h.pages))]
}

func (w *world) makeJobs(f features) {
	r := w.rng
	jobs := 1
	if f.shared && chance(r, 0.5) {
		jobs = 2 + r.IntN(2)
	}
	for i := range jobs {
		job := crawler.DefaultJob()
		job.Name, job.Scope, job.Journal = string(rune('a'+i)), crawler.ScopeAny, false
		job.Delay = pick(r, 0, 200*time.Millisecond, time.Second, 2*time.Second)
		job.RetryPause = pick(r, 100*time.Millisecond, 2*time.Second)
		job.Shards = pick(r, 1, 1, 2, 4)
		job.Timeout = 20 * time.Second
		job.Throttle = pick(r, 0, 0, 2.0)
		plan := &jobPlan{job: job}
		if i > 0 {
			plan.starts = within(r, 0, 10*time.Second)
		}
		for range 1 + r.IntN(3) {
			p := w.anyPage()
			plan.seeds = append(plan.seeds, p)
			plan.job.Seeds = append(plan.job.Seeds, p.url.String())
		}
		w.planJob(plan, f)
		w.jobs = append(w.jobs, plan)
	}
}

// planJob gives a job budgets, and an operator something to do.
func (w *world) planJob(plan *jobPlan, f features) {
	r := w.rng
	job := &plan.job
	switch r.IntN(8) {
	case 0:
		job.Pages = int64(1 + r.IntN(12))
		if chance(r, 0.5) {
			plan.raises = append(plan.raises, raise{after: 2 * time.Second, pages: int64(1 + r.IntN(6))})
		}
	case 1:
		job.PagesPerHost = int64(1 + r.IntN(4))
	case 2:
		job.Time = within(r, 5*time.Second, 40*time.Second)
	case 3:
		job.Bytes = crawler.Size(100 * (1 + r.IntN(15)))
	}
	if chance(r, f.depth) {
		job.Depth = r.IntN(4)
	}
	for range r.IntN(3) {
		if chance(r, 0.5) {
			plan.late = append(plan.late, lateSeed{within(r, 0, 20*time.Second), w.anyPage()})
		}
	}
	if chance(r, 0.2) {
		plan.pauses = append(plan.pauses, pause{within(r, time.Second, 20*time.Second),
			within(r, time.Second, 15*time.Second)})
	}
}

// faultKinds lists the faults with the weights by which they are chosen.
var faultKinds = []struct {
	kind   faultKind
	weight int
}{
	{faultKill, 4}, {faultVanish, 1}, {faultDeploy, 1}, {faultStall, 3}, {faultCut, 2}, {faultFull, 2},
	{faultScheduler, 1}, {faultSchedulerCut, 1}, {faultAway, 2}, {faultFailover, 2}, {faultDelete, 1},
}

// makeFaults chooses what goes wrong. One world in ten has no faults.
func (w *world) makeFaults(f features) {
	r := w.rng
	w.span = within(r, 5*time.Second, time.Minute)
	if chance(r, 0.1) || f.calm {
		return
	}
	w.skews = pick(r, 0, 0, 3*time.Second)
	if chance(r, 0.5) {
		w.rates = rates{slow: pick(r, 0, 0.002, 0.01), lost: pick(r, 0, 0.002, 0.01),
			lostReply: pick(r, 0, 0.002, 0.01), twice: pick(r, 0, 0.005, 0.02), late: pick(r, 0, 0.5)}
	}
	total := 0
	for _, k := range faultKinds {
		total += k.weight
	}
	for range r.IntN(7) {
		at := r.IntN(total)
		for _, k := range faultKinds {
			if at -= k.weight; at >= 0 {
				continue
			}
			w.addFault(k.kind)
			break
		}
	}
}

// makeBucket makes the output of some worlds go to a bucket.
func (w *world) makeBucket(f features) {
	r := w.rng
	if !chance(r, f.bucket) {
		return
	}
	w.bucket, w.shipsIn = true, pick(r, time.Second, 5*time.Second, 20*time.Second)
	for _, plan := range w.jobs {
		plan.job.LostAfter = pick(r, 5*time.Second, 15*time.Second, time.Minute)
	}
}

func (w *world) addFault(k faultKind) {
	r := w.rng
	one := fault{at: within(r, time.Second, w.span), kind: k, which: r.IntN(8),
		lasts: within(r, 500*time.Millisecond, 25*time.Second)}
	if k == faultFailover {
		one.loses = within(r, 10*time.Millisecond, 3*time.Second)
		one.lasts = within(r, 500*time.Millisecond, 8*time.Second)
	}
	w.faults = append(w.faults, one)
}
