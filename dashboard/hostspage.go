package dashboard

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/ui"
)

// hostsPage lists hosts of a job.
type hostsPage struct {
	ui.Layout
	Job, Action, Query string
	Exact              *ui.Link  // the host that has exactly the name searched for, if it is not listed
	Keep               []ui.Link // parameters that a search keeps
	Columns            []column
	Rows               []hostRow
	Scope              string // which hosts are listed
}

// hostRow is a host in the list.
type hostRow struct {
	Host, URL, State, Tone, Says              string
	Alarm                                     bool
	Waiting, Flight, Pages, Interval, Strikes string
	P50, P95                                  string // of its response time
	Next                                      string // when the next request is due
}

func newHostRow(job string, h crawler.HostStatus) hostRow {
	row := hostRow{Host: string(h.Host), URL: hostURL(job, h.Host), State: string(h.State), Tone: "off",
		Waiting: ui.Number(h.Waiting), Flight: ui.Number(h.Flight), Pages: ui.Number(h.Pages),
		Interval: h.Interval.Round(10 * time.Millisecond).String(), Strikes: ui.Number(h.ConsecutiveFailures),
		P50: known(tookText(h.P50), h.P50 > 0), P95: known(tookText(h.P95), h.P95 > 0), Next: nextText(h)}
	switch {
	case h.GivenUp:
		row.State, row.Tone, row.Says, row.Alarm = "given up", "bad", h.Trouble, true
	case h.Rules.Paused:
		row.State, row.Tone = "paused", "hold"
	case h.State == queue.HostOpen:
		row.Tone, row.Says = "go", "by "+h.Worker
	case h.State == queue.HostArmed:
		row.Tone = "new"
	}
	if h.ConsecutiveFailures > 0 && h.Trouble != "" && !h.GivenUp {
		if row.Says != "" {
			row.Says += "; "
		}
		row.Says, row.Alarm = row.Says+h.Trouble, true
	}
	return row
}

// tookText formats how long a response took, in two digits or so.
func tookText(d time.Duration) string {
	switch {
	case d < 10*time.Millisecond:
		return d.Round(100 * time.Microsecond).String()
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	}
	return d.Round(100 * time.Millisecond).String()
}

// nextText says when the next request to a host is due.
func nextText(h crawler.HostStatus) string {
	switch {
	case h.GivenUp || h.Rules.Paused || h.State == queue.HostIdle:
		return "–"
	case h.State == queue.HostDue && h.Due > 0:
		return "in " + h.Due.Round(100*time.Millisecond).String()
	}
	return "now"
}

// hostURL returns the path of a host's page.
func hostURL(job string, host crawler.Host) string {
	return jobURL(job) + "/hosts/" + url.PathEscape(string(host))
}

// showHostsPage responds with hosts of a job. A search filters those that are listed, and
// finds any other host by its whole name.
func (d *Dashboard) showHostsPage(w http.ResponseWriter, r *http.Request) error {
	query, err := parameters(r, "q", "sort")
	if err != nil {
		return err
	}
	job := r.PathValue("job")
	list, err := readHostList(job, query)
	if err != nil {
		return err
	}
	hosts, err := d.hostsOf(r.Context(), job, readHosts)
	if err != nil {
		return err
	}
	p := hostsPage{Job: job, Action: jobURL(job) + "/hosts", Query: list.search, Columns: list.columns(),
		Layout: ui.Layout{Title: "Hosts of " + job, Live: true, Path: pathOf(job)}}
	if list.sort != "" {
		p.Keep = []ui.Link{{Text: "sort", URL: list.order()}}
	}
	for _, h := range list.pick(hosts, shownHosts) {
		p.Rows = append(p.Rows, newHostRow(job, h))
	}
	p.Scope = fmt.Sprintf("All %d hosts that are visited or wait for a visit.", len(hosts))
	if len(hosts) == readHosts {
		p.Scope = fmt.Sprintf("Of the %d hosts whose turn is first, the first in this order. The search finds any other host by its whole name.", readHosts)
	}
	if p.Exact, err = d.exactHost(r.Context(), job, list.search, p.Rows); err != nil {
		return err
	}
	d.respond(w, http.StatusOK, "hosts", p)
	return nil
}

// exactHost returns a link to the host with the name searched for, unless it is listed or
// the job does not know it.
func (d *Dashboard) exactHost(ctx context.Context, job, search string, listed []hostRow) (*ui.Link, error) {
	host, err := queue.ParseHost(search)
	if err != nil || search == "" {
		return nil, nil
	}
	for _, row := range listed {
		if row.Host == string(host) {
			return nil, nil
		}
	}
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	switch _, err := d.jobs.Host(ctx, job, host); {
	case err == nil:
		return &ui.Link{Text: string(host), URL: hostURL(job, host)}, nil
	case statusOf(err) == http.StatusNotFound:
		return nil, nil
	default:
		return nil, err
	}
}
