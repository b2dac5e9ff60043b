package recordstream

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/change"
	"github.com/trawlcrawler/trawl/internal/output"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// changesFiles are the files that say which pages of a run have changed since the run before.
var changesFiles = files{"changes", output.Plain}

// runEnds ends the name of a run in a cursor in the changes of a periodic job. No name has it.
const runEnds = "~"

// Changes calls do with each change of a job's pages after a cursor, until do returns false, or all
// changes that are known now were read. The changes of a periodic job are those of its runs that
// Redis still has, one run after the other; those of a continuous job are in its records. The cursor "" is the
// beginning. Changes returns the cursor after the last change, and whether there may be more now. A
// change that do returned an error for was not read.
//
// The error wraps [queue.ErrCursor] if the cursor cannot be used, and [queue.ErrOutput] if the job
// finds no changes, or its output cannot be read from here.
func (s *Stream) Changes(ctx context.Context, job crawler.Status, from string,
	do func(change.Page) (more bool, err error)) (next string, more bool, err error) {
	switch {
	case job.Job.Schedule != "" && s.cfg.Runs != nil:
		return s.changesOfRuns(ctx, job, from, do)
	case job.RunOf != "" && job.Job.EventSettings.Changes:
		return s.changesOfRun(ctx, job, from, do, nil)
	case job.Job.Recrawl.On():
		return s.changesInRecords(ctx, job, from, do)
	}
	return "", false, fmt.Errorf("%w: job %s finds no changes: set changes: true in a periodic job, whose runs are compared, or recrawl in one that goes on; trawl diff compares any two crawls",
		queue.ErrOutput, job.Job.Name)
}

// changesOfRun reads the file with the changes of a run. found is set if there is one.
func (s *Stream) changesOfRun(ctx context.Context, run crawler.Status, from string,
	do func(change.Page) (more bool, err error), found *bool) (next string, more bool, err error) {
	return s.read(ctx, run, from, reading{files: changesFiles, found: found, do: func(line []byte) (bool, error) {
		var p change.Page
		if json.Unmarshal(line, &p) != nil || !p.Class.Told() { // damage, as in records
			return true, nil
		}
		return do(p)
	}})
}

// changed is what the record of a continuous job says of a change.
type changed struct {
	Change    change.Class    `json:"change"`
	URL       string          `json:"url"`
	FinalURL  string          `json:"final_url"`
	Status    int             `json:"status"`
	Outcome   crawler.Outcome `json:"outcome"`
	Digest    string          `json:"digest"`
	Title     string          `json:"title"`
	FetchedAt string          `json:"fetched_at"`
	Job       string          `json:"job"`
	Fetch     int             `json:"fetch"`
}

// told reports whether it is a change: not that of a page that never was.
func (c changed) told() bool { return c.Change.Told() && (c.Change == change.New || c.Fetch > 0) }

// page returns the change.
func (c changed) page() change.Page {
	p := change.Page{Class: c.Change, URL: c.URL, Digest: c.Digest, Title: c.Title, FetchedAt: c.FetchedAt, Job: c.Job,
		After: change.State{Status: uint16(c.Status)}.WithOutcome(c.Outcome).String()}
	switch {
	case c.Change == change.Moved:
		p.To = c.FinalURL
	case c.Change == change.Changed: // the text has, and not the status
		p.Before = p.After
	}
	return p
}

// changesInRecords reads the records of a continuous job. Its workers said in each what came of the
// page since it was fetched before.
func (s *Stream) changesInRecords(ctx context.Context, job crawler.Status, from string,
	do func(change.Page) (more bool, err error)) (next string, more bool, err error) {
	return s.read(ctx, job, from, reading{do: func(line []byte) (bool, error) {
		var c changed
		if json.Unmarshal(line, &c) != nil || !c.told() {
			return true, nil
		}
		return do(c.page())
	}})
}

// changesOfRuns reads the changes of one run after the other. A run whose changes are not known yet
// holds up the reading, unless those of a later one are: then it never gets any.
func (s *Stream) changesOfRuns(ctx context.Context, job crawler.Status, from string,
	do func(change.Page) (more bool, err error)) (next string, more bool, err error) {
	runs, err := s.cfg.Runs(ctx, job.Job.Name)
	if err != nil {
		return "", false, err
	}
	at, inner, ok := strings.Cut(from, runEnds)
	if from != "" && !ok {
		return "", false, fmt.Errorf("%w: %q: %w: send one that a response had, or none to begin", queue.ErrCursor,
			brief(from), errForm)
	}
	next = from
	for _, run := range runs {
		if run.Job.Name < at || !run.Job.EventSettings.Changes { // names of runs are in the order of their ticks
			continue
		}
		if run.Job.Name > at {
			inner = ""
		}
		found := false
		after, more, err := s.changesOfRun(ctx, run, inner, do, &found)
		if err != nil {
			return "", false, fmt.Errorf("run %s: %w", run.Job.Name, err)
		}
		if found {
			next = run.Job.Name + runEnds + after
		}
		if more {
			return next, true, nil
		}
	}
	return next, false, nil
}
