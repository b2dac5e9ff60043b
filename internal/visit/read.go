package visit

import (
	"context"
	"fmt"
	"log/slog"
	"slices"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/activity"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/rules"
)

// This file reads a page: it parses the page and decides about its links.

// parse parses a page, while holding one of a limited number of places. sitemap says that
// the page was named as a sitemap. If the parser panics or takes too long, the page has no
// document, and trouble says why.
func (w *Visitor) parse(
	ctx context.Context, log *slog.Logger, p *fetched.Page, sitemap bool,
) (doc *fetched.Document, trouble string, err error) {
	select {
	case w.cfg.CPU <- struct{}{}:
	case <-ctx.Done():
		return nil, "", errStopped
	}
	defer func() {
		<-w.cfg.CPU
		if r := recover(); r != nil {
			log.Error("the parser panicked", "url", p.URL.String(), "panic", fmt.Sprint(r))
			doc, trouble, err = nil, fmt.Sprintf("the parser panicked: %v", r), nil
		}
	}()
	limited, cancel := context.WithTimeout(ctx, w.cfg.ParseTime)
	defer cancel()
	doc, err = w.document(limited, p, sitemap)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return nil, "it was not parsed, because that takes longer than " + w.cfg.ParseTime.String(), nil
	}
	return doc, "", err
}

// document parses a page according to its content. In a job that reads sitemaps, it tries
// the sitemap parser first, because servers send sitemaps as HTML too. A page that was
// named as a sitemap may turn out to be HTML.
func (w *Visitor) document(ctx context.Context, p *fetched.Page, sitemap bool) (*fetched.Document, error) {
	if w.sitemaps != nil && (sitemap || w.job.Sitemaps) {
		if doc, err := w.sitemaps.ParseSitemap(ctx, p, sitemap); doc != nil || err != nil {
			return doc, err
		}
	}
	return w.parser.Parse(ctx, p)
}

// read parses the page and collects its links.
func (e *urlTask) read() error {
	e.visit.life.timer.Enter(activity.Parsing)
	doc, trouble, err := e.visitor.parse(e.visit.life.doing, e.visit.log, e.result.Page, e.taken.Entry.Sitemap > 0)
	e.visit.life.timer.Leave(activity.Parsing)
	if err == nil {
		doc, err = e.render(doc)
	}
	if err != nil {
		return err
	}
	e.result.Document, e.result.Reason = doc, trouble
	if e.visitor.job.Traps && (doc == nil || !doc.Sitemap) {
		page := e.result.Page
		if e.shown != nil {
			page = e.shown
		}
		e.visit.host.traps.learn(e.taken.Entry, page, doc)
	}
	switch {
	case doc.Unread() && trouble == "" && e.taken.Entry.Sitemap > 0 && e.visitor.sitemaps != nil:
		e.result.Reason = "it was named as a sitemap but is not one"
		return nil
	case doc == nil:
		return nil
	case doc.Sitemap && e.visitor.job.Follow && !doc.NoFollow:
		e.result.Reason = doc.Fault
		e.addListed(doc)
		return nil
	}
	e.use(doc)
	return nil
}

// use decides about the links and the content of a page by what was read in it.
func (e *urlTask) use(doc *fetched.Document) {
	e.result.Reason = doc.Trouble
	switch {
	case !e.visitor.job.Follow || !e.leads():
	case doc.NoFollow:
		e.pass(doc.Links, queue.SkipReason{Rule: queue.RuleNoFollow, Reason: "the page asks not to follow its links"})
	default:
		e.follow(doc.Links)
	}
	if doc.NoIndex && e.visitor.job.Follow && !e.visitor.job.KeepNoindex {
		e.withhold()
		return
	}
	if missing := doc.MissingText(); missing != "" && doc.Trouble == "" {
		e.result.Reason = missing
	}
	e.embed(doc.Resources)
	e.deduplicate(doc.Canonical)
}

// withhold removes the content of a page from the results, because the page has noindex, is a near
// duplicate, or is reserved.
func (e *urlTask) withhold() {
	e.withheld = e.bytes()
	e.result.Earlier = nil // the record of the earlier fetch has the content
	e.result.Page.Release()
	e.shown = nil
	if r := e.result.Rendered; r != nil {
		r.Body, r.Screenshot, r.PDF = nil, nil, nil
	}
	if e.result.Document == nil {
		return
	}
	doc := *e.result.Document
	doc.Title, doc.Simhash, doc.Fields, doc.Missing = "", "", nil, nil
	doc.Text, doc.Markdown, doc.Article, doc.MainText = "", "", nil, nil
	doc.MinHash, doc.Sketch = nil, nil
	doc.References = slices.Clone(doc.References)
	for i := range doc.References {
		doc.References[i].Text = ""
	}
	e.result.Document = &doc
}

// releaseEarly releases the body early if no sink wants bodies: sinks then keep only what was
// extracted from it.
func (e *urlTask) releaseEarly() {
	if p := e.result.Page; p != nil && p.Body != nil && !e.visitor.needs.Bodies {
		p.Body.Release()
		if e.result.Rendered != nil {
			e.result.Rendered.Body = nil
		}
	}
	e.shown = nil
}

// deduplicate handles the canonical URL that the page names. It is not a link to another
// page, so it has the same depth as this one.
func (e *urlTask) deduplicate(canonical crawler.URL) {
	at, entry := e.result.Page.URL, e.taken.Entry
	if !e.visitor.job.Canonical || canonical.IsZero() || canonical == at || canonical == entry.URL ||
		e.visitor.scope.Refuses(canonical, e.asked(0)) != "" {
		return
	}
	e.result.DuplicateOf = canonical
	if e.visitor.job.Follow {
		e.add(queue.Entry{URL: canonical, Referrer: at, Band: queue.BandNormal}, 0, e.visitor.job.Depth)
	}
}

// leads reports whether links of the page belong to the job. Links of a resource do only if
// the resource itself would belong to the job as a page.
func (e *urlTask) leads() bool {
	entry := e.taken.Entry
	return entry.Embeds == 0 || e.visitor.scope.Refuses(e.result.Page.URL, e.asked(0)) == ""
}

// follow collects the links that belong to the job.
func (e *urlTask) follow(links []rules.Link) {
	depth := e.taken.Entry.Depth + 1
	follow := e.visitor.rules
	set := e.visitor.where.Hold(follow.On(e.result.Page.URL), &e.result)
	e.expect(len(links)) // on most pages, most links do
	for _, l := range links {
		if l.Sitemap && !l.NoFollow && e.visitor.sitemaps != nil { // a feed that the page names
			e.addSitemap(l.URL, e.result.Page.URL, 1)
			continue
		}
		most := e.visitor.job.Reach()
		if len(follow) > 0 {
			reach, followed := follow.Reach(set, l)
			if most = rules.NearerDepth(most, reach); !followed {
				e.skip(l.URL, 1, queue.SkipReason{Rule: queue.RuleFollowRules, Reason: "no follow rule takes it"})
				continue
			}
		}
		link := queue.Entry{URL: l.URL, Referrer: e.result.Page.URL, Depth: depth, Band: queue.BandNormal}
		refused := e.visitor.scope.LinkRefusal(l.URL, e.asked(1))
		if refused.Rule == "" && l.NoFollow && !e.visitor.checks(link) {
			refused = queue.SkipReason{Rule: queue.RuleNoFollow, Reason: "the link is marked with rel=nofollow"}
		}
		if refused.Rule != "" {
			e.skip(l.URL, 1, refused)
			continue
		}
		if l.URL.Host() == e.visit.host.name {
			if reason := e.visit.host.traps.refuses(link); reason != "" {
				e.skipTrap(l.URL, 1, reason)
				continue
			}
		}
		e.add(link, 1, most)
	}
}

// pass skips links that would otherwise belong to the job.
func (e *urlTask) pass(links []rules.Link, why queue.SkipReason) {
	for _, l := range links {
		if refused := e.visitor.scope.LinkRefusal(l.URL, e.asked(1)); refused.Rule != "" {
			e.skip(l.URL, 1, refused)
		} else {
			e.skip(l.URL, 1, why)
		}
	}
}

// embed collects the resources that belong to the job. They are fetched first, so that they
// match the page as it was.
func (e *urlTask) embed(resources []crawler.URL) {
	embeds, most := e.taken.Entry.Embeds+1, -1
	if embeds == 1 && e.visitor.job.Checks() {
		most = e.visitor.job.Reach() // a page beyond Depth is only checked
	}
	for _, u := range resources {
		if refused := e.visitor.scope.ResourceRefusal(u, embeds); refused.Rule != "" {
			e.skip(u, 1, refused)
			continue
		}
		e.add(queue.Entry{URL: u, Referrer: e.result.Page.URL, Band: queue.BandFirst, Embeds: embeds}, 1, most)
	}
}
