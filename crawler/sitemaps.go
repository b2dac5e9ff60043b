package crawler

// How an errand finds pages that sites list in sitemaps.
//
// What a sitemap lists is as deep as the sitemap: no link was followed, and a
// job of depth 0 is the seeds with what their sites list. A sitemap that
// robots.txt names is as deep as the URL for which robots.txt was asked, so that
// depth still bounds how far links lead from host to host. Pages wait behind
// those that others link to, which a site's visitors find first, unless the
// sitemap says that they matter or have changed of late.

// SitemapLevels is how deeply indexes of sitemaps are followed: a sitemap that
// somebody named, what it lists, and what that lists. The protocol of
// sitemaps.org has two levels; some sites need one more.
const SitemapLevels = 3

// usualSitemap is where a sitemap lies that nobody names.
const usualSitemap = "/sitemap.xml"

// addSitemaps admits the sitemaps that the robots.txt for u names, or the one
// that may lie at the usual place.
func (e *errand) addSitemaps(u URL, named []URL) {
	if e.visit.sitemaps == nil {
		return
	}
	robots, usual := known(u.Origin()+"/robots.txt"), known(u.Origin()+usualSitemap)
	if len(named) == 0 {
		named = []URL{usual}
	}
	for _, s := range named {
		e.addSitemap(s, robots, 1)
	}
}

// addListed admits what a sitemap lists: pages in scope, and sitemaps.
func (e *errand) addListed(doc *Document) {
	at, entry := e.result.Page.URL, e.taken.Entry
	level := max(entry.Sitemap, 1) + 1
	for _, l := range doc.Links {
		if l.Sitemap {
			e.addSitemap(l.URL, at, level)
		} else if e.visit.scope.Refuses(l.URL, e.asked(0)) == "" {
			band := BandLow
			if l.Early {
				band = BandNormal
			}
			e.add(Entry{URL: l.URL, Via: at, Band: band}, 0, e.visit.job.Depth)
		}
	}
}

// known parses a path of a URL's origin, which can always be.
func known(s string) URL {
	u, err := ParseURL(s)
	if err != nil {
		panic("crawler: " + err.Error())
	}
	return u
}

func (e *errand) addSitemap(u, via URL, level int) {
	if level > SitemapLevels || e.visit.scope.RefusesSitemap(u) != "" {
		return
	}
	e.add(Entry{URL: u, Via: via, Band: BandNormal, Sitemap: level}, 0, -1)
}
