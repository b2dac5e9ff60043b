package parse

import (
	"context"
	"strings"

	"github.com/PuerkitoBio/goquery"

	"github.com/trawlcrawler/trawl/crawler"
)

// Places are the parts of a page that fragments of URLs name, and the links of the page that have
// a fragment.
type Places struct {
	Has   map[string]bool // the ids of elements and the names of anchors (WHATWG HTML, 7.4.6.4)
	Links []PlaceLink
}

// PlaceLink is a link to a part of a page.
type PlaceLink struct {
	To       crawler.URL // without the fragment
	Fragment string      // as written, without #
	Text     string
}

// Places finds the parts of a page whose URL, after redirects, is page. The error says why it can
// have no tree.
func (e *Elements) Places(ctx context.Context, page crawler.URL) (Places, error) {
	doc, err := e.Document(ctx)
	if err != nil {
		return Places{}, err
	}
	p := Places{Has: make(map[string]bool)}
	doc.Find("[id]").Each(func(_ int, s *goquery.Selection) { p.Has[s.AttrOr("id", "")] = true })
	doc.Find("a[name]").Each(func(_ int, s *goquery.Selection) { p.Has[s.AttrOr("name", "")] = true })
	based := doc.Find("base[href]").Length() > 0
	doc.Find("a[href*='#'], area[href*='#']").Each(func(_ int, a *goquery.Selection) {
		ref, fragment, _ := strings.Cut(a.AttrOr("href", ""), "#")
		to := page
		if strings.TrimSpace(ref) != "" || based {
			if to, err = e.Resolve(ref); err != nil {
				return // it is no URL that can be fetched
			}
		}
		p.Links = append(p.Links, PlaceLink{to, fragment, strings.Join(strings.Fields(a.Text()), " ")})
	})
	return p, nil
}
