package visit

import (
	"context"
	"slices"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/minhash"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// This file finds pages that are near duplicates of others, in a job that asks for it.

// compare marks the pages of the batch that are near duplicates of earlier pages of the
// job, and does with them what the job says. Then it collects the links of the batch.
func (w *commitment) compare(ctx context.Context) error {
	if w.compared {
		return nil
	}
	if w.committer.visitor.job.NearDuplicates != "" {
		if err := w.committer.resemble(ctx); err != nil {
			return err
		}
	}
	w.compared = true
	n := 0
	for _, e := range w.committer.batch {
		n += len(e.links)
	}
	w.links = batchLists.take(n)
	for _, e := range w.committer.batch {
		w.links = append(w.links, e.links...)
		pageLists.give(&e.links)
	}
	return nil
}

// resemble compares the pages of the batch with earlier ones.
func (c *committer) resemble(ctx context.Context) error {
	var pages []queue.Sketched
	var whose []*urlTask
	for _, e := range c.batch {
		if e.comparable() {
			pages = append(pages, queue.Sketched{URL: e.result.Entry.URL, Sketch: e.result.Document.Sketch})
			whose = append(whose, e)
		}
	}
	if len(pages) == 0 {
		return nil
	}
	first, err := c.lease.host.Resemble(ctx, pages)
	if err != nil {
		return err
	}
	for i, u := range first {
		if !u.IsZero() {
			whose[i].resembles(u)
		}
	}
	return nil
}

// comparable reports whether the page says enough to be compared with others. A page that
// names its original itself is left alone, and one that was cut off.
func (e *urlTask) comparable() bool {
	r := &e.result
	return r.Outcome == crawler.OutcomeFetched && r.DuplicateOf.IsZero() && r.NearDuplicateOf.IsZero() &&
		!r.Page.Truncated &&
		r.Document != nil && r.Document.Sketch != nil && r.Document.Sketch.Shingles >= minhash.LeastShingles
}

// resembles marks the page as a near duplicate.
func (e *urlTask) resembles(first crawler.URL) {
	e.result.NearDuplicateOf = first
	kind := e.visitor.job.NearDuplicates
	if kind == crawler.NearDuplicatesStop {
		e.dropLinks(queue.SkipReason{Rule: queue.RuleNearDuplicates,
			Reason: "the page is a near duplicate of " + first.String()})
	}
	if kind == crawler.NearDuplicatesSkip || kind == crawler.NearDuplicatesStop {
		e.withhold()
		e.result.Items, e.result.Outbox = nil, nil
	}
}

// dropLinks skips what the page links to and embeds. What its robots.txt and redirects
// lead to stays.
func (e *urlTask) dropLinks(why queue.SkipReason) {
	at := e.result.Page.URL
	drop := func(u, via crawler.URL, step int) bool {
		if via == at {
			e.skip(u, step, why)
		}
		return via == at
	}
	e.links = slices.DeleteFunc(e.links, func(l queue.Entry) bool {
		return drop(l.URL, l.Referrer, l.Depth-e.taken.Entry.Depth)
	})
	for i, node := range e.nodes {
		e.nodes[i].Links = slices.DeleteFunc(node.Links,
			func(l fetched.Outlink) bool { return drop(l.Entry.URL, l.Entry.Referrer, l.Entry.Depth) })
	}
}
