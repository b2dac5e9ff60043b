package simulate

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/race"
)

// TestSeedsThatOnceFailed covers bugs that were fixed, and lists those that are not fixed
// yet. Each case is a world in which the bug shows with one of a few seeds, so that it
// also shows if the code makes different calls in future.
func TestSeedsThatOnceFailed(t *testing.T) {
	t.Parallel()
	for i, c := range []struct {
		what   string
		shape  func(*world)
		breaks Invariant // the invariant that is still broken; "" once it holds
	}{
		{"two jobs at a host keep one gap", twoJobsAtAHost, ""},
		{"three jobs with different delays, on three workers, keep the longest", threeJobsAtAHost, ""},
		{"a job that starts while another visits the host waits for its turn", laterJobAtAHost, ""},
		{"two jobs at a host keep one gap, though answers get lost", lostAnswersAtAHost, ""},
		{"a machine and its disk vanish before their pages are in the bucket", vanishBeforeShipping, ""},
		{"a URL that is met again nearer to a seed leads further", nearerLater, ""},
		{"a budget of pages is raised while the job runs", raisedWhileRunning, ""},
		{"a worker dies that had just learnt of a long Crawl-delay", longDelayAndKill, ""},
		{"a worker dies that had just learnt of a long Crawl-delay, and another job wants the host", longDelayAndOther,
			""},
		{"a budget of pages is raised before a worker has noticed that the job ended on it", raisedAtTheEnd, ""},
		{"a budget of pages is raised when the job has ended on it", raisedAfterTheEnd, ""},
		{"a job is paused, and seeds come meanwhile", seedsDuringPause, ""},
		{"seeds come when nothing else is left to do", seedsAtTheEnd, ""},
		{"seeds come when a job only waits for its output", seedsWhileClosing, ""},
		{"a worker counts as lost when a job only waits for its output, and comes back", stalledWhileClosing, ""},
		{"workers are lost while an answer of Redis gets lost now and then", lostOverLossyRedis, ""},
		{"a job is paused and goes on while answers of asynq get lost", pausedOverLossyQueue, ""},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			if i%6 > 0 {
				race.Skip(t) // every sixth world is enough for the detector
			}
			broken := false
			for seed := uint64(0); seed < 3 || c.breaks != "" && !broken && seed < 12; seed++ {
				r := run(t, seed, Options{features: features{calm: true}, shape: c.shape})
				broken = broken || slices.ContainsFunc(r.Violations,
					func(v Violation) bool { return v.Invariant == c.breaks })
				if c.breaks == "" {
					report(t, r, fmt.Sprintf("-run '%s'", t.Name()))
				}
				race.Skip(t) // one seed is enough for the detector
			}
			if c.breaks != "" && !broken {
				t.Errorf("%q holds: take it out of the table", c.breaks)
			}
		})
	}
}

// plain is a world with one job, at hosts whose pages all respond quickly. Each page
// links to the next pages of its host.
func plain(w *world, hosts, pages int) *jobPlan {
	w.hosts, w.pages, w.faults, w.rates = nil, make(map[string]*page), nil, rates{}
	w.machines, w.schedulers, w.places, w.maxTime = 2, 1, 4, 3*time.Minute
	for i := range hosts {
		h := &host{name: "plain" + string(rune('0'+i)) + ".example", robots: robotsPlan{status: 404}}
		w.hosts = append(w.hosts, h)
		for n := range pages {
			u, err := crawler.ParseURL("https://" + h.name + "/" + string(rune('a'+n%26)) + string(rune('a'+n/26)))
			if err != nil {
				panic(err)
			}
			p := &page{url: u, host: h, status: 200, takes: 20 * time.Millisecond}
			h.pages = append(h.pages, p)
			w.pages[u.String()] = p
		}
		for n, p := range h.pages {
			p.links = h.pages[min(n+1, pages):min(n+4, pages)]
		}
	}
	w.jobs = nil
	return w.addJob("a", w.hosts[0].pages[0])
}

// addJob adds a job without limits.
func (w *world) addJob(name string, seeds ...*page) *jobPlan {
	job := crawler.DefaultJob()
	job.Name, job.Scope, job.Journal, job.Throttle = name, crawler.ScopeAny, false, 0
	plan := &jobPlan{job: job, seeds: seeds}
	for _, p := range seeds {
		plan.job.Seeds = append(plan.job.Seeds, p.url.String())
	}
	w.jobs = append(w.jobs, plan)
	return plan
}

func twoJobsAtAHost(w *world) {
	plain(w, 1, 10)
	w.addJob("b", w.hosts[0].pages[3])
}

func threeJobsAtAHost(w *world) {
	plain(w, 1, 8)
	w.machines, w.schedulers = 3, 2
	w.addJob("b", w.hosts[0].pages[0]).job.Delay = 3 * time.Second
	w.addJob("c", w.hosts[0].pages[0]).job.Delay = 0
}

func laterJobAtAHost(w *world) {
	plain(w, 1, 15)
	w.addJob("b", w.hosts[0].pages[0]).starts = 5300 * time.Millisecond
}

// lostAnswersAtAHost has visits that take over a host but never receive the reply.
func lostAnswersAtAHost(w *world) {
	plain(w, 1, 10)
	w.addJob("b", w.hosts[0].pages[0]).job.Delay = 2 * time.Second
	w.rates, w.maxTime = rates{lostReply: 0.01, twice: 0.2}, 15*time.Minute
}

func vanishBeforeShipping(w *world) {
	plan := plain(w, 2, 20)
	plan.job.Delay, plan.job.LostAfter = 200*time.Millisecond, 10*time.Second
	w.hosts[0].pages[0].links = append(w.hosts[0].pages[0].links, w.hosts[1].pages[0])
	w.machines, w.bucket, w.shipsIn = 1, true, 5*time.Minute
	w.faults = []fault{{at: 4 * time.Second, kind: faultVanish, lasts: time.Second}}
}

// nearerLater has a page that is two links away from a fast seed, and one link from a
// slow one.
func nearerLater(w *world) {
	plan := plain(w, 2, 4)
	quick, slow := w.hosts[0].pages, w.hosts[1].pages[0]
	quick[0].links, quick[1].links, quick[2].links = quick[1:2], quick[2:3], quick[3:4]
	slow.links, slow.takes = quick[2:3], 8*time.Second
	plan.job.Depth = 2
	plan.seeds = append(plan.seeds, slow)
	plan.job.Seeds = append(plan.job.Seeds, slow.url.String())
}

func raisedWhileRunning(w *world) {
	plan := plain(w, 1, 20)
	plan.job.Pages = 6
	plan.raises = []raise{{at: 4 * time.Second, pages: 5}}
	w.maxTime = time.Minute
}

func raisedAtTheEnd(w *world) {
	plan := plain(w, 1, 20)
	plan.job.Pages = 6
	plan.raises = []raise{{pages: 5}}
}

func raisedAfterTheEnd(w *world) {
	raisedAtTheEnd(w)
	w.jobs[0].raises[0].after = 2 * time.Second
}

// longDelayAndKill kills a worker that has read robots.txt and waits to fetch its first
// page. When its visit took the URL, the gap was not known yet.
func longDelayAndKill(w *world) {
	plan := plain(w, 1, 4)
	plan.job.Delay = 0
	w.hosts[0].robots = robotsPlan{status: 200, delay: 40 * time.Second}
	w.machines = 1
	w.faults = []fault{{at: 3500 * time.Millisecond, kind: faultKill, lasts: time.Second}}
}

// longDelayAndOther has another job that does not obey a Crawl-delay.
func longDelayAndOther(w *world) {
	longDelayAndKill(w)
	other := w.addJob("b", w.hosts[0].pages[1])
	other.starts, other.job.Delay, other.job.CrawlDelayCap = 3*time.Second, 0, 0
	w.maxTime = 15 * time.Minute
}

func seedsDuringPause(w *world) {
	plan := plain(w, 2, 5)
	plan.pauses = []pause{{2 * time.Second, 10 * time.Second}}
	plan.late = []lateSeed{{5 * time.Second, w.hosts[1].pages[0]}}
}

func seedsAtTheEnd(w *world) {
	plan := plain(w, 2, 5)
	for i := range 4 {
		plan.late = append(plan.late, lateSeed{time.Duration(4500+200*i) * time.Millisecond, w.hosts[1].pages[i]})
	}
}

func seedsWhileClosing(w *world) {
	seedsAtTheEnd(w)
	w.bucket, w.shipsIn = true, 5*time.Minute
}

// stalledWhileClosing has a worker that does not ship its segment in time.
func stalledWhileClosing(w *world) {
	plan := plain(w, 2, 5)
	plan.seeds = append(plan.seeds, w.hosts[1].pages[0])
	plan.job.Seeds = append(plan.job.Seeds, w.hosts[1].pages[0].url.String())
	plan.job.LostAfter = 5 * time.Second
	w.bucket, w.shipsIn = true, 5*time.Minute
	for i := range 2 {
		w.faults = append(w.faults, fault{at: time.Duration(5500+1000*i) * time.Millisecond, kind: faultStall, which: i,
			lasts: 20 * time.Second})
	}
}

func lostOverLossyRedis(w *world) {
	plain(w, 2, 8).job.LostAfter = time.Minute
	w.bucket, w.shipsIn, w.maxTime = true, 5*time.Minute, 30*time.Minute
	w.rates = rates{lost: 0.01, lostReply: 0.01}
	w.faults = []fault{{at: 4 * time.Second, kind: faultVanish, lasts: time.Second},
		{at: 5 * time.Second, kind: faultVanish, which: 1, lasts: time.Second}}
}

func pausedOverLossyQueue(w *world) {
	plan := plain(w, 1, 20)
	w.rates, w.maxTime = rates{lostReply: 0.05}, 15*time.Minute
	for i := range 5 {
		plan.pauses = append(plan.pauses, pause{time.Duration(2+6*i) * time.Second, 2500 * time.Millisecond})
	}
}
