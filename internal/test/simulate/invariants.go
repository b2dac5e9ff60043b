package simulate

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// Invariant is what must hold in each run.
type Invariant string

// The invariants.
const (
	invariantRecord  Invariant = "nothing counts as fetched without a record in the output"
	invariantSeen    Invariant = "nothing is seen without having been queued or settled"
	invariantLinks   Invariant = "the links of a page are seen"
	invariantSeeds   Invariant = "a seed that was accepted is fetched or decided"
	invariantDepth   Invariant = "the pages within the depth are fetched, whatever the order"
	invariantTurn    Invariant = "at most one visit is open at a host of the fleet"
	invariantGap     Invariant = "no gap between two requests to a host is too small"
	invariantRobots  Invariant = "robots.txt is requested first, and obeyed"
	invariantBudget  Invariant = "budgets are exact"
	invariantNumbers Invariant = "the job's counters match its frontier"
	invariantEnd     Invariant = "the job ends exactly once, and never early"
	invariantEnds    Invariant = "the job ends"
	invariantOnce    Invariant = "without faults, each page is fetched once"
	invariantRation  Invariant = "a continuous job keeps to its budget"
	invariantAgain   Invariant = "a continuous job forgets no page"
	invariantChange  Invariant = "records say what became of each page"
	invariantSame    Invariant = "a record refers to no record that is not there"
	invariantWork    Invariant = "a worker takes up a job that runs"
)

// checksHosts reports whether the promises to hosts can be checked now. A Redis that lost
// the latest writes may not know of a visit until its lease is over.
func (s *sim) checksHosts() bool { return s.checksSince(time.Now()) }

// checksSince reports whether Redis knows of a request that was made at a time.
func (s *sim) checksSince(t time.Time) bool {
	return s.lostTail.IsZero() || t.Sub(s.lostTail) > 15*time.Second
}

// observe inspects a job whose state may have changed.
func (s *sim) observe(verb, key string) {
	if verb != "state" && verb != "create" {
		return
	}
	for name, log := range s.jobs {
		if strings.Contains(key, "{"+name+"}") {
			s.see(name, log)
		}
	}
}

// see reads the state of a job.
func (s *sim) see(name string, log *jobLog) {
	status, err := s.watched.Status(context.Background(), name)
	if err != nil || status.State == log.state {
		return
	}
	was := log.state
	log.state = status.State
	s.trace.add("job %s: %q to %q (%s)", name, was, status.State, status.Reason)
	if was.Ended() && !log.raised {
		s.violate(invariantEnd, "job %s goes from %s to %s", name, was, status.State)
	}
	if status.State != crawler.StateDone {
		return
	}
	log.endings++
	log.ended = time.Now()
	counters, err := s.watched.Counters(context.Background(), name)
	switch {
	case err != nil:
		s.violate(invariantEnd, "job %s: %v", name, err)
	case counters.Flight > 0, counters.Out() > 0, status.Reason == "" && counters.Waiting > 0:
		s.violate(invariantEnd, "job %s is done (%q) with %d URLs waiting, %d in flight, %d visits", name,
			status.Reason, counters.Waiting, counters.Flight, counters.Out())
	}
}

// reread updates what is known of jobs after a failover to the state of Redis at an
// earlier time.
func (s *sim) reread(since time.Time) {
	for _, name := range slices.Sorted(maps.Keys(s.jobs)) {
		log := s.jobs[name]
		s.mu.Lock()
		log.owed = slices.DeleteFunc(log.owed, func(o owedSeed) bool { return !o.at.Before(since) })
		s.mu.Unlock()
		status, err := s.watched.Status(context.Background(), name)
		if err != nil {
			log.state = ""
			continue
		}
		log.state = status.State
	}
}

// settled reports whether all jobs have ended a while ago.
func (s *sim) settled() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, log := range s.jobs {
		if !log.state.Ended() || log.acting > 0 || time.Since(log.ended) < quiet {
			return false
		}
	}
	return true
}

// check inspects what is left when a run is over.
func (s *sim) check() {
	for _, name := range slices.Sorted(maps.Keys(s.jobs)) {
		log := s.jobs[name]
		if log.state != crawler.StateDone {
			continue
		}
		r, err := s.readJob(name, log)
		if err != nil {
			s.violate(invariantNumbers, "job %s: %v", name, err)
			continue
		}
		r.checkNumbers()
		r.checkRecords()
		r.checkLinks()
		r.checkBudgets()
		if log.plan.goesOn > 0 {
			r.checkChanges()
			continue
		}
		if !s.faulty {
			r.checkOnce()
		}
	}
}

// remains is what a job has left behind.
type remains struct {
	sim      *sim
	log      *jobLog
	status   crawler.Status
	counters crawler.Counters
	places   map[string]queue.Place // by URL, for all pages of the world
	records  map[string]record      // by URL, the last one
	all      map[string][]record    // by URL, in the order in which they were kept
	fetched  map[string]bool        // URLs with a record of a fetched page
	covered  map[string]bool        // URLs in the redirects of records
}

func (s *sim) readJob(name string, log *jobLog) (*remains, error) {
	ctx := context.Background()
	r := &remains{
		sim: s, log: log, places: make(map[string]queue.Place), records: make(map[string]record),
		fetched: make(map[string]bool), covered: make(map[string]bool), all: make(map[string][]record),
	}
	var err error
	if r.status, err = s.watched.Status(ctx, name); err != nil {
		return nil, err
	}
	if r.counters, err = s.watched.Counters(ctx, name); err != nil {
		return nil, err
	}
	f := s.watched.Frontier(r.status.Job)
	for url, p := range s.world.pages {
		where, err := f.Find(ctx, p.url)
		if err != nil {
			return nil, err
		}
		r.places[url] = where.Place
	}
	for _, rec := range s.output.all() {
		if rec.job != name {
			continue
		}
		if last := r.records[rec.url]; !rec.at.Before(last.at) {
			r.records[rec.url] = rec
		}
		r.all[rec.url] = append(r.all[rec.url], rec)
		if rec.outcome == crawler.OutcomeFetched {
			r.fetched[rec.url] = true
		}
		for _, to := range rec.followed() {
			r.covered[to] = true
		}
	}
	for _, all := range r.all {
		slices.SortStableFunc(all, func(a, b record) int { return a.at.Compare(b.at) })
	}
	return r, nil
}

// urls lists the URLs of the world, sorted.
func (r *remains) urls() []string { return slices.Sorted(maps.Keys(r.places)) }

func (r *remains) name() string { return r.status.Job.Name }

func (r *remains) violate(i Invariant, format string, args ...any) {
	r.sim.violate(i, "job %s (%s, %q): %s", r.name(), r.status.State, r.status.Reason, fmt.Sprintf(format, args...))
}

// checkNumbers compares the counters with the content of the frontier.
func (r *remains) checkNumbers() {
	var seen, waiting, flight int64
	for _, place := range r.places {
		switch place {
		case queue.PlaceUnseen:
			continue
		case queue.PlaceFlight:
			flight++
		case queue.PlaceQueue, queue.PlaceLater:
			waiting++
		}
		seen++
	}
	n := r.counters
	if n.Seen != seen || n.Waiting != waiting || n.Flight != flight {
		r.violate(invariantNumbers, "it counts %d URLs seen, %d waiting, %d in flight; there are %d, %d, %d", n.Seen,
			n.Waiting, n.Flight, seen, waiting, flight)
	}
}

// checkRecords checks that each settled URL has a record, or shares one.
func (r *remains) checkRecords() {
	var missing []string
	for _, url := range r.urls() {
		_, recorded := r.records[url]
		if r.places[url] == queue.PlaceSettled && !recorded && !r.covered[url] {
			missing = append(missing, url)
		}
	}
	if left := int(r.counters.Over); len(missing) > left { // those have no record
		r.violate(invariantRecord,
			"%d URLs are settled without a record (%d were left out because of a budget of their host): %v",
			len(missing), left, missing)
	}
	if got := r.pages(); got < r.counters.Pages() {
		r.violate(invariantRecord, "it counts %d pages fetched, and has records of %d", r.counters.Pages(), got)
	}
}

// pages returns how many pages are on record: in a continuous job, each fetch counts.
func (r *remains) pages() (n int64) {
	if r.log.plan.goesOn == 0 {
		return int64(len(r.fetched))
	}
	for _, all := range r.all {
		for _, rec := range all {
			if rec.outcome == crawler.OutcomeFetched {
				n++
			}
		}
	}
	return n
}

// checkLinks checks that nothing is missing: seeds, links of pages on record, and targets
// of redirects.
func (r *remains) checkLinks() {
	for _, seed := range r.log.owed {
		if r.places[seed.page.url.String()] == queue.PlaceUnseen {
			r.violate(invariantSeeds, "the seed %s is not seen", seed.page.url)
		}
	}
	if r.status.Job.Depth >= 0 {
		r.checkDepth()
		return
	}
	for _, url := range r.urls() {
		p := r.sim.world.pages[url]
		rec, recorded := r.records[url]
		if !recorded || r.places[url] != queue.PlaceSettled { // a failover may have put it back
			continue
		}
		from := []*page{p}
		for _, to := range rec.followed() {
			from = append(from, r.sim.world.pages[to])
		}
		for _, p := range from {
			r.checkPage(p, rec)
		}
	}
}

func (r *remains) checkPage(p *page, rec record) {
	if p.to != nil && rec.outcome == crawler.OutcomeRedirected && r.places[p.to.url.String()] == queue.PlaceUnseen {
		r.violate(invariantLinks, "%s redirects to %s, which is not seen", p.url, p.to.url)
	}
	if rec.outcome != crawler.OutcomeFetched {
		return
	}
	for _, to := range p.links {
		if r.places[to.url.String()] == queue.PlaceUnseen {
			r.violate(invariantLinks, "%s is fetched and links to %s, which is not seen", p.url, to.url)
		}
	}
}

// checkDepth checks that the pages seen are those within the depth limit, by the shortest
// path over pages that could be fetched.
func (r *remains) checkDepth() {
	if r.status.Reason != "" || r.sim.faulty && len(r.log.owed) == 0 {
		return
	}
	depth := make(map[*page]int)
	var next []*page
	for _, seed := range r.log.owed {
		next = append(next, seed.page)
		depth[seed.page] = 0
	}
	for len(next) > 0 {
		p := next[0]
		next = next[1:]
		rec, recorded := r.records[p.url.String()]
		if !recorded && !r.covered[p.url.String()] || recorded && rec.outcome != crawler.OutcomeFetched &&
			rec.outcome != crawler.OutcomeRedirected {
			continue
		}
		reach := func(to *page, d int) {
			if was, met := depth[to]; d <= r.status.Job.Depth && (!met || d < was) {
				depth[to] = d
				next = append(next, to)
			}
		}
		if p.to != nil {
			reach(p.to, depth[p])
		}
		for _, to := range p.links {
			reach(to, depth[p]+1)
		}
	}
	for _, url := range r.urls() {
		p := r.sim.world.pages[url]
		if d, within := depth[p]; within && r.places[url] == queue.PlaceUnseen {
			r.violate(invariantDepth, "%s is %d links from a seed, within the depth of %d, and not seen", url, d,
				r.status.Job.Depth)
		}
	}
}

// checkBudgets checks that budgets are used up exactly.
func (r *remains) checkBudgets() {
	job, n := r.status.Job, r.counters
	if job.Pages > 0 && n.Pages() > job.Pages {
		r.violate(invariantBudget, "%d pages are fetched, of at most %d", n.Pages(), job.Pages)
	}
	if r.status.Reason == "budget of pages" && n.Pages() != job.Pages && r.sim.failovers == 0 {
		r.violate(invariantBudget, "%d pages are fetched, of exactly %d", n.Pages(), job.Pages)
	}
	if r.status.Reason == "budget of bytes" && n.Bytes < int64(job.Bytes) {
		r.violate(invariantBudget, "bodies of %d bytes are fetched, of %d", n.Bytes, job.Bytes)
	}
	if ran := r.status.Ended.Sub(r.status.Started); r.status.Reason == "budget of time" &&
		ran < job.Time {
		r.violate(invariantBudget, "it ran for %v, of %v", ran, job.Time)
	}
	if job.PagesPerHost == 0 || r.sim.failovers > 0 {
		return
	}
	pages := make(map[string]int64)
	for url := range r.fetched {
		pages[r.sim.world.pages[url].host.name]++
	}
	for _, host := range slices.Sorted(maps.Keys(pages)) {
		if pages[host] > job.PagesPerHost {
			r.violate(invariantBudget, "%d pages of %s are fetched, of at most %d", pages[host], host, job.PagesPerHost)
		}
	}
}

// cutsOff reports whether a visit that is told to end may not wait for a page: its job
// was paused, or ended and continued.
func (r *remains) cutsOff(p *page) bool {
	return len(r.log.plan.pauses)+len(r.log.plan.raises) > 0 && p.takes > grace
}

// checkOnce checks that no request was repeated without a reason.
func (r *remains) checkOnce() {
	for _, url := range r.urls() {
		p := r.sim.world.pages[url]
		most := 1 + p.failing
		if p.status == 500 || p.to != nil || r.cutsOff(p) {
			continue // it is retried, or also reached by a redirect
		}
		if got := r.sim.site.tries[r.name()+" "+url]; got > most {
			r.violate(invariantOnce, "%s is asked for %d times, want at most %d", url, got, most)
		}
	}
}
