package dashboard

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/forecast"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/ui"
	"github.com/trawlcrawler/trawl/internal/waiting"
)

// addNumbers adds what follows from the counters of the job.
func (p *jobPage) addNumbers(sh sheet, now time.Time) {
	n := *sh.Counters
	p.Figures = topFigures(sh)
	p.Bar, p.Outcomes, p.Skipped, p.Budgets = barOf(n), outcomesOf(n), skippedOf(n), budgetsOf(sh.status, n, now)
	p.Causes = causesOf(n)
	var parts []string
	for _, part := range p.Bar {
		parts = append(parts, part.Name)
	}
	p.Rest = ui.Number(max(0, n.Waiting)) + " waiting"
	p.BarText = strings.Join(append(parts, p.Rest), ", ")
	p.Visits = []figure{
		{Name: "Hosts", Value: ui.Number(n.Hosts)}, {Name: "Due now", Value: ui.Number(n.Ready)},
		{Name: "Due later", Value: ui.Number(max(0, n.Due-n.Ready))}, {Name: "Visits enqueued", Value: ui.Number(n.Armed)},
		{Name: "Visits open", Value: ui.Number(n.Open)}, {Name: "Visits so far", Value: ui.Number(n.Visits)},
		{Name: "Lost with their worker", Value: ui.Number(n.Broken)},
	}
	if n.HostsGivenUp > 0 {
		p.Visits = slices.Insert(p.Visits, 1, figure{Name: "Hosts given up", Value: ui.Number(n.HostsGivenUp)})
	}
}

// topFigures returns the figures at the top of a job's page. The counters must be known.
func topFigures(sh sheet) []figure {
	n := *sh.Counters
	all := []figure{
		{Name: "Fetched", Value: ui.Number(n.Pages()), More: ui.Bytes(n.Bytes)},
		{Name: "Pages per second", Value: known(ui.Rate(rateOf(sh)), sh.PagesPerSecond != nil)},
		{Name: "Waiting", Value: ui.Number(n.Waiting), More: fmt.Sprintf("%s in flight", ui.Number(n.Flight))},
		{Name: "Seen", Value: ui.Number(n.Seen)},
		{Name: "Hosts", Value: ui.Number(n.Hosts)},
		{Name: "Failed", Value: ui.Number(n.Failed())},
	}
	if f := sh.Freshness; f != nil && f.Pages > 0 {
		all = append(all,
			figure{Name: "Up to date", Value: fmt.Sprintf("%.0f %%", 100*f.UpToDate), More: waiting.FreshText(*f)},
			figure{Name: "Fetched in a day", Value: ui.Number(f.Used), More: waiting.BudgetText(*f)},
			figure{Name: "Fetched again", Value: ui.Number(n.Again), More: waiting.AgainText(n)})
	}
	if left := leftOf(sh); left != "–" {
		all[1].More = left + " left"
	}
	return all
}

// rateOf returns the speed of a job in pages per second, or 0 if it is not known.
func rateOf(sh sheet) float64 {
	if sh.PagesPerSecond == nil {
		return 0
	}
	return *sh.PagesPerSecond
}

// Points of a chart are averages over at least pointSamples samples; a chart has about chartPoints
// points, since a line with one for each pixel shows no more.
const (
	pointSamples = 5
	chartPoints  = 300
)

// A chart of seconds spans at least leastSpan, for a job that has just begun, and at most
// recentSpan.
const (
	leastSpan  = 5 * time.Minute
	recentSpan = time.Hour
)

// chartsOf draws the speed of a job over the last hour, and over the last day if it has run for
// longer.
func chartsOf(h forecast.History, now time.Time) (charts []ui.Chart) {
	pages := func(s forecast.Sample) int64 { return s.Pages }
	bytes := func(s forecast.Sample) int64 { return s.Bytes }
	perSecond := func(v float64) string { return ui.Bytes(int64(v)) + "/s" }
	if n := len(h.Seconds); n > 1 {
		to := h.Seconds[n-1].At
		axis := ui.Axis{From: to.Add(-min(recentSpan, max(leastSpan, to.Sub(h.Seconds[0].At)))), To: to, Now: now}
		charts = append(charts,
			ui.NewChart("pages", "Pages per second", ratesOf(h.Seconds, time.Second, pages), axis, ui.Rate),
			ui.NewChart("bytes", "Bytes per second", ratesOf(h.Seconds, time.Second, bytes), axis, perSecond))
	}
	if n := len(h.Minutes); n > 1 && h.Minutes[n-1].At.Sub(h.Minutes[0].At) > recentSpan {
		axis := ui.Axis{From: h.Minutes[0].At, To: h.Minutes[n-1].At, Now: now.Add(-time.Minute)}
		charts = append(charts,
			ui.NewChart("pages-day", "Pages per second, by minute", ratesOf(h.Minutes, time.Minute, pages), axis, ui.Rate),
			ui.NewChart("bytes-day", "Bytes per second, by minute", ratesOf(h.Minutes, time.Minute, bytes), axis, perSecond))
	}
	return charts
}

// ratesOf returns the increase of a number per second, over a few samples for each point. A
// time without samples, in which the job did not run, breaks the series.
func ratesOf(samples []forecast.Sample, period time.Duration, of func(forecast.Sample) int64) (points []ui.Point) {
	most := max(pointSamples, (len(samples)+chartPoints-1)/chartPoints)
	longest := time.Duration(most) * period
	for i := 0; i+1 < len(samples); {
		first, j := samples[i], i+1
		for j < len(samples)-1 && j-i < most && samples[j].At.Sub(first.At) < longest {
			j++
		}
		last := samples[j]
		took := last.At.Sub(first.At)
		value := float64(max(0, of(last)-of(first))) / max(0.001, took.Seconds())
		if took > 3*longest {
			value = math.NaN()
		}
		if len(points) == 0 && !math.IsNaN(value) {
			points = append(points, ui.Point{At: first.At, Value: value})
		}
		points = append(points, ui.Point{At: last.At, Value: value})
		i = j
	}
	return points
}

// segment is a part of the bar of a job: URLs with the same fate, in thousandths of all
// URLs that the job has seen.
type segment struct {
	Class, Name string
	At, Width   float64
}

// budget shows how much of a limit is spent.
type budget struct {
	Name, Spent, Of string
	Value, Max      int64
}

// outcomesOf lists the outcomes that occurred.
func outcomesOf(n crawler.Counters) []figure {
	var list []figure
	for _, o := range queue.Outcomes {
		if n.Outcomes[o] > 0 {
			list = append(list, figure{Name: outcomeText(o), Value: ui.Number(n.Outcomes[o])})
		}
	}
	return list
}

// outcomeText returns an outcome in words.
func outcomeText(o crawler.Outcome) string { return strings.ReplaceAll(string(o), "_", " ") }

// causesOf lists why URLs failed.
func causesOf(n crawler.Counters) (list []figure) {
	for _, cause := range queue.CausesOf(n) {
		list = append(list, figure{Name: cause.Name, Value: ui.Number(cause.URLs)})
	}
	return list
}

// skippedOf lists the rules by which URLs were skipped.
func skippedOf(n crawler.Counters) []figure {
	var list []figure
	for _, rule := range queue.Rules {
		if skipped := n.Skipped[string(rule)]; skipped > 0 {
			list = append(list, figure{Name: strings.ReplaceAll(string(rule), "_", " "), Value: ui.Number(skipped)})
		}
	}
	return list
}

// barOf divides the URLs that a job has seen by their fate. The rest waits.
func barOf(n crawler.Counters) []segment {
	if n.Seen <= 0 {
		return nil
	}
	good := n.Pages() + n.Outcomes[crawler.OutcomeNotModified]
	bad := n.Failed()
	parts := []struct {
		class, name string
		urls        int64
	}{
		{"good", "fetched", good},
		{"plain", "redirected, disallowed or skipped", n.Settled() - good - bad},
		{"bad", "failed, gone or refused", bad},
		{"flight", "in flight", n.Flight},
	}
	var bar []segment
	at := 0.0
	for _, p := range parts {
		width := min(1000*float64(max(0, p.urls))/float64(n.Seen), 1000-at)
		if width > 0 {
			bar = append(bar, segment{p.class, ui.Number(p.urls) + " " + p.name, at, width})
			at += width
		}
	}
	return bar
}

func budgetsOf(s crawler.Status, n crawler.Counters, now time.Time) []budget {
	var list []budget
	if of := s.Job.Pages; of > 0 {
		list = append(list, budget{"pages", ui.Number(n.Pages()), ui.Number(of), n.Pages(), of})
	}
	if of := int64(s.Job.Bytes); of > 0 {
		list = append(list, budget{"bytes", ui.Bytes(n.Bytes), ui.Bytes(of), n.Bytes, of})
	}
	if of := s.Job.Time; of > 0 {
		spent := ranFor(s, now)
		list = append(list, budget{"time", ui.Span(spent), ui.Span(of), int64(spent), int64(of)})
	}
	return list
}

// ranFor returns how long a job has run.
func ranFor(s crawler.Status, now time.Time) time.Duration {
	switch {
	case s.Started.IsZero():
		return 0
	case !s.Ended.IsZero():
		return s.Ended.Sub(s.Started)
	}
	return max(0, now.Sub(s.Started))
}
