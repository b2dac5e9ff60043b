package dashboard

import (
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/event"
	"github.com/trawlcrawler/trawl/internal/forecast"
	"github.com/trawlcrawler/trawl/internal/periodic"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/waiting"
)

// readTime is the time limit for reading the data of one response.
const readTime = 10 * time.Second

// readers is the number of jobs that are read at once.
const readers = 8

// sheet is a job as it is shown.
type sheet struct {
	Name    string        `json:"name"`
	State   crawler.State `json:"state"`
	Reason  string        `json:"reason"`
	Ending  string        `json:"ending,omitempty"`
	Closing bool          `json:"closing,omitempty"` // it only waits for its output
	Seeded  bool          `json:"seeded"`
	Held    bool          `json:"held"`
	Cleared bool          `json:"cleared"`
	Created time.Time     `json:"created,omitzero"`
	Started time.Time     `json:"started,omitzero"`
	Ended   time.Time     `json:"ended,omitzero"`

	// PagesPerSecond is over the last half minute, or nil unless the job has run for at least
	// a second.
	PagesPerSecond *float64 `json:"pages_per_second,omitempty"`
	// Counters is nil if they cannot be read.
	Counters *crawler.Counters `json:"counters,omitempty"`
	// Trouble says why they cannot be read.
	Trouble string `json:"trouble,omitempty"`

	// Waits says why no page of the job is being fetched, and what to do about it. WaitsFor
	// is the reason in one word. Both are empty while the job makes progress.
	Waits    string             `json:"waits,omitempty"`
	WaitsFor waiting.WaitReason `json:"waits_for,omitempty"`

	// Use is what the places of its workers are used for. It is missing from lists, and for a job
	// that does not run.
	Use *forecast.Use `json:"use,omitempty"`

	// Freshness is how up to date the pages of a continuous job are; nil for any other job.
	Freshness *crawler.Freshness `json:"freshness,omitempty"`

	// Troubles says why workers cannot keep its pages.
	Troubles []crawler.Trouble `json:"troubles,omitempty"`

	// Revision is the number of times that the settings were changed.
	Revision int64 `json:"revision"`
	// Changes lists changes to settings since the job was created.
	Changes []crawler.Change `json:"changes,omitempty"`
	// Notes are what the client should know about settings that it just changed.
	Notes []string `json:"notes,omitempty"`

	// Periodic is nil for a job without a schedule.
	Periodic *periodic.Job `json:"periodic,omitempty"`
	// RunOf is the periodic job that it is a run of; "" for any other job.
	RunOf string `json:"run_of,omitempty"`
	// Awaited lists the writers whose output the job waits for before it ends.
	Awaited []crawler.Awaited `json:"awaited,omitempty"`

	// Events lists what happened to the job as a whole, the oldest first. It is missing from
	// lists.
	Events []eventReport `json:"events,omitempty"`
	// Webhooks lists what was delivered to its webhooks. It is missing from lists.
	Webhooks []event.Deliveries `json:"webhooks,omitempty"`

	// Job is missing from lists, because it may have many seeds.
	Job *crawler.Job `json:"job,omitempty"`

	// Left is how long the job still takes. It is missing from lists, and for a job that does not
	// run.
	Left *forecast.Estimate `json:"left,omitempty"`

	status crawler.Status
	left   forecast.Estimate // Left, or an estimate by the speed alone
}

// sheet reads the counters of a job. If the job no longer exists, it returns
// [queue.ErrNoJob]. Any other error about the counters is put on the sheet.
func (d *Dashboard) sheet(ctx context.Context, s crawler.Status) (sheet, error) {
	numbers, err := d.jobs.Counters(ctx, s.Job.Name)
	if errors.Is(err, queue.ErrNoJob) {
		return sheet{}, err
	}
	if ctx.Err() != nil {
		return sheet{}, ctx.Err()
	}
	sh := headOf(s)
	if errors.Is(err, queue.ErrGarbage) && !s.State.Ended() {
		sh.State, sh.Reason = crawler.StateBroken, err.Error()
	}
	if err != nil {
		sh.Trouble = err.Error()
		return sh, nil
	}
	if numbers.Outcomes == nil {
		numbers.Outcomes = map[crawler.Outcome]int64{}
	}
	sh.Counters = &numbers
	waiting, err := d.jobs.Waiting(ctx, s, numbers)
	if err != nil && ctx.Err() == nil {
		d.log.Warn("cannot read what a job waits for", "job", s.Job.Name, "error", err)
	}
	sh.Waits, sh.WaitsFor = waiting.Text, waiting.For
	return sh, d.measure(ctx, &sh)
}

// paceSamples is how many seconds the speed of a job is measured over.
const paceSamples = 30

// measure adds the speed of a running job to its sheet.
func (d *Dashboard) measure(ctx context.Context, sh *sheet) error {
	if sh.State != crawler.StateRunning {
		return nil
	}
	samples, err := d.jobs.Recent(ctx, sh.Name, paceSamples)
	if err != nil || len(samples) < 2 {
		return err
	}
	first, last := samples[0], samples[len(samples)-1]
	if sh.status.Now.Sub(last.At) > forecast.StaleSample { // no scheduler runs it
		return nil
	}
	rate := float64(max(0, last.Pages-first.Pages)) / max(1, last.At.Sub(first.At).Seconds())
	sh.PagesPerSecond, sh.left = &rate, forecast.EstimateOf(sh.status, *sh.Counters, samples, nil)
	return nil
}

// headOf returns a sheet without counters.
func headOf(s crawler.Status) sheet {
	return sheet{
		Name: s.Job.Name, State: s.State, Reason: s.Reason, Ending: s.Ending, Closing: s.Closing,
		Seeded: s.Seeded, Held: s.Held, Cleared: s.Cleared,
		Created: inUTC(s.Created), Started: inUTC(s.Started), Ended: inUTC(s.Ended),
		Freshness: s.Freshness,
		Troubles:  troublesOf(s), Awaited: s.Awaited, Periodic: periodic.Of(s), RunOf: s.RunOf, Revision: s.Revision,
		Changes: s.Changes, status: s,
	}
}

// troublesOf returns a job's troubles, with times in UTC.
func troublesOf(s crawler.Status) []crawler.Trouble {
	all := slices.Clone(s.Troubles)
	for i := range all {
		all[i].Since, all[i].At = inUTC(all[i].Since), inUTC(all[i].At)
	}
	return all
}

// inUTC converts a time to UTC. It keeps the zero time zero, so that it is omitted.
func inUTC(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC()
}

// sheetOf reads one job.
func (d *Dashboard) sheetOf(ctx context.Context, name string) (sheet, error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	status, err := d.jobs.Status(ctx, name)
	if err != nil {
		return sheet{}, err
	}
	sh, err := d.sheet(ctx, status)
	if err == nil && sh.Counters != nil {
		err = d.addUse(ctx, &sh)
	}
	if err != nil || sh.Periodic == nil {
		sh.Job = &status.Job
		return sh, err
	}
	all, err := d.survey(ctx)
	for _, listed := range all {
		if listed.Name == name {
			sh.Periodic = listed.Periodic
		}
	}
	sh.Job = &status.Job
	return sh, err
}

// addUse adds to the sheet of a running job what its workers do, and how long it takes.
func (d *Dashboard) addUse(ctx context.Context, sh *sheet) error {
	use, err := d.jobs.Use(ctx, sh.status, *sh.Counters)
	if err == nil && len(use.Shares) > 0 {
		sh.Use = &use
	}
	if err != nil || sh.State != crawler.StateRunning {
		return err
	}
	left, err := d.jobs.Estimate(ctx, sh.status, *sh.Counters)
	sh.Left, sh.left = &left, left
	return err
}

// survey reads all jobs, in the order in which [Jobs] lists them.
func (d *Dashboard) survey(ctx context.Context) ([]sheet, error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	statuses, err := d.jobs.Jobs(ctx)
	if err != nil {
		return nil, err
	}
	all := make([]*sheet, len(statuses))
	var group errgroup.Group
	group.SetLimit(readers)
	for i, status := range statuses {
		group.Go(func() error {
			sh, err := d.sheet(ctx, status)
			if errors.Is(err, queue.ErrNoJob) {
				return nil // removed in the meantime
			}
			all[i] = &sh
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	sheets := present(all)
	addRuns(sheets)
	return sheets, nil
}

// addRuns adds to each periodic job its runs among the sheets, the oldest first.
func addRuns(sheets []sheet) {
	periodic := make(map[string]*periodic.Job)
	for _, sh := range sheets {
		if sh.Periodic != nil {
			periodic[sh.Name] = sh.Periodic
		}
	}
	for _, sh := range sheets {
		if p := periodic[sh.RunOf]; p != nil {
			p.Add(sh.status, sh.pages())
		}
	}
}

// pages returns how many pages the job fetched, or 0 if unknown.
func (sh sheet) pages() int64 {
	if sh.Counters == nil {
		return 0
	}
	return sh.Counters.Pages()
}

// present returns the sheets that are not nil.
func present(all []*sheet) []sheet {
	sheets := make([]sheet, 0, len(all))
	for _, sh := range all {
		if sh != nil {
			sheets = append(sheets, *sh)
		}
	}
	return sheets
}
