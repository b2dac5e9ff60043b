package dashboard

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/forecast"
	"github.com/trawlcrawler/trawl/internal/redisconn"
	"github.com/trawlcrawler/trawl/internal/ui"
	"github.com/trawlcrawler/trawl/internal/waiting"
)

// shownJobs is the number of jobs that the page lists at once. The API lists all.
const shownJobs = 300

// fleetPage is the page of all jobs, processes and Redis.
type fleetPage struct {
	ui.Layout
	Summary    []figure
	Tabs       []tab
	Columns    []column
	Rows       []jobRow
	More       string    // how many jobs are not shown; "" for none
	Query      string    // what is searched for
	Filtered   string    // the state that is listed, in words; "" for all
	Keep       []ui.Link // parameters that a search keeps: name and value
	Workers    []memberRow
	Schedulers []memberRow
	Redis      []figure
	Host       string // the host that the request named
	Token      bool   // a token is required
}

// jobRow is a job in the list.
type jobRow struct {
	Name, URL, RunOf         string
	State, Tone, Says        string
	Alarm                    bool
	Waiting, Fetched, Failed string
	Rate, Left               string
	waiting, fetched, failed int64
	rate                     float64
}

// memberRow is a process of the fleet in a list.
type memberRow struct {
	Name, Version, Seen string
	Visits              string
	Rate, Memory        string
	Taken, Max          int
	Serves              string // "all jobs", or "" if Jobs lists them
	Jobs                []ui.Link
	MoreJobs            string
	Troubles            []string
}

// overview is everything that the page of the fleet shows.
type overview struct {
	sheets  []sheet
	members []waiting.Member
	vitals  redisconn.Vitals
}

// overview reads the fleet.
func (d *Dashboard) overview(ctx context.Context) (o overview, err error) {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) { o.sheets, err = d.survey(ctx); return err })
	group.Go(func() (err error) { o.members, err = d.jobs.Members(ctx); return err })
	group.Go(func() (err error) { o.vitals, err = d.jobs.Vitals(ctx); return err })
	return o, group.Wait()
}

// showFleet responds with the page of the fleet.
func (d *Dashboard) showFleet(w http.ResponseWriter, r *http.Request) error {
	query, err := parameters(r, "q", "state", "sort")
	if err != nil {
		return err
	}
	wanted, err := readList(query)
	if err != nil {
		return err
	}
	o, err := d.overview(r.Context())
	if err != nil {
		return err
	}
	now := d.now()
	p := fleetPage{Host: r.Host, Token: d.cfg.Token != "", Query: wanted.search, Filtered: wanted.state,
		Keep: wanted.keep(), Columns: wanted.columns(), Tabs: wanted.tabs(o.sheets), Summary: summaryOf(o),
		Redis: redisFigures(o.vitals)}
	p.Layout = ui.Layout{Title: "Fleet", Section: "fleet", Live: true}
	if n := count(o.sheets, "running"); n > 0 {
		p.Title = fmt.Sprintf("%d running", n)
	}
	p.Rows, p.More = wanted.rows(o.sheets, now)
	for _, m := range o.members {
		if m.Kind == waiting.KindWorker {
			p.Workers = append(p.Workers, newMemberRow(m, o.sheets, now))
		} else {
			p.Schedulers = append(p.Schedulers, newMemberRow(m, nil, now))
		}
	}
	d.respond(w, http.StatusOK, "fleet", p)
	return nil
}

// summaryOf lists the numbers of the whole fleet.
func summaryOf(o overview) []figure {
	r := o.report()
	memory := ""
	if o.vitals.MaxMemory > 0 {
		memory = "of " + ui.Bytes(o.vitals.MaxMemory)
	}
	return []figure{
		{"Running jobs", ui.Number(int64(count(o.sheets, "running"))), fmt.Sprintf("of %s", ui.Number(int64(len(o.sheets))))},
		{"Pages per second", ui.Rate(r.PagesPerSecond), ""},
		{"Fetched", ui.Number(r.Fetched), ""},
		{"Waiting URLs", ui.Number(r.Waiting), ""},
		{"Visits", ui.Number(int64(r.Taken)),
			fmt.Sprintf("of %s places, %s", ui.Number(int64(r.Places)), workersText(r.Workers))},
		{"Redis memory", known(ui.Bytes(o.vitals.Memory), o.vitals.Memory > 0), memory},
	}
}

func workersText(n int) string {
	if n == 1 {
		return "1 worker"
	}
	return ui.Number(int64(n)) + " workers"
}

// known returns a text, or a dash if it is not known.
func known(text string, is bool) string {
	if !is {
		return "–"
	}
	return text
}

// redisFigures lists what Redis reports about itself.
func redisFigures(v redisconn.Vitals) []figure {
	memory := known(ui.Bytes(v.Memory), v.Memory > 0)
	if v.MaxMemory > 0 {
		memory += " of " + ui.Bytes(v.MaxMemory)
	}
	role := v.Role
	if role == "slave" {
		role = "replica"
	}
	list := []figure{{Name: "Version", Value: cmp.Or(v.Version, "–")}, {Name: "Role", Value: cmp.Or(role, "–")},
		{Name: "Memory", Value: memory},
		{Name: "Commands per second", Value: known(ui.Number(v.CommandsPerSecond), v.Version != "")},
		{Name: "Persistence", Value: cmp.Or(v.Persistence, "–")}, {Name: "Replicas", Value: replicasText(v)}}
	if v.Servers > 1 {
		list = append(list, figure{Name: "Masters of the cluster", Value: fmt.Sprint(v.Servers)})
	}
	return list
}

// replicasText says how many replicas Redis has, and how far the slowest is behind.
func replicasText(v redisconn.Vitals) string {
	if v.Replicas == 0 {
		return "none"
	}
	return fmt.Sprintf("%d, at most %s behind", v.Replicas, ui.Span(v.Lag))
}

// shownServed is the number of jobs that are named beside a process.
const shownServed = 8

func newMemberRow(m waiting.Member, sheets []sheet, now time.Time) memberRow {
	row := memberRow{Name: m.Name, Version: cmp.Or(m.Version, "–"), Seen: agoText(m.Seen, now), Visits: "–",
		Rate: "–", Memory: known(ui.Bytes(m.Memory), m.Memory > 0), Taken: m.Taken, Max: m.Places}
	if m.Places > 0 {
		row.Visits = fmt.Sprintf("%s of %s", ui.Number(int64(m.Taken)), ui.Number(int64(m.Places)))
		row.Rate = ui.Rate(m.PagesPerSecond)
	}
	jobs := m.Serving
	switch {
	case m.Kind == waiting.KindScheduler && len(m.Jobs) == 0:
		row.Serves = "all jobs"
	case m.Kind == waiting.KindScheduler:
		jobs = m.Jobs
	case len(jobs) == 0 && len(m.Jobs) == 0:
		row.Serves = "any job; none at the moment"
	case len(jobs) == 0:
		row.Serves = "none of its jobs at the moment"
	}
	for _, job := range jobs[:min(len(jobs), shownServed)] {
		row.Jobs = append(row.Jobs, ui.Link{Text: job, URL: jobURL(job)})
	}
	if n := len(jobs) - shownServed; n > 0 {
		row.MoreJobs = fmt.Sprintf("and %d more", n)
	}
	for _, sh := range sheets {
		for _, t := range sh.Troubles {
			if t.Worker == m.Name {
				row.Troubles = append(row.Troubles, fmt.Sprintf("For %s, job %s: %s", ui.Span(t.At.Sub(t.Since)), sh.Name,
					t.Reason))
			}
		}
	}
	return row
}

// jobURL returns the path of a job's page.
func jobURL(name string) string { return "/jobs/" + url.PathEscape(name) }

func newJobRow(sh sheet, now time.Time) jobRow {
	row := jobRow{Name: sh.Name, URL: jobURL(sh.Name), RunOf: sh.RunOf, State: stateText(sh),
		Waiting: "–", Fetched: "–", Failed: "–", Rate: "–", Left: "–", rate: -1}
	row.Says, row.Alarm = sh.says(now)
	row.Tone = sh.tone(row.Alarm)
	if n := sh.Counters; n != nil {
		row.waiting, row.fetched, row.failed = n.Waiting, n.Pages(), n.Failed()
		row.Waiting, row.Fetched, row.Failed = ui.Number(row.waiting), ui.Number(row.fetched), ui.Number(row.failed)
		row.Left = leftOf(sh)
	}
	if sh.PagesPerSecond != nil {
		row.rate = *sh.PagesPerSecond
		row.Rate = ui.Rate(row.rate)
	}
	return row
}

// stateText returns the state of a job in a word: a periodic job between its runs waits.
func stateText(sh sheet) string {
	if sh.Periodic != nil && sh.State == crawler.StateCreated {
		return "periodic"
	}
	return string(sh.State)
}

// leftOf says how long a job still takes, or "–".
func leftOf(sh sheet) string {
	if sh.State != crawler.StateRunning || sh.Counters == nil || sh.Waits != "" {
		return "–"
	}
	text := forecast.Left(sh.status, *sh.Counters, sh.left)
	if text == "time left unknown" || text == "nothing waits" {
		return "–"
	}
	return strings.Replace(text, " left", "", 1)
}

// sorts compare jobs by the columns of the list.
var sorts = map[string]func(a, b jobRow) int{
	"name":    func(a, b jobRow) int { return cmp.Compare(a.Name, b.Name) },
	"state":   func(a, b jobRow) int { return cmp.Compare(a.State, b.State) },
	"waiting": func(a, b jobRow) int { return cmp.Compare(a.waiting, b.waiting) },
	"fetched": func(a, b jobRow) int { return cmp.Compare(a.fetched, b.fetched) },
	"failed":  func(a, b jobRow) int { return cmp.Compare(a.failed, b.failed) },
	"rate":    func(a, b jobRow) int { return cmp.Compare(a.rate, b.rate) },
}
