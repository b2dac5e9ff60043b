package audit

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

// Gaps summarizes the times between the starts of requests to the same places: hosts or
// addresses.
type Gaps struct {
	Number     int64    `json:"number"`            // the number of places
	SmallestMS float64  `json:"smallest_ms"`       // -1 if no place got two requests
	At         string   `json:"at"`                // the place with the smallest gap
	OwedMS     float64  `json:"owed_ms,omitempty"` // the longest gap that was owed to a place
	OwedAt     string   `json:"owed_at,omitempty"` // the place that it was owed to
	TooSmall   int64    `json:"too_small"`
	Each       []GapsAt `json:"each,omitempty"` // smallest gaps first; places with a single request last
}

// GapsAt summarizes the gaps at one host, or at one address.
type GapsAt struct {
	Place      string   `json:"place"`
	Job        string   `json:"job,omitempty"`  // the job that sent the requests, if it was only one
	Jobs       []string `json:"jobs,omitempty"` // the jobs that sent the requests, if they were several
	Requests   int64    `json:"requests"`
	SmallestMS float64  `json:"smallest_ms"`       // -1 if there was only one request
	OwedMS     float64  `json:"owed_ms,omitempty"` // the longest gap that was owed between two requests
}

func newGapsAt(name string, jobs ...string) GapsAt {
	p := GapsAt{Place: name, SmallestMS: -1}
	if len(jobs) == 1 {
		p.Job = jobs[0]
	} else {
		p.Jobs = jobs
	}
	return p
}

// owe records that a gap of us microseconds was owed.
func (p *GapsAt) owe(us int64) { p.OwedMS = max(p.OwedMS, float64(us)/1000) }

// note records a gap of us microseconds.
func (p *GapsAt) note(us int64) {
	if ms := float64(us) / 1000; p.SmallestMS < 0 || ms < p.SmallestMS {
		p.SmallestMS = ms
	}
}

func (g *Gaps) add(p GapsAt) { g.Each = append(g.Each, p) }

// finish computes the summary. Unless each is set, it drops the single places.
func (g *Gaps) finish(each bool) {
	slices.SortFunc(g.Each, func(x, y GapsAt) int {
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

func (g Gaps) String() string {
	if g.SmallestMS < 0 {
		return fmt.Sprintf("%d, none with two requests", g.Number)
	}
	return fmt.Sprintf("%d, smallest gap %.1fms at %s", g.Number, g.SmallestMS, g.At)
}

// owed describes the longest gap that was owed.
func (g Gaps) owed() string {
	if g.OwedMS == 0 {
		return "0.0ms"
	}
	return fmt.Sprintf("%.1fms to %s", g.OwedMS, g.OwedAt)
}

// print lists the places, if they were kept.
func (g Gaps) print(w io.Writer, kind string) error {
	if len(g.Each) == 0 {
		return nil
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "%s\trequests\tsmallest gap\n", kind)
	for _, p := range g.Each {
		gap := "one request"
		if p.SmallestMS >= 0 {
			gap = fmt.Sprintf("%.1fms", p.SmallestMS)
		}
		fmt.Fprintf(t, "%s\t%d\t%s\n", p.Place, p.Requests, gap)
	}
	return t.Flush()
}
