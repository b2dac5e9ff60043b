package sitemap

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/publicsuffix"

	"github.com/trawlcrawler/trawl/crawler"
)

// Location is a URL that a sitemap lists, with its properties.
type Location struct {
	URL      crawler.URL
	Sitemap  bool      // the URL is that of a sitemap, listed in an index
	Modified time.Time // UTC; zero if missing or invalid
	Changes  Frequency // "" if missing
	Priority float64   // relative to other pages of the site, 0 to 1; 0.5 if missing
}

// usualPriority is the priority of pages without one.
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

// frequency parses a changefreq. It returns "" for an invalid one.
func frequency(s string) Frequency {
	switch f := Frequency(strings.ToLower(s)); f {
	case Always, Hourly, Daily, Weekly, Monthly, Yearly, Never:
		return f
	}
	return ""
}

// priority parses a priority. It returns the default for what is not a number.
func priority(s string) float64 {
	p, err := strconv.ParseFloat(strings.Replace(s, ",", ".", 1), 64)
	if err != nil || p != p {
		return usualPriority
	}
	return min(max(p, 0), 1)
}

// Refusal is a location that is not a URL to crawl. Reading continues after it.
type Refusal struct {
	Text   string // as written, clipped
	Reason error
}

func (r *Refusal) Error() string { return r.Reason.Error() }
func (r *Refusal) Unwrap() error { return r.Reason }

// maxShown is how many bytes of a refused location are quoted.
const maxShown = 200

func refuse(text string, reason error) *Refusal {
	if len(text) > maxShown {
		text = text[:maxShown] + "…"
	}
	return &Refusal{strings.ToValidUTF8(text, "\uFFFD"), reason}
}

// base resolves the locations of a sitemap against its address.
type base struct {
	at   crawler.URL
	base *crawler.Base
}

func newBase(at crawler.URL) base {
	if at.IsZero() {
		return base{}
	}
	b := at.Base()
	return base{at, &b}
}

// locate parses a location. The protocol requires absolute URLs. A location without a
// scheme is a host with a path if it begins with a host name, and a relative reference
// otherwise.
func (b base) locate(text string) (crawler.URL, error) {
	if u, ok := b.hosted(text); ok {
		return u, nil
	}
	if text == "" || hasScheme.MatchString(text) || text[0] != '/' && strings.ContainsAny(text, " \t\r\n") {
		return crawler.ParseURL(text)
	}
	return b.resolve(text)
}

// line parses a line of a list. In markup, elements identify locations, but a line may be
// anything. So it must be a URL, a URL without a scheme on the site of the list, or a
// path from the root.
func (b base) line(text string) (crawler.URL, error) {
	if u, ok := b.hosted(text); ok && u.Host().Domain() == b.at.Host().Domain() {
		return u, nil
	}
	if strings.HasPrefix(text, "/") {
		return b.resolve(text)
	}
	return crawler.ParseURL(text)
}

var hasScheme = regexp.MustCompile(`^\s*[A-Za-z][A-Za-z0-9+.-]*:`)

// hosted parses a location that begins with a host instead of a scheme. It gets the
// scheme of the sitemap. The host must be the sitemap's, another one of its domain, or,
// if a path follows, a name under a public suffix. Anything else with a dot is a file
// name.
func (b base) hosted(text string) (crawler.URL, bool) {
	if b.base == nil || text == "" || text[0] == '/' {
		return crawler.URL{}, false
	}
	name, path := text, ""
	if end := strings.IndexAny(text, "/?#"); end >= 0 {
		name, path = text[:end], text[end:]
	}
	u, err := crawler.ParseURL(b.at.Scheme() + "://" + text)
	if err != nil || !strings.EqualFold(string(u.Host()), name) {
		return crawler.URL{}, false // it contains more than a host
	}
	_, public := publicsuffix.PublicSuffix(strings.ToLower(name))
	if u.Host() == b.at.Host() || u.Host().Domain() == b.at.Host().Domain() || public && path != "" &&
		strings.Contains(name, ".") {
		return u, true
	}
	return crawler.URL{}, false
}

// resolve parses a reference, relative or absolute.
func (b base) resolve(text string) (crawler.URL, error) {
	if b.base == nil {
		u, err := crawler.ParseURL(text)
		if err != nil {
			return u, fmt.Errorf("%w, and the address of the sitemap is unknown", err)
		}
		return u, nil
	}
	return b.base.Resolve(text)
}
