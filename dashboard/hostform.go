package dashboard

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/textform"
	"github.com/trawlcrawler/trawl/internal/ui"
)

// hostForm says which host the forms of its page are about, and which rules they were shown with.
type hostForm struct {
	stamp
	Job, Revision string
	Action        string // "" in a dashboard that is read-only
}

func newHostForm(job crawler.Status, h crawler.HostStatus) hostForm {
	return hostForm{stampOf(job), job.Job.Name, rulesRevision(h.Rules), hostURL(job.Job.Name, h.Host) + "/rules"}
}

// rulesPage is the form by which the rules of a host are changed.
type rulesPage struct {
	ui.Layout
	hostForm
	Host, Back        string
	Warning           string
	Delay, Pages, Ask string   // as the form has them
	JobDelay          string   // the delay that applies if the host has none of its own
	JobPages          string   // a sentence
	Traps             []string // patterns that were skipped at the last visit
}

func newRulesPage(job crawler.Status, h crawler.HostStatus) rulesPage {
	p := rulesPage{hostForm: newHostForm(job, h), Host: string(h.Host), Back: hostURL(job.Job.Name, h.Host),
		Ask: strings.Join(h.Rules.Ask, "\n"), JobDelay: job.Job.Delay.String(), JobPages: "The job sets none."}
	p.Layout = ui.Layout{Title: "Rules for " + p.Host, Path: append(pathOf(p.Job),
		ui.Link{Text: "Hosts", URL: jobURL(p.Job) + "/hosts"}, ui.Link{Text: p.Host, URL: p.Back})}
	if h.Rules.Delay != nil {
		p.Delay = h.Rules.Delay.String()
	}
	if h.Rules.Pages > 0 {
		p.Pages = strconv.FormatInt(h.Rules.Pages, 10)
	}
	if job.Job.PagesPerHost > 0 {
		p.JobPages = "The job's is " + ui.Number(job.Job.PagesPerHost) + "."
	}
	for _, m := range h.Traps {
		p.Traps = append(p.Traps, m.Pattern)
	}
	return p
}

// hostOf reads the host that the path of a request names.
func (d *Dashboard) hostOf(r *http.Request) (h crawler.HostStatus, err error) {
	host, err := pathHost(r)
	if err != nil {
		return h, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), readTime)
	defer cancel()
	return d.jobs.Host(ctx, r.PathValue("job"), host)
}

// showRulesForm responds with the form by which the rules of a host are changed.
func (d *Dashboard) showRulesForm(w http.ResponseWriter, r *http.Request) error {
	if _, err := parameters(r); err != nil {
		return err
	}
	status, err := d.statusOf(r.Context(), r.PathValue("job"))
	if err != nil {
		return err
	}
	h, err := d.hostOf(r)
	if err != nil {
		return err
	}
	p := newRulesPage(status, h)
	if d.cfg.ReadOnly {
		p.Action = ""
	}
	d.respond(w, http.StatusOK, "rules", p)
	return nil
}

// sendRules carries out a button or the form of a host. If someone else has changed the rules since
// the page was shown, nothing is done; the form is shown again as it was filled in.
func (d *Dashboard) sendRules(w http.ResponseWriter, r *http.Request) error {
	status, err := d.readForm(w, r)
	if err != nil {
		return err
	}
	h, err := d.hostOf(r)
	if err != nil {
		return err
	}
	do := r.PostFormValue("do")
	change, err := hostButton(do, r.PostFormValue("pattern"))
	p := newRulesPage(status, h)
	if do == "set" {
		p.fill(r)
		change, err = p.change()
	}
	done := do
	if err == nil {
		unhurried(w)
		done, err = d.govern(r, h.Host, do, change)
	}
	switch {
	case err == nil:
		http.Redirect(w, r, p.Back+"?done="+done, http.StatusSeeOther)
		return nil
	case errors.Is(err, errRulesChanged) && do != "set":
		return conflict("the rules of host %s were changed since this page was shown: look at them, and repeat what you want", h.Host)
	case errors.Is(err, errRulesChanged):
		p.Warning = "Someone else has changed the rules since this form was shown: they are " + rulesText(h.Rules) +
			" now. Nothing of yours was changed. The fields have your values: compare them, and change the rules again."
		d.respond(w, http.StatusConflict, "rules", p)
		return nil
	case do == "set" && statusOfPage(err) == http.StatusBadRequest:
		p.Warning = "Nothing was changed. " + sentence(err.Error())
		d.respond(w, http.StatusBadRequest, "rules", p)
		return nil
	}
	return err
}

// govern changes the rules of a host from the revision of a form, and returns what the page then
// says.
func (d *Dashboard) govern(r *http.Request, host crawler.Host, do string,
	change func(*crawler.HostRules) error) (done string, err error) {
	revision := r.PostFormValue("revision")
	if revision == "" {
		return "", badRequest("the form has no revision of the rules: open the host's page again")
	}
	done = do
	err = d.jobs.Govern(r.Context(), r.PathValue("job"), host, atRevision(revision, func(rules *crawler.HostRules) error {
		was := rulesRevision(*rules)
		err := change(rules)
		if do == "set" {
			done = map[bool]string{true: "same", false: "changed"}[rulesRevision(*rules) == was]
		}
		return err
	}), do == "retry")
	return done, err
}

// hostButton returns the change of a button.
func hostButton(do, pattern string) (func(*crawler.HostRules) error, error) {
	switch do {
	case "pause", "resume":
		return func(r *crawler.HostRules) error { r.Paused = do == "pause"; return nil }, nil
	case "retry":
		return func(*crawler.HostRules) error { return nil }, nil
	case "ask":
		return func(r *crawler.HostRules) error {
			if !slices.Contains(r.Ask, pattern) {
				r.Ask = append(r.Ask, pattern)
			}
			return nil
		}, nil
	case "set":
		return nil, nil
	}
	return nil, badRequest("%q is not a button of a host's page", do)
}

// fill copies the values of the form to the page.
func (p *rulesPage) fill(r *http.Request) {
	p.Delay, p.Pages = strings.TrimSpace(r.PostFormValue("delay")), strings.TrimSpace(r.PostFormValue("pages"))
	p.Ask = strings.TrimSpace(strings.ReplaceAll(r.PostFormValue("ask"), "\r\n", "\n"))
}

// change returns the change that the form asks for: all of its rules.
func (p *rulesPage) change() (func(*crawler.HostRules) error, error) {
	var delay *time.Duration
	if p.Delay != "" {
		parsed, err := textform.ParseDuration(p.Delay)
		if err != nil {
			return nil, badRequest("delay: %v", err)
		}
		delay = (*time.Duration)(&parsed)
	}
	pages := int64(0)
	if p.Pages != "" {
		var err error
		if pages, err = strconv.ParseInt(p.Pages, 10, 64); err != nil {
			return nil, badRequest("budget of pages: %q is not a whole number", p.Pages)
		}
	}
	var ask []string
	for line := range strings.SplitSeq(p.Ask, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			ask = append(ask, line)
		}
	}
	return func(r *crawler.HostRules) error {
		r.Delay, r.Pages, r.Ask = delay, pages, ask
		return nil
	}, nil
}

// rulesText lists the rules of a host in words.
func rulesText(r crawler.HostRules) string {
	var list []string
	if r.Paused {
		list = append(list, "paused")
	}
	if r.Delay != nil {
		list = append(list, "delay "+r.Delay.String())
	}
	if r.Pages > 0 {
		list = append(list, "budget of pages "+ui.Number(r.Pages))
	}
	if len(r.Ask) > 0 {
		list = append(list, "fetched although they look like a trap: "+strings.Join(r.Ask, " "))
	}
	if len(list) == 0 {
		return "those of the job"
	}
	return strings.Join(list, ", ")
}
