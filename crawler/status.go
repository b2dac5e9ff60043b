package crawler

import (
	"fmt"
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
	// last 50.
	Changes []Change `json:"changes,omitempty"`
	// RunOf is the periodic job that the job is a run of; "" for any other job.
	RunOf string `json:"run_of,omitempty"`

	// Opens says that an operator started the job by naming its seeds on a command line or in a
	// program. What that allowed is stored with the job. False for a job that was created
	// through the API or from a job file.
	Opens bool `json:"-"`
	// Owner is the name of the only worker that may run the job. "": any.
	Owner string `json:"-"`
	// After is the ID of the event that the job follows; "" for a job that follows no other.
	After string `json:"-"`

	// Events is the number of events of the job so far, and Told that of the last one that was
	// passed on to those who asked for it. See [EventName].
	Events int64 `json:"-"`
	Told   int64 `json:"-"`

	// Troubles says why workers cannot keep the job's pages, sorted by worker; nil while
	// all can.
	Troubles []Trouble `json:"troubles,omitempty"`

	// Freshness is how up to date the pages of a continuous job are; nil for any other job, and
	// for one that has just begun.
	Freshness *Freshness `json:"freshness,omitempty"`

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
	// Spilled is how many of the waiting URLs are in a folder or a bucket rather than in Redis, whose
	// memory is limited.
	Spilled int64 `json:"spilled,omitempty"`
	Hosts   int64 `json:"hosts"` // hosts ever seen
	// HostsGivenUp is how often a host was given up, because it refused requests or could not
	// be reached: see [Job.HostTries]. A host that is tried again may count again.
	HostsGivenUp int64 `json:"hosts_given_up,omitempty"`

	Due    int64 `json:"due"` // hosts that wait for a visit
	Ready  int64 `json:"-"`   // hosts of these that are due now
	Urgent int64 `json:"-"`   // hosts of the ready ones that have urgent URLs
	// Next is how long it takes until the next host is due; 0 if none is, or some are already.
	Next  time.Duration `json:"-"`
	Armed int64         `json:"armed"` // visits that are enqueued
	Open  int64         `json:"open"`  // visits that are open

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
	// Items is the number of items that handlers emitted.
	Items int64 `json:"items,omitempty"`
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

	// Tracked is the number of pages of a continuous job that are fetched again and again, and
	// Back how many of them wait to be fetched again, or are being fetched.
	Tracked int64 `json:"tracked,omitempty"`
	Back    int64 `json:"back,omitempty"`
	// Again is the number of fetches of pages that were fetched before. Changed and Unchanged
	// are how many of them found the page changed, or as it was; others failed.
	Again     int64 `json:"again,omitempty"`
	Changed   int64 `json:"changed,omitempty"`
	Unchanged int64 `json:"unchanged,omitempty"`

	// Skipped is the number of URLs that were skipped, by rule: "robots", "traps", or the name
	// of a setting, such as "scope". Each worker counts a URL
	// once, as long as it remembers it. Some may have been admitted another way. Nil for
	// none.
	Skipped map[string]int64 `json:"skipped,omitempty"`
	// Traps lists the patterns of URLs that are skipped or sampled because they look like a
	// trap, those with the most URLs first; at most 100 of a shard. MoreTraps is the number of
	// URLs of further patterns.
	Traps     []TrapURLs `json:"muted,omitempty"`
	MoreTraps int64      `json:"muted_more,omitempty"`

	Outcomes map[Outcome]int64 `json:"outcomes"`
	// Causes is the number of URLs that failed for good, by the HTTP status, or by the
	// [ErrorClass] if there was no response, or a block page. A URL that is fetched again because its worker
	// did not come back may count twice. Nil for none.
	Causes map[string]int64 `json:"causes,omitempty"`
}

// Pages returns the number of URLs that were fetched.
func (c Counters) Pages() int64 { return c.Outcomes[OutcomeFetched] }

// Failed returns the number of URLs that failed for good: those that a server answered with an
// error or with a block page, that could not be reached, and that handlers failed on. Their
// records have an ErrorClass.
func (c Counters) Failed() (sum int64) {
	for outcome, n := range c.Outcomes {
		if outcome.Final() && outcome.Failure() {
			sum += n
		}
	}
	return sum
}

// Settled returns the number of URLs that have their final outcome.
func (c Counters) Settled() int64 { return c.Seen - c.Waiting - c.Flight }

// Recorded returns the number of settled URLs that have a record of their own in the
// output. These are all except those that are part of another record, and those skipped
// because of a host's budget. A page that is fetched again and again counts once.
func (c Counters) Recorded() (sum int64) {
	for outcome, n := range c.Outcomes {
		if outcome.Final() && outcome != OutcomeFollowed {
			sum += n
		}
	}
	return sum - c.Over - c.Again
}

// Idle reports whether nothing is left to do: no host is due, armed or open, and no page
// has come nearer to a seed.
func (c Counters) Idle() bool { return c.Due+c.Armed+c.Open+c.Nearer == 0 }

// Out returns the number of visits that are enqueued or open.
func (c Counters) Out() int64 { return c.Armed + c.Open }

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
