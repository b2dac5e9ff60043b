package fleet

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/internal/tail"
)

// tails are the recent pages of jobs that someone watches. It is safe for concurrent use.
type tails struct {
	board tailBoard

	mu   sync.Mutex
	jobs map[string]*jobTail
}

// jobTail is what a job's readers have not been told yet.
type jobTail struct {
	tail.Batch
	told time.Time // when the last batch was reported
}

// tailBoard is where workers report recent pages.
type tailBoard interface {
	Watched(job string) bool
	Report(ctx context.Context, job string, b tail.Batch) error
}

func newTails(board tailBoard) *tails { return &tails{board: board, jobs: make(map[string]*jobTail)} }

// hear records what was settled of a job, if someone watches it. It does not retain the result.
func (t *tails) hear(job string, r *fetched.Result) {
	if !t.board.Watched(job) {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	j := t.jobs[job]
	if j == nil {
		j = new(jobTail)
		t.jobs[job] = j
	}
	if len(j.Rows) >= tail.BatchRows {
		j.LeftOut++
		return
	}
	j.Rows = append(j.Rows, rowOf(r))
}

// report reports what was heard since the last report. If no one watches a job any more, it
// forgets the job without a call to Redis.
func (t *tails) report(ctx context.Context) error {
	var errs []error
	for job, batch := range t.due(time.Now()) {
		if err := t.board.Report(ctx, job, batch); err != nil {
			errs = append(errs, err) // the batch is lost: these rows are only a sample
		}
	}
	return errors.Join(errs...)
}

// due returns the batches to report now, by job.
func (t *tails) due(now time.Time) map[string]tail.Batch {
	t.mu.Lock()
	defer t.mu.Unlock()
	var all map[string]tail.Batch
	for job, j := range t.jobs {
		switch {
		case !t.board.Watched(job):
			delete(t.jobs, job)
		case len(j.Rows) > 0 && now.Sub(j.told) >= tail.BatchEvery:
			if all == nil {
				all = make(map[string]tail.Batch)
			}
			all[job] = j.Batch
			j.Batch, j.told = tail.Batch{}, now
		}
	}
	return all
}

// rowOf returns the row of a result.
func rowOf(r *fetched.Result) tail.Row {
	row := tail.Row{
		At: r.At, URL: clip(r.Entry.URL.String(), tail.MaxURL), Host: r.Entry.URL.Host(), Outcome: r.Outcome,
		Class: r.ErrorClass(), Reason: clip(r.Reason, tail.MaxText), Depth: r.Entry.Depth, Worker: r.Worker,
	}
	if p := r.Page; p != nil {
		row.At, row.Status, row.DurationMS = p.Started, p.Status, p.Duration.Milliseconds()
		row.ContentType = clip(plain.Printable(p.Header.Get("Content-Type")), tail.MaxText)
		if p.Body != nil {
			row.Bytes = p.Body.Size
		}
	}
	row.At = row.At.UTC().Truncate(time.Millisecond)
	return row
}

// clip shortens a text to a number of bytes.
func clip(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "…"
}
