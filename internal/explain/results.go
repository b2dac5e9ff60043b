package explain

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/account"
	"github.com/trawlcrawler/trawl/internal/export"
	"github.com/trawlcrawler/trawl/internal/output"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/sink"
)

// FromRecords finds the last record of the URL in the output dir, a folder or the URL of a
// bucket, of any format. An output without records is not an error. Damaged files become part
// of the explanation.
func (x *Explanation) FromRecords(ctx context.Context, dir string) error {
	x.Results = dir
	crawl, err := export.Open(ctx, dir)
	if errors.Is(err, export.ErrNoOutput) {
		x.whole = x.Own
		return nil
	}
	if err != nil {
		return err
	}
	x.whole = crawl.Whole()
	if x.counted, err = crawl.Count(ctx); err == nil {
		err = crawl.Last(ctx, func(r *export.Record) error {
			rec, err := r.Read()
			if err != nil {
				return fmt.Errorf("read a record: %w", err)
			}
			x.hear(&rec)
			return nil
		})
	}
	for _, damaged := range crawl.Damaged() {
		x.Damaged = append(x.Damaged, damaged.Error())
	}
	return errors.Join(err, crawl.Close())
}

// FromJournals finds the requests that were made for the URL. Damaged lines and segments
// become part of the explanation.
func (x *Explanation) FromJournals(ctx context.Context, journals []output.Segment) error {
	for _, file := range journals {
		err := file.EachLine(ctx, func(offset int64, line []byte) error {
			var r sink.Request
			if err := json.Unmarshal(line, &r); err != nil {
				x.Damaged = append(x.Damaged, fmt.Sprintf("%s, at byte %d: %v", file, offset, err))
				return nil
			}
			if r.URL == x.URL.String() {
				r.Rules = nil
				x.Requests = append(x.Requests, r)
			}
			return nil
		})
		if errors.Is(err, output.ErrDamaged) {
			x.Damaged = append(x.Damaged, err.Error())
		} else if err != nil {
			return err
		}
	}
	return nil
}

// recall is what explain finds out about the record of a settled URL.
type recall struct {
	numbers crawler.Counters // of the job; zero if unknown
	whole   bool             // the output that was read has a record for every URL
	counted int64            // the number of records in it
	within  *crawler.Record  // the record that has the URL among its redirects
}

// hear examines a record.
func (x *Explanation) hear(rec *crawler.Record) {
	if rec.URL == x.URL.String() {
		x.Record = rec
	}
	if slices.Contains(queue.Followed(*rec), x.URL) {
		x.within = rec
	}
}

// Compare finds out whether the record of the URL, or others, are missing.
func (x *Explanation) Compare() {
	n := x.numbers
	if n.Seen == 0 || x.Scattered || x.Results != "" && !x.whole {
		return
	}
	sum := account.Compare(n)
	if x.Results != "" {
		sum = account.Comparison{Settled: account.Expected(n), Records: x.counted}
		x.Lost = x.Place == queue.PlaceSettled && x.Record == nil && x.within == nil &&
			n.Unshipped+n.OnDisk+n.Over == 0
	}
	x.Records = &sum
}

// Settled says in words whether a settled URL has a record.
func (x *Explanation) Settled() string {
	n := x.numbers
	switch {
	case x.within != nil && x.Record == nil:
		return "it is settled: a redirect led to it, and it is part of the record of " + x.within.URL
	case x.Results == "" || !x.whole || x.Record != nil || x.Scattered:
		return "it is settled"
	case n.Unshipped+n.OnDisk > 0:
		return "it is settled but has no record yet: the record may be on its way to the bucket"
	case n.Over > 0:
		return "it is settled but has no record: " +
			"it was skipped because of the budget of its host, or its record was lost"
	}
	return fmt.Sprintf("it is settled, but its record is missing; "+
		"run `trawl job refetch %s` to fetch it again", x.Called)
}
