package dashboard

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/internal/ui"
)

// errorsPage says why URLs of a job failed, with buttons that queue them again.
type errorsPage struct {
	ui.Layout
	stamp
	Job, Action string // Action is "" in a dashboard that is read-only
	Causes      []sorryRow
	Hosts       []sorryRow
	All         sorryRow
	Seen        []exampleRow // URLs that failed before the fleet remembered more of them
}

// sorryRow is a cause or a host with URLs that failed.
type sorryRow struct {
	ID, Name, Class, URL string // URL is that of the host's page; "" for a cause
	URLs                 string
	Cause, Host          string // what the button queues again
	Button               string // "" for no button
	Examples             []exampleRow
}

// exampleRow is a URL that failed.
type exampleRow struct{ URL, Link, Reason, When string }

// showErrorsPage responds with why URLs of a job failed.
func (d *Dashboard) showErrorsPage(w http.ResponseWriter, r *http.Request) error {
	query, err := parameters(r, "retried")
	if err != nil {
		return err
	}
	status, err := d.statusOf(r.Context(), r.PathValue("job"))
	if err != nil {
		return err
	}
	name := status.Job.Name
	report, err := d.failuresOf(r.Context(), name)
	if err != nil {
		return err
	}
	p := errorsPage{Layout: ui.Layout{Title: "Errors of " + name, Live: true, Path: pathOf(name)},
		stamp: stampOf(status), Job: name}
	if !d.cfg.ReadOnly {
		p.Action = jobURL(name) + "/retry"
	}
	d.fillErrors(&p, report)
	if text := query.Get("retried"); text != "" {
		p.Notice = retriedText(text)
	}
	d.respond(w, http.StatusOK, "errors", p)
	return nil
}

// fillErrors adds the causes and hosts of a report.
func (d *Dashboard) fillErrors(p *errorsPage, report failureReport) {
	total := 0
	for _, c := range report.Causes {
		total += c.Remembered
		p.Causes = append(p.Causes, sorryRow{ID: "cause-" + c.name(), Name: c.Cause, Class: string(c.Class),
			URLs: ui.Number(c.URLs), Cause: c.name(), Button: retryText(c.Remembered),
			Examples: d.exampleRows(p.Job, c.Examples)})
	}
	for _, h := range report.Hosts {
		p.Hosts = append(p.Hosts, sorryRow{ID: "host-" + string(h.Host), Name: string(h.Host), URL: hostURL(p.Job, h.Host),
			URLs: ui.Number(int64(h.Remembered)), Host: string(h.Host), Button: retryText(h.Remembered),
			Examples: d.exampleRows(p.Job, h.Examples)})
	}
	p.All.Button = retryText(total)
	if len(p.Hosts) == 0 {
		p.Seen = d.exampleRows(p.Job, report.Last[:min(len(report.Last), shownFailures)])
	}
}

// retryText returns the text of a button that queues this many URLs again; "" for none.
func retryText(urls int) string {
	if urls == 0 {
		return ""
	}
	return "Retry " + plain.Plural(int64(urls), "URL", "URLs")
}

func (d *Dashboard) exampleRows(job string, examples []failedReport) (rows []exampleRow) {
	for _, e := range examples {
		row := exampleRow{URL: e.URL, Link: urlLink(job, e.URL), Reason: e.Reason}
		if !e.At.IsZero() {
			row.When = agoText(e.At, d.now())
		}
		rows = append(rows, row)
	}
	return rows
}

// sendRetryForm queues URLs that failed again, and shows the page of errors. If the job is no
// longer in the state that the page showed, nothing is done.
func (d *Dashboard) sendRetryForm(w http.ResponseWriter, r *http.Request) error {
	status, err := d.readForm(w, r)
	if err != nil {
		return err
	}
	if was := r.PostFormValue("state"); was != string(status.State) {
		return conflict("job %q is %s now; it was %s when its page was shown. Someone else changed it, or it went on by itself",
			status.Job.Name, status.State, was)
	}
	which, err := readFailedFilter(r.PostFormValue("cause"), r.PostFormValue("host"))
	if err != nil {
		return err
	}
	unhurried(w)
	urls, err := d.jobs.Retry(r.Context(), status.Job.Name, which)
	if err != nil {
		return err
	}
	http.Redirect(w, r, jobURL(status.Job.Name)+"/errors?"+url.Values{"retried": {strconv.Itoa(urls)}}.Encode(),
		http.StatusSeeOther)
	return nil
}

// retriedText says how many URLs the last form has queued.
func retriedText(number string) string {
	urls, err := strconv.ParseInt(number, 10, 64)
	switch {
	case err != nil || urls < 0:
		return ""
	case urls == 0:
		return "Nothing was queued: these URLs are queued already, or their records are still on their way to the bucket."
	}
	return fmt.Sprintf("%s again, with as many tries as at first.", plain.Plural(urls, "URL is queued", "URLs are queued"))
}
