package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/account"
	"github.com/trawlcrawler/trawl/internal/explain"
	"github.com/trawlcrawler/trawl/internal/export"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/localcrawl"
	"github.com/trawlcrawler/trawl/internal/output"
	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/sink"
)

// Commands that know how much of a job is settled compare it with the records in its
// output. They all report a difference in the same words.

// recordless lists the formats that do not keep a record for every URL.
var recordless = []string{"warc", sink.FormatWACZ, "links", "items", fetched.FormatSkipped}

// keepsRecords reports whether one of the formats keeps a record for every URL.
func keepsRecords(formats []string) bool {
	return slices.ContainsFunc(formats, func(f string) bool { return !slices.Contains(recordless, f) })
}

// keepsExchanges reports whether a format writes WARC files, whose index lists responses.
func keepsExchanges(format string) bool { return format == "warc" || format == sink.FormatWACZ }

// countRecords compares what is settled with the records in an output. It returns false for
// an output that does not have a record for every URL, which cannot be compared. Records of
// an earlier job of the same name do not count. The error wraps [export.ErrNoOutput] if
// there is no output at all.
func countRecords(ctx context.Context, job crawler.Status, numbers crawler.Counters,
	where string) (account.Comparison, bool, error) {
	sum := account.Comparison{Settled: account.Expected(numbers)}
	crawl, err := export.Open(ctx, where)
	if err != nil {
		return sum, false, err
	}
	if why := explain.NotTheJobs(ctx, crawl, job.Job.Name, job.Created); why != "" {
		fmt.Fprintf(stderr, "trawl: %s: not counting them\n", why)
		return sum, true, crawl.Close()
	}
	whole := crawl.Whole()
	if whole {
		sum.Records, err = crawl.Count(ctx)
	}
	return sum, whole, errors.Join(err, crawl.Close())
}

// settledIn returns how many records an output should have, as noted there when the crawl
// ended, and the name of the crawl for trawl job refetch. named is the output that the user
// named, and n the note of a local crawl in it, if there was one before the output was opened. It
// returns false if nothing was noted, or if the output is only a part.
func settledIn(named string, n *localcrawl.Note, crawl *export.Crawl) (settled int64, called string, known bool) {
	if n != nil && n.Out == "" {
		if !n.Own() {
			named = n.Job
		}
		return n.Settled, named, n.Settled > 0 && len(n.Elsewhere) == 0
	}
	noted, err := crawl.Settled()
	if err != nil {
		fmt.Fprintf(stderr, "trawl: cannot compare the records with what was settled: %v\n", err)
	}
	if err != nil || noted == nil {
		return 0, "", false
	}
	return noted.Records, noted.Job, onePlace(stderr, *noted)
}

// missing describes how many records a crawl lacks in its folder; "" for none. Records in a bucket
// were verified when they arrived, and are not read again. Records that other workers keep are in
// another place. The error says why the records could not be counted.
func (s *settings) missing(ctx context.Context, r *localcrawl.Runner, result localcrawl.Result) (string, error) {
	called := s.Name
	if r.Redis.Private {
		called = s.folder()
	}
	sum := account.Compare(result.Counters)
	if output.IsBucket(s.Out) || len(result.Elsewhere) > 0 || !keepsRecords(s.Format) {
		return sum.Alarm(called), nil
	}
	counted, known, err := countRecords(ctx, result.Status, result.Counters, s.Out)
	// The second case: no record was kept, or all are gone.
	if err == nil && known || errors.Is(err, export.ErrNoOutput) {
		return counted.Alarm(called), nil
	}
	return sum.Alarm(called), err
}

// onePlace reports whether workers kept the pages of a job in one place, and lists the
// places if there are several.
func onePlace(w io.Writer, noted output.Settled) bool {
	places := apart(noted.Places)
	if len(places) < 2 {
		return true
	}
	fmt.Fprintf(w, "trawl: job %s has %s, in %d places: read each of them\n", noted.Job,
		plain.Plural(noted.Records, "record", "records"), len(places))
	for _, k := range places {
		fmt.Fprintf(w, "trawl:   %q on machine %s, of worker %s\n", k.Where, k.Machine, k.Worker)
	}
	return false
}

// apart returns one entry for each place that workers of a job keep pages in.
func apart(places []queue.Kept) []queue.Kept {
	var some []queue.Kept
	known := make(map[string]bool)
	for _, k := range places {
		if !known[k.Where] {
			known[k.Where] = true
			some = append(some, k)
		}
	}
	return some
}
