package dashboard

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/tail"
	"github.com/trawlcrawler/trawl/internal/ui"
)

// tailPage lists recent pages of a job. Its script adds new ones as they are reported.
type tailPage struct {
	ui.Layout
	Job, State, Tone    string
	Action              string
	URLPage             string // the page of a URL, without its parameter
	Outcome, Host, Text string // the filter
	Outcomes            []string
	Rows                []tailRow
	Blank               tailRow // for the script
	Most                int
}

// tailRow is a recent page in the list.
type tailRow struct {
	Key                                                              string // by which the script knows that it is there
	URL, Link, Reason, Outcome, Tone, Status, Size, Took, Worker, At string
}

// shownPages is how many recent pages the page lists.
const shownPages = 100

// urlLink returns the path of the page of a URL.
func urlLink(job, u string) string { return jobURL(job) + "/url?u=" + url.QueryEscape(u) }

func newTailRow(job string, r tail.Row) tailRow {
	row := tailRow{Key: r.At.Format(time.RFC3339Nano) + " " + r.Worker + " " + r.URL, URL: r.URL,
		Link: urlLink(job, r.URL), Reason: r.Reason, Outcome: outcomeText(r.Outcome),
		Tone: outcomeTone(r.Outcome), Status: "–", Size: ui.Bytes(r.Bytes), Took: "–", Worker: r.Worker,
		At: r.At.Format("15:04:05")}
	if r.Status > 0 {
		row.Status, row.Took = strconv.Itoa(r.Status), strconv.FormatInt(r.DurationMS, 10)+" ms"
	}
	return row
}

// outcomeTone returns the class of an outcome in the style sheet.
func outcomeTone(o crawler.Outcome) string {
	switch o {
	case crawler.OutcomeFetched, crawler.OutcomeNotModified:
		return "go"
	case crawler.OutcomeRetry:
		return "hold"
	case crawler.OutcomeFailed, crawler.OutcomeGone, crawler.OutcomeBlocked, crawler.OutcomePaymentRequired:
		return "bad"
	}
	return "off"
}

// showTailPage responds with recent pages of a job, the newest first.
func (d *Dashboard) showTailPage(w http.ResponseWriter, r *http.Request) error {
	query, err := parameters(r, "outcome", "host", "text")
	if err != nil {
		return err
	}
	filter, err := readTailFilter(query)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), readTime)
	defer cancel()
	job := r.PathValue("job")
	status, err := d.jobs.Status(ctx, job)
	if err != nil {
		return err
	}
	recent, err := d.jobs.Tail(ctx, job, 0)
	if err != nil {
		return err
	}
	p := tailPage{
		Layout: ui.Layout{Title: "Recent pages of " + job, Live: true, Path: pathOf(job), Stream: jobURL(job) + "/live"},
		Job:    job, State: string(status.State), Tone: toneOf(status.State), Action: jobURL(job) + "/pages",
		URLPage: jobURL(job) + "/url", Outcome: query.Get("outcome"), Host: filter.Host, Text: filter.Text,
		Most: shownPages,
	}
	for _, o := range queue.Outcomes {
		p.Outcomes = append(p.Outcomes, string(o))
	}
	for _, row := range slices.Backward(filter.Pick(recent.Rows)) {
		if len(p.Rows) < shownPages {
			p.Rows = append(p.Rows, newTailRow(job, row))
		}
	}
	d.respond(w, http.StatusOK, "tail", p)
	return nil
}
