package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// summary is what a crawl says at its end.
type summary struct {
	status   crawler.Status
	counters crawler.Counters
	tally    *tally
	took     time.Duration // of this run
	pages    int64         // of this run
	where    string        // where the results are; "" for standard output
	missing  string        // how many records are missing; "" for none
}

const topHosts = 3

func (s summary) print(w io.Writer) {
	c := s.counters
	fmt.Fprintf(w, "\n%s %s\n", s.status.Job.Name, s.headline())
	fmt.Fprintf(w, "  pages     %d, %s in %s, %s a second\n",
		c.Pages(), bytesText(c.Bytes), s.took.Round(10*time.Millisecond), short(float64(s.pages)/max(s.took.Seconds(), 0.001)))
	fmt.Fprintf(w, "  outcomes  %s\n", outcomesText(c))
	if c.Incomplete > 0 {
		fmt.Fprintf(w, "  missing   pages that lack a required field: %d\n", c.Incomplete)
	}
	for i, trouble := range s.tally.troubles {
		fmt.Fprintf(w, "  %-9s %s\n", map[bool]string{true: "such as"}[i == 0], trouble)
	}
	if c.Waiting+c.Flight > 0 {
		fmt.Fprintf(w, "  waiting   %d URLs of %d seen\n", c.Waiting+c.Flight, c.Seen)
	}
	if hosts := s.tally.top(topHosts, byPages); len(hosts) > 0 {
		fmt.Fprintf(w, "  largest   %s\n", hostsText(hosts, func(h *hostTally) string { return fmt.Sprintf("%d pages", h.pages) }))
		hosts = s.tally.top(topHosts, bySlowest)
		fmt.Fprintf(w, "  slowest   %s\n", hostsText(hosts, func(h *hostTally) string {
			return h.mean().Round(100*time.Microsecond).String() + " an answer"
		}))
	}
	if c.Broken > 0 {
		fmt.Fprintf(w, "  broken    visits that lost their worker: %d; their URLs were taken up again\n", c.Broken)
	}
	if s.missing != "" {
		fmt.Fprintf(w, "  records   %s\n", s.missing)
	}
	if s.where != "" {
		fmt.Fprintf(w, "  results   %s\n", s.where)
	}
}

// headline is the end in a few words.
func (s summary) headline() string {
	switch {
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
	for _, o := range crawler.Outcomes {
		if n := c.Outcomes[o]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, strings.ReplaceAll(string(o), "_", " ")))
		}
	}
	if len(parts) == 0 {
		return "none"
	}
	return strings.Join(parts, ", ")
}

func hostsText(hosts []*hostTally, figure func(*hostTally) string) string {
	parts := make([]string, len(hosts))
	for i, h := range hosts {
		parts[i] = fmt.Sprintf("%s (%s)", h.host, figure(h))
	}
	return strings.Join(parts, ", ")
}

func bytesText(n int64) string {
	for _, unit := range []struct {
		name string
		size float64
	}{{"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}} {
		if float64(n) >= unit.size {
			return fmt.Sprintf("%.1f %s", float64(n)/unit.size, unit.name)
		}
	}
	return fmt.Sprintf("%d bytes", n)
}
