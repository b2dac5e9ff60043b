package dashboard

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/seedfile"
	"github.com/trawlcrawler/trawl/internal/ui"
)

// maxForm is the largest form that is read, in bytes.
const maxForm = 4 << 20

// readForm reads a form and checks that its job is the one that its page showed.
func (d *Dashboard) readForm(w http.ResponseWriter, r *http.Request) (crawler.Status, error) {
	if kind := mediaType(r); kind != "application/x-www-form-urlencoded" {
		return crawler.Status{}, wrongType(r, "the form of a page; programs use "+apiRoot)
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return crawler.Status{}, &problem{http.StatusRequestEntityTooLarge,
				fmt.Sprintf("the form has more than %d bytes: use trawl seed or the API for long lists", tooLarge.Limit), nil}
		}
		return crawler.Status{}, badRequest("the form cannot be read: %v", err)
	}
	name := r.PathValue("job")
	ctx, cancel := context.WithTimeout(r.Context(), readTime)
	defer cancel()
	status, err := d.jobs.Status(ctx, name)
	if err != nil {
		return status, err
	}
	if created := stampOf(status).Created; r.PostFormValue("created") != created {
		return status, conflict("job %q was created again since this form was shown: look at it, and repeat what you want", name)
	}
	return status, nil
}

// press carries out a button of a job's page. If the job is no longer in the state that the
// page showed, nothing is done, because the button was meant for that state.
func (d *Dashboard) press(done string, do func(ctx context.Context, name string) error) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		status, err := d.readForm(w, r)
		if err != nil {
			return err
		}
		if was := r.PostFormValue("state"); was != string(status.State) {
			return conflict("job %q is %s now; it was %s when its page was shown. Someone else changed it, or it went on by itself",
				status.Job.Name, status.State, was)
		}
		unhurried(w)
		if err := do(r.Context(), status.Job.Name); err != nil {
			return err
		}
		says := done
		if done == "resumed" && status.State != crawler.StatePaused {
			says = "reopened"
		}
		d.sayDone(w, r, says)
		return nil
	}
}

// sayDone sends the browser back to the job's page, which says what was done.
func (d *Dashboard) sayDone(w http.ResponseWriter, r *http.Request, done string) {
	http.Redirect(w, r, jobURL(r.PathValue("job"))+"?done="+done, http.StatusSeeOther)
}

// confirmPage asks whether something is really to be done.
type confirmPage struct {
	ui.Layout
	stamp
	Text, Action, Button, Back string
}

// pathOf returns the links above the pages of a job.
func pathOf(job string) []ui.Link {
	return []ui.Link{{Text: "Fleet", URL: "/"}, {Text: job, URL: jobURL(job)}}
}

// askToCancel responds with a page that asks before a job is cancelled.
func (d *Dashboard) askToCancel(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), readTime)
	defer cancel()
	status, err := d.jobs.Status(ctx, r.PathValue("job"))
	if err != nil {
		return err
	}
	name := status.Job.Name
	d.respond(w, http.StatusOK, "confirm", confirmPage{
		Layout: ui.Layout{Title: "Cancel " + name + "?", Path: pathOf(name)}, stamp: stampOf(status),
		Text:   "A cancelled job cannot be resumed, and the URLs that wait are dropped. What it has fetched stays.",
		Action: jobURL(name) + "/cancel", Button: "Cancel the job", Back: jobURL(name),
	})
	return nil
}

// seedPage is the form by which seeds are added.
type seedPage struct {
	ui.Layout
	stamp
	Action, Back   string
	URLs, Priority string
	Priorities     []string
	Warning        string
	Refusals       []crawler.Refusal
}

func newSeedPage(status crawler.Status) seedPage {
	name := status.Job.Name
	p := seedPage{Layout: ui.Layout{Title: "Add seeds to " + name, Path: pathOf(name)}, stamp: stampOf(status),
		Action: jobURL(name) + "/seed", Back: jobURL(name)}
	for _, priority := range queue.Priorities {
		p.Priorities = append(p.Priorities, string(priority))
	}
	return p
}

func (d *Dashboard) showSeedForm(w http.ResponseWriter, r *http.Request) error {
	ctx, cancel := context.WithTimeout(r.Context(), readTime)
	defer cancel()
	status, err := d.jobs.Status(ctx, r.PathValue("job"))
	if err != nil {
		return err
	}
	if err := d.takesSeeds(ctx, status.Job.Name); err != nil {
		return err
	}
	d.respond(w, http.StatusOK, "seed", newSeedPage(status))
	return nil
}

// sendSeedForm adds the URLs of the form to the job, and says how many were added or refused.
// Refused lines stay in the form.
func (d *Dashboard) sendSeedForm(w http.ResponseWriter, r *http.Request) error {
	status, err := d.readForm(w, r)
	if err != nil {
		return err
	}
	p := newSeedPage(status)
	p.Priority = r.PostFormValue("priority")
	priority := crawler.Priority(p.Priority)
	if err := priority.Validate(); err != nil {
		return badRequest("priority: %v", err)
	}
	if err := d.takesSeeds(r.Context(), status.Job.Name); err != nil {
		return err
	}
	leave, err := d.quota.enter()
	if err != nil {
		return err
	}
	defer leave()
	unhurried(w)
	text := strings.ReplaceAll(r.PostFormValue("urls"), "\r\n", "\n")
	l := newList(strings.NewReader(text), plainLine)
	seeding, err := d.jobs.SeedClosed(r.Context(), status.Job.Name,
		d.quota.paced(r.Context(), seedfile.Prioritized(l.urls(), priority)), func(crawler.Seeding) {})
	if err != nil {
		return err
	}
	seeding = withOurs(seeding, l.refused)
	p.tell(seeding, strings.Split(text, "\n"))
	code := http.StatusOK
	if seeding.Refused > 0 {
		code = http.StatusBadRequest
	}
	d.respond(w, code, "seed", p)
	return nil
}

// tell adds the results of the lines of the form to the page.
func (p *seedPage) tell(s crawler.Seeding, lines []string) {
	var says []string
	if s.Admitted > 0 {
		says = append(says, plain.Plural(s.Admitted, "URL was added", "URLs were added"))
	}
	if s.Seen > 0 {
		says = append(says, plain.Plural(s.Seen, "was known already", "were known already"))
	}
	if len(says) > 0 {
		p.Notice = strings.Join(says, ", ") + "."
	}
	if s.Refused == 0 {
		if len(says) == 0 {
			p.Warning = "There is no URL in the list."
		}
		return
	}
	p.Warning = plain.Plural(s.Refused, "line was refused. Correct it below, or leave it out:",
		"lines were refused. Correct them below, or leave them out:")
	p.Refusals = s.Refusals
	var left []string
	for _, refusal := range s.Refusals {
		if i := int(refusal.Line) - 1; i >= 0 && i < len(lines) {
			left = append(left, lines[i])
		}
	}
	p.URLs = strings.Join(left, "\n")
}
