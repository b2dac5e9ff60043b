package waiting

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// Waiting says why no page of a job is fetched at the moment, and what to do about it. It
// is zero for a job that is making progress, or has ended.
type Waiting struct {
	For  WaitReason `json:"for"`
	Text string     `json:"text"` // one sentence, the same everywhere
}

// WaitReason is what a job waits for: a closed set, for metrics and programs.
type WaitReason string

// The reasons why a job waits.
const (
	WaitScheduler WaitReason = "scheduler" // no scheduler runs it
	WaitWorker    WaitReason = "worker"    // no worker runs it
	WaitAddresses WaitReason = "addresses" // no worker may connect to its hosts
	WaitOwner     WaitReason = "owner"     // the only worker that may run it is not running
	WaitHandlers  WaitReason = "handlers"  // no worker has its handlers
	WaitBrowser   WaitReason = "browser"   // no worker has a browser
	WaitOutput    WaitReason = "output"    // none of its workers can keep pages, or only their output is missing
	WaitSeeds     WaitReason = "seeds"     // everything known has been fetched, and more seeds may come
	WaitHosts     WaitReason = "hosts"     // every host rests, or is paused
	WaitPages     WaitReason = "pages"     // no page of a continuous job is due to be fetched again
	WaitResume    WaitReason = "resume"    // it is paused
)

// WaitReasons lists all reasons.
var WaitReasons = []WaitReason{WaitScheduler, WaitWorker, WaitAddresses, WaitOwner, WaitHandlers, WaitBrowser,
	WaitOutput, WaitSeeds, WaitHosts, WaitPages, WaitResume}

// Alarming reports whether the job waits for something that an operator must start.
func (r WaitReason) Alarming() bool {
	return slices.Contains([]WaitReason{WaitScheduler, WaitWorker, WaitAddresses, WaitOwner, WaitHandlers,
		WaitBrowser}, r)
}

// Service is what a fleet can do for a job at one moment.
type Service struct {
	// Processes are the processes of the fleet, for whatever jobs.
	Processes []Process
	// Places is how many visits the servers of the job's queue run at once, as asynq counts
	// them.
	Places int
	// Due is when the first host is due. Zero: no host waits, or it is unknown. [Never]:
	// all hosts that wait are paused.
	Due time.Time
}

// Never is the due time of a paused host.
var Never = time.UnixMilli(9999999999999)

// restAfter is how long all hosts must rest before that is a reason. Between two visits to
// a slow host, a job counts as working.
const restAfter = 5 * time.Second

// WaitsFor says what a job waits for, given its status, its counters and what can run it. A
// job that makes progress, has ended, or is about to start waits for nothing.
func WaitsFor(s crawler.Status, n crawler.Counters, service Service) Waiting {
	switch {
	case s.State.Ended(), s.State == crawler.StateBroken: // the reason of the state says what to do
		return Waiting{}
	case s.State == crawler.StatePaused:
		return Waiting{WaitResume, fmt.Sprintf("this job is paused: resume it with trawl job resume %s", s.Job.Name)}
	case !service.scheduled(s):
		return Waiting{WaitScheduler, "no scheduler runs this job: start one with trawl scheduler"}
	case silent(service.schedulers(s)):
		return Waiting{WaitScheduler,
			"the scheduler of this job shows no sign of life: if it has stopped, start one with trawl scheduler"}
	case s.State == crawler.StateRunning && s.Closing:
		return Waiting{WaitOutput, OutputPending(s, n)}
	case s.State == crawler.StateRunning && s.Job.Schedule == "" && silent(service.able(s)):
		return Waiting{WaitWorker,
			"the workers of this job show no sign of life: if they have stopped, start one with trawl worker"}
	case s.State != crawler.StateRunning, s.Job.Schedule != "", n.Open > 0 && service.Visits(s), s.Ending != "":
		return Waiting{} // it is starting, its runs do the work, a visit is open, or it is ending
	}
	if w := service.lacksWorker(s); w.For != "" {
		return w
	}
	if n.Ready+n.Armed > 0 {
		return waitsForOutput(s, service)
	}
	return waitsForWork(s, n, service)
}

// Carries reports whether the processes can carry out a job: a scheduler runs it, and so does
// a worker that has its handlers and, if it renders pages, a browser.
func (v Service) Carries(job crawler.Status) bool {
	return v.scheduled(job) && v.lacksWorker(job).For == ""
}

// scheduled reports whether a scheduler runs the job.
func (v Service) scheduled(job crawler.Status) bool { return len(v.schedulers(job)) > 0 }

// schedulers returns the schedulers that run the job.
func (v Service) schedulers(job crawler.Status) []Process {
	return slices.DeleteFunc(slices.Clone(v.Processes),
		func(p Process) bool { return p.Kind != KindScheduler || !p.Serves(job) })
}

// silent reports whether there are processes, and none shows a sign of life.
func silent(all []Process) bool {
	return len(all) > 0 && !slices.ContainsFunc(all, func(p Process) bool { return !p.Silent })
}

// Visits reports whether any process can carry out visits of the job.
func (v Service) Visits(job crawler.Status) bool { return v.Places > 0 || len(v.able(job)) > 0 }

// able returns the workers that can run the job.
func (v Service) able(job crawler.Status) []Process {
	return slices.DeleteFunc(v.workers(job),
		func(p Process) bool { return !p.Able(job.Job) || !admits(job, p) })
}

// workers returns the workers that are configured to run the job.
func (v Service) workers(job crawler.Status) []Process {
	return slices.DeleteFunc(slices.Clone(v.Processes),
		func(p Process) bool { return p.Kind != KindWorker || !p.Serves(job) })
}

// lacksWorker says which worker is missing. Any server of the job's queue counts, including
// a program that Trawl gets no sign of life from.
func (v Service) lacksWorker(s crawler.Status) Waiting {
	if v.Visits(s) {
		return Waiting{}
	}
	meant, job := v.workers(s), s.Job
	others := slices.ContainsFunc(v.Processes, func(p Process) bool { return p.Kind == KindWorker })
	switch {
	case s.Owner != "":
		return Waiting{WaitOwner,
			fmt.Sprintf("only %q may run this job, and it is not running: run the command that started it again",
				s.Owner)}
	case len(meant) > 0 && job.Renders() && !slices.ContainsFunc(meant, func(p Process) bool { return p.Browser }):
		return Waiting{WaitBrowser,
			fmt.Sprintf("no worker with a browser runs this job, which renders pages (render: %s): install Chromium where a worker runs, or start one with trawl worker --browser",
				job.Render)}
	case len(meant) > 0 && s.Opens && len(job.Handlers) == 0:
		return Waiting{WaitAddresses,
			"no worker may connect to the private hosts of this job: start one without --job-addresses=false"}
	case len(job.Handlers) > 0:
		return Waiting{WaitHandlers,
			fmt.Sprintf("no worker has all handlers of this job (%s): start a program that provides them (docs/handlers.md)",
				strings.Join(job.Handlers, ", "))}
	case others:
		return Waiting{WaitWorker,
			fmt.Sprintf("no worker runs this job; the running workers serve other jobs: start one with trawl worker --jobs %s, or without --jobs", job.Name)}
	}
	return Waiting{WaitWorker, "no worker runs this job: start one with trawl worker"}
}

// waitsForOutput reports whether none of the workers can keep pages.
func waitsForOutput(s crawler.Status, v Service) Waiting {
	meant := v.workers(s)
	troubled := func(p Process) bool {
		return slices.ContainsFunc(s.Troubles, func(t crawler.Trouble) bool { return t.Worker == p.Name })
	}
	if len(meant) == 0 || slices.ContainsFunc(meant,
		func(p Process) bool { return p.Able(s.Job) && !troubled(p) }) {
		return Waiting{}
	}
	at := slices.IndexFunc(s.Troubles, func(t crawler.Trouble) bool {
		return slices.ContainsFunc(meant, func(p Process) bool { return p.Name == t.Worker })
	})
	if at < 0 {
		return Waiting{}
	}
	return Waiting{WaitOutput, "every worker of this job is in trouble: " + s.Troubles[at].String()}
}

// waitsForWork says why there is nothing to visit.
func waitsForWork(s crawler.Status, n crawler.Counters, v Service) Waiting {
	switch {
	case n.Idle() && s.Held:
		return Waiting{WaitSeeds, "this job waits for the seeds that are being added"}
	case n.Idle() && !s.Seeded:
		return Waiting{WaitSeeds, fmt.Sprintf("this job waits for seeds: add some with trawl seed %s URL…", s.Job.Name)}
	case n.Idle() && s.Job.Recrawl.On():
		return waitsForPages(s, n)
	case v.Due.IsZero():
		return Waiting{}
	case !v.Due.Before(Never):
		return Waiting{WaitHosts,
			fmt.Sprintf("every host of this job that has waiting URLs is paused: resume one with trawl host set %s HOST --resume", s.Job.Name)}
	case v.Due.Sub(s.Now) >= restAfter:
		rests := "rests"
		if s.Job.Recrawl.On() {
			rests = "rests, or waits for its turn under the budget of recrawl"
		}
		return Waiting{WaitHosts, fmt.Sprintf("every host of this job %s, the first until %s", rests,
			v.Due.UTC().Format(time.RFC3339))}
	}
	return Waiting{}
}

// waitsForPages says when a page of a continuous job is due next.
func waitsForPages(s crawler.Status, n crawler.Counters) Waiting {
	switch f := s.Freshness; {
	case n.Tracked == 0:
		return Waiting{WaitPages, fmt.Sprintf("this job has no pages to fetch again: add seeds with trawl seed %s URL…",
			s.Job.Name)}
	case f != nil && f.Next.After(s.Now):
		return Waiting{WaitPages, "this job waits for pages to become due again, the next at " +
			f.Next.UTC().Format(time.RFC3339)}
	}
	return Waiting{WaitPages, "this job waits for pages to become due again"}
}

// admits reports whether a worker may run a job, given its origin. A closed worker whose own
// operator allows connections to all hosts of the job may run it, too, and then counts as a
// server of the job's queue.
func admits(job crawler.Status, p Process) bool {
	if job.Owner != "" {
		return job.Owner == p.Name
	}
	return !job.Opens || !p.Closed
}
