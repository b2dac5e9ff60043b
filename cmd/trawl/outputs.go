package main

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/export"
)

// place is where records of a job are.
type place struct {
	where string
	named bool // by the user: it must be there
}

// records are the records of a job, in one output or several.
type records struct{ crawls []*export.Crawl }

// openRecords opens outputs. One that is not there has no records, unless the user named
// it: he may have mistyped it, and everything would be fetched again.
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

// whole reports whether there is a record of each URL.
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
				return nil // it is damaged: its page is missing
			}
			return do(read)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// eachLink calls do with each link of the link graph, where the output has one.
func (r *records) eachLink(ctx context.Context, do func(crawler.LinkRecord) error) error {
	for _, c := range r.crawls {
		err := c.Links(ctx, func(line []byte) error {
			var link crawler.LinkRecord
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
