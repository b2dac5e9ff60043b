package simulate

import (
	"math/rand/v2"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// This file makes worlds with a continuous job. They go on for days: pages change, disappear and come
// back, and processes look at what there is to do every few minutes only.

const (
	day = 24 * time.Hour
	// daysTick is the shortest tick of such a world, and half of the longest.
	daysTick = 8 * time.Minute
)

// life is what becomes of a page in a world that goes on for days.
type life struct {
	every  time.Duration // after which it changes, again and again; 0: never
	since  time.Duration // how long before the run it had last changed
	away   []absence
	lists  []*page // it is the sitemap of its host, with these pages
	health int     // the status while it is away: 404, 410 or 500
}

// absence is a time of a run in which a page is not there.
type absence struct{ from, to time.Duration }

// version returns how often the page has changed at a time of a run.
func (l life) version(at time.Duration) int {
	if l.every == 0 {
		return 0
	}
	return int((at + l.since) / l.every)
}

// changed returns when the page last changed before a time of a run.
func (l life) changed(at time.Duration) time.Duration {
	return time.Duration(l.version(at))*l.every - l.since
}

// isAway reports whether the page is not there at a time of a run.
func (l life) isAway(at time.Duration) bool {
	for _, a := range l.away {
		if at >= a.from && at < a.to {
			return true
		}
	}
	return false
}

// makeContinuous makes the first job of some worlds continuous, and the only one. Its choices have a
// source of their own, so that other worlds stay as they are.
func (w *world) makeContinuous(seed uint64, f features) {
	r := rand.New(rand.NewPCG(seed, 2))
	if !chance(r, f.continuous) {
		return
	}
	w.goOn(r, w.jobs[0], within(r, day, 36*time.Hour))
}

// goOn makes a job continuous, and the only one.
func (w *world) goOn(r *rand.Rand, plan *jobPlan, lasts time.Duration) {
	w.tick, w.jobs = within(r, daysTick, 2*daysTick), []*jobPlan{plan}
	// One visit at each host in a tick carries the budget, but fewer may not.
	w.places = max(w.places, len(w.hosts))
	plan.goesOn, plan.raises, plan.starts = lasts, nil, 0
	w.maxTime = lasts + day
	for _, h := range w.hosts {
		w.addSitemap(r, h)
	}
	for _, h := range w.hosts {
		for _, p := range h.pages {
			p.life = newLife(r, lasts, p.life.lists)
		}
	}
	job := &plan.job
	job.Pages, job.PagesPerHost, job.Time, job.Bytes = 0, 0, 0, 0
	job.Sitemaps, job.StalledAfter = true, 0
	longest := within(r, 8*time.Hour, 14*time.Hour)
	// Three times as much as it takes to fetch all pages in the longest interval.
	enough := 3 * int64(len(w.pages)) * int64(day) / int64(longest)
	job.Recrawl = crawler.Recrawl{
		Budget: crawler.FetchRate{Fetches: max(100, enough) + r.Int64N(100), Per: day},
		Min:    within(r, time.Minute, 20*time.Minute).Truncate(time.Second), Max: longest.Truncate(time.Second),
	}
	for i := range plan.late {
		plan.late[i].at = within(r, 0, lasts/2)
	}
	for i := range plan.pauses {
		plan.pauses[i] = pause{within(r, time.Minute, lasts/2), within(r, time.Minute, 3*time.Hour)}
	}
	if w.bucket {
		w.shipsIn = within(r, time.Minute, time.Hour)
		job.LostAfter = pick(r, 40*time.Minute, 2*time.Hour)
	}
	w.span = lasts
	for i := range w.faults {
		w.faults[i].at, w.faults[i].busy = within(r, time.Second, lasts), chance(r, 0.7)
		if chance(r, 0.5) {
			w.faults[i].lasts = within(r, time.Minute, 40*time.Minute)
		}
	}
}

// addSitemap adds a sitemap to a host, or the page that answers where one is looked for.
func (w *world) addSitemap(r *rand.Rand, h *host) {
	pages := h.pages
	u, err := crawler.ParseURL("https://" + h.name + "/sitemap.xml")
	if err != nil {
		panic(err)
	}
	p := &page{url: u, host: h, status: 404, takes: 10 * time.Millisecond}
	h.pages = append(h.pages[:len(pages):len(pages)], p)
	w.pages[u.String()] = p
	if h.robots.sitemap = chance(r, 0.6); h.robots.sitemap {
		p.status, p.life.lists = 200, pages
	}
}

// newLife chooses what becomes of a page.
func newLife(r *rand.Rand, lasts time.Duration, lists []*page) life {
	l := life{lists: lists, health: pick(r, 404, 404, 410, 500)}
	if chance(r, 0.6) && lists == nil {
		l.every = pick(r, within(r, 10*time.Minute, time.Hour), within(r, time.Hour, 6*time.Hour),
			within(r, 6*time.Hour, 2*day))
		l.since = within(r, 0, l.every)
	}
	for chance(r, 0.3) && len(l.away) < 3 {
		from := within(r, 0, lasts)
		l.away = append(l.away, absence{from, from + within(r, 10*time.Minute, lasts/2)})
	}
	return l
}
