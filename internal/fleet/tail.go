package fleet

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
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

// jobTail has the pages of a job that its readers have not been told yet.
type jobTail struct {
	tail.Batch
	hosts map[crawler.Host][]tail.Row // the last pages of hosts that someone watches
	told  time.Time                   // when the last batch was reported
}

// tailBoard is where workers report recent pages.
type tailBoard interface {
	Watched(job string) tail.Watch
	Report(ctx context.Context, job string, b tail.Batch) error
	ReportHost(ctx context.Context, job string, h crawler.Host, rows []tail.Row) error
}

func newTails(board tailBoard) *tails { return &tails{board: board, jobs: make(map[string]*jobTail)} }

// hear records a settled result of a job, if someone watches the job. It does not retain the
// result.
func (t *tails) hear(job string, r *fetched.Result) {
	watched, host := t.board.Watched(job), r.Entry.URL.Host()
	ofHost := slices.Contains(watched.Hosts, host)
	if !watched.All && !ofHost {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	j := t.jobs[job]
	if j == nil {
		j = &jobTail{hosts: make(map[crawler.Host][]tail.Row)}
		t.jobs[job] = j
	}
	if ofHost {
		rows := append(j.hosts[host], rowOf(r))
		j.hosts[host] = rows[max(0, len(rows)-tail.HostRows):]
	}
	switch {
	case !watched.All:
	case len(j.Rows) >= tail.BatchRows:
		j.LeftOut++
	default:
		j.Rows = append(j.Rows, rowOf(r))
	}
}

// report reports the results that were heard since the last report. If no one watches a job any
// more, it forgets the job without a call to Redis.
func (t *tails) report(ctx context.Context) error {
	var errs []error
	for job, j := range t.due(time.Now()) { // rows that cannot be reported are lost: they are only for display
		if len(j.Rows) > 0 {
			errs = append(errs, t.board.Report(ctx, job, j.Batch))
		}
		for host, rows := range j.hosts {
			errs = append(errs, t.board.ReportHost(ctx, job, host, rows))
		}
	}
	return errors.Join(errs...)
}

// due returns what to report now, by job.
func (t *tails) due(now time.Time) map[string]jobTail {
	t.mu.Lock()
	defer t.mu.Unlock()
	var all map[string]jobTail
	for job, j := range t.jobs {
		watched := t.board.Watched(job)
		switch {
		case !watched.All && len(watched.Hosts) == 0:
			delete(t.jobs, job)
		case len(j.Rows)+len(j.hosts) > 0 && now.Sub(j.told) >= tail.BatchEvery:
			if all == nil {
				all = make(map[string]jobTail)
			}
			all[job] = *j
			*j = jobTail{hosts: make(map[crawler.Host][]tail.Row), told: now}
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
