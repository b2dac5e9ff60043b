package dashboard

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"net/http"

	"github.com/trawlcrawler/trawl/crawler"
)

// page is the page of all jobs. It needs no script; with one it replaces its
// content in place, without one the browser loads it again.
type page struct {
	template *template.Template
	policy   string
}

// pageHTML has style and script within it, so that the page is one answer.
//
//go:embed page.html
var pageHTML string

// newPage parses the page and makes the policy that fits it.
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

// shownEnded is how many jobs that have ended the page lists. The API lists all.
const shownEnded = 100

// view is what the page shows.
type view struct {
	Running, Paused, Created, Ended int    // jobs
	Rate                            string // of all jobs; "" if no job's is known
	Active                          []card // with all about them
	Over                            []card // in a line each
	Hidden                          int    // jobs that ended, and are not shown
	Trouble                         string // why no jobs are shown
	Host                            string // by which the page was asked for
	Token                           bool   // one is asked for
}

// Jobs is how many jobs there are.
func (v view) Jobs() int { return v.Running + v.Paused + v.Created + v.Ended }

// showPage answers with the page, also when no Redis answers.
func (d *Dashboard) showPage(w http.ResponseWriter, r *http.Request) {
	sheets, err := d.survey(r.Context())
	v, status := d.viewOf(sheets), http.StatusOK
	if err != nil {
		d.log.Error("jobs can not be read for the page", "error", err)
		v.Trouble, status = err.Error(), statusOf(err)
	}
	v.Host, v.Token = r.Host, d.cfg.Token != ""
	var text bytes.Buffer
	if err := d.page.template.Execute(&text, v); err != nil {
		d.log.Error("the page can not be written", "error", err)
		http.Error(w, "the page can not be written", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", d.page.policy)
	w.WriteHeader(status)
	_, _ = w.Write(text.Bytes()) // who asked has gone
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

// count adds the jobs up.
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
