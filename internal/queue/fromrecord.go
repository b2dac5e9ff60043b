package queue

import (
	"github.com/trawlcrawler/trawl/crawler"
)

// What a record says about other URLs, so that URLs whose own records were lost can be
// found again.

// LinksOf returns the URLs that a record names, as the entries that the crawl would make of
// them. Some may be out of scope, because the record also has links that were not followed.
// It does not matter whether the record was read from JSON or just created. Lists that the
// record has only as numbers are missing; see [crawler.Record.Unlisted].
func LinksOf(rec crawler.Record) []Entry {
	at, err := crawler.ParseURL(rec.FinalURL)
	if err != nil {
		return nil
	}
	var all []Entry
	add := func(text string, e Entry) {
		if e.URL, err = crawler.ParseURL(text); err == nil {
			all = append(all, e)
		}
	}
	listed, _ := listOf(rec.Links)
	resources, _ := listOf(rec.Resources)
	for _, text := range listed {
		add(text, Entry{Referrer: at, Depth: rec.Depth + 1})
	}
	for _, text := range resources {
		add(text, Entry{Referrer: at, Depth: rec.Depth + 1, Embeds: rec.Embeds + 1})
	}
	for _, text := range append([]string{rec.Canonical, rec.DuplicateOf}, rec.Redirects...) {
		add(text, Entry{Referrer: at, Depth: rec.Depth, Sitemap: rec.Sitemap, Embeds: rec.Embeds})
	}
	return all
}

// Parent returns the page that led to the record's URL, as an entry. It returns false if no
// page is known to: a seed has none, and what a sitemap or robots.txt lists was not found
// on a page.
func Parent(rec crawler.Record) (Entry, bool) {
	u, err := crawler.ParseURL(rec.Referrer)
	if err != nil || rec.Sitemap > 0 {
		return Entry{}, false
	}
	return Entry{URL: u, Depth: max(0, rec.Depth-1), Embeds: max(0, rec.Embeds-1)}, true
}

// Unlisted reports whether the page led to URLs that the record does not list.
func Unlisted(rec crawler.Record) bool {
	_, links := listOf(rec.Links)
	_, resources := listOf(rec.Resources)
	return rec.Sitemap > 0 || links > 0 || resources > 0
}

// Own returns the entry of the record itself.
func Own(rec crawler.Record) (Entry, error) {
	u, err := crawler.ParseURL(rec.URL)
	e := Entry{URL: u, Depth: rec.Depth, Sitemap: rec.Sitemap, Embeds: rec.Embeds}
	if via, failed := crawler.ParseURL(rec.Referrer); failed == nil {
		e.Referrer = via
	}
	return e, err
}

// Followed returns the URLs that have no record of their own because they are part of this
// one: those that redirects within the host led to.
func Followed(rec crawler.Record) []crawler.URL {
	led := rec.Redirects
	if rec.Outcome == crawler.OutcomeRedirected && len(led) > 0 {
		led = led[:len(led)-1] // the last URL has, or had, its own turn
	}
	var all []crawler.URL
	for _, text := range led {
		if u, err := crawler.ParseURL(text); err == nil {
			all = append(all, u)
		}
	}
	return all
}

// ListedLinks returns the links that a record lists; none if it has only their number.
func ListedLinks(rec crawler.Record) []string {
	listed, _ := listOf(rec.Links)
	return listed
}

// listOf returns a list of URLs, or the number of URLs that are not listed.
func listOf(links any) (listed []string, unlisted int) {
	switch v := links.(type) {
	case []string:
		return v, 0
	case []any:
		for _, one := range v {
			if text, ok := one.(string); ok {
				listed = append(listed, text)
			}
		}
	case int:
		return nil, v
	case float64:
		return nil, int(v)
	}
	return listed, 0
}
