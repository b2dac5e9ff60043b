package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/crawler/output"
	"github.com/trawlcrawler/trawl/export"
	"github.com/trawlcrawler/trawl/internal/localcrawl"
)

// Commands that know how much of a job is settled compare that with the records of its
// output, and say in the same words where they differ.

// recordless are the formats that keep no record of each URL.
var recordless = []string{"warc", "links", "items"}

// keepsRecords reports whether one of these formats keeps a record of each URL.
func keepsRecords(formats []string) bool {
	return slices.ContainsFunc(formats, func(f string) bool { return !slices.Contains(recordless, f) })
}

// countRecords compares what is settled with the records in an output. It reports false
// for an output that has no record of each URL, which cannot be compared. The error
// wraps [export.ErrNoOutput] where there are none at all.
func countRecords(ctx context.Context, numbers crawler.Counters, where string) (crawler.Comparison, bool, error) {
	sum := crawler.Comparison{Settled: numbers.Expected()}
	crawl, err := export.Open(ctx, where)
	if err != nil {
		return sum, false, err
	}
	whole := crawl.Whole()
	if whole {
		sum.Records, err = crawl.Count(ctx)
	}
	return sum, whole, errors.Join(err, crawl.Close())
}

// settledIn is how many records an output should have, as it was noted there when the
// crawl ended, and what trawl job refetch calls the crawl. The output is that which a
// user named; it reports false where nothing was noted, or where it holds only a part.
func settledIn(ctx context.Context, named string, crawl *export.Crawl) (settled int64, called string, known bool) {
	n, err := localcrawl.ReadNote(named)
	if err == nil && n != nil && n.Out == "" {
		if n.Backing != localcrawl.InPrivate {
			named = n.Job
		}
		return n.Settled, named, n.Settled > 0 && len(n.Elsewhere) == 0
	}
	noted, err := crawl.Settled(ctx)
	if err != nil {
		fmt.Fprintf(stderr, "trawl: records are not compared with what was settled: %v\n", err)
	}
	if err != nil || noted == nil {
		return 0, "", false
	}
	return noted.Records, noted.Job, onePlace(stderr, *noted)
}

// missing says how many records a crawl lacks in its folder; "" for none. What is in a
// bucket was verified when it came there, and is not read again; what other workers keep
// is elsewhere. The error says why the records could not be counted.
func (s *settings) missing(ctx context.Context, r *localcrawl.Runner, result localcrawl.Result) (string, error) {
	called := s.Name
	if r.Redis.Private {
		called = s.folder()
	}
	sum := result.Counters.Compare()
	if output.IsBucket(s.Out) || len(result.Elsewhere) > 0 || !keepsRecords(s.Format) {
		return sum.Alarm(called), nil
	}
	counted, known, err := countRecords(ctx, result.Counters, s.Out)
	if err == nil && known || errors.Is(err, export.ErrNoOutput) { // nothing was kept, or all of it is gone
		return counted.Alarm(called), nil
	}
	return sum.Alarm(called), err
}

// onePlace reports whether workers kept the pages of a job in one place, and names the
// places if there are several.
func onePlace(w io.Writer, noted output.Settled) bool {
	places := apart(noted.Places)
	if len(places) < 2 {
		return true
	}
	fmt.Fprintf(w, "trawl: job %s has %d records, in %d places: read each of them\n", noted.Job, noted.Records, len(places))
	for _, k := range places {
		fmt.Fprintf(w, "trawl:   %q on machine %s, of worker %s\n", k.Where, k.Machine, k.Worker)
	}
	return false
}

// apart returns the first of each place that workers of a job keep pages in.
func apart(places []crawler.Kept) []crawler.Kept {
	var some []crawler.Kept
	known := make(map[string]bool)
	for _, k := range places {
		if !known[k.Where] {
			known[k.Where] = true
			some = append(some, k)
		}
	}
	return some
}

// recall is what explain finds out about the record of a URL that is settled.
type recall struct {
	called    string           // what trawl job refetch calls the crawl
	numbers   crawler.Counters // of the job; the zero value where they are not known
	own       bool             // the output that is read is the crawl's own
	scattered bool             // records of the job are in several places
	whole     bool             // there is a record of each URL in the output that was read
	counted   int64            // records in it
	within    *crawler.Record  // that has the URL as one that a redirect led to
}

// hear takes note of a record.
func (x *explanation) hear(rec *crawler.Record) {
	if rec.URL == x.URL.String() {
		x.Record = rec
	}
	if slices.Contains(rec.Followed(), x.URL) {
		x.within = rec
	}
}

// compare finds out whether the record of the URL is missing, and others are.
func (x *explanation) compare() {
	n := x.numbers
	if n.Seen == 0 || x.scattered || x.results != "" && !x.whole {
		return
	}
	sum := n.Compare()
	if x.results != "" {
		sum = crawler.Comparison{Settled: n.Expected(), Records: x.counted}
		x.Lost = x.Place == crawler.PlaceSettled && x.Record == nil && x.within == nil && n.Unshipped+n.OnDisk+n.Over == 0
	}
	x.Records = &sum
}

// settled says of a URL that is settled whether it has a record.
func (x *explanation) settled() string {
	n := x.numbers
	switch {
	case x.within != nil && x.Record == nil:
		return "it is settled: a redirect led to it, and it is in the record of " + x.within.URL
	case x.results == "" || !x.whole || x.Record != nil || x.scattered:
		return "it is settled"
	case n.Unshipped+n.OnDisk > 0:
		return "it is settled, and has no record: it may be on its way to the bucket"
	case n.Over > 0:
		return "it is settled, and has no record: it was left out over the budget of its host, or its record is lost"
	}
	return fmt.Sprintf("it is settled, but its record is missing; `trawl job refetch %s` brings it again", x.called)
}
