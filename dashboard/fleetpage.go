package dashboard

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
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

// tab selects jobs by their state.
type tab struct {
	ID, Text, URL string
	Count         string
	Current       bool
}

// column is a column by which jobs can be sorted, if it has a URL.
type column struct {
	Key, Text, URL string
	Numeric        bool
	Sorted, Arrow  string // "ascending" or "descending", and its sign; "" unless sorted by it
}

// sortedBy shows how the list is sorted if that is by this column. It reports whether a click on the
// heading sorts the largest first: first says so for a column that the list is not sorted by.
func (c *column) sortedBy(key string, reverse, first bool) bool {
	switch {
	case key != c.Key:
		return first
	case reverse:
		c.Sorted, c.Arrow = "descending", "↓"
	default:
		c.Sorted, c.Arrow = "ascending", "↑"
	}
	return !reverse
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
	var rate float64
	var waits, fetched int64
	for _, sh := range o.sheets {
		if sh.PagesPerSecond != nil {
			rate += *sh.PagesPerSecond
		}
		if sh.Counters != nil && !ended(sh.State) {
			waits += sh.Counters.Waiting
		}
		fetched += sh.pages()
	}
	workers, taken, places := 0, 0, 0
	for _, m := range o.members {
		if m.Kind == waiting.KindWorker {
			workers, taken, places = workers+1, taken+m.Taken, places+m.Places
		}
	}
	memory := ""
	if o.vitals.MaxMemory > 0 {
		memory = "of " + ui.Bytes(o.vitals.MaxMemory)
	}
	return []figure{
		{"Running jobs", ui.Number(int64(count(o.sheets, "running"))), fmt.Sprintf("of %s", ui.Number(int64(len(o.sheets))))},
		{"Pages per second", ui.Rate(rate), ""},
		{"Fetched", ui.Number(fetched), ""},
		{"Waiting URLs", ui.Number(waits), ""},
		{"Visits", ui.Number(int64(taken)), fmt.Sprintf("of %s places, %s", ui.Number(int64(places)), workersText(workers))},
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

// stateGroups are the groups of jobs that the list can be limited to.
var stateGroups = []string{"running", "paused", "periodic", "ended"}

// inGroup reports whether a job belongs to a group; "" is all.
func (sh sheet) inGroup(group string) bool {
	switch group {
	case "running":
		return sh.State == crawler.StateRunning && sh.Periodic == nil
	case "paused":
		return sh.State == crawler.StatePaused
	case "periodic":
		return sh.Periodic != nil
	case "ended":
		return ended(sh.State)
	}
	return true
}

func count(sheets []sheet, group string) (n int) {
	for _, sh := range sheets {
		if sh.inGroup(group) {
			n++
		}
	}
	return n
}

// listing says which jobs the page lists, and in which order.
type listing struct {
	search  string // a part of the name
	state   string // one of stateGroups; "" for all
	sort    string // the key of a column; "" for the most urgent first
	reverse bool
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

func readList(query url.Values) (l listing, err error) {
	l.search, l.state = strings.TrimSpace(query.Get("q")), query.Get("state")
	l.sort, l.reverse = strings.CutPrefix(query.Get("sort"), "-")
	if l.state != "" && !slices.Contains(stateGroups, l.state) {
		return l, badRequest("parameter state: %q is not a group of jobs: want %s", l.state, strings.Join(stateGroups, ", "))
	}
	if l.sort != "" && sorts[l.sort] == nil {
		return l, badRequest("parameter sort: %q is not a column by which jobs are sorted", l.sort)
	}
	return l, nil
}

// url returns the path of the page with this list.
func (l listing) url() string {
	query := make(url.Values)
	for name, value := range map[string]string{"q": l.search, "state": l.state, "sort": l.order()} {
		if value != "" {
			query.Set(name, value)
		}
	}
	if len(query) == 0 {
		return "/"
	}
	return "/?" + query.Encode()
}

func (l listing) order() string {
	if l.reverse {
		return "-" + l.sort
	}
	return l.sort
}

func (l listing) keep() (list []ui.Link) {
	for _, p := range []ui.Link{{Text: "state", URL: l.state}, {Text: "sort", URL: l.order()}} {
		if p.URL != "" {
			list = append(list, p)
		}
	}
	return list
}

func (l listing) tabs(sheets []sheet) []tab {
	var list []tab
	for _, group := range append([]string{""}, stateGroups...) {
		to := l
		to.state = group
		id := cmp.Or(group, "all")
		list = append(list, tab{ID: id, Text: strings.ToUpper(id[:1]) + id[1:], URL: to.url(),
			Count: ui.Number(int64(count(sheets, group))), Current: l.state == group})
	}
	return list
}

func (l listing) columns() []column {
	list := []column{{Key: "name", Text: "Job"}, {Key: "state", Text: "State"},
		{Key: "waiting", Text: "Waiting", Numeric: true},
		{Key: "fetched", Text: "Fetched", Numeric: true}, {Key: "failed", Text: "Failed", Numeric: true},
		{Key: "rate", Text: "Pages/s", Numeric: true}, {Key: "left", Text: "Time left", Numeric: true}}
	for i := range list {
		c := &list[i]
		if sorts[c.Key] == nil {
			continue
		}
		to := l
		to.sort, to.reverse = c.Key, c.sortedBy(l.sort, l.reverse, c.Numeric)
		c.URL = to.url()
	}
	return list
}

// rows returns the jobs of the list, and how many more there are.
func (l listing) rows(sheets []sheet, now time.Time) (rows []jobRow, more string) {
	sheets = slices.DeleteFunc(slices.Clone(sheets), func(sh sheet) bool {
		return !sh.inGroup(l.state) || !strings.Contains(sh.Name, strings.ToLower(l.search))
	})
	byUrgency(sheets)
	for _, sh := range sheets {
		rows = append(rows, newJobRow(sh, now))
	}
	if l.sort != "" {
		slices.SortStableFunc(rows, func(a, b jobRow) int {
			if l.reverse {
				a, b = b, a
			}
			return sorts[l.sort](a, b)
		})
	}
	if n := len(rows) - shownJobs; n > 0 {
		return rows[:shownJobs], fmt.Sprintf("%s more jobs are not shown: search by name, or ask the API.", ui.Number(int64(n)))
	}
	return rows, ""
}

// byUrgency sorts jobs: those that run first, then those that are paused, created or broken,
// then those that ended, the most recent first.
func byUrgency(sheets []sheet) {
	rank := map[crawler.State]int{crawler.StateRunning: 0, crawler.StatePaused: 1, crawler.StateBroken: 2,
		crawler.StateCreated: 3}
	rankOf := func(sh sheet) int {
		if r, ok := rank[sh.State]; ok {
			return r
		}
		return len(rank)
	}
	slices.SortStableFunc(sheets, func(a, b sheet) int {
		return cmp.Or(cmp.Compare(rankOf(a), rankOf(b)), b.Ended.Compare(a.Ended), cmp.Compare(a.Name, b.Name))
	})
}
