package visit

import (
	"fmt"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// This file finds the pages that sites list in sitemaps.
//
// What a sitemap lists is as deep as the sitemap itself, because no link was followed: a
// job of depth 0 crawls the seeds and what their sites list. A sitemap named by robots.txt
// is as deep as the URL whose robots.txt was fetched, so depth still bounds how far links
// lead from host to host. Listed pages are fetched after pages that others link to, which
// visitors of the site find first, unless the sitemap says that they matter or have changed
// recently.

// usualSitemap is where a sitemap is looked for if robots.txt names none.
const usualSitemap = "/sitemap.xml"

// llmsText is where a site may list pages for language models (llmstxt.org). Such a list is
// treated as a sitemap.
const llmsText = "/llms.txt"

// addSitemaps admits the sitemaps that the robots.txt for u names, or else the one that may
// be at the usual path; and an llms.txt, if the job reads these.
func (e *urlTask) addSitemaps(u crawler.URL, named []crawler.URL) {
	if e.visitor.sitemaps == nil {
		return
	}
	if e.visitor.job.LLMsText {
		e.addSitemap(known(u.Origin()+llmsText), u, 1)
	}
	if !e.visitor.job.Sitemaps {
		return
	}
	robots, usual := known(u.Origin()+"/robots.txt"), known(u.Origin()+usualSitemap)
	if len(named) == 0 {
		named = []crawler.URL{usual}
	}
	for _, s := range named {
		e.addSitemap(s, robots, 1)
	}
}

// addListed admits what a sitemap lists: pages in scope, and sitemaps.
func (e *urlTask) addListed(doc *fetched.Document) {
	at, entry := e.result.Page.URL, e.taken.Entry
	level := max(entry.Sitemap, 1) + 1
	for _, l := range doc.Links {
		if l.Sitemap {
			e.addSitemap(l.URL, at, level)
		} else if refused := e.visitor.scope.Refusal(l.URL, e.asked(0)); refused.Rule != "" {
			e.skip(l.URL, 0, refused)
		} else {
			band := queue.BandLow
			if l.Early {
				band = queue.BandNormal
			}
			e.add(queue.Entry{URL: l.URL, Referrer: at, Band: band}, 0, e.visitor.job.Depth)
		}
	}
}

// known parses a path of a URL's origin, which is always valid.
func known(s string) crawler.URL {
	u, err := crawler.ParseURL(s)
	if err != nil {
		panic("crawler: " + err.Error())
	}
	return u
}

func (e *urlTask) addSitemap(u, via crawler.URL, level int) {
	refused := e.visitor.scope.SitemapRefusal(u)
	if level > queue.SitemapLevels {
		refused = queue.SkipReason{Rule: queue.RuleSitemaps,
			Reason: fmt.Sprintf("more than %d sitemaps in a row", queue.SitemapLevels)}
	}
	if refused.Rule != "" {
		e.skip(u, 0, refused)
		return
	}
	e.add(queue.Entry{URL: u, Referrer: via, Band: queue.BandNormal, Sitemap: level}, 0, -1)
}
