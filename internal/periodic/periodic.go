// Package periodic says when a periodic job runs.
//
// A [Schedule] has ticks. At each tick a run of the job starts, which is a job of its own. A
// [Job] is what is shown of a periodic job: its schedule and its runs.
package periodic

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// tickName is the format of the tick at the end of a run's name.
const tickName = "20060102t150405"

// IsRun reports whether a name is that of a run of a periodic job.
func IsRun(name, job string) bool {
	text, ok := strings.CutPrefix(name, job+"-")
	_, err := time.Parse(tickName, text)
	return ok && err == nil
}

// maxName is the longest name of a periodic job, so that the names of its runs are not
// too long.
const maxName = 63 - len("-"+tickName)

// RunName returns the name of the run of a periodic job that starts at a tick.
func RunName(job string, tick time.Time) string {
	return job + "-" + tick.UTC().Format(tickName)
}

// Check returns an error if the schedule of a job is invalid, or its name is too long for
// one.
func Check(j crawler.Job) error {
	if j.Schedule == "" {
		return nil
	}
	if len(j.Name) > maxName {
		return fmt.Errorf("name: %q has %d letters: a job with a schedule has at most %d, because its runs are named after it, such as %s",
			j.Name, len(j.Name), maxName, RunName("NAME", time.Date(2026, 1, 31, 6, 0, 0, 0, time.UTC)))
	}
	if _, err := Parse(j.Schedule); err != nil {
		return fmt.Errorf("schedule: %w", err)
	}
	return nil
}

// Job says when the runs of a periodic job start, and lists its runs.
type Job struct {
	Schedule string `json:"schedule"`
	// LastTick is the last tick that a scheduler handled; zero before the first.
	LastTick time.Time `json:"last_tick,omitzero"`
	// NextTick is when the next run may start; zero if none will.
	NextTick time.Time `json:"next_tick,omitzero"`
	// TicksPass says that no run starts at a tick, because the job is paused.
	TicksPass bool `json:"ticks_pass"`
	// Runs lists the runs that Redis still has, the oldest first.
	Runs []Run `json:"runs"`
}

// Run is one run of a periodic job. It is a job of its own.
type Run struct {
	Name    string        `json:"name"`
	State   crawler.State `json:"state"`
	Reason  string        `json:"reason"`
	Pages   int64         `json:"pages"` // fetched so far
	Started time.Time     `json:"started,omitzero"`
	Ended   time.Time     `json:"ended,omitzero"`
}

// Of describes a periodic job, without its runs; nil for any other job.
func Of(s crawler.Status) *Job {
	if s.Job.Schedule == "" {
		return nil
	}
	p := &Job{
		Schedule: s.Job.Schedule, LastTick: inUTC(s.Tick),
		TicksPass: s.State == crawler.StatePaused, Runs: []Run{},
	}
	schedule, err := Parse(s.Job.Schedule)
	if err == nil && !s.State.Ended() {
		p.NextTick = inUTC(schedule.Next(TicksFrom(s), s.Now))
	}
	return p
}

// TicksFrom is the time after which the ticks of a periodic job count.
func TicksFrom(s crawler.Status) time.Time {
	if s.Scheduled.After(s.Created) {
		return s.Scheduled
	}
	return s.Created
}

// Add adds a run and the number of pages that it has fetched.
func (p *Job) Add(s crawler.Status, pages int64) {
	p.Runs = append(p.Runs, Run{
		Name: s.Job.Name, State: s.State, Reason: s.Reason, Pages: pages, Started: inUTC(s.Started),
		Ended: inUTC(s.Ended),
	})
	slices.SortFunc(p.Runs, func(a, b Run) int { return cmp.Compare(a.Name, b.Name) })
}

// RunsOf returns the runs of a periodic job among all, the oldest first.
func RunsOf(job string, all []crawler.Status) []crawler.Status {
	var runs []crawler.Status
	for _, s := range all {
		if s.RunOf == job {
			runs = append(runs, s)
		}
	}
	slices.SortFunc(runs, func(a, b crawler.Status) int { return cmp.Compare(a.Job.Name, b.Job.Name) })
	return runs
}

// inUTC converts a time to UTC and keeps the zero time zero.
func inUTC(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC()
}
