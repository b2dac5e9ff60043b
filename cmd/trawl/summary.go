package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// summary is what a crawl prints at its end.
type summary struct {
	status   crawler.Status
	counters crawler.Counters
	tally    *tally
	took     time.Duration // of this run
	pages    int64         // of this run
	resumed  bool          // there were earlier runs, which counters include
	where    string        // where the results are; "" for standard output
	missing  string        // how many records are missing; "" for none
}

const topHosts = 3

// maxTraps is the number of patterns that look like a trap which are listed.
const maxTraps = 10

// moreTraps describes the patterns that are not listed: their number, and the number of URLs of
// patterns that are not counted separately.
func moreTraps(patterns int, urls int64) string {
	if urls == 0 {
		return fmt.Sprintf("%d, with --json from trawl job show", patterns)
	}
	return fmt.Sprintf("%d, with --json from trawl job show, and others with %s (trawl host show JOB HOST)",
		patterns, plain.Plural(urls, "URL", "URLs"))
}

func (s summary) print(w io.Writer) {
	c := s.counters
	fmt.Fprintf(w, "\n%s %s\n", s.status.Job.Name, s.headline())
	run := fmt.Sprintf("in %s, %s a second", s.took.Round(10*time.Millisecond),
		short(float64(s.pages)/max(s.took.Seconds(), 0.001)))
	all, mine := "", ""
	if s.resumed {
		all, mine = " in total", ", in this run"
		fmt.Fprintf(w, "  this run  %s %s\n", pagesText(s.pages), run)
		fmt.Fprintf(w, "  pages     %d, %s in total, including earlier runs\n", c.Pages(), plain.Bytes(c.Bytes))
	} else {
		fmt.Fprintf(w, "  pages     %d, %s %s\n", c.Pages(), plain.Bytes(c.Bytes), run)
	}
	fmt.Fprintf(w, "  outcomes  %s%s\n", outcomesText(c), all)
	if causes := queue.CausesText(c); causes != "" {
		fmt.Fprintf(w, "  failures  %s\n", causes)
	}
	if skipped := queue.SkippedText(c); skipped != "" {
		fmt.Fprintf(w, "  left out  %s\n", skipped)
	}
	for _, trap := range c.Traps[:min(len(c.Traps), maxTraps)] {
		fmt.Fprintf(w, "  trap      %s; %s\n", trap.Reason(), trap.Insist(s.status.Job.Name))
	}
	if more := len(c.Traps) - maxTraps; more > 0 || c.MoreTraps > 0 {
		fmt.Fprintf(w, "  trap      more patterns that look like one: %s\n", moreTraps(max(0, more), c.MoreTraps))
	}
	if c.Incomplete > 0 {
		fmt.Fprintf(w, "  missing   pages that lack a required field: %d\n", c.Incomplete)
	}
	for i, trouble := range s.tally.troubles {
		fmt.Fprintf(w, "  %-9s %s\n", map[bool]string{true: "such as"}[i == 0], trouble)
	}
	if c.Waiting+c.Flight > 0 {
		fmt.Fprintf(w, "  waiting   %s of %d seen\n", urlsText(c.Waiting+c.Flight), c.Seen)
	}
	if r, resting := s.tally.last(); resting && c.Waiting+c.Flight > 0 {
		fmt.Fprintf(w, "  resting   %s\n", r)
	}
	if hosts := s.tally.top(topHosts, byPages); len(hosts) > 0 {
		fmt.Fprintf(w, "  largest   %s%s\n", hostsText(hosts, func(h *hostTally) string { return pagesText(h.pages) }),
			mine)
		hosts = s.tally.top(topHosts, bySlowest)
		fmt.Fprintf(w, "  slowest   %s%s\n", hostsText(hosts, func(h *hostTally) string {
			return h.mean().Round(100*time.Microsecond).String() + " an answer"
		}), mine)
	}
	if c.Broken > 0 {
		fmt.Fprintf(w, "  broken    visits that lost their worker: %d; their URLs were requeued\n", c.Broken)
	}
	if s.missing != "" {
		fmt.Fprintf(w, "  records   %s\n", s.missing)
	}
	if s.where != "" {
		fmt.Fprintf(w, "  results   %s\n", s.where)
	}
}

// headline describes the end in a few words.
func (s summary) headline() string {
	switch {
	case s.status.State == crawler.StateDone && s.status.Reason == "" && len(s.counters.Traps) > 0:
		return "is done: nothing is left to fetch, except what looks like a trap"
	case s.status.State == crawler.StateDone && s.status.Reason == "":
		return "is done: nothing is left to fetch"
	case s.status.State == crawler.StateDone:
		return "is done: its " + s.status.Reason + " is spent"
	case s.status.State == crawler.StateRunning:
		return "is interrupted"
	}
	return "is " + string(s.status.State)
}

func outcomesText(c crawler.Counters) string {
	var parts []string
	for _, o := range queue.Outcomes {
		if n := c.Outcomes[o]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, strings.ReplaceAll(string(o), "_", " ")))
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

// Numbers with their units.
func pagesText(n int64) string { return plain.Plural(n, "page", "pages") }
func urlsText(n int64) string  { return plain.Plural(n, "URL", "URLs") }
func hostCount(n int64) string { return plain.Plural(n, "host", "hosts") }

func isOrAre(n int64) string {
	if n == 1 {
		return " is"
	}
	return " are"
}

func hostsText(hosts []*hostTally, figure func(*hostTally) string) string {
	parts := make([]string, len(hosts))
	for i, h := range hosts {
		parts[i] = fmt.Sprintf("%s (%s)", h.host, figure(h))
	}
	return strings.Join(parts, ", ")
}
