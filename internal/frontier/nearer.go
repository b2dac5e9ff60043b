package frontier

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// Bounds of readmitting the links of pages that were found at a smaller depth.
const (
	nearerBatch = 20                    // pages of a shard in one batch
	nearerTerm  = 30 * time.Second      // after this time another process may take the batch
	nearerTime  = 50 * time.Millisecond // time of one call, not counting the batch that is under way
)

// Approach readmits the links of pages that were found at a smaller depth after their links
// were admitted. Each link is admitted at its smaller depth. Pages that become nearer as a
// result wait for the same treatment. A call takes about 50 ms. It does nothing in a job in
// which depth decides nothing. Several processes may call it at once, each on pages of its
// own. Pages that a process does not finish are given to another after 30 seconds.
//
// Links that cannot be decoded are left out; the error names their page.
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

// approach processes one batch of a shard, and reports whether there was one.
func (f *Frontier) approach(ctx context.Context, shard int) (some bool, err error) {
	got, err := f.nearer(ctx, shard, nearerBatch, nearerTerm, nil)
	if err != nil || len(got) == 0 {
		return false, err
	}
	var links []queue.Entry
	var unread error
	done := make([]any, 0, len(got)*2/3)
	for i := 0; i+2 < len(got); i += 3 {
		found, err := f.linksAt(got[i+1], got[i+2])
		if err != nil {
			unread = fmt.Errorf("frontier: links of the page %s in %s: %w", got[i+1], f.base(shard), err)
		}
		links = append(links, found...)
		done = append(done, got[i], got[i+1])
	}
	if _, err := f.Admit(ctx, links); err != nil {
		return true, err
	}
	_, err = f.nearer(ctx, shard, 0, nearerTerm, done)
	return true, errors.Join(unread, err)
}

// nearer tells the frontier which pages are done, and gets more of them: the group and
// the member of seen of each, and its packed links.
func (f *Frontier) nearer(ctx context.Context, shard, most int, term time.Duration, done []any) ([]string, error) {
	args := append([]any{most, term.Milliseconds()}, done...)
	return run(ctx, f.rdb, nearerScript(), "nearer", f.base(shard), f.depths.args(args)...).StringSlice()
}

// linksAt unpacks the links of a page and returns those to admit at its depth.
func (f *Frontier) linksAt(member, packed string) ([]queue.Entry, error) {
	depth, ok := f.depths.split(member)
	if !ok {
		return nil, fmt.Errorf("%q has no depth", member)
	}
	links, err := f.links.unpack(packed)
	return fetched.Outlinks{Links: links}.At(depth), err
}
