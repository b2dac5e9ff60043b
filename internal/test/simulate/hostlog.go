package simulate

import (
	"slices"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

func newSite(s *sim) *site {
	w := &site{sim: s, hosts: make(map[string]*hostLog), tries: make(map[string]int),
		asked: make(map[string]*askedLog)}
	for _, h := range s.world.hosts {
		w.hosts[h.name] = &hostLog{host: h}
	}
	return w
}

// begin records the start of a request and checks what is promised to its host.
func (s *site) begin(p *process, job crawler.Job, u crawler.URL) *visitRequest {
	s.mu.Lock()
	defer s.mu.Unlock()
	log := s.hosts[string(u.Host())]
	r := &visitRequest{worker: p.name, job: job.Name, url: u.String(), began: time.Now(),
		owed: s.owed(log, job.PolitenessSettings, u)}
	s.sim.requests++
	if s.sim.checksHosts() {
		s.checkTurn(log, r)
	}
	s.checkRobots(log, r, u)
	if s.sim.hasEnded(job.Name) {
		s.sim.violate(invariantEnd, "job %s asks for %s after its end", job.Name, r.url)
	}
	s.note(log, r, job, u)
	log.open = append(log.open, r)
	log.last = r
	return r
}

func (s *site) end(r *visitRequest) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, log := range s.hosts {
		log.open = slices.DeleteFunc(log.open, func(o *visitRequest) bool { return o == r })
	}
}

// owed returns the gap that a job owes a host before a request. If a worker has fetched
// robots.txt and dies before it has stored the result, the Crawl-delay is lost with it.
// Once a page was requested, the fleet knows it.
func (s *site) owed(log *hostLog, job crawler.PolitenessSettings, u crawler.URL) time.Duration {
	gap := job.Delay
	page := u.Path() != "/robots.txt"
	log.delayKnown = log.delayKnown || page
	if log.delayKnown {
		gap = max(gap, min(log.host.robots.crawlDelay(), job.CrawlDelayCap))
	}
	return gap
}

// crawlDelay returns the Crawl-delay in the robots.txt of the host.
func (r robotsPlan) crawlDelay() time.Duration {
	if r.status != 200 {
		return 0
	}
	return r.delay
}

// checkTurn checks that one visit at a time makes requests to a host, and that it keeps
// the gap that it, or the previous visit, owes the host.
func (s *site) checkTurn(log *hostLog, r *visitRequest) {
	for _, o := range log.open {
		s.sim.violate(invariantTurn, "%s asks for %s of job %s while %s is asked for by %s of job %s", r.worker, r.url,
			r.job, o.url, o.worker, o.job)
	}
	if log.last == nil || !s.sim.checksSince(log.last.began) {
		return
	}
	gap := r.began.Sub(log.last.began)
	if owed := max(r.owed, log.last.owed); gap < owed {
		s.sim.violate(invariantGap, "%s asks for %s of job %s %v after %s of job %s by %s, and owes the host %v",
			r.worker, r.url, r.job, gap, log.last.url, log.last.job, log.last.worker, owed)
	}
}

// checkRobots checks that robots.txt is requested before anything else, and obeyed.
func (s *site) checkRobots(log *hostLog, r *visitRequest, u crawler.URL) {
	if u.Path() == "/robots.txt" {
		// A worker may keep an answer for a day (RFC 9309, 2.4), also after Redis has lost it
		// and another worker was refused.
		log.robotsKnown = log.robotsKnown || s.tries[r.job+" "+r.url] >= log.host.robots.failing
		return
	}
	p := s.sim.world.pages[r.url]
	switch {
	case !log.robotsKnown:
		s.sim.violate(invariantRobots, "%s is requested before the robots.txt of its host was fetched", r.url)
	case p != nil && p.private:
		s.sim.violate(invariantRobots, "%s is requested, although robots.txt forbids it", r.url)
	}
}
