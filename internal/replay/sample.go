package replay

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/archive"
)

// Report says which pages of an archive a browser can show completely.
type Report struct {
	Pages   int         `json:"pages"`   // in the archive
	Sampled int         `json:"sampled"` // checked
	Whole   int         `json:"whole"`   // with everything that they need
	Share   float64     `json:"share"`   // Whole of Sampled; 1 if there are no pages
	Broken  []PageCheck `json:"broken"`  // the others, by key
}

// PageCheck is a page that lacks something.
type PageCheck struct {
	URL     string    `json:"url"`
	Time    string    `json:"time"` // of the capture, RFC 3339
	Error   string    `json:"error,omitempty"`
	Missing []Missing `json:"missing"`
}

// Missing is what a page needs and the archive cannot show.
type Missing struct {
	URL string `json:"url"`
	Why string `json:"why"`           // "not archived", "status 404", or what is damaged
	Via string `json:"via,omitempty"` // the style sheet that needs it; "" for the page itself
}

// Sample checks pages of an archive: all of them, or as many as n says if that is above 0,
// at equal distances in the order of the index, so that the same archive has the same
// sample. What a browser needs are the images, style sheets, scripts, fonts and media that
// the page names, and what its style sheets name in turn. What only a script would ask for
// is not known. The error is that of ctx.
func Sample(ctx context.Context, from *archive.Archive, n int) (*Report, error) {
	var pages []archive.Capture
	for c := range from.All() {
		if c.HTML() {
			pages = append(pages, c)
		}
	}
	report := &Report{Pages: len(pages), Share: 1, Broken: []PageCheck{}}
	if n <= 0 || n > len(pages) {
		n = len(pages)
	}
	k := checker{from: from, sheets: make(map[string][]Missing)}
	for i := range n {
		c := pages[i*len(pages)/n]
		found := k.page(ctx, c)
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		report.Sampled++
		if found.Error == "" && len(found.Missing) == 0 {
			report.Whole++
		} else {
			report.Broken = append(report.Broken, found)
		}
	}
	if report.Sampled > 0 {
		report.Share = float64(report.Whole) / float64(report.Sampled)
	}
	return report, nil
}

// checker checks pages. It remembers what style sheets lack.
type checker struct {
	from   *archive.Archive
	sheets map[string][]Missing
}

// How far a check follows references.
const (
	maxHops   = 10      // redirects
	maxSheets = 8       // style sheets that import one another
	maxMemory = 100_000 // style sheets that are remembered
)

// page checks one page.
func (k *checker) page(ctx context.Context, c archive.Capture) PageCheck {
	found := PageCheck{URL: c.URL, Time: c.Date.UTC().Format(time.RFC3339), Missing: []Missing{}}
	doc, err := k.from.Document(ctx, c)
	if err != nil {
		found.Error = err.Error()
		return found
	}
	if doc == nil {
		return found
	}
	for _, u := range doc.Resources {
		found.Missing = append(found.Missing, k.resource(ctx, u, c.Date, maxSheets)...)
	}
	return found
}

// resource checks what a page or a style sheet needs, and, if that is a style sheet, what
// this needs.
func (k *checker) resource(ctx context.Context, u crawler.URL, at time.Time, deep int) []Missing {
	c, why := k.find(ctx, u.String(), at)
	if why != "" {
		return []Missing{{URL: u.String(), Why: why}}
	}
	if c.MIME != "text/css" || deep == 0 {
		return nil
	}
	key := c.URL + " " + archive.Stamp(c.Date)
	if known, ok := k.sheets[key]; ok {
		return known
	}
	if len(k.sheets) >= maxMemory {
		clear(k.sheets)
	}
	k.sheets[key] = nil // for style sheets that import one another
	var missing []Missing
	doc, err := k.from.Document(ctx, c)
	if err != nil {
		missing = []Missing{{URL: c.URL, Why: err.Error()}}
	} else if doc != nil {
		for _, within := range doc.Resources {
			for _, m := range k.resource(ctx, within, at, deep-1) {
				if m.Via == "" {
					m.Via = c.URL
				}
				missing = append(missing, m)
			}
		}
	}
	k.sheets[key] = missing
	return missing
}

// find follows redirects to the capture of a resource. why is "" if the archive can show
// it.
func (k *checker) find(ctx context.Context, url string, at time.Time) (c archive.Capture, why string) {
	for range maxHops {
		var err error
		if c, err = k.from.Closest(url, at); err != nil {
			return c, "not archived"
		}
		r, err := k.from.Read(ctx, c)
		if err != nil {
			if errors.Is(err, archive.ErrMissing) {
				return c, "its original is not archived"
			}
			return c, err.Error()
		}
		location := r.Header.Get("Location")
		status := r.Status
		r.Close()
		switch {
		case status/100 == 3 && location != "":
			to, ok := targetOf(c.URL, location)
			if !ok {
				return c, "its redirect leads nowhere"
			}
			url = to.String()
		case status >= 400:
			return c, "status " + strconv.Itoa(status)
		default:
			return c, ""
		}
	}
	return c, "too many redirects"
}
