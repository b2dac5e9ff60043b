package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// seedReport is what became of seeds, and of the sitemaps that held some.
type seedReport struct {
	crawler.Seeding
	Sitemaps int            `json:"sitemaps,omitempty"` // that were read
	Faults   []sitemapFault `json:"faults,omitempty"`   // of sitemaps
}

// sitemapFault is what was wrong with a sitemap.
type sitemapFault struct {
	Sitemap string `json:"sitemap"`
	Reason  string `json:"reason"`
}

// with adds what became of the pages that were brought. Refusals are in the order
// of their lines, which are admitted by several at once.
func (r seedReport) with(s crawler.Seeding) seedReport {
	lines := slices.SortedFunc(slices.Values(s.Refusals), func(a, b crawler.Refusal) int { return cmp.Compare(a.Line, b.Line) })
	refusals := append(lines, r.Refusals...)
	s.Refused += r.Refused
	s.Refusals = refusals[:min(len(refusals), crawler.MaxRefusals)]
	r.Seeding = s
	return r
}

// refusalView is a refusal as --json shows it.
type refusalView struct {
	List   string `json:"list"` // a file, or standard input; "" for an argument or a page of a sitemap
	Line   int64  `json:"line"` // in the list; 0 where there is none
	URL    string `json:"url"`
	Reason string `json:"reason"`
}

// view is the report as --json shows it.
func (r seedReport) view(list *seedList) any {
	refusals := make([]refusalView, len(r.Refusals))
	for i, refusal := range r.Refusals {
		name, line := list.find(refusal.Line)
		refusals[i] = refusalView{name, line, refusal.URL, refusal.Reason}
	}
	return struct {
		seedReport
		Refusals []refusalView `json:"refusals"`
	}{r, refusals}
}

// print lists what was left out, and where it is to be found.
func (r seedReport) print(w io.Writer, list *seedList) {
	for _, refusal := range r.Refusals {
		where := ""
		if name, line := list.find(refusal.Line); name != "" {
			where = fmt.Sprintf("%s, line %d: ", name, line)
		} else if refusal.Line == 0 { // the reason does not say which it is
			where = refusal.URL + ": "
		}
		fmt.Fprintf(w, "trawl: left out: %s%s\n", where, refusal.Reason)
	}
	if more := r.Refused - int64(len(r.Refusals)); more > 0 {
		fmt.Fprintf(w, "trawl: left out: %d more\n", more)
	}
	for _, f := range r.Faults {
		fmt.Fprintf(w, "trawl: sitemap %s: %s\n", f.Sitemap, f.Reason)
	}
}

// text puts the numbers into words.
func (r seedReport) text(took time.Duration) string {
	text := seedingText(r.Seeding, took)
	if r.Sitemaps > 0 || len(r.Faults) > 0 {
		text += fmt.Sprintf(", of %d sitemaps, %d with faults", r.Sitemaps, len(r.Faults))
	}
	return text
}

// verdict is the exit status of a seeding that went through.
func (r seedReport) verdict() error {
	nothing := r.Admitted+r.Seen == 0
	switch {
	case nothing && len(r.Faults) > 0:
		return &exitError{exitNothing, "no seed could be had: of the sitemaps, none could be read"}
	case nothing:
		return usage("none of the seeds can be crawled")
	case len(r.Faults) > 0:
		return failed("some sitemaps could not be read to their end; the same command tries them again")
	}
	return nil
}

// seedingText puts what became of seeds into words.
func seedingText(s crawler.Seeding, took time.Duration) string {
	total := s.Admitted + s.Seen + s.Refused
	return fmt.Sprintf("%d URLs, %d new, %d known, %d refused, %s a second",
		total, s.Admitted, s.Seen, s.Refused, short(float64(total)/max(took.Seconds(), 0.001)))
}
