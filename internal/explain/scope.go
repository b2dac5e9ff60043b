package explain

import (
	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/rules"
)

// Role is what a crawl treats a URL as. Each role has its own rules of scope.
type Role string

// The roles of URLs.
const (
	AsPage     Role = "page"
	AsSitemap  Role = "sitemap"  // robots.txt, a sitemap or a user named it as one
	AsResource Role = "resource" // a page embeds it
)

func roleOf(sitemap, embeds int) Role {
	switch {
	case sitemap > 0:
		return AsSitemap
	case embeds > 0:
		return AsResource
	}
	return AsPage
}

// FromSettings explains whether the URL is in scope, from the settings of the job. homes are
// hosts whose pages are in scope besides those of the job's own seeds.
func (x *Explanation) FromSettings(job crawler.Job, homes []crawler.Host) error {
	seeds, err := rules.SeedEntries(job)
	if err != nil {
		return err
	}
	for _, s := range seeds {
		homes = append(homes, s.URL.Host())
	}
	scope, err := rules.NewScope(job.ScopeSettings, homes)
	if err != nil {
		return err
	}
	if rec := x.Record; rec != nil {
		x.As, x.Depth, x.embeds = roleOf(rec.Sitemap, rec.Embeds), rec.Depth, rec.Embeds
	}
	switch x.As {
	case AsSitemap:
		x.Scope = scope.RefusesSitemap(x.URL)
	case AsResource:
		x.Scope = scope.RefusesResource(x.URL, x.embeds)
	default:
		x.Scope = scope.LinkRefusal(x.URL, x.Depth).Reason
	}
	if x.As != "" || x.Scope == "" {
		return nil
	}
	switch {
	case (job.Sitemaps || job.LLMsText) && scope.RefusesSitemap(x.URL) == "":
		x.Else = AsSitemap
	case job.Resources && scope.RefusesResource(x.URL, 1) == "":
		x.Else = AsResource
	}
	return nil
}
