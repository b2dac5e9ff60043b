package dashboard

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"

	"github.com/trawlcrawler/trawl/crawler"
)

// page is the page of all jobs. It works without a script. With the script it replaces its
// content in place; without it, the browser reloads it.
type page struct {
	template *template.Template
	policy   string
}

// pageHTML contains style and script, so that the page is a single response.
//
//go:embed page.html
var pageHTML string

// newPage parses the page and computes the policy that it needs.
func newPage() (*page, error) {
	t, err := template.New("page").Parse(pageHTML)
	if err != nil {
		return nil, fmt.Errorf("dashboard: page: %w", err)
	}
	p := &page{template: t}
	var empty bytes.Buffer
	if err := t.Execute(&empty, view{}); err != nil {
		return nil, fmt.Errorf("dashboard: page: %w", err)
	}
	p.policy = "default-src 'none'; script-src" + sourcesOf(empty.Bytes(), inlineScript) +
		"; style-src" + sourcesOf(empty.Bytes(), inlineStyle) +
		"; img-src data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	return p, nil
}

// shownEnded is the number of ended jobs that the page lists. The API lists all.
const shownEnded = 100

// view is what the page shows.
type view struct {
	Running, Paused, Created, Ended int    // number of jobs
	Rate                            string // of all jobs; "" if unknown for all
	Active                          []card // shown with all details
	Over                            []card // shown in one line each
	Hidden                          int    // ended jobs that are not shown
	Trouble                         string // why no jobs are shown
	Host                            string // the host that the request named
	Token                           bool   // a token is required
}

// Jobs returns the number of jobs.
func (v view) Jobs() int { return v.Running + v.Paused + v.Created + v.Ended }

// showPage responds with the page, even if Redis does not respond.
func (d *Dashboard) showPage(w http.ResponseWriter, r *http.Request) {
	sheets, err := d.survey(r.Context())
	v, status := d.viewOf(sheets), http.StatusOK
	if err != nil {
		d.log.Error("cannot read the jobs for the page", "error", err)
		v.Trouble, status = err.Error(), statusOf(err)
	}
	v.Host, v.Token = r.Host, d.cfg.Token != ""
	var text bytes.Buffer
	if err := d.page.template.Execute(&text, v); err != nil {
		d.log.Error("cannot render the page", "error", err)
		http.Error(w, "cannot render the page", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", d.page.policy)
	w.WriteHeader(status)
	_, _ = w.Write(text.Bytes()) // fails only when the client is gone
}

func (d *Dashboard) viewOf(sheets []sheet) view {
	var v view
	v.count(sheets)
	for _, sh := range sheets {
		c := newCard(sh, d.now())
		if c.Over() {
			v.Over = append(v.Over, c)
		} else {
			v.Active = append(v.Active, c)
		}
	}
	byUrgency(v.Active)
	byUrgency(v.Over)
	v.Hidden = max(0, len(v.Over)-shownEnded)
	v.Over = v.Over[:len(v.Over)-v.Hidden]
	return v
}

// count adds up the jobs.
func (v *view) count(sheets []sheet) {
	total, known := 0.0, false
	for _, sh := range sheets {
		switch {
		case ended(sh.State):
			v.Ended++
		case sh.State == crawler.StateRunning:
			v.Running++
		case sh.State == crawler.StatePaused:
			v.Paused++
		default:
			v.Created++
		}
		if sh.PagesPerSecond != nil {
			total, known = total+*sh.PagesPerSecond, true
		}
	}
	if known {
		v.Rate = atRate(total)
	}
}
