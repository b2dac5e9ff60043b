package crawler

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Waiting says why no page of a job is fetched at the moment, and what to do about
// it. The zero value is of a job that is being worked on, or has ended.
type Waiting struct {
	For  WaitReason `json:"for"`
	Text string     `json:"text"` // one sentence, the same in every view
}

// WaitReason is what a job waits for: a closed set, for metrics and programs.
type WaitReason string

// The reasons for which a job waits.
const (
	WaitScheduler WaitReason = "scheduler" // no scheduler serves it
	WaitWorker    WaitReason = "worker"    // no worker serves it
	WaitAddresses WaitReason = "addresses" // no worker may connect to its hosts
	WaitOwner     WaitReason = "owner"     // the one that may serve it does not run
	WaitHandlers  WaitReason = "handlers"  // no worker has its handlers
	WaitOutput    WaitReason = "output"    // none of its workers can keep pages, or only their output is missing
	WaitSeeds     WaitReason = "seeds"     // all that it knows is fetched, and more seeds may come
	WaitHosts     WaitReason = "hosts"     // every host rests, or is paused
	WaitResume    WaitReason = "resume"    // it is paused
)

// WaitReasons lists all reasons.
var WaitReasons = []WaitReason{WaitScheduler, WaitWorker, WaitAddresses, WaitOwner, WaitHandlers, WaitOutput, WaitSeeds, WaitHosts, WaitResume}

// Service is what a fleet has for a job at one moment.
type Service struct {
	// Processes are those of the fleet, whatever they serve.
	Processes []Process
	// Places is how many visits the servers of the job's queue carry out at once, as
	// asynq counts them.
	Places int
	// Due is when the first host is due. Zero: no host waits, or it is not known.
	// [Never]: all that wait are paused.
	Due time.Time
}

// Never is when a host is due that is paused.
var Never = time.UnixMilli(9999999999999)

// restAfter is how long the rest of all hosts must last to be a reason: between two
// visits to a slow host a job is at work.
const restAfter = 5 * time.Second

// WaitsFor says what a job waits for, given its status, its numbers and what serves
// it. A job that works, that ended, or that is about to begin waits for nothing.
func (s Status) WaitsFor(n Counters, service Service) Waiting {
	switch {
	case s.State.Ended(), s.State == StateBroken: // its reason says what to do
		return Waiting{}
	case s.State == StatePaused:
		return Waiting{WaitResume, fmt.Sprintf("this job is paused: let it go on with trawl job resume %s", s.Job.Name)}
	case !service.scheduled(s):
		return Waiting{WaitScheduler, "no scheduler serves this job: start one with trawl scheduler"}
	case s.State == StateRunning && s.Closing:
		return Waiting{WaitOutput, s.OutputPending(n)}
	case s.State != StateRunning, s.Job.Schedule != "", n.Open > 0, s.Ending != "":
		return Waiting{} // it begins, its runs run, it is visiting, or it ends
	}
	if w := service.lacksWorker(s); w.For != "" {
		return w
	}
	if n.Ready+n.Armed > 0 {
		return s.waitsForOutput(service)
	}
	return s.waitsForWork(n, service)
}

// scheduled reports whether a scheduler serves the job.
func (v Service) scheduled(job Status) bool {
	return slices.ContainsFunc(v.Processes, func(p Process) bool { return p.Kind == KindScheduler && p.Serves(job) })
}

// workers are those that are meant to serve the job.
func (v Service) workers(job Status) []Process {
	return slices.DeleteFunc(slices.Clone(v.Processes), func(p Process) bool { return p.Kind != KindWorker || !p.Serves(job) })
}

// lacksWorker says which worker is missing. Whoever works off the job's queue counts,
// also a program that shows no sign of life to Trawl.
func (v Service) lacksWorker(s Status) Waiting {
	if v.Places > 0 {
		return Waiting{}
	}
	meant, job := v.workers(s), s.Job
	able := slices.ContainsFunc(meant, func(p Process) bool { return p.HasAll(job.Handlers) && s.Origin.admits(p) })
	others := slices.ContainsFunc(v.Processes, func(p Process) bool { return p.Kind == KindWorker })
	switch {
	case able:
		return Waiting{}
	case s.Origin.Owner != "":
		return Waiting{WaitOwner, fmt.Sprintf("only %q may carry this job out, which does not run: give the command that began it again", s.Origin.Owner)}
	case len(meant) > 0 && s.Origin.Opens && len(job.Handlers) == 0:
		return Waiting{WaitAddresses, "no worker may connect to the hosts that were opened for this job: start one without --job-addresses=false"}
	case len(job.Handlers) > 0:
		return Waiting{WaitHandlers, fmt.Sprintf("no worker has all handlers of this job (%s): start a program that brings them (docs/handlers.md)",
			strings.Join(job.Handlers, ", "))}
	case others:
		return Waiting{WaitWorker, fmt.Sprintf("no worker serves this job, those that run serve others: start one with trawl worker --jobs %s, or without --jobs", job.Name)}
	}
	return Waiting{WaitWorker, "no worker serves this job: start one with trawl worker"}
}

// waitsForOutput says that none of the workers can keep pages.
func (s Status) waitsForOutput(v Service) Waiting {
	meant := v.workers(s)
	troubled := func(p Process) bool {
		return slices.ContainsFunc(s.Troubles, func(t Trouble) bool { return t.Worker == p.Name })
	}
	if len(meant) == 0 || slices.ContainsFunc(meant, func(p Process) bool { return p.HasAll(s.Job.Handlers) && !troubled(p) }) {
		return Waiting{}
	}
	at := slices.IndexFunc(s.Troubles, func(t Trouble) bool {
		return slices.ContainsFunc(meant, func(p Process) bool { return p.Name == t.Worker })
	})
	if at < 0 {
		return Waiting{}
	}
	return Waiting{WaitOutput, "no worker of this job can keep its pages: " + s.Troubles[at].String()}
}

// waitsForWork says why there is nothing to visit.
func (s Status) waitsForWork(n Counters, v Service) Waiting {
	switch {
	case n.Idle() && s.Held:
		return Waiting{WaitSeeds, "this job waits for the seeds that are being brought to it"}
	case n.Idle() && !s.Seeded:
		return Waiting{WaitSeeds, fmt.Sprintf("this job waits for seeds: bring some with trawl seed %s URL…", s.Job.Name)}
	case v.Due.IsZero():
		return Waiting{}
	case !v.Due.Before(Never):
		return Waiting{WaitHosts, fmt.Sprintf("every host of this job that has URLs waiting is paused: let one go on with trawl host set %s HOST --resume", s.Job.Name)}
	case v.Due.Sub(s.Now) >= restAfter:
		return Waiting{WaitHosts, fmt.Sprintf("every host of this job rests, the first until %s", v.Due.UTC().Format(time.RFC3339))}
	}
	return Waiting{}
}
