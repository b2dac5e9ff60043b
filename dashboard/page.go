package dashboard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/ui"
)

// figure is a number with its name.
type figure struct {
	Name, Value string
	More        string // in smaller letters
}

// messagePage says one thing, such as that a job does not exist.
type messagePage struct {
	ui.Layout
	Text  string
	Links []ui.Link
}

// servePage responds with the errors of a handler as pages, and logs internal ones.
func (d *Dashboard) servePage(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		err := h(w, r)
		if err == nil {
			return
		}
		status := problemOf(err).Status
		if status >= http.StatusInternalServerError && r.Context().Err() == nil {
			d.log.Error("cannot show a page", "path", r.URL.Path, "error", err)
		}
		d.respond(w, status, "message", messageOf(r, status, err))
	})
}

// messageOf returns the page for an error.
func messageOf(r *http.Request, status int, err error) messagePage {
	home := ui.Link{Text: "Show the fleet", URL: "/"}
	back := ui.Link{Text: "Show the job", URL: jobURL(r.PathValue("job"))}
	switch {
	case errors.Is(err, queue.ErrNoJob):
		return messagePage{Layout: ui.Layout{Title: "There is no such job"}, Links: []ui.Link{home},
			Text: fmt.Sprintf("No job is named %q. It may have been removed, or its name may be misspelt.", r.PathValue("job"))}
	case errors.Is(err, queue.ErrNoHost):
		return messagePage{Layout: ui.Layout{Title: "The job does not know this host"}, Links: []ui.Link{back, home},
			Text: fmt.Sprintf("Job %s has met no host %q. Write it as in its URLs, such as example.com or example.com:8080.",
				r.PathValue("job"), r.PathValue("host"))}
	case status == http.StatusServiceUnavailable:
		return messagePage{
			Layout: ui.Layout{Title: "Redis does not respond", Trouble: "Redis does not respond: " + reasonOf(err)},
			Text:   "Without it, nothing about the fleet is known. Workers keep what they have fetched and continue when it is back."}
	case status >= http.StatusInternalServerError:
		return messagePage{Layout: ui.Layout{Title: "This cannot be read", Trouble: err.Error()},
			Text: "Redis responds, but not with what this page needs."}
	}
	m := messagePage{Layout: ui.Layout{Title: "Nothing was changed"}, Text: sentence(err.Error()), Links: []ui.Link{home}}
	if r.PathValue("job") != "" {
		m.Links = []ui.Link{back}
	}
	return m
}

// reasonOf returns the text of an error. It replaces that of a passed deadline, which would not
// help.
func reasonOf(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Sprintf("it took longer than %v", readTime)
	}
	return err.Error()
}

// respond responds with a page.
func (d *Dashboard) respond(w http.ResponseWriter, status int, page string, data any) {
	text, err := d.pages.Render(page, data)
	if err != nil {
		d.log.Error("cannot render a page", "page", page, "error", err)
		http.Error(w, "cannot render the page", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", ui.Policy)
	w.WriteHeader(status)
	_, _ = w.Write(text) // fails only when the client is gone
}

// toneOf returns the class of a state in the style sheet.
func toneOf(s crawler.State) string {
	switch s {
	case crawler.StateRunning:
		return "go"
	case crawler.StatePaused:
		return "hold"
	case crawler.StateCreated:
		return "new"
	case crawler.StateFailed, crawler.StateBroken:
		return "bad"
	}
	return "off"
}

// tone returns the colour of the job's state, or that of a failure if someone should do something:
// a job that no worker serves is running, but makes no progress.
func (sh sheet) tone(alarm bool) string {
	if alarm && sh.State == crawler.StateRunning {
		return "bad"
	}
	return toneOf(sh.State)
}

// says returns the state of a job in words: what the job waits for, which workers cannot keep its
// pages, the reason for its state, or since when it has been in that state. alarm says that someone
// should do something about it.
func (sh sheet) says(now time.Time) (text string, alarm bool) {
	switch {
	case sh.Trouble != "":
		return "its counters cannot be read: " + sh.Trouble, true
	case sh.Waits != "":
		return sh.Waits, sh.WaitsFor.Alarming()
	case len(sh.Troubles) > 0:
		return sh.Troubles[0].String(), true
	case sh.State == crawler.StateBroken || sh.State == crawler.StateFailed:
		return sh.Reason, true
	}
	return cmp.Or(sh.why(), whenOf(sh, now)), false
}

// agoText says how long ago a time was.
func agoText(at, now time.Time) string {
	if now.Sub(at) < 2*time.Second {
		return "now"
	}
	return ui.Span(now.Sub(at)) + " ago"
}

// sentence makes an error a sentence.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + strings.TrimSuffix(text[1:], ".") + "."
}
