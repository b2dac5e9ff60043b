package ui

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// The size of a chart in its own units. The browser stretches it to the width of its place.
const (
	chartWidth  = 600
	chartHeight = 130
	chartTop    = 6 // free above the highest value
)

// Point is a value of a series. A point without a value breaks the line.
type Point struct {
	At    time.Time
	Value float64 // not negative; NaN for none
}

// Chart is a series over time as an SVG drawing.
type Chart struct {
	ID, Title string
	Last      string // the last value
	Line      string // path data
	Area      string // path data of the area below the line
	From, To  string // the ends of the time axis
	Most      string // the highest value
	Label     string // the chart in words
}

// Axis is the time that a chart shows.
type Axis struct {
	From, To time.Time
	Now      time.Time // what the ends of the axis are named after
}

// ends names the ends of the axis.
func (a Axis) ends() (from, to string) {
	span := Span(a.To.Sub(a.From))
	if ago := a.Now.Sub(a.To); ago > recently {
		return span + " before", Span(ago) + " ago"
	}
	return span + " ago", "now"
}

// recently is how old the newest value of a chart may be to count as the current one.
const recently = 10 * time.Second

// NewChart draws a series. text formats a value with its unit. Values before the axis are
// left out.
func NewChart(id, title string, points []Point, axis Axis, text func(float64) string) Chart {
	from, to := axis.From, axis.To
	most, last := 0.0, math.NaN()
	for _, p := range points {
		if !math.IsNaN(p.Value) && !p.At.Before(from) {
			most, last = max(most, p.Value), p.Value
		}
	}
	c := Chart{ID: id, Title: title, Last: "–", Most: text(most)}
	c.From, c.To = axis.ends()
	if math.IsNaN(last) {
		c.Label = title + ": nothing yet"
		return c
	}
	c.Last = text(last)
	c.Label = fmt.Sprintf("%s, over %s: last %s, highest %s", title, Span(to.Sub(from)), c.Last, c.Most)
	c.Line, c.Area = paths(points, from, to, most)
	return c
}

// paths returns the line through the points and the areas below it.
func paths(points []Point, from, to time.Time, most float64) (line, area string) {
	var l, a strings.Builder
	end := 0.0 // where the current part of the line ends
	open := false
	closeArea := func() {
		if open {
			fmt.Fprintf(&a, "L%.1f %dZ", end, chartHeight)
		}
		open = false
	}
	for _, p := range points {
		x := chartWidth * p.At.Sub(from).Seconds() / max(1, to.Sub(from).Seconds())
		if math.IsNaN(p.Value) || x < 0 {
			closeArea()
			continue
		}
		y := chartHeight - (chartHeight-chartTop)*p.Value/max(most, 1e-9)
		if !open {
			fmt.Fprintf(&l, "M%.1f %.1f", x, y)
			fmt.Fprintf(&a, "M%.1f %dL%.1f %.1f", x, chartHeight, x, y)
		} else {
			fmt.Fprintf(&l, "L%.1f %.1f", x, y)
			fmt.Fprintf(&a, "L%.1f %.1f", x, y)
		}
		end, open = x, true
	}
	closeArea()
	return l.String(), a.String()
}
