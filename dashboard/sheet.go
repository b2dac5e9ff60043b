package dashboard

import (
	"context"
	"errors"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/trawlcrawler/trawl/crawler"
)

// readTime bounds what is read for one answer.
const readTime = 10 * time.Second

// readers is how many jobs are read at once.
const readers = 8

// sheet is a job as it is shown.
type sheet struct {
	Name    string        `json:"name"`
	State   crawler.State `json:"state"`
	Reason  string        `json:"reason"`
	Ending  string        `json:"ending,omitempty"`
	Closing bool          `json:"closing,omitempty"` // only its output is waited for
	Seeded  bool          `json:"seeded"`
	Held    bool          `json:"held"`
	Cleared bool          `json:"cleared"`
	Created time.Time     `json:"created,omitzero"`
	Started time.Time     `json:"started,omitzero"`
	Ended   time.Time     `json:"ended,omitzero"`

	// PagesPerSecond is nil unless the job runs and was read before, a second
	// ago or more.
	PagesPerSecond *float64 `json:"pages_per_second,omitempty"`
	// Counters are nil if they can not be read.
	Counters *crawler.Counters `json:"counters,omitempty"`
	// Trouble is why they can not.
	Trouble string `json:"trouble,omitempty"`

	// Waits is why no page of the job is fetched at the moment, and what to do about
	// it; WaitsFor is what it waits for, in a word. Both are empty while it works.
	Waits    string             `json:"waits,omitempty"`
	WaitsFor crawler.WaitReason `json:"waits_for,omitempty"`

	// Troubles are why workers can not keep its pages.
	Troubles []crawler.Trouble `json:"troubles,omitempty"`

	// Revision counts how often the settings were changed.
	Revision int64 `json:"revision"`
	// Changes are settings that were changed since the job was created.
	Changes []crawler.Change `json:"changes,omitempty"`
	// Notes are what should be known of settings that were changed just now.
	Notes []string `json:"notes,omitempty"`

	// Periodic is nil of a job without a schedule.
	Periodic *crawler.Periodic `json:"periodic,omitempty"`
	// RunOf is the periodic job that it is a run of; "" for any other job.
	RunOf string `json:"run_of,omitempty"`
	// Awaited are the writers whose output the job's end waits for.
	Awaited []crawler.Awaited `json:"awaited,omitempty"`

	// Job is left out of lists: its seeds may be many.
	Job *crawler.Job `json:"job,omitempty"`

	status crawler.Status
}

// sheet reads the counters of a job. Of a job that is no more it returns
// [crawler.ErrNoJob]; any other trouble with its counters is on the sheet.
func (d *Dashboard) sheet(ctx context.Context, s crawler.Status) (sheet, error) {
	numbers, err := d.jobs.Counters(ctx, s.Job.Name)
	if errors.Is(err, crawler.ErrNoJob) {
		return sheet{}, err
	}
	if ctx.Err() != nil {
		return sheet{}, ctx.Err()
	}
	sh := headOf(s)
	if errors.Is(err, crawler.ErrGarbage) && !s.State.Ended() {
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
		d.log.Warn("it cannot be read what a job waits for", "job", s.Job.Name, "error", err)
	}
	sh.Waits, sh.WaitsFor = waiting.Text, waiting.For
	sh.PagesPerSecond = d.meter.rate(s, numbers.Pages(), d.now())
	return sh, nil
}

// headOf is a sheet without counters.
func headOf(s crawler.Status) sheet {
	return sheet{
		Name: s.Job.Name, State: s.State, Reason: s.Reason, Ending: s.Ending, Closing: s.Closing,
		Seeded: s.Seeded, Held: s.Held, Cleared: s.Cleared,
		Created: inUTC(s.Created), Started: inUTC(s.Started), Ended: inUTC(s.Ended),
		Troubles: troublesOf(s), Awaited: s.Awaited, Periodic: s.Periodic(), RunOf: s.RunOf, Revision: s.Revision, Changes: s.Changes, status: s,
	}
}

// troublesOf are a job's troubles, in UTC.
func troublesOf(s crawler.Status) []crawler.Trouble {
	all := slices.Clone(s.Troubles)
	for i := range all {
		all[i].Since, all[i].At = inUTC(all[i].Since), inUTC(all[i].At)
	}
	return all
}

// inUTC keeps the zero time zero, for it is to be left out.
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
			if errors.Is(err, crawler.ErrNoJob) {
				return nil // removed in between
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

// addRuns lists the runs of each periodic job among them, the oldest first.
func addRuns(sheets []sheet) {
	periodic := make(map[string]*crawler.Periodic)
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

// pages is how many pages the job fetched, as far as is known.
func (sh sheet) pages() int64 {
	if sh.Counters == nil {
		return 0
	}
	return sh.Counters.Pages()
}

// present are the sheets that there are.
func present(all []*sheet) []sheet {
	sheets := make([]sheet, 0, len(all))
	for _, sh := range all {
		if sh != nil {
			sheets = append(sheets, *sh)
		}
	}
	return sheets
}
