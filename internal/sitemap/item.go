package sitemap

import (
	"encoding/xml"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
)

// item is a location that is being read.
type item struct {
	Location
	feed  bool
	place string          // the location as written
	guid  string          // of an RSS item; it may be its location
	bare  strings.Builder // text directly in the item, outside its elements
}

func newItem(f family) *item {
	return &item{Location: Location{Sitemap: f.sitemap, Priority: usualPriority}, feed: f.feed}
}

// set records an element of the item and its text.
func (i *item) set(name, value string) {
	if value == "" {
		return
	}
	switch {
	case name == "lastmod" && !i.feed, name == "pubdate" && i.feed, name == "updated" && i.feed:
		i.Modified = date(value)
	case name == "published" && i.Modified.IsZero():
		i.Modified = date(value)
	case i.feed && name == "link" && i.place == "":
		i.place = value
	case i.feed && name == "guid":
		i.guid = value
	case i.feed:
	case name == "loc":
		i.place = value
	case name == "changefreq":
		i.Changes = frequency(value)
	case name == "priority":
		i.Priority = priority(value)
	}
}

// attributes records the target of an Atom link: the first link without a relation, or
// with the relation "alternate", which is the page itself (RFC 4287, 4.2.7.2).
func (i *item) attributes(name string, attributes []xml.Attr) {
	if name != "link" || !i.feed || i.place != "" {
		return
	}
	href, rel := "", ""
	for _, a := range attributes {
		switch strings.ToLower(a.Name.Local) {
		case "href":
			href = trim(a.Value)
		case "rel":
			rel = trim(a.Value)
		}
	}
	if rel == "" || strings.EqualFold(rel, "alternate") {
		i.place = href
	}
}

// url returns the location as written, "" if there isn't one, and as a URL. A guid counts
// only if it is a URL: many are just identifiers.
func (i *item) url(b base) (text string, u crawler.URL, err error) {
	switch {
	case i.place != "" && i.feed:
		u, err = b.resolve(i.place)
		return i.place, u, err
	case i.place != "":
		u, err = b.locate(i.place)
		return i.place, u, err
	case i.guid != "":
		if u, err = crawler.ParseURL(i.guid); err == nil {
			return i.guid, u, nil
		}
	}
	return "", crawler.URL{}, nil
}
