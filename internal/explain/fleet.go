package explain

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/export"
	"github.com/trawlcrawler/trawl/internal/frontier"
	"github.com/trawlcrawler/trawl/internal/output"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/sink"
)

// readTerm is how long [OfFleet] reads the outputs of a job. A large output takes longer.
const readTerm = 8 * time.Second

// OfFleet explains a URL of a job of a fleet to a person who waits: from its frontier and, as far
// as they can be read here within eight seconds, from the records and journals of its workers.
// machine is the name of this machine. [Explanation.Unread] says what was not read. The error
// wraps [queue.ErrNoJob] if there is no such job.
func OfFleet(ctx context.Context, store *frontier.Store, job, given string, u crawler.URL,
	machine string) (*Explanation, error) {
	x := New(given, u)
	status, err := x.FromFrontier(ctx, store, job)
	if err != nil {
		return nil, err
	}
	places, err := store.Places(ctx, job)
	if err != nil {
		return nil, err
	}
	reading, cancel := context.WithTimeout(ctx, readTerm)
	defer cancel()
	seen := make(map[string]bool)
	for _, k := range places {
		if seen[k.Where] {
			continue
		}
		seen[k.Where] = true
		if !output.IsBucket(k.Where) && k.Machine != machine {
			x.unread(k.Where, fmt.Sprintf("it is on machine %s", k.Machine))
			continue
		}
		if err := x.fromPlace(reading, k, status); err != nil {
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			x.unread(k.Where, reasonOf(err))
		}
	}
	x.Compare()
	return x, nil
}

// reasonOf says why an output was not read.
func reasonOf(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Sprintf("that takes more than %v", readTerm)
	}
	return err.Error()
}

// unread notes that a place of the output was not searched.
func (x *Explanation) unread(where, why string) {
	x.Scattered = true // what was read is not all
	x.Unread = append(x.Unread, fmt.Sprintf("%s was not read: %s; run `trawl explain %s %s --out %s` where it can be",
		where, why, x.Called, x.URL, where))
}

// fromPlace explains the URL from one place of the output. If several places have a record of it,
// the last one counts.
func (x *Explanation) fromPlace(ctx context.Context, k queue.Kept, status crawler.Status) error {
	crawl, err := export.Open(ctx, k.Where)
	if errors.Is(err, export.ErrNoOutput) {
		return nil
	}
	if err != nil {
		return err
	}
	other := NotTheJobs(ctx, crawl, status.Job.Name, status.Created)
	if err := crawl.Close(); err != nil {
		return err
	}
	if other != "" {
		x.OfAnother = other
		return nil
	}
	before := x.Record
	if err := x.FromRecords(ctx, k.Where); err != nil {
		return err
	}
	if before != nil && (x.Record == nil || x.Record.FetchedAt < before.FetchedAt) {
		x.Record = before
	}
	journals, err := journalsIn(ctx, k.Where)
	if err != nil {
		return err
	}
	return x.FromJournals(ctx, journals)
}

// journalsIn returns the journals in an output.
func journalsIn(ctx context.Context, where string) ([]output.Segment, error) {
	in, err := output.Open(ctx, where)
	if err != nil {
		return nil, err
	}
	names, err := in.Segments(ctx, sink.JournalPrefix)
	if errors.Is(err, output.ErrMissing) || errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	files := make([]output.Segment, len(names))
	for i, name := range names {
		files[i] = output.Segment{In: in, Name: name}
	}
	return files, err
}

// NotTheJobs says why the records in an output do not belong to a job: they belong to an
// earlier job of the same name, which was removed. It returns "" if they may be the job's.
func NotTheJobs(ctx context.Context, crawl *export.Crawl, job string, created time.Time) string {
	was, err := crawl.OfAnother(ctx, job, created)
	switch {
	case err != nil || was == nil:
		return ""
	case was.Created.IsZero():
		return fmt.Sprintf("the results in %s belong to an earlier job %s, which was removed", crawl, job)
	}
	return fmt.Sprintf("the results in %s belong to an earlier job %s, created on %s, which was removed", crawl, job,
		was.Created.Local().Format(time.DateTime))
}
