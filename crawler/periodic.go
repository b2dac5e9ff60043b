package crawler

import (
	"cmp"
	"slices"
	"time"
)

// Periodic says when the runs of a periodic job begin, and which there are.
type Periodic struct {
	Schedule string `json:"schedule"`
	// LastTick is the last tick that a scheduler handled; zero before the first.
	LastTick time.Time `json:"last_tick,omitzero"`
	// NextTick is when the next run may begin; zero when none will.
	NextTick time.Time `json:"next_tick,omitzero"`
	// TicksPass says that no run begins at a tick, because the job is paused.
	TicksPass bool `json:"ticks_pass"`
	// Runs are those that Redis still has, the oldest first.
	Runs []Run `json:"runs"`
}

// Run is one run of a periodic job: a job of its own.
type Run struct {
	Name    string    `json:"name"`
	State   State     `json:"state"`
	Reason  string    `json:"reason"`
	Pages   int64     `json:"pages"` // fetched so far
	Started time.Time `json:"started,omitzero"`
	Ended   time.Time `json:"ended,omitzero"`
}

// Periodic returns what is known of a periodic job, without its runs; nil for any other job.
func (s Status) Periodic() *Periodic {
	if s.Job.Schedule == "" {
		return nil
	}
	p := &Periodic{
		Schedule: s.Job.Schedule, LastTick: inUTC(s.Tick),
		TicksPass: s.State == StatePaused, Runs: []Run{},
	}
	schedule, err := ParseSchedule(s.Job.Schedule)
	if err == nil && !s.State.Ended() {
		p.NextTick = inUTC(schedule.Next(s.TicksFrom(), s.Now))
	}
	return p
}

// TicksFrom is the moment after which the ticks of a periodic job count.
func (s Status) TicksFrom() time.Time {
	if s.Scheduled.After(s.Created) {
		return s.Scheduled
	}
	return s.Created
}

// Add adds a run with the pages that it has fetched.
func (p *Periodic) Add(s Status, pages int64) {
	p.Runs = append(p.Runs, Run{
		Name: s.Job.Name, State: s.State, Reason: s.Reason, Pages: pages, Started: inUTC(s.Started), Ended: inUTC(s.Ended),
	})
	slices.SortFunc(p.Runs, func(a, b Run) int { return cmp.Compare(a.Name, b.Name) })
}

// RunsOf returns the runs of a periodic job that are among all, the oldest first.
func RunsOf(job string, all []Status) []Status {
	var runs []Status
	for _, s := range all {
		if s.RunOf == job {
			runs = append(runs, s)
		}
	}
	slices.SortFunc(runs, func(a, b Status) int { return cmp.Compare(a.Job.Name, b.Job.Name) })
	return runs
}

// inUTC keeps the zero time zero.
func inUTC(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC()
}
