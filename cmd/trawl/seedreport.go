package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// seedReport is the result of adding seeds, including those from sitemaps.
type seedReport struct {
	crawler.Seeding
	Sitemaps int            `json:"sitemaps,omitempty"` // number of sitemaps that were read
	Faults   []sitemapFault `json:"faults,omitempty"`   // faults of sitemaps
}

// sitemapFault is what was wrong with a sitemap.
type sitemapFault struct {
	Sitemap string `json:"sitemap"`
	Reason  string `json:"reason"`
}

// with adds the result for the pages. Refusals are sorted by line, because lines are
// admitted concurrently.
func (r seedReport) with(s crawler.Seeding) seedReport {
	lines := slices.SortedFunc(slices.Values(s.Refusals),
		func(a, b crawler.Refusal) int { return cmp.Compare(a.Line, b.Line) })
	refusals := append(lines, r.Refusals...)
	s.Refused += r.Refused
	s.Refusals = refusals[:min(len(refusals), queue.MaxRefusals)]
	r.Seeding = s
	return r
}

// refusalView is a refusal as --json shows it.
type refusalView struct {
	List   string `json:"list"` // a file, or standard input; "" for an argument or a page of a sitemap
	Line   int64  `json:"line"` // line in the list; 0 if there isn't one
	URL    string `json:"url"`
	Reason string `json:"reason"`
}

// view returns the report as --json shows it.
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

// print lists what was refused, and where it was.
func (r seedReport) print(w io.Writer, list *seedList) {
	for _, refusal := range r.Refusals {
		where := ""
		if name, line := list.find(refusal.Line); name != "" {
			where = fmt.Sprintf("%s, line %d: ", name, line)
		} else if refusal.Line == 0 { // the reason does not name the URL
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

// text describes the numbers in words.
func (r seedReport) text(took time.Duration) string {
	text := seedingText(r.Seeding, took)
	if r.Sitemaps > 0 || len(r.Faults) > 0 {
		text += fmt.Sprintf(", of %d sitemaps, %d with faults", r.Sitemaps, len(r.Faults))
	}
	return text
}

// verdict returns the exit status of a seeding that finished.
func (r seedReport) verdict() error {
	nothing := r.Admitted+r.Seen == 0
	switch {
	case nothing && len(r.Faults) > 0:
		return &exitError{exitNothing, "no seeds: none of the sitemaps could be read"}
	case nothing:
		return usage("none of the seeds can be crawled")
	case len(r.Faults) > 0:
		return failed("some sitemaps could not be read completely; run the same command to try them again")
	}
	return nil
}

// seedingText describes the result of seeding in words.
func seedingText(s crawler.Seeding, took time.Duration) string {
	total := s.Admitted + s.Seen + s.Refused
	return fmt.Sprintf("%s, %d new, %d known, %d refused, %s a second",
		plain.Plural(total, "URL", "URLs"), s.Admitted, s.Seen, s.Refused,
		short(float64(total)/max(took.Seconds(), 0.001)))
}

// seedProgress shows the progress through a list: on a terminal as one line that it
// rewrites, otherwise as a new line now and then.
type seedProgress struct {
	w        *terminal
	terminal bool
	last     time.Time
}

func newSeedProgress(w *terminal, began time.Time) *seedProgress {
	return &seedProgress{w: w, terminal: w.live(), last: began}
}

func (p *seedProgress) show(text string) {
	switch {
	case p.terminal:
		p.w.rewrite(span{text: text})
	case time.Since(p.last) >= plainEvery:
		p.last = time.Now()
		fmt.Fprintln(p.w, text)
	}
}

// clear removes the line from a terminal.
func (p *seedProgress) clear() {
	if p.terminal {
		p.w.clear()
	}
}
