package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

// gaps are the times between the starts of requests to the same places, hosts or
// addresses.
type gaps struct {
	Number     int64    `json:"number"`            // of places
	SmallestMS float64  `json:"smallest_ms"`       // -1 when no place was asked twice
	At         string   `json:"at"`                // the place of the smallest
	OwedMS     float64  `json:"owed_ms,omitempty"` // the longest gap that was owed to a place
	OwedAt     string   `json:"owed_at,omitempty"` // that place
	TooSmall   int64    `json:"too_small"`
	Each       []gapsAt `json:"each,omitempty"` // the smallest gaps first, those that were asked once last
}

// gapsAt are those of one host, or of one address.
type gapsAt struct {
	Place      string   `json:"place"`
	Job        string   `json:"job,omitempty"`  // that asked the host, if it is one
	Jobs       []string `json:"jobs,omitempty"` // that asked the host, if they are several
	Requests   int64    `json:"requests"`
	SmallestMS float64  `json:"smallest_ms"`       // -1 when it was asked once
	OwedMS     float64  `json:"owed_ms,omitempty"` // the longest gap that was to lie between two requests
}

func newGapsAt(name string, jobs ...string) gapsAt {
	p := gapsAt{Place: name, SmallestMS: -1}
	if len(jobs) == 1 {
		p.Job = jobs[0]
	} else {
		p.Jobs = jobs
	}
	return p
}

// owe notes a gap of so many microseconds that was owed.
func (p *gapsAt) owe(us int64) { p.OwedMS = max(p.OwedMS, float64(us)/1000) }

// note takes in a gap of so many microseconds.
func (p *gapsAt) note(us int64) {
	if ms := float64(us) / 1000; p.SmallestMS < 0 || ms < p.SmallestMS {
		p.SmallestMS = ms
	}
}

func (g *gaps) add(p gapsAt) { g.Each = append(g.Each, p) }

// finish sums up what was added. Without each the places are forgotten.
func (g *gaps) finish(each bool) {
	slices.SortFunc(g.Each, func(x, y gapsAt) int {
		if (x.SmallestMS < 0) != (y.SmallestMS < 0) {
			return cmp.Compare(y.SmallestMS, x.SmallestMS)
		}
		return cmp.Or(cmp.Compare(x.SmallestMS, y.SmallestMS), cmp.Compare(x.Place, y.Place), cmp.Compare(x.Job, y.Job))
	})
	g.Number, g.SmallestMS = int64(len(g.Each)), -1
	if len(g.Each) > 0 && g.Each[0].SmallestMS >= 0 {
		g.SmallestMS, g.At = g.Each[0].SmallestMS, g.Each[0].Place
	}
	for _, p := range g.Each {
		if p.OwedMS > g.OwedMS {
			g.OwedMS, g.OwedAt = p.OwedMS, p.Place
		}
	}
	if !each {
		g.Each = nil
	}
}

func (g gaps) String() string {
	if g.SmallestMS < 0 {
		return fmt.Sprintf("%d, none asked twice", g.Number)
	}
	return fmt.Sprintf("%d, smallest gap %.1fms at %s", g.Number, g.SmallestMS, g.At)
}

// owed names the longest gap that was owed.
func (g gaps) owed() string {
	if g.OwedMS == 0 {
		return "0.0ms"
	}
	return fmt.Sprintf("%.1fms to %s", g.OwedMS, g.OwedAt)
}

// print lists the places, if they are kept.
func (g gaps) print(w io.Writer, kind string) error {
	if len(g.Each) == 0 {
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "%s\trequests\tsmallest gap\n", kind)
	for _, p := range g.Each {
		gap := "asked once"
		if p.SmallestMS >= 0 {
			gap = fmt.Sprintf("%.1fms", p.SmallestMS)
		}
		fmt.Fprintf(t, "%s\t%d\t%s\n", p.Place, p.Requests, gap)
	}
	return t.Flush()
}
