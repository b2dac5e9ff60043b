package frontier

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// Bounds of admitting the links of pages again that came nearer to a seed.
const (
	nearerBatch = 20                    // pages of a shard at once
	nearerTerm  = 30 * time.Second      // in which a batch is done with, before another process may take it
	nearerTime  = 50 * time.Millisecond // of one call, but for the batch that is under way
)

// Approach admits the links of pages again that came nearer to a seed after their
// links were admitted, each at the smaller depth, for about 50 ms. What that brings
// nearer in turn waits in the same way. It does nothing in a job in which depth decides
// nothing. Of several processes each has pages of its own, and what one does not end
// is done by another 30 seconds later.
//
// Links that cannot be read are left out; the error says of which page.
func (f *Frontier) Approach(ctx context.Context) error {
	if !f.depths.kept() {
		return nil
	}
	began := time.Now()
	var errs []error
	for shard := range f.job.Shards {
		for {
			some, err := f.approach(ctx, shard)
			errs = append(errs, err)
			if !some || time.Since(began) >= nearerTime {
				break
			}
		}
	}
	return errors.Join(errs...)
}

// approach does a batch of a shard, and reports whether there was one.
func (f *Frontier) approach(ctx context.Context, shard int) (some bool, err error) {
	got, err := f.nearer(ctx, shard, nearerBatch, nearerTerm, nil)
	if err != nil || len(got) == 0 {
		return false, err
	}
	var links []crawler.Entry
	var unread error
	members := make([]string, 0, len(got)/2)
	for i := 0; i+1 < len(got); i += 2 {
		found, err := f.linksAt(got[i], got[i+1])
		if err != nil {
			unread = fmt.Errorf("frontier: links of the page %s in %s: %w", got[i], f.base(shard), err)
		}
		links = append(links, found...)
		members = append(members, got[i])
	}
	if _, err := f.Admit(ctx, links); err != nil {
		return true, err
	}
	_, err = f.nearer(ctx, shard, 0, nearerTerm, members)
	return true, errors.Join(unread, err)
}

// nearer tells the frontier which pages are done with, and is given others: their
// members of seen, each with its packed links.
func (f *Frontier) nearer(ctx context.Context, shard, most int, term time.Duration, done []string) ([]string, error) {
	args := []any{most, term.Milliseconds()}
	for _, member := range done {
		args = append(args, member)
	}
	return run(ctx, f.rdb, nearerScript, "nearer", f.base(shard), f.depths.args(args)...).StringSlice()
}

// linksAt returns what is to be admitted of the packed links of a page.
func (f *Frontier) linksAt(member, packed string) ([]crawler.Entry, error) {
	depth, ok := f.depths.split(member)
	if !ok {
		return nil, fmt.Errorf("%q has no depth", member)
	}
	links, err := f.links.unpack(packed)
	return crawler.Outlinks{Links: links}.At(depth), err
}
