package crawler

import "time"

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
	// StateBroken is shown of a job whose keys in Redis cannot be read: it stands
	// still, others go on. It is removed with the job, and passes when the keys are
	// repaired.
	StateBroken State = "broken"
)

// Ended reports whether a job in that state has no more to do.
func (s State) Ended() bool {
	return s == StateDone || s == StateCancelled || s == StateFailed
}

// Status is a job with its state. Times are of Redis's clock.
type Status struct {
	Job    Job    `json:"job"`
	State  State  `json:"state"`
	Reason string `json:"reason"` // why it is in that state, such as the budget that ended it
	Ending string `json:"ending"` // the budget because of which no more is fetched, while it still runs
	// Closing says that nothing is left to fetch, and that the job ends as soon as its
	// output is complete: workers finish and ship what they have at once.
	Closing bool      `json:"closing"`
	Seeded  bool      `json:"seeded"`  // all seeds are admitted: the job may end
	Created time.Time `json:"created"` // also tells apart jobs of one name
	Started time.Time `json:"started"` // zero before it ran
	Ended   time.Time `json:"ended"`   // zero while it runs
	Now     time.Time `json:"-"`       // when it was read
	Held    bool      `json:"held"`    // somebody brings it seeds: it may not end yet
	Cleared bool      `json:"cleared"` // of what ended early, only the record is left
	Paused  bool      `json:"-"`       // the job's queue was last made to show that it is paused
	Showing bool      `json:"-"`       // the job's queue may or may not show by now what the job is
	Tick    time.Time `json:"-"`       // the last tick of a periodic job that was seen to
	Run     string    `json:"-"`       // the last run of a periodic job; "" before the first

	// Ran is how long a job with a budget of time has run: its pauses do not count, nor times
	// without a scheduler. It is up to a second old; 0 of other jobs.
	Ran time.Duration `json:"-"`
	// Scheduled is when the schedule of a periodic job was last set; ticks count from then.
	Scheduled time.Time `json:"-"`
	// Revision counts how often the settings were changed.
	Revision int64 `json:"revision"`
	// Changes are the settings that were changed since the job was created, the last [MostChanges].
	Changes []Change `json:"changes,omitempty"`
	// RunOf is the periodic job that the job is a run of; "" for any other job.
	RunOf string `json:"run_of,omitempty"`

	// Origin says how the job came into the fleet.
	Origin Origin `json:"-"`

	// Troubles are why workers can not keep its pages, by their names; nil while all
	// of them can.
	Troubles []Trouble `json:"troubles,omitempty"`

	// Awaited are the writers whose output the job waits for before it ends, by their
	// names; those that were not renewed in time are left out.
	Awaited []Awaited `json:"awaited,omitempty"`

	// Unfinished are the writers that died in the last day and left files in a folder that
	// nobody has finished. The job does not wait for them any more.
	Unfinished []Awaited `json:"unfinished,omitempty"`
}
