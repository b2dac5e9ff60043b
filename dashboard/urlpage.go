package dashboard

import (
	"context"
	"net/http"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/ui"
)

// mostExplained is how many URLs are explained at once. Each may read a whole output.
const mostExplained = 2

// urlPage says what happened to a URL of a job.
type urlPage struct {
	ui.Layout
	Job, Action, Query string
	HostURL            string // the page of its host; "" if the query is not a URL
	Refusal            string // why the query is not a URL
	Lines              []figure
}

// explain explains a URL. Only a few are explained at once.
func (d *Dashboard) explain(ctx context.Context, job, given string) (x Explanation, u crawler.URL, err error) {
	if d.cfg.Explain == nil {
		return x, u, &problem{http.StatusNotImplemented, "this dashboard does not explain URLs: use trawl explain", nil}
	}
	if u, err = crawler.ParseURL(given); err != nil {
		return x, u, badRequest("%v", err)
	}
	select {
	case d.reading <- struct{}{}:
		defer func() { <-d.reading }()
	case <-ctx.Done():
		return x, u, ctx.Err()
	}
	x, err = d.cfg.Explain(ctx, job, given, u)
	return x, u, err
}

// explainURL responds with what happened to the URL in the query.
func (d *Dashboard) explainURL(w http.ResponseWriter, r *http.Request) error {
	query, err := parameters(r, "url")
	if err != nil {
		return err
	}
	given := strings.TrimSpace(query.Get("url"))
	if given == "" {
		return badRequest("the query has no URL: add ?url=, and encode the URL")
	}
	x, _, err := d.explain(r.Context(), r.PathValue("job"), given)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, x.Report)
	return nil
}

// showURLPage responds with what happened to a URL, or with a form that asks for one.
func (d *Dashboard) showURLPage(w http.ResponseWriter, r *http.Request) error {
	query, err := parameters(r, "u")
	if err != nil {
		return err
	}
	job, given := r.PathValue("job"), strings.TrimSpace(query.Get("u"))
	if _, err := d.statusOf(r.Context(), job); err != nil {
		return err
	}
	p := urlPage{Layout: ui.Layout{Title: "A URL of " + job, Path: pathOf(job)}, Job: job, Action: jobURL(job) + "/url",
		Query: given}
	status := http.StatusOK
	if given != "" {
		x, u, err := d.explain(r.Context(), job, given)
		switch {
		case err != nil && u.IsZero() && d.cfg.Explain != nil:
			p.Refusal, status = sentence(err.Error()), http.StatusBadRequest
		case err != nil:
			return err
		default:
			p.HostURL = hostURL(job, u.Host())
			for _, line := range x.Lines {
				p.Lines = append(p.Lines, figure{Name: line.Name, Value: line.Text})
			}
		}
	}
	d.respond(w, status, "url", p)
	return nil
}

// findURL leads to the page of a URL, from the search at the top of every page. If there are
// several jobs, it asks which.
func (d *Dashboard) findURL(w http.ResponseWriter, r *http.Request) error {
	query, err := parameters(r, "u")
	if err != nil {
		return err
	}
	given := strings.TrimSpace(query.Get("u"))
	ctx, cancel := context.WithTimeout(r.Context(), readTime)
	defer cancel()
	jobs, err := d.jobs.Jobs(ctx)
	if err != nil {
		return err
	}
	p := findPage{Layout: ui.Layout{Title: "Find a URL"}, Query: given}
	for _, job := range jobs {
		if job.Job.Schedule == "" {
			p.Jobs = append(p.Jobs, ui.Link{Text: job.Job.Name, URL: urlLink(job.Job.Name, given)})
		}
	}
	if len(p.Jobs) == 1 && given != "" {
		http.Redirect(w, r, p.Jobs[0].URL, http.StatusSeeOther)
		return nil
	}
	d.respond(w, http.StatusOK, "find", p)
	return nil
}

// findPage asks in which job to look for a URL.
type findPage struct {
	ui.Layout
	Query string
	Jobs  []ui.Link
}
