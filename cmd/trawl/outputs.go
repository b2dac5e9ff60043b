package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/explain"
	"github.com/trawlcrawler/trawl/internal/export"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/plain"
)

// place is where records of a job are.
type place struct {
	where string
	named bool // the user named it, so it must exist
}

// records are the records of a job, in one output or several.
type records struct{ crawls []*export.Crawl }

// openRecords opens outputs. An output that does not exist has no records, unless the user named
// it. Then the name may be mistyped, and everything would be fetched again.
func openRecords(ctx context.Context, places []place) (*records, error) {
	all := new(records)
	for _, p := range places {
		crawl, err := export.Open(ctx, p.where)
		switch {
		case err == nil:
			all.crawls = append(all.crawls, crawl)
		case errors.Is(err, export.ErrNoOutput) && !p.named:
		case errors.Is(err, export.ErrNoOutput):
			return nil, errors.Join(usage("%v", err), all.close())
		default:
			return nil, errors.Join(failed("%v", err), all.close())
		}
	}
	return all, nil
}

// keepOf drops the outputs whose records belong to earlier jobs of the same name.
func (r *records) keepOf(ctx context.Context, job crawler.Status) error {
	var own []*export.Crawl
	var errs []error
	for _, c := range r.crawls {
		if why := explain.NotTheJobs(ctx, c, job.Job.Name, job.Created); why != "" {
			fmt.Fprintf(stderr, "trawl: %s: ignoring them\n", why)
			errs = append(errs, c.Close())
			continue
		}
		own = append(own, c)
	}
	r.crawls = own
	return errors.Join(errs...)
}

// whole reports whether there is a record for every URL.
func (r *records) whole() bool {
	for _, c := range r.crawls {
		if !c.Whole() {
			return false
		}
	}
	return true
}

// each calls do with the last record of each URL in each output.
func (r *records) each(ctx context.Context, do func(crawler.Record) error) error {
	for _, c := range r.crawls {
		err := c.Last(ctx, func(rec *export.Record) error {
			read, err := rec.Read()
			if err != nil {
				return nil // a damaged record counts as missing
			}
			return do(read)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// eachLink calls do with each link of the link graph, if the output has one.
func (r *records) eachLink(ctx context.Context, do func(fetched.LinkRecord) error) error {
	for _, c := range r.crawls {
		err := c.Links(ctx, func(line []byte) error {
			var link fetched.LinkRecord
			if json.Unmarshal(line, &link) != nil {
				return nil
			}
			return do(link)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (r *records) close() error {
	var errs []error
	for _, c := range r.crawls {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// sayDamaged reports the damaged files of outputs, each once, and returns their number.
func sayDamaged(crawls ...*export.Crawl) int {
	known := make(map[string]bool)
	for _, c := range crawls {
		for _, err := range c.Damaged() {
			if text := err.Error(); !known[text] {
				known[text] = true
				fmt.Fprintf(stderr, "trawl: damaged: %s\n", text)
			}
		}
	}
	return len(known)
}

// damagedText says how many files and lines are damaged.
func damagedText(files, lines int) string {
	var parts []string
	if files > 0 {
		parts = append(parts, plain.Plural(int64(files), "file is", "files are")+" damaged; the rest of each was read")
	}
	if lines > 0 {
		parts = append(parts, plain.Plural(int64(lines), "line is", "lines are")+" damaged and skipped")
	}
	return strings.Join(parts, "; ")
}
