package tasks

import (
	"context"
	"errors"

	"github.com/trawlcrawler/trawl/crawler"
)

// How a comparison finds the URLs again whose records are missing.

// leadBatch is how many URLs are put back into their queues at once.
const leadBatch = 500

// Lead is told URLs that may belong to the job. Those that are missing are fetched again.
func (r *Comparing) Lead(ctx context.Context, entries ...crawler.Entry) error {
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

// LeadFrom is told the URLs that a record names.
func (r *Comparing) LeadFrom(ctx context.Context, rec crawler.Record) error {
	if err := r.Lead(ctx, rec.Leads()...); err != nil || r.status.Job.Sitemaps {
		return err // what lists sitemaps and pages must not be taken for a page
	}
	if parent, ok := rec.Parent(); ok {
		return r.Lead(ctx, parent)
	}
	return nil
}

// LeadFromLink is told a link of the link graph. What a sitemap lists may be another one,
// and is left out.
func (r *Comparing) LeadFromLink(ctx context.Context, link crawler.LinkRecord) error {
	from, err := crawler.ParseURL(link.From)
	to, wrong := crawler.ParseURL(link.To)
	if err != nil || wrong != nil || link.Kind == crawler.ReferenceSitemap {
		return r.hold(ctx)
	}
	fp := r.frontier.Fingerprint(from)
	known, seen := r.urls[fp]
	if seen {
		known.listed = true
		r.urls[fp] = known
	}
	e := crawler.Entry{URL: to, Via: from, Depth: int(known.depth) + 1}
	if link.Kind == crawler.ReferenceResource {
		e.Embeds = 1
	}
	return errors.Join(r.Lead(ctx, e), r.hold(ctx))
}

// LeadFromSeeds looks among the seeds that the job was created with. Of those that were
// brought later the hosts are known, whose first pages may be among them.
func (r *Comparing) LeadFromSeeds(ctx context.Context) error {
	seeds, err := r.status.Job.SeedEntries()
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
				seeds = append(seeds, crawler.Entry{URL: u})
			}
		}
	}
	return r.Lead(ctx, seeds...)
}

// again lets an entry be fetched again.
func (r *Comparing) again(ctx context.Context, e crawler.Entry) error {
	fp := r.frontier.Fingerprint(e.URL)
	if depth := int(r.urls[fp].depth); depth <= r.status.Job.DepthLimit() { // what is beyond, seen does not know
		e.Depth = depth
	}
	e.Band, e.Sitemap = crawler.BandFirst, max(e.Sitemap, r.levels[fp])
	r.queued(e.URL)
	if r.named = append(r.named, e); len(r.named) < leadBatch {
		return nil
	}
	return r.flush(ctx)
}

// flush puts what is gathered back into the queues, and keeps the hold.
func (r *Comparing) flush(ctx context.Context) error {
	if err := r.hold(ctx); err != nil {
		return err
	}
	_, err := r.frontier.Readmit(ctx, r.named)
	r.named = r.named[:0]
	return err
}

// Unnamed is how many URLs are missing that nothing has named so far. They can be found
// only by what is fetched again.
func (r *Comparing) Unnamed() int64 { return r.unnamed }

// Reread is told each record when some URLs are not named by anything. Pages that led to
// URLs which their records do not list are fetched again.
func (r *Comparing) Reread(ctx context.Context, rec crawler.Record) error {
	e, err := rec.Own()
	if err != nil || rec.Outcome != crawler.OutcomeFetched || !r.mayLead(rec) {
		return r.hold(ctx)
	}
	// Another output may have told another outcome before, or the same page.
	if known := r.urls[r.frontier.Fingerprint(e.URL)]; known.fate != recorded || !known.page {
		return r.hold(ctx)
	}
	r.enter(e.URL, rec, -1)
	for _, u := range rec.Followed() { // it shares the fate: the redirect is followed again
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

// mayLead reports whether a page may have led to URLs that its record does not list. An
// output that is not whole lists none.
func (r *Comparing) mayLead(rec crawler.Record) bool {
	if !r.whole || len(r.status.Job.Handlers) > 0 || rec.Sitemap > 0 {
		return true
	}
	at, err := crawler.ParseURL(rec.FinalURL)
	return rec.Unlisted() && (err != nil || !r.urls[r.frontier.Fingerprint(at)].listed)
}

// Origins lists the origins of the hosts of which something is on record or waits.
func (r *Comparing) Origins() []string {
	var all []string
	for h := range r.account.Hosts {
		all = append(all, originsOf(h)...)
	}
	return all
}

// originsOf are the origins that a host may have.
func originsOf(h crawler.Host) []string {
	return []string{"http://" + string(h), "https://" + string(h)}
}
