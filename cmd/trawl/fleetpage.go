package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/internal/waiting"
)

// fleetPage is the page of a fleet on a terminal: its jobs, workers and Redis.
type fleetPage struct {
	glance fleetGlance
	order  int    // of the jobs: an index of jobOrders
	chosen string // the name of the job that the cursor is on
}

// jobOrders are the orders of the jobs, the usual one first.
var jobOrders = []struct {
	name    string
	compare func(a, b jobGlance) int
}{
	{"rate", func(a, b jobGlance) int { return cmp.Compare(b.PagesPerSecond, a.PagesPerSecond) }},
	{"name", func(a, b jobGlance) int { return cmp.Compare(a.Name, b.Name) }},
	{"waiting", func(a, b jobGlance) int { return cmp.Compare(b.Counters.Waiting, a.Counters.Waiting) }},
	{"pages", func(a, b jobGlance) int { return cmp.Compare(b.Counters.Pages(), a.Counters.Pages()) }},
	{"errors", func(a, b jobGlance) int { return cmp.Compare(errorsOf(b.Counters), errorsOf(a.Counters)) }},
}

// see replaces what the page shows.
func (p *fleetPage) see(f fleetGlance) {
	p.glance = f
	p.sort()
	if len(f.Jobs) > 0 && p.index() < 0 {
		p.chosen = p.glance.Jobs[0].Name
	}
}

// sort sorts the jobs. In the usual order, those that run come first.
func (p *fleetPage) sort() {
	slices.SortStableFunc(p.glance.Jobs, func(a, b jobGlance) int {
		first := 0
		if p.order == 0 {
			first = cmp.Compare(rankOf(a.State), rankOf(b.State))
		}
		return cmp.Or(first, jobOrders[p.order].compare(a, b), b.status.Ended.Compare(a.status.Ended),
			cmp.Compare(a.Name, b.Name))
	})
}

// rankOf orders states: first jobs that run, last those that have ended.
func rankOf(s crawler.State) int {
	switch {
	case s == crawler.StateRunning:
		return 0
	case s.Ended():
		return 2
	}
	return 1
}

// index returns the position of the chosen job, or -1.
func (p *fleetPage) index() int {
	return slices.IndexFunc(p.glance.Jobs, func(j jobGlance) bool { return j.Name == p.chosen })
}

// move moves the cursor by some jobs.
func (p *fleetPage) move(by int) {
	if n := len(p.glance.Jobs); n > 0 {
		p.chosen = p.glance.Jobs[min(max(0, p.index()+by), n-1)].Name
	}
}

// lines returns the page for a terminal of some size. The jobs have at least half of the rows.
func (p *fleetPage) lines(columns, rows int) [][]span {
	page := append(p.head(), nil)
	workers := p.workers(columns)
	room := max(rows-len(page)-1, 2)
	jobs := max(room-len(workers), room/2)
	page = append(page, p.jobs(columns, jobs)...)
	return append(page, workers[:min(len(workers), max(0, rows-len(page)))]...)
}

// head sums up the fleet.
func (p *fleetPage) head() [][]span {
	f := p.glance
	taken, places := f.places()
	work := fmt.Sprintf("%d of %s running, %s pages/s, %s, %d of %s, %s", f.running(),
		plain.Plural(int64(f.Total), "job", "jobs"), short(f.rate()),
		plain.Plural(int64(len(f.Workers)), "worker", "workers"), taken,
		plain.Plural(int64(places), "place", "places"),
		plain.Plural(int64(len(f.Schedulers)), "scheduler", "schedulers"))
	when := fmt.Sprintf("  %s  sorted by %s", f.At.Local().Format(time.TimeOnly), jobOrders[p.order].name)
	head := [][]span{{{"fleet", styleStrong}, {text: when}}, {{text: work}}, {{text: redisText(f.Redis)}}}
	if f.running() > 0 && len(f.Schedulers) == 0 {
		head = append(head, []span{{"no scheduler runs: start one with trawl scheduler", styleWrong}})
	}
	return head
}

// redisText says what Redis reports about itself.
func redisText(r redisGlance) string {
	text := "Redis " + cmp.Or(r.Version, "of unknown version")
	if r.Servers > 1 {
		text += fmt.Sprintf(" with %d masters", r.Servers)
	}
	if r.Memory > 0 {
		text += ", " + plain.Bytes(r.Memory)
		if r.MaxMemory > 0 {
			text += " of " + plain.Bytes(r.MaxMemory)
		}
		text += fmt.Sprintf(", %d commands/s", r.CommandsPerSecond)
	}
	return text
}

// jobs lists as many jobs as fit, among them the chosen one.
func (p *fleetPage) jobs(columns, rows int) [][]span {
	t := newTable(column{"JOB", 0, false}, column{"STATE", 0, false}, column{"PAGES/S", 1, true},
		column{"PAGES", 2, true}, column{"WAITING", 3, true}, column{"IN FLIGHT", 6, true}, column{"HOSTS", 5, true},
		column{"ERRORS", 4, true}, column{"", 0, false})
	for _, j := range p.glance.Jobs {
		n, rate := j.Counters, "-"
		if j.State == crawler.StateRunning {
			rate = short(j.PagesPerSecond)
		}
		t.add(j.Name, string(j.State), rate, fmt.Sprint(n.Pages()), fmt.Sprint(n.Waiting), fmt.Sprint(n.Flight),
			fmt.Sprint(n.Hosts), fmt.Sprint(errorsOf(n)), j.says())
	}
	lines := t.lines(columns)
	if len(p.glance.Jobs) == 0 {
		return [][]span{{{"no jobs: create one with trawl job create, or trawl seed --create", styleFaint}}}
	}
	for i, j := range p.glance.Jobs {
		if j.Name == p.chosen {
			lines[i+1] = []span{{textOf(lines[i+1]), styleChosen}}
		} else if tone := stateStyle(j); tone != "" {
			lines[i+1] = []span{{textOf(lines[i+1]), tone}}
		}
	}
	return window(lines, p.index()+1, rows)
}

// stateStyle is the style of a job in a list.
func stateStyle(j jobGlance) style {
	switch {
	case len(j.Troubles) > 0 || j.State == crawler.StateBroken || j.State == crawler.StateFailed:
		return styleWrong
	case j.Waits != "" || j.State == crawler.StatePaused:
		return styleWarn
	case j.State.Ended():
		return styleFaint
	}
	return ""
}

// window returns the head of a table and as many of its other lines as fit, among them one
// that must be seen.
func window(lines [][]span, seen, rows int) [][]span {
	rows = max(rows, 2)
	if len(lines) <= rows {
		return lines
	}
	first := min(max(1, seen-(rows-1)/2), len(lines)-(rows-1))
	return append(lines[:1:1], lines[first:first+rows-1]...)
}

// workers lists the workers, those with the most visits first.
func (p *fleetPage) workers(columns int) [][]span {
	if len(p.glance.Workers) == 0 {
		return [][]span{nil, {{"no workers: start one with trawl worker", styleWarn}}}
	}
	t := newTable(column{"WORKER", 0, false}, column{"VISITS", 1, true}, column{"PLACES", 2, true},
		column{"PAGES/S", 1, true}, column{"MEMORY", 4, true}, column{"SEEN", 3, false},
		column{"VERSION", 4, false}, column{"JOBS", 0, false})
	all := slices.Clone(p.glance.Workers)
	slices.SortStableFunc(all, func(a, b waiting.Member) int {
		return cmp.Or(cmp.Compare(b.Taken, a.Taken), cmp.Compare(a.Name, b.Name))
	})
	for _, w := range all {
		jobs := strings.Join(w.Serving, ", ")
		seen := time.Until(w.Seen).Abs().Round(time.Second).String() + " ago"
		t.add(w.Name, fmt.Sprint(w.Taken), fmt.Sprint(w.Places), short(w.PagesPerSecond), plain.Bytes(w.Memory),
			seen, cmp.Or(w.Version, "-"), cmp.Or(jobs, "none"))
	}
	return append([][]span{nil}, t.lines(columns)...)
}
