package dashboard

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"golang.org/x/sync/errgroup"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/forecast"
	"github.com/trawlcrawler/trawl/internal/periodic"
	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/spread"
	"github.com/trawlcrawler/trawl/internal/textform"
	"github.com/trawlcrawler/trawl/internal/ui"
	"github.com/trawlcrawler/trawl/internal/waiting"
)

// jobPage is the page of one job.
type jobPage struct {
	ui.Layout
	Name, State, Tone string
	Says              string
	Alarm             bool
	URLPage           string // the page that explains a URL
	RunOf             *ui.Link
	stamp
	Actions  []action // what one press does
	Ways     []way    // pages where more is asked
	Unread   string   // why the counters cannot be read
	Figures  []figure
	Bar      []segment
	BarText  string
	Rest     string // the URLs that wait
	Periodic bool
	Runs     []runRow
	Charts   []ui.Chart
	Holds    []string
	Uses     []useRow
	UsesOf   string // what the uses are shares of
	Outcomes []figure
	Visits   []figure
	Budgets  []budget
	Causes   []figure
	Skipped  []figure
	Spreads  []spreadTable
	Failures []string
	Files    []place
	Events   []eventRow
	Webhooks []webhookRow
	Changes  []changeRow
	Settings string
}

// stamp says which job a form is about, and in which state its page showed it.
type stamp struct {
	Created string // unix milliseconds: distinguishes jobs of the same name
	Was     string
}

// action is a button that changes the state of the job.
type action struct {
	ID, Text, URL string
	First         bool
}

// way is a link to a page of the job.
type way struct{ ID, Text, URL, Class string }

// runRow is a run of a periodic job.
type runRow struct{ Name, URL, State, Tone, Reason, Pages, Started, Took string }

// useRow is a share of the time of the places of its workers, in percent.
type useRow struct {
	Name, Share string
	Percent     float64
}

// place is where a worker keeps the job's pages.
type place struct{ Where, By string }

// changeRow is a change of a setting.
type changeRow struct{ Text, When string }

// dossier is everything that the page of a job shows.
type dossier struct {
	sheet
	history  forecast.History
	places   []queue.Kept
	failures []string
	spread   spread.Counts
	members  []waiting.Member
}

// dossier reads a job, in a bounded number of bounded commands.
func (d *Dashboard) dossier(ctx context.Context, name string) (o dossier, err error) {
	if o.sheet, err = d.sheetOf(ctx, name); err != nil {
		return o, err
	}
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return d.addEvents(ctx, &o.sheet) })
	group.Go(func() (err error) { o.history, err = d.jobs.History(ctx, name); return err })
	group.Go(func() (err error) { o.places, err = d.jobs.Places(ctx, name); return err })
	group.Go(func() (err error) { o.failures, err = d.jobs.Failures(ctx, name); return err })
	group.Go(func() (err error) { o.spread, err = d.jobs.Spread(ctx, name); return err })
	group.Go(func() (err error) { o.members, err = d.jobs.Members(ctx); return err })
	return o, group.Wait()
}

// notices are the messages on the page after a form, by the value of the parameter "done".
var notices = map[string]string{
	"":          "",
	"paused":    "The job is paused. Visits in progress end within seconds; nothing else is requested until it is resumed.",
	"resumed":   "The job continues.",
	"reopened":  "The job is open again and waits for seeds.",
	"cancelled": "The job is cancelled. What it has fetched stays.",
	"changed":   "The settings are changed. Workers apply them within two seconds.",
	"same":      "The job has these settings already: nothing was changed.",
}

// showJobPage responds with the page of a job.
func (d *Dashboard) showJobPage(w http.ResponseWriter, r *http.Request) error {
	query, err := parameters(r, "done")
	if err != nil {
		return err
	}
	o, err := d.dossier(r.Context(), r.PathValue("job"))
	if err != nil {
		return err
	}
	p := d.jobPageOf(o)
	p.Notice = notices[query.Get("done")]
	d.respond(w, http.StatusOK, "job", p)
	return nil
}

func (d *Dashboard) jobPageOf(o dossier) jobPage {
	now := d.now()
	p := jobPage{
		Name: o.Name, State: stateText(o.sheet), stamp: stampOf(o.status), Unread: o.Trouble,
		Ways: waysOf(o.sheet), Periodic: o.Periodic != nil, Runs: runsOf(o.Periodic, now), Charts: chartsOf(o.history, now),
		Holds: holdsOf(o), Failures: o.failures[:min(len(o.failures), shownFailures)], Files: filesOf(o.places),
		Settings: settingsOf(o.status.Job), Spreads: spreadTables(o.Name, o.spread),
	}
	p.URLPage = jobURL(o.Name) + "/url"
	p.Uses, p.UsesOf = usesOf(o.Use)
	p.Events, p.Webhooks = eventRows(o.Events, now), webhookRows(o.Webhooks)
	p.Layout = ui.Layout{Title: o.Name, Live: true, Path: []ui.Link{{Text: "Fleet", URL: "/"}}}
	if o.Periodic == nil && o.State != crawler.StateBroken {
		p.Stream = jobURL(o.Name) + "/live?pages=false"
	}
	p.Says, p.Alarm = o.says(now)
	p.Tone = o.tone(p.Alarm)
	if o.RunOf != "" {
		p.RunOf = &ui.Link{Text: o.RunOf, URL: jobURL(o.RunOf)}
	}
	if d.cfg.ReadOnly {
		p.Ways = slices.DeleteFunc(p.Ways, func(w way) bool { return w.changes() })
	} else {
		p.Actions = actionsOf(o.sheet)
	}
	for _, c := range slices.Backward(o.Changes) {
		p.Changes = append(p.Changes, changeRow{c.String(), agoText(c.At, now)})
	}
	if o.Counters != nil {
		p.addNumbers(o.sheet, now)
	}
	return p
}

func stampOf(s crawler.Status) stamp {
	return stamp{Created: fmt.Sprint(s.Created.UnixMilli()), Was: string(s.State)}
}

// actionsOf lists what can be done to a job in its state.
func actionsOf(sh sheet) []action {
	url := jobURL(sh.Name)
	switch {
	case sh.State == crawler.StateRunning, sh.State == crawler.StateCreated:
		return []action{{ID: "pause", Text: "Pause", URL: url + "/pause"}}
	case sh.State == crawler.StatePaused:
		return []action{{ID: "resume", Text: "Resume", URL: url + "/resume", First: true}}
	case sh.State == crawler.StateDone, sh.State == crawler.StateFailed:
		return []action{{ID: "resume", Text: "Reopen for seeds", URL: url + "/resume"}}
	}
	return nil
}

// waysOf lists the pages of a job.
func waysOf(sh sheet) (list []way) {
	url := jobURL(sh.Name)
	if sh.Periodic == nil && sh.State != crawler.StateBroken {
		list = append(list, way{ID: "pages", Text: "Recent pages", URL: url + "/pages"},
			way{ID: "hosts", Text: "Hosts", URL: url + "/hosts"}, way{ID: "errors", Text: "Errors", URL: url + "/errors"},
			way{ID: "export", Text: "Export", URL: url + "/export"})
	}
	if !ended(sh.State) && sh.State != crawler.StateBroken && sh.Periodic == nil {
		list = append(list, way{ID: "seed", Text: "Add seeds", URL: url + "/seed"})
	}
	if sh.State != crawler.StateCancelled && sh.State != crawler.StateBroken {
		list = append(list, way{ID: "settings", Text: "Change settings", URL: url + "/settings"})
	}
	if !ended(sh.State) && sh.State != crawler.StateBroken {
		list = append(list, way{ID: "cancel", Text: "Cancel…", URL: url + "/cancel", Class: "danger"})
	}
	return append(list, way{ID: "queue", Text: "Queue", URL: monitorRoot + "/queues/" + sh.Name})
}

// changes reports whether a page is for changing the job.
func (w way) changes() bool { return slices.Contains([]string{"seed", "settings", "cancel"}, w.ID) }

func runsOf(p *periodic.Job, now time.Time) (rows []runRow) {
	if p == nil {
		return nil
	}
	for _, run := range slices.Backward(p.Runs) {
		row := runRow{Name: run.Name, URL: jobURL(run.Name), State: string(run.State), Tone: toneOf(run.State),
			Reason: run.Reason, Pages: ui.Number(run.Pages), Started: "–", Took: "–"}
		if !run.Started.IsZero() {
			row.Started = agoText(run.Started, now)
			end := now
			if !run.Ended.IsZero() {
				end = run.Ended
			}
			row.Took = ui.Span(end.Sub(run.Started))
		}
		rows = append(rows, row)
	}
	return rows
}

// shownFailures is the number of failed URLs that the page lists.
const shownFailures = 10

// holdsOf says what keeps a job from being faster, or from ending, one sentence each.
func holdsOf(o dossier) (list []string) {
	if o.Waits != "" {
		list = append(list, sentence(o.Waits))
	}
	for _, t := range o.Troubles {
		list = append(list, fmt.Sprintf("For %s: %s.", ui.Span(t.At.Sub(t.Since)), t))
	}
	if o.Ending != "" {
		list = append(list, sentence(o.why()))
	}
	n := o.Counters
	if n == nil {
		return list
	}
	if pending := waiting.OutputPending(o.status, *n); pending != "" && o.WaitsFor != waiting.WaitOutput {
		list = append(list, sentence(pending))
	}
	if o.State == crawler.StateRunning && o.Waits == "" && o.Ending == "" {
		if o.Use != nil && o.Use.Advice != "" {
			list = append(list, o.Use.Advice)
		} else {
			list = append(list, paceHolds(o, *n)...)
		}
	}
	list = append(list, trapsOf(o.Name, *n)...)
	if n.Garbage > 0 {
		list = append(list, fmt.Sprintf("%s damaged keys or entries were set aside: trawl job show %s lists them.", ui.Number(n.Garbage), o.Name))
	}
	return list
}

// usesOf lists what the places of the workers of a job are used for.
func usesOf(u *forecast.Use) (rows []useRow, of string) {
	if u == nil {
		return nil, ""
	}
	for _, share := range u.Shares {
		percent := 100 * share.Of
		rows = append(rows, useRow{share.Name, fmt.Sprintf("%.0f %%", percent), percent})
	}
	return rows, fmt.Sprintf("Shares of the time of %s over the last %s.",
		plain.Plural(int64(u.Places), "place", "places"), ui.Span(time.Duration(u.Seconds*float64(time.Second))))
}

// paceHolds says whether places or politeness limit a job that makes progress.
func paceHolds(o dossier, n crawler.Counters) []string {
	places, free := 0, 0
	for _, m := range o.members {
		if slices.Contains(m.Serving, o.Name) {
			places, free = places+m.Places, free+max(0, m.Places-m.Taken)
		}
	}
	switch {
	case places > 0 && free == 0 && n.Ready > 0:
		return []string{fmt.Sprintf("All %s places of its workers are in use, and %s hosts wait for one: start more workers, or raise their concurrency.",
			ui.Number(int64(places)), ui.Number(n.Ready))}
	case n.Ready == 0 && n.Due > 0:
		return []string{fmt.Sprintf("Politeness: no host is due at the moment; %s rest between requests.", ui.Number(n.Due))}
	case n.Ready == 0 && n.Due == 0 && n.Open > 0 && n.Waiting > n.Open:
		return []string{fmt.Sprintf("Politeness: all URLs that wait belong to the %s hosts that are being visited, each at its own pace.", ui.Number(n.Open))}
	}
	return nil
}

func filesOf(places []queue.Kept) (list []place) {
	for _, k := range places {
		by := "worker " + k.Worker
		if k.Machine != "" {
			by += " on " + k.Machine
		}
		list = append(list, place{k.Where, by})
	}
	return list
}

// why returns the reason for the job's state or the budget that is spent; for a periodic
// job, when the next run starts.
func (sh sheet) why() string {
	if p := sh.Periodic; p != nil && !p.NextTick.IsZero() {
		if p.TicksPass {
			return p.Schedule + ": ticks are skipped while it is paused"
		}
		return fmt.Sprintf("%s: the next run starts at %s", p.Schedule, p.NextTick.Format("2006-01-02 15:04:05 MST"))
	}
	if sh.Reason == "" && sh.Ending != "" {
		if strings.HasPrefix(sh.Ending, queue.StopPrefix) {
			return sh.Ending + ": finishing the last visits"
		}
		return sh.Ending + " is spent: finishing the last visits"
	}
	return sh.Reason
}

func ended(s crawler.State) bool {
	return s == crawler.StateDone || s == crawler.StateCancelled || s == crawler.StateFailed
}

func whenOf(sh sheet, now time.Time) string {
	switch {
	case ended(sh.State) && sh.Ended.IsZero():
		return ""
	case ended(sh.State):
		return ui.Span(now.Sub(sh.Ended)) + " ago"
	case !sh.Started.IsZero():
		return "for " + ui.Span(now.Sub(sh.Started))
	case !sh.Created.IsZero():
		return "created " + ui.Span(now.Sub(sh.Created)) + " ago"
	}
	return ""
}

// trapsOf describes the patterns of URLs that look like a trap.
func trapsOf(job string, n crawler.Counters) []string {
	var list []string
	for _, m := range n.Traps {
		list = append(list, m.Reason()+"; "+m.Insist(job))
	}
	if n.MoreTraps > 0 {
		list = append(list, fmt.Sprintf("%s URLs of further patterns look like a trap: trawl host show %s HOST lists them", ui.Number(n.MoreTraps), job))
	}
	return list
}

// shownSeeds is the number of a job's seeds that the page shows.
const shownSeeds = 20

// settingsOf formats a job as a job file.
func settingsOf(job crawler.Job) string {
	more := ""
	if n := len(job.Seeds) - shownSeeds; n > 0 {
		job.Seeds = job.Seeds[:shownSeeds]
		more = fmt.Sprintf("# and %s more seeds\n", ui.Number(int64(n)))
	}
	settings, _ := textform.Form(&job)
	text, err := yaml.Marshal(settings)
	if err != nil {
		return "# the settings cannot be shown: " + err.Error()
	}
	return string(text) + more
}
