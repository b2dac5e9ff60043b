package sitemap

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// Location is a URL that a sitemap lists, with what is said of it.
type Location struct {
	URL      crawler.URL
	Sitemap  bool      // it is that of a sitemap, listed in an index
	Modified time.Time // UTC; zero when it is not said, or can not be read
	Changes  Frequency // "" when it is not said
	Priority float64   // among the pages of the site, 0 to 1; 0.5 when it is not said
}

// usualPriority is that of pages of which none is said.
const usualPriority = 0.5

// Frequency is how often a page is likely to change.
type Frequency string

// The frequencies of the protocol.
const (
	Always  Frequency = "always"
	Hourly  Frequency = "hourly"
	Daily   Frequency = "daily"
	Weekly  Frequency = "weekly"
	Monthly Frequency = "monthly"
	Yearly  Frequency = "yearly"
	Never   Frequency = "never"
)

// frequency reads a changefreq; "" is what is none.
func frequency(s string) Frequency {
	switch f := Frequency(strings.ToLower(s)); f {
	case Always, Hourly, Daily, Weekly, Monthly, Yearly, Never:
		return f
	}
	return ""
}

// priority reads a priority; what is no number is the usual one.
func priority(s string) float64 {
	p, err := strconv.ParseFloat(strings.Replace(s, ",", ".", 1), 64)
	if err != nil || p != p {
		return usualPriority
	}
	return min(max(p, 0), 1)
}

// Refusal is a location that is no URL to crawl. The sitemap goes on after it.
type Refusal struct {
	Text   string // as written, clipped
	Reason error
}

func (r *Refusal) Error() string { return r.Reason.Error() }
func (r *Refusal) Unwrap() error { return r.Reason }

// mostShown is how much of a refused location is quoted, in bytes.
const mostShown = 200

func refuse(text string, reason error) *Refusal {
	if len(text) > mostShown {
		text = text[:mostShown] + "…"
	}
	return &Refusal{strings.ToValidUTF8(text, "\uFFFD"), reason}
}

// base is the address of a sitemap, for the locations in it.
type base struct{ base *crawler.Base }

func newBase(at crawler.URL) base {
	if at.IsZero() {
		return base{}
	}
	b := at.Base()
	return base{&b}
}

// locate makes a URL of a location. The protocol wants absolute ones. A path
// from the root is understood too; anything else without a scheme is more often
// a host name, or no address at all.
func (b base) locate(text string) (crawler.URL, error) {
	if strings.HasPrefix(text, "/") {
		return b.resolve(text)
	}
	return crawler.ParseURL(text)
}

// resolve makes a URL of a reference, relative or not.
func (b base) resolve(text string) (crawler.URL, error) {
	if b.base == nil {
		u, err := crawler.ParseURL(text)
		if err != nil {
			return u, fmt.Errorf("%w; nor is it known where the sitemap comes from", err)
		}
		return u, nil
	}
	return b.base.Resolve(text)
}
