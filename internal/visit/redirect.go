package visit

import (
	"fmt"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/urltext"
)

// This file decides where a URL task goes when an answer redirects it.

// redirect handles the page's redirect. It returns the target if that is a URL of the same
// host, to be fetched at once. A target on another host is admitted to that host's queue.
func (e *urlTask) redirect() (crawler.URL, error) {
	from, to := e.result.Page.URL, e.result.Page.Location
	entry := e.taken.Entry
	if to.IsZero() {
		e.end(crawler.OutcomeFailed, fmt.Sprintf("redirects to %q, which is no URL to crawl",
			urltext.Clip(e.result.Page.Header.Get("Location"))))
		return crawler.URL{}, nil
	}
	knew, been := e.askedFor(to)
	fresh := e.visitor.jar != nil && e.cookies > knew // new cookies, so the answer may differ
	if been && !fresh || been && to.Host() != from.Host() && entry.Chain.Again {
		e.end(crawler.OutcomeFailed, e.loop(to, knew))
		return crawler.URL{}, nil
	}
	e.result.Redirects, e.knew = append(e.result.Redirects, to), append(e.knew, e.cookies)
	e.noteMove(to)
	if entry.Hops+len(e.result.Redirects) > maxRedirects {
		e.end(crawler.OutcomeFailed, fmt.Sprintf("more than %d redirects", maxRedirects))
		return crawler.URL{}, nil
	}
	refused, err := e.refusesRedirect(to)
	if err != nil {
		return crawler.URL{}, err
	}
	if refused.Rule != "" {
		e.skip(to, 0, refused)
		e.end(crawler.OutcomeRedirected, refused.Reason)
		return crawler.URL{}, nil
	}
	if been && to.Host() == from.Host() { // in flight already, or answered
		return to, nil
	}
	if been {
		e.askAgain(to)
		return crawler.URL{}, nil
	}
	target := queue.Entry{
		URL: to, Referrer: entry.URL, Depth: entry.Depth, Band: entry.Band,
		Hops: entry.Hops + len(e.result.Redirects), Sitemap: entry.Sitemap, Embeds: entry.Embeds,
		Passed: e.visitor.passedOn(entry.Passed, to.Host() == from.Host()),
	}
	if to.Host() != from.Host() || e.visitor.checks(target) != e.check {
		target.Chain = e.chain()
		e.add(target, 0, -1)
		e.end(crawler.OutcomeRedirected, "")
		return crawler.URL{}, nil
	}
	return e.claimTarget(target)
}

// askAgain requests a URL of another host, where the redirects began, once more now that
// cookies were set. That URL has a record already, so the page is recorded for the URL of
// this task, whose record the repeated request writes.
func (e *urlTask) askAgain(to crawler.URL) {
	entry := e.taken.Entry
	c := e.chain()
	c.Again = true
	e.add(queue.Entry{
		URL: to, Referrer: entry.Recorded().URL, Depth: entry.Depth, Band: entry.Band,
		Hops: entry.Hops + len(e.result.Redirects), Sitemap: entry.Sitemap, Embeds: entry.Embeds, Chain: c,
	}, 0, -1)
	e.end(crawler.OutcomeFollowed, "")
}

// claimTarget takes a URL of the host into flight, to be fetched next. It returns the zero
// URL if the frontier knows that URL already.
func (e *urlTask) claimTarget(target queue.Entry) (crawler.URL, error) {
	if e.taken.Entry.Page.Follows { // the target was claimed when this page was new
		return target.URL, nil
	}
	var ticket string
	var fresh bool
	err := e.visit.lease.retry(func() (err error) {
		ticket, fresh, err = e.visit.lease.host.Claim(e.visit.life.doing, target)
		return err
	})
	if err != nil {
		return crawler.URL{}, err
	}
	if e.visitor.deep { // it may be found at a smaller depth later
		e.add(target, 0, -1)
	}
	if !fresh {
		e.end(crawler.OutcomeRedirected, "")
		return crawler.URL{}, nil
	}
	e.claimed = append(e.claimed, queue.Taken{Ticket: ticket, Entry: target})
	return target.URL, nil
}

// askedFor reports whether the redirects that led here passed through a URL before, in this
// URL task or before they reached this host. knew is how many answers of this task had set
// cookies when that URL was last requested. With cookies set since then, the same URL may
// answer differently (RFC 6265, 5.3: cookies of redirects are stored like any others). Some
// sites redirect like this to test whether cookies are accepted.
func (e *urlTask) askedFor(to crawler.URL) (knew int, been bool) {
	for i := len(e.result.Redirects) - 1; i >= 0; i-- {
		if e.result.Redirects[i] == to {
			return e.knew[i], true
		}
	}
	entry := e.taken.Entry
	switch {
	case to == entry.URL:
		return 0, true
	case entry.Chain.Again && to == entry.Referrer: // the host it was sent back to redirects here again
		return e.cookies, true
	case to == entry.Chain.From && entry.Chain.Cookies: // before the first answer of this URL task
		return -1, true
	case to == entry.Chain.From:
		return 0, true
	}
	return 0, false
}

// loop says why a URL is not requested again.
func (e *urlTask) loop(to crawler.URL, knew int) string {
	text := "redirects in a loop, to " + to.String()
	switch from := e.result.Page.URL; {
	case e.cookies <= knew:
		return text
	case e.visitor.jar == nil:
		return text + "; it sets cookies, which the setting cookies sends back"
	case to.Host() != from.Host():
		return text + ", where it began; it was asked for again with the cookies that came"
	}
	return text
}

// chain returns what the target of a redirect to another host must know about the redirects
// before it. It is empty where it would decide nothing, to save space in Redis.
func (e *urlTask) chain() queue.Chain {
	entry := e.taken.Entry
	c := entry.Chain
	if c.From.IsZero() {
		c = queue.Chain{From: entry.URL, Seed: entry.IsSeed()}
	}
	c.Cookies, c.Again = c.Cookies || e.cookies > 0, false
	adopts := c.Seed && e.visitor.job.SeedRedirects == crawler.SeedRedirectsFollow &&
		e.visitor.job.Scope != crawler.ScopeAny
	if e.visitor.jar == nil && !adopts {
		return queue.Chain{}
	}
	return c
}

// refusesRedirect says why a redirect may not be followed. A job that follows no links
// still follows redirects. The host that a seed redirects to becomes one of the seeds'
// hosts, unless the job says otherwise.
func (e *urlTask) refusesRedirect(to crawler.URL) (queue.SkipReason, error) {
	refused := e.refuses(to)
	outside := !e.visitor.scope.CoversLink(to.Host()) // a job that checks links refuses such a redirect no more
	if refused.Rule == "" && !outside || !e.ofSeed() {
		return refused, nil
	}
	if outside && e.visitor.job.SeedRedirects == crawler.SeedRedirectsFollow {
		if err := e.adopt(to); err != nil {
			return queue.SkipReason{}, err
		}
		refused, outside = e.refuses(to), false
	}
	switch {
	case refused.Rule == "":
	case outside:
		refused.Reason = fmt.Sprintf("%s: the seed redirects to %s: begin there, or let the setting seed_redirects be follow", refused.Reason, to)
	default:
		refused.Reason = fmt.Sprintf("%s: the seed redirects to %s", refused.Reason, to)
	}
	return refused, nil
}

// ofSeed reports whether the URL is a seed, or the target of redirects from a seed.
func (e *urlTask) ofSeed() bool { return e.taken.Entry.IsSeed() || e.taken.Entry.Chain.Seed }

// adopt makes the host of a URL one of the seeds' hosts. The fleet learns of it before the
// URL is admitted, so every worker that visits the host knows that it belongs to a seed.
func (e *urlTask) adopt(to crawler.URL) error {
	h := to.Host()
	err := e.visit.lease.retry(func() error {
		return e.visitor.frontier.AddHomes(e.visit.life.doing, []crawler.Host{h})
	})
	if err != nil {
		return err
	}
	e.visitor.scope.Extend([]crawler.Host{h})
	e.result.SeedHost = h
	e.visit.log.Info("a seed redirects to another host, which is now one of the seeds' hosts",
		"seed", e.taken.Entry.URL, "to", to)
	return nil
}

// refuses says why a redirect is not in the job's scope.
func (e *urlTask) refuses(to crawler.URL) queue.SkipReason {
	switch entry := e.taken.Entry; {
	case entry.Sitemap > 0:
		return e.visitor.scope.SitemapRefusal(to)
	case entry.Embeds > 0:
		return e.visitor.scope.ResourceRefusal(to, entry.Embeds)
	}
	return e.visitor.scope.LinkRefusal(to, e.taken.Entry.Depth)
}
