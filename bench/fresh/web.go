package main

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/bench/simweb"
	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
)

// web serves a collection as a site over HTTP, each page as it was at the time of the request. It
// is safe for concurrent use.
type web struct {
	host    string
	history collection
	signals announcer
	clock   func() int64 // unix seconds of the history

	mu       sync.Mutex
	site     *site
	next     int     // the first event that did not happen yet
	modified []int64 // by page: the lastmod in the sitemap; 0 if it has none yet
	ticked   int64   // until when mistaken announcements were made
	requests log
}

// log is what a site has noticed of the crawler.
type log struct {
	last     time.Time     // when the last request was answered
	gap      time.Duration // the shortest time between two requests
	sitemaps int           // requests for the sitemap while measured
	newly    int           // pages that appeared during the replay and were fetched
	waits    time.Duration // how long these waited for their fetch, in total
	longest  time.Duration // how long the slowest of these waited
	queued   []int64       // by page: when it was queued; 0 if it was not
}

func newWeb(c collection, signals announcer, clock func() int64) *web {
	_, from, _ := c.span()
	return &web{
		host: c.name + ".example", history: c, signals: signals, clock: clock, site: newSite(c.pages, from, false),
		modified: make([]int64, c.pages), ticked: c.begin() - tick,
		requests: log{gap: math.MaxInt64, queued: make([]int64, c.pages)},
	}
}

// advance lets all events before now happen. The caller holds w.mu.
func (w *web) advance(now int64) {
	for w.next < len(w.history.events) && w.history.events[w.next].at <= now {
		e := w.history.events[w.next]
		w.next++
		known := w.site.pages[e.page].known
		w.site.happen(e)
		if w.modified[e.page] == 0 || known && w.signals.announces(e) {
			w.modified[e.page] = e.at
			w.site.list(e.page, e.at)
		}
	}
	for ; w.ticked+tick <= now; w.ticked += tick {
		for _, page := range w.signals.mistaken(w.site, w.ticked+tick) {
			w.modified[page] = w.ticked + tick
		}
	}
}

// appeared returns the pages that exist and were not returned before.
func (w *web) appeared() (all []crawler.URL) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := w.clock()
	w.advance(now)
	for i, p := range w.site.pages {
		if p.there && w.requests.queued[i] == 0 {
			w.requests.queued[i] = now
			all = append(all, w.url(i))
		}
	}
	return all
}

func (w *web) url(page int) crawler.URL {
	return crawler.CanonicalURL("https://" + w.host + pagePath + strconv.Itoa(page))
}

const pagePath = "/page/"

// Fetch implements [visit.Fetcher].
func (w *web) Fetch(ctx context.Context, r fetched.Request) (*fetched.Page, error) {
	return simweb.Fetcher{Web: w}.Fetch(ctx, r)
}

// latency is how long a response takes.
const latency = 50 * time.Millisecond

// RoundTrip answers a request.
func (w *web) RoundTrip(r *http.Request) (*http.Response, error) {
	began := time.Now()
	time.Sleep(latency)
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.requests.last.IsZero() {
		w.requests.gap = min(w.requests.gap, began.Sub(w.requests.last))
	}
	w.requests.last = time.Now()
	w.advance(w.clock())
	switch path := r.URL.Path; {
	case path == "/robots.txt":
		return answer(r, http.StatusOK, "text/plain", "Sitemap: https://"+w.host+sitemapPath+"\n"), nil
	case path == sitemapPath:
		if w.clock() >= w.site.from {
			w.requests.sitemaps++
		}
		return answer(r, http.StatusOK, "application/xml", w.sitemap()), nil
	case strings.HasPrefix(path, pagePath):
		page, err := strconv.Atoi(strings.TrimPrefix(path, pagePath))
		if err == nil && page < len(w.site.pages) {
			return w.page(r, page), nil
		}
	}
	return nil, errors.New("no one links to " + r.URL.String())
}

const sitemapPath = "/sitemap.xml"

// page answers a request for a page.
func (w *web) page(r *http.Request, number int) *http.Response {
	now, p := w.clock(), &w.site.pages[number]
	if !p.known && !p.there { // the page was gone before the crawler came, so no copy can be stale
		return answer(r, http.StatusNotFound, "text/plain", "")
	}
	if !p.known {
		if queued := w.requests.queued[number]; queued > w.history.begin() {
			waited := time.Duration(now-queued) * time.Second
			w.requests.newly++
			w.requests.waits += waited
			w.requests.longest = max(w.requests.longest, waited)
		}
	}
	w.site.fetch(number, now)
	if !p.there {
		return answer(r, http.StatusGone, "text/plain", "")
	}
	return answer(r, http.StatusOK, "text/html", text(number, p.version))
}

// sitemap lists all pages that ever existed, like a program that does not check whether they still
// do.
func (w *web) sitemap() string {
	var b strings.Builder
	b.WriteString(xml.Header + `<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">` + "\n")
	for page, at := range w.modified {
		if at == 0 || w.requests.queued[page] == 0 {
			continue
		}
		w.site.hear(page, w.clock())
		fmt.Fprintf(&b, "<url><loc>%s</loc><lastmod>%s</lastmod></url>\n", w.url(page),
			time.Unix(at, 0).UTC().Format(time.RFC3339))
	}
	b.WriteString("</urlset>\n")
	return b.String()
}

// text returns a page whose main text differs between all versions.
func text(page, version int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<!doctype html><title>Page %d</title><main><h1>Page %d</h1><p>", page, page)
	for i := range 40 {
		at := chance(uint64(page)<<32 ^ uint64(version)<<8 ^ uint64(i))
		fmt.Fprintf(&b, "word%d ", int(at*5000))
	}
	b.WriteString("</p></main>")
	return b.String()
}

func answer(r *http.Request, status int, kind, body string) *http.Response {
	return &http.Response{
		StatusCode: status, Proto: "HTTP/1.1", Request: r, Header: http.Header{"Content-Type": {kind}},
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}

// String says whether the site was treated as it should be.
func (l log) String() string {
	text := fmt.Sprintf("requests at least %v apart", l.gap.Round(10*time.Millisecond))
	if l.newly > 0 {
		text += fmt.Sprintf("; %d new pages fetched after %.1f days on average, %.1f at most", l.newly,
			l.waits.Hours()/24/float64(l.newly), l.longest.Hours()/24)
	}
	if l.sitemaps > 0 {
		text += fmt.Sprintf("; the sitemap read %d times", l.sitemaps)
	}
	return text
}
