package warc

import (
	"slices"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
)

// exchange is a recorded page and how the crawl found it.
type exchange struct {
	page *fetched.Page
	via  crawler.URL // zero for a seed
	hops string
	text *fetched.Result // what is known of the page's content; nil for a page on the way to it
}

// known returns the response of an earlier fetch that has the content of the page, if that is the
// last page of its result; nil if none is known.
func (e exchange) known() *fetched.Capture {
	if e.text == nil || e.text.Earlier == nil {
		return nil
	}
	return e.text.Earlier.Capture
}

// captured notes in the result of the page which response has its content.
func (e exchange) captured(r original) {
	if e.text != nil {
		e.text.Capture = &fetched.Capture{ID: r.id, URL: r.uri, Date: r.date, Payload: r.payload}
	}
}

func originalOf(c *fetched.Capture) original {
	return original{id: c.ID, uri: c.URL, date: c.Date, payload: c.Payload}
}

// ExchangesOf lists the recorded pages of results, those of each result in the order of
// their requests.
func ExchangesOf(results []*fetched.Result) []exchange {
	var all []exchange
	for _, r := range results {
		from := len(all)
		for _, p := range r.Trail {
			all = append(all, exchangeOf(r, p))
		}
		if r.Page != nil && r.Page.Recording != nil {
			last := exchangeOf(r, r.Page)
			last.text = r
			all = append(all, last)
		}
		slices.SortStableFunc(all[from:], func(a, b exchange) int { return a.page.Started.Compare(b.page.Started) })
	}
	return all
}

// exchangeOf finds the page in the redirect chain of its result. A page that is not in
// the chain is a robots.txt that was requested before it.
func exchangeOf(r *fetched.Result, p *fetched.Page) exchange {
	redirects := slices.Index(append([]crawler.URL{r.Entry.URL}, r.Redirects...), p.URL)
	switch {
	case redirects < 0:
		return exchange{page: p, via: r.Entry.URL, hops: hops(r.Entry.Depth, r.Entry.Hops, true)}
	case redirects == 0:
		return exchange{page: p, via: r.Entry.Referrer, hops: hops(r.Entry.Depth, r.Entry.Hops, false)}
	case redirects == 1:
		return exchange{page: p, via: r.Entry.URL, hops: hops(r.Entry.Depth, r.Entry.Hops+1, false)}
	}
	return exchange{page: p, via: r.Redirects[redirects-2], hops: hops(r.Entry.Depth, r.Entry.Hops+redirects, false)}
}

// Weight estimates the size of the exchanges in bytes.
func Weight(exchanges []exchange) int64 {
	sum := int64(0)
	for _, e := range exchanges {
		sum += int64(len(e.page.Recording.Request) + len(e.page.Recording.Head))
		if tail := e.page.Recording.Tail; tail != nil {
			sum += tail.Size
		} else if e.page.Body != nil {
			sum += e.page.Body.Size
		}
	}
	return sum
}

// validated reports whether a response has a validator, so that the server can be asked
// whether it has changed (RFC 9110, 8.8).
func validated(p *fetched.Page) bool {
	return p.Header.Get("ETag") != "" || p.Header.Get("Last-Modified") != ""
}

// mimeOf returns the media type of a page in the form that an index uses.
func mimeOf(contentType string) string {
	media, _, _ := strings.Cut(contentType, ";")
	media = strings.ToLower(strings.TrimSpace(media))
	if media == "" || strings.ContainsFunc(media, func(r rune) bool { return r <= ' ' || r >= 0x7f }) {
		return "unk"
	}
	return media
}
