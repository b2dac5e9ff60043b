package simulate

import (
	"context"
	"errors"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// This file checks what is promised of continuous jobs.

// askedLog is which pages a continuous job has asked for, and when.
type askedLog struct {
	fetches []time.Time          // of pages, without what redirects led to in the same visit
	last    map[string]time.Time // by URL
	target  map[string]string    // by host: where the last response redirected to
}

// note records a request for a page of a continuous job. The caller holds s.mu.
func (s *site) note(log *hostLog, r *visitRequest, job crawler.Job, u crawler.URL) {
	if s.sim.world.tick == 0 || u.Path() == "/robots.txt" {
		return
	}
	for _, do := range s.busy {
		do()
	}
	s.busy = nil
	a := s.asked[job.Name]
	if a == nil {
		a = &askedLog{last: make(map[string]time.Time), target: make(map[string]string)}
		s.asked[job.Name] = a
	}
	follows := a.target[log.host.name] == r.url
	delete(a.target, log.host.name)
	if p := s.sim.world.pages[r.url]; p != nil && p.to != nil && p.to.host == p.host {
		a.target[log.host.name] = p.to.url.String()
	}
	if follows {
		if _, met := a.last[r.url]; met { // a page of its own is fetched with the one that leads to it
			a.last[r.url] = r.began
		}
		return
	}
	a.fetches = append(a.fetches, r.began)
	if was, met := a.last[r.url]; met && job.Recrawl.On() && r.began.Sub(was) > s.sim.patience(job) {
		s.sim.violate(invariantAgain, "job %s asks for %s again after %v", job.Name, r.url, r.began.Sub(was))
	}
	a.last[r.url] = r.began
}

// whenBusy does something at the next request for a page.
func (s *site) whenBusy(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.busy = append(s.busy, do)
}

// patience returns after how long at most a continuous job, while it is one, asks for a page again:
// its longest interval, and what its pages may wait besides: for all other pages, which may be due
// at the same time, for the next tick, and as long as something was broken or paused.
func (s *sim) patience(job crawler.Job) time.Duration {
	tries := 0
	for _, p := range s.world.pages {
		tries++
		if p.status == 500 || p.life.health == 500 && len(p.life.away) > 0 {
			tries += job.Retries
		}
	}
	all := time.Duration(float64(tries) / job.Recrawl.Budget.PerDay() * float64(day))
	d := job.Recrawl.WithDefaults().Max + all + 2*time.Hour + 6*s.world.tick
	for _, f := range s.world.faults {
		d += f.lasts + 2*s.world.tick
	}
	for _, plan := range s.world.jobs {
		for _, p := range plan.pauses {
			d += p.lasts + 2*s.world.tick
		}
	}
	if s.world.bucket {
		d += s.world.shipsIn + job.LostAfter + 2*s.world.tick
	}
	return d
}

// letEnd makes a continuous job an ordinary one, which ends when nothing is left to fetch, and waits
// until it has ended.
func (s *sim) letEnd(ctx context.Context, p *process, log *jobLog) error {
	status, err := p.store.Status(ctx, log.plan.job.Name)
	switch {
	case errors.Is(err, queue.ErrNoJob):
		return errMuchLater // it is created again
	case err != nil:
		return err
	case status.State.Ended():
		return nil
	case !status.Job.Recrawl.On():
		return errMuchLater
	}
	status.Job.Recrawl = crawler.Recrawl{}
	if log.letEnd.IsZero() {
		log.letEnd = time.Now()
	}
	if err := p.store.Change(ctx, status.Job); err != nil {
		return err
	}
	s.count("continuous job let end")
	return errMuchLater
}

// planReview checks continuous jobs just before they are let end.
func (s *sim) planReview() {
	for _, plan := range s.world.jobs {
		if plan.goesOn > 0 {
			s.arbiter.in(plan.starts+plan.goesOn-time.Second, func() { s.review(plan) })
		}
	}
}

// review checks that all pages were asked for lately, and that the budget was kept.
func (s *sim) review(plan *jobPlan) {
	s.site.mu.Lock()
	defer s.site.mu.Unlock()
	a, job := s.site.asked[plan.job.Name], plan.job
	if a == nil {
		s.violate(invariantAgain, "job %s has asked for nothing in %v", job.Name, plan.goesOn)
		return
	}
	for _, h := range s.world.hosts {
		for _, p := range h.pages {
			last, met := a.last[p.url.String()]
			if ago := time.Since(last); met && ago > s.patience(job) {
				s.violate(invariantAgain, "job %s asked for %s last %v ago", job.Name, p.url, ago)
			}
		}
	}
	s.arbiter.counts["fetch of a continuous job"] += len(a.fetches)
	s.checkRation(plan, a)
}

// checkRation checks that no day has more fetches than the budget and what may be made up for; and
// without faults, that the budget is used where enough is due.
func (s *sim) checkRation(plan *jobPlan, a *askedLog) {
	budget := plan.job.Recrawl.Budget.PerDay()
	most := budget*(1+0.25+2.0/24) + 10 // a quarter of a day is made up for, an hour's share comes at once
	if s.faulty {
		most += 0.1*budget + 10 // an answer that is lost, or a Redis that forgets, may grant URLs again
	}
	from := 0
	for i, at := range a.fetches {
		for at.Sub(a.fetches[from]) >= day {
			from++
		}
		if n := i - from + 1; float64(n) > most {
			s.violate(invariantRation, "job %s fetches %d pages within a day, with a budget of %.0f", plan.job.Name, n, budget)
			return
		}
	}
	if s.faulty || len(plan.pauses) > 0 || plan.goesOn < 2*day || !s.plenty(plan, a) {
		return
	}
	n := 0
	for _, at := range a.fetches {
		if at.Sub(s.trace.began) >= day {
			n++
		}
	}
	want := budget * (plan.goesOn - day).Hours() / 24
	if float64(n) < 0.95*want-5 || float64(n) > 1.05*want+5 {
		s.violate(invariantRation, "job %s fetches %d pages in %v, with a budget of %.0f", plan.job.Name, n, plan.goesOn-day,
			want)
	}
}

// plenty reports whether the pages of a job could use its budget several times.
func (s *sim) plenty(plan *jobPlan, a *askedLog) bool {
	there := 0
	for url := range a.last {
		if p := s.world.pages[url]; p.status == 200 && len(p.life.away) == 0 {
			there++
		}
	}
	shortest := max(plan.job.Recrawl.Min, s.world.tick)
	return float64(there)*day.Hours()/shortest.Hours() > 4*plan.job.Recrawl.Budget.PerDay()
}

// checkChanges checks what the records of a continuous job say.
func (r *remains) checkChanges() {
	for _, url := range r.urls() {
		kept := make(map[string]bool)
		was := make(map[crawler.PageChange]bool)
		for _, rec := range r.all[url] {
			r.checkChange(rec, was)
			kept[rec.keptAt()] = true
			was[rec.change] = true
			if rec.outcome == crawler.OutcomeGone {
				was[crawler.ChangeGone] = true
			}
		}
		for _, rec := range r.all[url] {
			if rec.outcome == crawler.OutcomeNotModified && !kept[rec.same] {
				r.violate(invariantSame, "%s was not modified at %v since %s, of which there is no record", url, rec.at,
					rec.same)
			}
		}
	}
}

// checkChange checks what a record says, given what those before it said. The records of a page that was
// fetched twice, because a worker died, say the same.
func (r *remains) checkChange(rec record, was map[crawler.PageChange]bool) {
	found := rec.outcome == crawler.OutcomeFetched || rec.outcome == crawler.OutcomeNotModified ||
		rec.outcome == crawler.OutcomeRedirected
	gone := rec.outcome == crawler.OutcomeGone
	wrong := false
	switch rec.change {
	case crawler.ChangeGone:
		wrong = !gone
	case crawler.ChangeBack:
		wrong = !found || !was[crawler.ChangeGone]
	case crawler.ChangeChanged, crawler.ChangeMoved:
		wrong = !found || len(was) == 0 && !r.sim.faulty
	case crawler.ChangeNew:
		wrong = !found || !r.sim.faulty && (was[crawler.ChangeNew] || was[crawler.ChangeChanged])
	case crawler.ChangeUnchanged:
		wrong = !found && !gone
	default: // pages whose records were lost may be fetched again when the job is an ordinary one
		since := r.log.letEnd
		wrong = (found || gone) && (since.IsZero() || rec.at.Before(since))
	}
	if wrong {
		r.violate(invariantChange, "%s is %s at %v, and the record says %q after %v", rec.url, rec.outcome, rec.at,
			rec.change, was)
	}
}
