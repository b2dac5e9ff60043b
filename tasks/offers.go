package tasks

import (
	"context"
	"errors"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/rules"
)

// This file finds the URLs again whose records are missing.

// offerBatch is the number of URLs that are requeued at once.
const offerBatch = 500

// Offer names URLs that may be in the job. Those that are missing are fetched again.
func (r *Comparing) Offer(ctx context.Context, entries ...queue.Entry) error {
	for _, e := range entries {
		fp := r.frontier.Fingerprint(e.URL)
		if e.Sitemap > 0 {
			r.levels[fp] = e.Sitemap
		}
		if known, seen := r.urls[fp]; !seen || known.fate != unrecorded {
			continue
		}
		r.unnamed--
		r.brought.Named++
		if err := r.again(ctx, e); err != nil {
			return err
		}
	}
	return nil
}

// OfferLinksOf names the URLs that a record contains.
func (r *Comparing) OfferLinksOf(ctx context.Context, rec crawler.Record) error {
	if err := r.Offer(ctx, queue.LinksOf(rec)...); err != nil || r.status.Job.Sitemaps {
		return err // what lists sitemaps and pages must not be treated as a page
	}
	if parent, ok := queue.Parent(rec); ok {
		return r.Offer(ctx, parent)
	}
	return nil
}

// OfferLink names a link of the link graph. It ignores what a sitemap lists, because
// that may be another sitemap.
func (r *Comparing) OfferLink(ctx context.Context, link fetched.LinkRecord) error {
	from, err := crawler.ParseURL(link.From)
	to, wrong := crawler.ParseURL(link.To)
	if err != nil || wrong != nil || link.Kind == fetched.ReferenceSitemap {
		return r.hold(ctx)
	}
	fp := r.frontier.Fingerprint(from)
	known, seen := r.urls[fp]
	if seen {
		known.listed = true
		r.urls[fp] = known
	}
	e := queue.Entry{URL: to, Referrer: from, Depth: int(known.depth) + 1}
	if link.Kind == fetched.ReferenceResource {
		e.Embeds = 1
	}
	return errors.Join(r.Offer(ctx, e), r.hold(ctx))
}

// OfferSeeds names the seeds that the job was created with. Of seeds that were added
// later, only the hosts are known; it names their root pages, which may be among the
// missing ones. In a continuous job, it first names the pages that the job fetches again:
// each must be queued as the page that is known, and not be found once more as a new one.
func (r *Comparing) OfferSeeds(ctx context.Context) error {
	if r.status.Job.Recrawl.On() {
		offer := func(e queue.Entry) error { return r.Offer(ctx, e) }
		if err := r.frontier.EachTracked(ctx, offer); err != nil {
			return err
		}
	}
	seeds, err := rules.SeedEntries(r.status.Job)
	if err != nil {
		return err
	}
	homes, err := r.client.Homes(ctx, r.status.Job.Name)
	if err != nil {
		return err
	}
	for _, h := range homes {
		for _, origin := range originsOf(h) {
			if u, err := crawler.ParseURL(origin + "/"); err == nil {
				seeds = append(seeds, queue.Entry{URL: u})
			}
		}
	}
	return r.Offer(ctx, seeds...)
}

// again marks an entry to be fetched again.
func (r *Comparing) again(ctx context.Context, e queue.Entry) error {
	fp := r.frontier.Fingerprint(e.URL)
	if depth := int(r.urls[fp].depth); depth <= r.status.Job.DepthLimit() { // seen does not store larger depths
		e.Depth = depth
	}
	e.Band, e.Sitemap = queue.BandFirst, max(e.Sitemap, r.levels[fp])
	r.queued(e.URL)
	if r.named = append(r.named, e); len(r.named) < offerBatch {
		return nil
	}
	return r.flush(ctx)
}

// flush requeues the marked entries, and renews the hold.
func (r *Comparing) flush(ctx context.Context) error {
	if err := r.hold(ctx); err != nil {
		return err
	}
	_, err := r.frontier.Readmit(ctx, r.named)
	r.named = r.named[:0]
	return err
}

// Unnamed returns how many missing URLs nothing has named so far. They can be found only by
// fetching pages again.
func (r *Comparing) Unnamed() int64 { return r.unnamed }

// Reread marks the page of a record to be fetched again if the page led to URLs that its
// record does not list. Call it with each record if some missing URLs were not named.
func (r *Comparing) Reread(ctx context.Context, rec crawler.Record) error {
	e, err := queue.Own(rec)
	if err != nil || rec.Outcome != crawler.OutcomeFetched || !r.hidesLinks(rec) {
		return r.hold(ctx)
	}
	// Another output may have had a different outcome, or the same page.
	if known := r.urls[r.frontier.Fingerprint(e.URL)]; known.fate != recorded || !known.page {
		return r.hold(ctx)
	}
	r.enter(e.URL, rec, -1)
	for _, u := range queue.Followed(rec) { // it has the same fate: the redirect is followed again
		fp := r.frontier.Fingerprint(u)
		if known := r.urls[fp]; known.fate == follows {
			known.fate = unrecorded
			r.urls[fp] = known
			r.count(u, crawler.OutcomeFollowed, -1)
			r.host(u).Seen--
		}
	}
	r.brought.Reread++
	return r.again(ctx, e)
}

// hidesLinks reports whether a page may have led to URLs that its record does not list. An
// output that is not whole lists no URLs.
func (r *Comparing) hidesLinks(rec crawler.Record) bool {
	if !r.whole || len(r.status.Job.Handlers) > 0 || rec.Sitemap > 0 {
		return true
	}
	at, err := crawler.ParseURL(rec.FinalURL)
	return queue.Unlisted(rec) && (err != nil || !r.urls[r.frontier.Fingerprint(at)].listed)
}

// Origins lists the origins of the hosts that have a record or a waiting URL.
func (r *Comparing) Origins() []string {
	var all []string
	for h := range r.account.Hosts {
		all = append(all, originsOf(h)...)
	}
	return all
}

// originsOf returns the origins that a host may have.
func originsOf(h crawler.Host) []string {
	return []string{"http://" + string(h), "https://" + string(h)}
}
