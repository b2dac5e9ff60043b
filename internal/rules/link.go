package rules

import (
	"github.com/trawlcrawler/trawl/crawler"
)

// Link is a URL that a document points to.
type Link struct {
	URL      crawler.URL
	NoFollow bool    // rel=nofollow on every reference to it
	Sitemap  bool    // an index of sitemaps lists it, or a page names it as its feed
	Early    bool    // a sitemap says that it matters more than others, or changed recently
	Rules    RuleSet // the job's follow rules whose selector matched it
}
