package dashboard

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

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

// hostPage is the page of one host of a job.
type hostPage struct {
	ui.Layout
	hostRow
	Job     string
	Figures []figure
	Health  []figure
	Traps   []string
	URLs    []urlRow
	More    string
	Robots  []robotsText
}

// urlRow is a URL of a host.
type urlRow struct{ URL, State, Priority, Depth, Tries string }

// robotsText is the robots.txt of an origin.
type robotsText struct{ Origin, When, Unavailable, Text string }

// shownURLs is the number of a host's URLs that its page lists.
const shownURLs = 100

// showHostPage responds with the page of a host.
func (d *Dashboard) showHostPage(w http.ResponseWriter, r *http.Request) error {
	if _, err := parameters(r); err != nil {
		return err
	}
	job := r.PathValue("job")
	host, err := queue.ParseHost(r.PathValue("host"))
	if err != nil {
		return fmt.Errorf("%w: %w", queue.ErrNoHost, err)
	}
	ctx, cancel := context.WithTimeout(r.Context(), readTime)
	defer cancel()
	var status crawler.HostStatus
	var queued []queue.Location
	var robots []queue.Robots
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) { status, err = d.jobs.Host(ctx, job, host); return err })
	group.Go(func() (err error) { queued, err = d.jobs.Queued(ctx, job, host, shownURLs); return err })
	group.Go(func() (err error) { robots, err = d.jobs.Robots(ctx, job, host); return err })
	if err := group.Wait(); err != nil {
		return err
	}
	p := hostPage{hostRow: newHostRow(job, status), Job: job, Health: healthOf(status)}
	p.Layout = ui.Layout{Title: string(host), Live: true,
		Path: append(pathOf(job), ui.Link{Text: "Hosts", URL: jobURL(job) + "/hosts"})}
	p.Figures = []figure{{Name: "Fetched", Value: p.Pages}, {Name: "Waiting", Value: p.Waiting},
		{Name: "In flight", Value: p.Flight}, {Name: "Seen", Value: ui.Number(status.Seen)},
		{Name: "Between requests", Value: p.Interval},
		{Name: "Response time, median", Value: p.P50, More: p.P95 + " in 95 %"}}
	for _, m := range status.Traps {
		p.Traps = append(p.Traps, queue.TrapReason(m))
	}
	p.addURLs(queued, status)
	for _, known := range robots {
		p.Robots = append(p.Robots, robotsText{known.Origin, agoText(known.At, d.now()), known.Unavailable, known.Text})
	}
	d.respond(w, http.StatusOK, "host", p)
	return nil
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
func (p *hostPage) addURLs(queued []queue.Location, h crawler.HostStatus) {
	for _, q := range queued {
		row := urlRow{URL: q.Entry.URL.String(), State: string(q.Place), Priority: string(q.Entry.Band.Priority()),
			Depth: ui.Number(int64(q.Entry.Depth)), Tries: ui.Number(int64(q.Entry.Tries))}
		if q.Place == queue.PlaceLater {
			row.State = "again in " + ui.Span(q.Due)
		}
		p.URLs = append(p.URLs, row)
	}
	if more := h.Waiting + h.Flight - int64(len(queued)); more > 0 && len(queued) > 0 {
		p.More = fmt.Sprintf("and %s more", ui.Number(more))
	}
}
