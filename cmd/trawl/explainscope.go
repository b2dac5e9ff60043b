package main

import (
	"github.com/trawlcrawler/trawl/crawler"
)

// role is what a crawl takes a URL for. Other rules of scope decide on each.
type role string

const (
	aPage     role = "page"
	aSitemap  role = "sitemap"  // somebody called it one
	aResource role = "resource" // a page embeds it
)

func roleOf(sitemap, embeds int) role {
	switch {
	case sitemap > 0:
		return aSitemap
	case embeds > 0:
		return aResource
	}
	return aPage
}

// ofScope explains by the settings of the job.
func (x *explanation) ofScope(job crawler.Job, homes []crawler.Host) error {
	seeds, err := job.SeedEntries()
	if err != nil {
		return failed("%v", err)
	}
	for _, s := range seeds {
		homes = append(homes, s.URL.Host())
	}
	scope, err := crawler.NewScope(job, homes)
	if err != nil {
		return failed("%v", err)
	}
	if rec := x.Record; rec != nil {
		x.As, x.Depth, x.embeds = roleOf(rec.Sitemap, rec.Embeds), rec.Depth, rec.Embeds
	}
	switch x.As {
	case aSitemap:
		x.Scope = scope.RefusesSitemap(x.URL)
	case aResource:
		x.Scope = scope.RefusesResource(x.URL, x.embeds)
	default:
		x.Scope = scope.Refuses(x.URL, x.Depth)
	}
	if x.As != "" || x.Scope == "" {
		return nil
	}
	switch {
	case job.Sitemaps && scope.RefusesSitemap(x.URL) == "":
		x.Else = aSitemap
	case job.Resources && scope.RefusesResource(x.URL, 1) == "":
		x.Else = aResource
	}
	return nil
}

func (x *explanation) printScope(line func(string, string, ...any)) {
	follows, not := "links to it are followed", "links to it are not followed: %s"
	switch x.As {
	case aSitemap:
		follows, not = "it belongs to the job, as a sitemap", "as a sitemap it does not belong to the job: %s"
	case aResource:
		follows, not = "it belongs to the job, as a resource of a page", "as a resource of a page it does not belong to the job: %s"
	}
	if x.Scope == "" {
		line("scope", "%s", follows)
	} else {
		line("scope", not, x.Scope)
	}
	switch x.Else {
	case aSitemap:
		line("", "where robots.txt or a sitemap names it as a sitemap it is read")
	case aResource:
		line("", "where a page embeds it, it is fetched")
	}
}
