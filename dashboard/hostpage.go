package dashboard

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/ui"
)

// hostPage is the page of one host of a job.
type hostPage struct {
	ui.Layout
	hostRow
	hostForm
	Actions []hostAction
	Figures []figure
	Health  []figure
	Traps   []trapRow
	Last    []tailRow // its last requests, the latest first
	Failed  []exampleRow
	URLs    []urlRow
	More    string
	Robots  []robotsText
}

// hostAction is a button that changes the rules of a host.
type hostAction struct{ Do, Text string }

// trapRow is a pattern of URLs that look like a trap.
type trapRow struct {
	Text, Pattern string
	Button        bool // a button lets its URLs be fetched anyway
}

// urlRow is a URL of a host.
type urlRow struct{ URL, State, Priority, Depth, Tries string }

// robotsText is the robots.txt of an origin.
type robotsText struct{ Origin, When, Unavailable, Text string }

// hostNotices are the messages on the page of a host after a form, by the value of the parameter
// "done".
var hostNotices = map[string]string{
	"":        "",
	"pause":   "The host is paused. A visit in progress ends within seconds; nothing else is requested until it is resumed.",
	"resume":  "The host is visited again.",
	"retry":   "Its failures are forgotten: it is tried again at once.",
	"ask":     "URLs of this pattern are fetched from the next visit on, although they look like a trap.",
	"changed": "The rules are changed. A visit in progress applies them within seconds.",
	"same":    "The host has these rules already: nothing was changed.",
}

// showHostPage responds with the page of a host.
func (d *Dashboard) showHostPage(w http.ResponseWriter, r *http.Request) error {
	query, err := parameters(r, "done")
	if err != nil {
		return err
	}
	host, err := pathHost(r)
	if err != nil {
		return err
	}
	status, err := d.statusOf(r.Context(), r.PathValue("job"))
	if err != nil {
		return err
	}
	h, err := d.hostDetailOf(r.Context(), status.Job.Name, host)
	if err != nil {
		return err
	}
	p := d.hostPageOf(status, h)
	p.Notice = hostNotices[query.Get("done")]
	d.respond(w, http.StatusOK, "host", p)
	return nil
}

func (d *Dashboard) hostPageOf(job crawler.Status, h hostDetail) hostPage {
	p := hostPage{hostRow: newHostRow(job.Job.Name, h.status), hostForm: newHostForm(job, h.status),
		Health: healthOf(h.status), Failed: d.exampleRows(job.Job.Name, h.Failed)}
	p.Layout = ui.Layout{Title: p.Host, Live: true,
		Path: append(pathOf(p.Job), ui.Link{Text: "Hosts", URL: jobURL(p.Job) + "/hosts"})}
	p.Figures = []figure{{Name: "Fetched", Value: p.Pages}, {Name: "Waiting", Value: p.Waiting},
		{Name: "In flight", Value: p.Flight}, {Name: "Seen", Value: ui.Number(h.Seen)},
		{Name: "Between requests", Value: p.Interval},
		{Name: "Response time, median", Value: p.P50, More: p.P95 + " in 95 %"}}
	for _, m := range h.status.Traps {
		p.Traps = append(p.Traps, trapRow{queue.TrapReason(m), m.Pattern, !d.cfg.ReadOnly})
	}
	if d.cfg.ReadOnly {
		p.Action = ""
	} else {
		p.Actions = hostActions(h.status)
	}
	for _, row := range h.Requests {
		p.Last = append(p.Last, newTailRow(p.Job, row))
	}
	p.addURLs(h)
	for _, known := range h.Robots {
		p.Robots = append(p.Robots, robotsText{known.Origin, agoText(known.At, d.now()), known.Unavailable, known.Text})
	}
	return p
}

// hostActions lists what one press does to a host.
func hostActions(h crawler.HostStatus) []hostAction {
	list := []hostAction{{"pause", "Pause"}}
	if h.Rules.Paused {
		list = []hostAction{{"resume", "Resume"}}
	}
	if h.ConsecutiveFailures > 0 || h.GivenUp {
		list = append(list, hostAction{"retry", "Retry now"})
	}
	return list
}

// healthOf lists what is known of how a host receives requests, and the operator's rules.
func healthOf(h crawler.HostStatus) []figure {
	delay, pages := "the job's", "the job's"
	if h.Rules.Delay != nil {
		delay = h.Rules.Delay.String()
	}
	if h.Rules.Pages > 0 {
		pages = ui.Number(h.Rules.Pages)
	}
	list := []figure{{Name: "Failures in a row", Value: ui.Number(h.ConsecutiveFailures)}}
	if h.Trouble != "" {
		list = append(list, figure{Name: "Last failure", Value: h.Trouble})
	}
	list = append(list, figure{Name: "Delay", Value: delay}, figure{Name: "Budget of pages", Value: pages})
	if len(h.Rules.Ask) > 0 {
		list = append(list, figure{Name: "Fetched although they look like a trap", Value: strings.Join(h.Rules.Ask, ", ")})
	}
	return list
}

// addURLs adds the first URLs of the host.
func (p *hostPage) addURLs(h hostDetail) {
	for _, q := range h.queued {
		row := urlRow{URL: q.Entry.URL.String(), State: string(q.Place), Priority: string(q.Entry.Band.Priority()),
			Depth: ui.Number(int64(q.Entry.Depth)), Tries: ui.Number(int64(q.Entry.Tries))}
		if q.Place == queue.PlaceLater {
			row.State = "again in " + ui.Span(q.Due)
		}
		p.URLs = append(p.URLs, row)
	}
	if more := h.status.Waiting + h.status.Flight - int64(len(h.queued)); more > 0 && len(h.queued) > 0 {
		p.More = fmt.Sprintf("and %s more", ui.Number(more))
	}
}
