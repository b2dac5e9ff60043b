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
	Number     int64    `json:"number"`      // of places
	SmallestMS float64  `json:"smallest_ms"` // -1 when no place was asked twice
	At         string   `json:"at"`          // the place of the smallest
	TooSmall   int64    `json:"too_small"`
	Each       []gapsAt `json:"each,omitempty"` // the smallest gaps first, those that were asked once last
}

// gapsAt are those of one host of a job, or of one address.
type gapsAt struct {
	Place      string  `json:"place"`
	Job        string  `json:"job,omitempty"` // of a host
	Requests   int64   `json:"requests"`
	SmallestMS float64 `json:"smallest_ms"` // -1 when it was asked once
}

func newGapsAt(name, job string) gapsAt { return gapsAt{Place: name, Job: job, SmallestMS: -1} }

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
