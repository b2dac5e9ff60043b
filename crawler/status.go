package crawler

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// State is the state of a job.
type State string

// The states of a job.
const (
	StateCreated   State = "created"
	StateRunning   State = "running"
	StatePaused    State = "paused"
	StateDone      State = "done"
	StateCancelled State = "cancelled"
	StateFailed    State = "failed"
	// StateBroken is shown for a job whose keys in Redis cannot be read. The job stands
	// still; others continue. The state ends when the keys are repaired or the job is
	// removed.
	StateBroken State = "broken"
)

// Ended reports whether a job in that state has ended.
func (s State) Ended() bool {
	return s == StateDone || s == StateCancelled || s == StateFailed
}

// Status is a job with its state. Times are by Redis's clock.
type Status struct {
	Job    Job    `json:"job"`
	State  State  `json:"state"`
	Reason string `json:"reason"` // why it is in that state, such as the budget that ended it
	Ending string `json:"ending"` // the budget because of which nothing more is fetched, while the job still runs
	// Closing says that nothing is left to fetch, and that the job ends as soon as its
	// output is complete: workers finish and ship what they have at once.
	Closing bool      `json:"closing"`
	Seeded  bool      `json:"seeded"`  // all seeds have been admitted, so the job may end
	Created time.Time `json:"created"` // also distinguishes jobs of the same name
	Started time.Time `json:"started"` // zero before it has run
	Ended   time.Time `json:"ended"`   // zero while it runs
	Now     time.Time `json:"-"`       // when the status was read
	Held    bool      `json:"held"`    // seeds are being added, so the job may not end yet
	Cleared bool      `json:"cleared"` // only the record is left of a job that was ended early
	Paused  bool      `json:"-"`       // the state that the job's queue last showed: paused or not
	Showing bool      `json:"-"`       // the job's queue may not show the current state yet
	Tick    time.Time `json:"-"`       // the last tick of a periodic job that was handled
	Run     string    `json:"-"`       // the last run of a periodic job; "" before the first

	// Ran is how long a job with a time budget has run. Pauses do not count, nor do times
	// without a scheduler. It is up to a second old; 0 for other jobs.
	Ran time.Duration `json:"-"`
	// Scheduled is when the schedule of a periodic job was last set; ticks count from then.
	Scheduled time.Time `json:"-"`
	// Revision is the number of times that the settings were changed.
	Revision int64 `json:"revision"`
	// Changes lists the settings that were changed since the job was created, at most the
	// last [MaxChanges].
	Changes []Change `json:"changes,omitempty"`
	// RunOf is the periodic job that the job is a run of; "" for any other job.
	RunOf string `json:"run_of,omitempty"`

	// Origin says how the job was created.
	Origin Origin `json:"-"`

	// Troubles says why workers cannot keep the job's pages, sorted by worker; nil while
	// all can.
	Troubles []Trouble `json:"troubles,omitempty"`

	// Awaited lists the writers whose output the job waits for before it ends, sorted by
	// name. Writers that were not renewed in time are left out.
	Awaited []Awaited `json:"awaited,omitempty"`

	// Unfinished lists the writers that died in the last day and left files in a folder
	// that no process has finished. The job no longer waits for them.
	Unfinished []Awaited `json:"unfinished,omitempty"`
}

// Counters are the numbers of a job. Reading them takes the same time whatever the size of
// the job. For a job with several shards, they are not from a single point in time.
type Counters struct {
	Seen    int64 `json:"seen"`    // URLs ever admitted
	Waiting int64 `json:"waiting"` // URLs in queues, including those to be retried
	Flight  int64 `json:"flight"`  // URLs that visits have taken and not yet settled
	Hosts   int64 `json:"hosts"`   // hosts ever seen

	Due    int64 `json:"due"`   // hosts that wait for a visit
	Ready  int64 `json:"-"`     // hosts of these that are due now
	Urgent int64 `json:"-"`     // hosts of the ready ones that have urgent URLs
	Armed  int64 `json:"armed"` // visits that are enqueued
	Open   int64 `json:"open"`  // visits that are open

	Visits int64 `json:"visits"` // visits ever opened
	Broken int64 `json:"broken"` // visits whose worker was lost
	Bytes  int64 `json:"bytes"`  // bytes of the bodies fetched
	// Nearer is the number of pages that turned out to be nearer to a seed after their
	// links were admitted. The links must be admitted again at the smaller depth; see
	// [Job.DepthLimit].
	Nearer  int64 `json:"nearer,omitempty"`
	Lowered int64 `json:"-"` // how often a URL got a smaller depth
	// Incomplete is the number of fetched pages that lack a required field.
	Incomplete int64 `json:"incomplete"`
	// Garbage is the number of damaged keys, entries and tickets in Redis that were set
	// aside.
	Garbage int64 `json:"garbage,omitempty"`
	Over    int64 `json:"-"` // URLs skipped because of a budget of their host

	// Unshipped is the number of settled URLs whose records are only on a worker's disk, on
	// their way to a bucket. If that worker does not come back, they are fetched again.
	Unshipped int64 `json:"unshipped"`
	// OnDisk is the same for a job that is durable on disk. These are not fetched again.
	OnDisk int64 `json:"on_disk"`
	// Shipped is the number of settled URLs whose records have arrived in their bucket.
	Shipped int64 `json:"shipped"`
	// Reclaimed is the number of URLs that were requeued because their worker did not come
	// back. Lost is the number that were not requeued, because the job is durable on disk:
	// their records are missing unless that disk returns.
	Reclaimed int64 `json:"reclaimed"`
	Lost      int64 `json:"lost"`

	// Known is the number of URLs that had been seen when some of them were forgotten, so
	// that they can be found again; 0 if none ever was.
	Known int64 `json:"-"`

	// Skipped is the number of URLs that were skipped, by rule. Each worker counts a URL
	// once, as long as it remembers it. Some may have been admitted another way. Nil for
	// none.
	Skipped map[Rule]int64 `json:"skipped,omitempty"`
	// Muted lists the patterns of URLs that are skipped or sampled because they look like a
	// trap, those with the most URLs first; at most [MaxMuted] of a shard. MutedMore is the
	// number of URLs of further patterns.
	Muted     []MutedURLs `json:"muted,omitempty"`
	MutedMore int64       `json:"muted_more,omitempty"`

	Outcomes map[Outcome]int64 `json:"outcomes"`
}

// MaxMuted is the number of patterns that are counted individually.
const MaxMuted = 100

// Pages returns the number of URLs that were fetched.
func (c Counters) Pages() int64 { return c.Outcomes[OutcomeFetched] }

// Settled returns the number of URLs that have their final outcome.
func (c Counters) Settled() int64 { return c.Seen - c.Waiting - c.Flight }

// Recorded returns the number of settled URLs that have a record of their own in the
// output. These are all except those that are part of another record, and those skipped
// because of a host's budget.
func (c Counters) Recorded() (sum int64) {
	for outcome, n := range c.Outcomes {
		if outcome.Final() && outcome != OutcomeFollowed {
			sum += n
		}
	}
	return sum - c.Over
}

// Idle reports whether nothing is left to do: no host is due, armed or open, and no page
// has come nearer to a seed.
func (c Counters) Idle() bool { return c.Due+c.Armed+c.Open+c.Nearer == 0 }

// Out returns the number of visits that are enqueued or open.
func (c Counters) Out() int64 { return c.Armed + c.Open }

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
	WaitOutput    WaitReason = "output"    // none of its workers can keep pages, or only their output is missing
	WaitSeeds     WaitReason = "seeds"     // everything known has been fetched, and more seeds may come
	WaitHosts     WaitReason = "hosts"     // every host rests, or is paused
	WaitResume    WaitReason = "resume"    // it is paused
)

// WaitReasons lists all reasons.
var WaitReasons = []WaitReason{WaitScheduler, WaitWorker, WaitAddresses, WaitOwner, WaitHandlers, WaitOutput, WaitSeeds, WaitHosts, WaitResume}

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
func (s Status) WaitsFor(n Counters, service Service) Waiting {
	switch {
	case s.State.Ended(), s.State == StateBroken: // the reason of the state says what to do
		return Waiting{}
	case s.State == StatePaused:
		return Waiting{WaitResume, fmt.Sprintf("this job is paused: resume it with trawl job resume %s", s.Job.Name)}
	case !service.scheduled(s):
		return Waiting{WaitScheduler, "no scheduler runs this job: start one with trawl scheduler"}
	case s.State == StateRunning && s.Closing:
		return Waiting{WaitOutput, s.OutputPending(n)}
	case s.State != StateRunning, s.Job.Schedule != "", n.Open > 0, s.Ending != "":
		return Waiting{} // it is starting, its runs do the work, a visit is open, or it is ending
	}
	if w := service.lacksWorker(s); w.For != "" {
		return w
	}
	if n.Ready+n.Armed > 0 {
		return s.waitsForOutput(service)
	}
	return s.waitsForWork(n, service)
}

// scheduled reports whether a scheduler runs the job.
func (v Service) scheduled(job Status) bool {
	return slices.ContainsFunc(v.Processes, func(p Process) bool { return p.Kind == KindScheduler && p.Serves(job) })
}

// workers returns the workers that are configured to run the job.
func (v Service) workers(job Status) []Process {
	return slices.DeleteFunc(slices.Clone(v.Processes), func(p Process) bool { return p.Kind != KindWorker || !p.Serves(job) })
}

// lacksWorker says which worker is missing. Any server of the job's queue counts, including
// a program that Trawl gets no sign of life from.
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
		return Waiting{WaitOwner, fmt.Sprintf("only %q may run this job, and it is not running: run the command that started it again", s.Origin.Owner)}
	case len(meant) > 0 && s.Origin.Opens && len(job.Handlers) == 0:
		return Waiting{WaitAddresses, "no worker may connect to the private hosts of this job: start one without --job-addresses=false"}
	case len(job.Handlers) > 0:
		return Waiting{WaitHandlers, fmt.Sprintf("no worker has all handlers of this job (%s): start a program that provides them (docs/handlers.md)",
			strings.Join(job.Handlers, ", "))}
	case others:
		return Waiting{WaitWorker, fmt.Sprintf("no worker runs this job; the running workers serve other jobs: start one with trawl worker --jobs %s, or without --jobs", job.Name)}
	}
	return Waiting{WaitWorker, "no worker runs this job: start one with trawl worker"}
}

// waitsForOutput reports whether none of the workers can keep pages.
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
		return Waiting{WaitSeeds, "this job waits for the seeds that are being added"}
	case n.Idle() && !s.Seeded:
		return Waiting{WaitSeeds, fmt.Sprintf("this job waits for seeds: add some with trawl seed %s URL…", s.Job.Name)}
	case v.Due.IsZero():
		return Waiting{}
	case !v.Due.Before(Never):
		return Waiting{WaitHosts, fmt.Sprintf("every host of this job that has waiting URLs is paused: resume one with trawl host set %s HOST --resume", s.Job.Name)}
	case v.Due.Sub(s.Now) >= restAfter:
		return Waiting{WaitHosts, fmt.Sprintf("every host of this job rests, the first until %s", v.Due.UTC().Format(time.RFC3339))}
	}
	return Waiting{}
}

// Awaited is a writer whose output a job waits for before it ends: the writer's files are
// not finished, or have not been shipped.
type Awaited struct {
	Writer string    `json:"writer"` // unique within the job
	Until  time.Time `json:"until"`  // when the job stops waiting for it, by Redis's clock
	Reason string    `json:"reason"` // what remains to be done, and where
}

// String describes in one line what the job waits for.
func (a Awaited) String() string {
	return fmt.Sprintf("writer %s: %s (until %s)", a.Writer, a.Reason, a.Until.UTC().Format(time.TimeOnly))
}

// OpenFiles starts the reason of a writer that has files open in a folder. The folder's
// name follows.
const OpenFiles = "it has files open in "

// Left names the writers that left files which no process has finished; "" for none.
func (s Status) Left() string {
	var parts []string
	for _, a := range s.Unfinished {
		parts = append(parts, fmt.Sprintf("worker %s left unfinished files in %s", a.Writer, strings.TrimPrefix(a.Reason, OpenFiles)))
	}
	if len(parts) == 0 {
		return ""
	}
	return strings.Join(parts, "; ") + ": any worker that shares the folder finishes them, and trawl export reads them as they are"
}

// OutputPending says in one line what output a job with nothing left to fetch waits for, or
// which output no process has finished; "" if there isn't one.
func (s Status) OutputPending(c Counters) string {
	if !s.Closing || s.State != StateRunning {
		return s.Left()
	}
	var parts []string
	if c.Unshipped > 0 {
		parts = append(parts, Plural(c.Unshipped, "record is on its way to the bucket", "records are on their way to the bucket"))
	}
	for _, a := range s.Awaited {
		parts = append(parts, a.String())
	}
	if len(parts) == 0 {
		parts = append(parts, "the last of it has just arrived")
	}
	return "nothing is left to fetch; this job waits for its output: " + strings.Join(parts, "; ")
}

// Trouble says why a worker cannot keep results of a job: for example, its disk is full or
// its bucket cannot be reached. The worker takes no pages that it cannot keep, while other
// workers continue. It resumes by itself when the problem is fixed.
type Trouble struct {
	Worker string    `json:"worker"`
	Since  time.Time `json:"since"`  // by Redis's clock
	At     time.Time `json:"at"`     // when the worker last reported it
	Reason string    `json:"reason"` // what is wrong, where, and what to do
}

// String describes the trouble in one line, without the time.
func (t Trouble) String() string {
	return fmt.Sprintf("worker %s: %s; it resumes by itself when this is fixed", t.Worker, t.Reason)
}
