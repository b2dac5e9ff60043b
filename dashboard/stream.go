package dashboard

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/tail"
)

// streamTerm is how long a client may take to accept an event.
const streamTerm = 15 * time.Second

// stream is a response of server-sent events (WHATWG HTML, 9.2).
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
}

// begin begins a stream. The time limits of the server do not apply to it.
func begin(w http.ResponseWriter) stream {
	unhurried(w)
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	w.WriteHeader(http.StatusOK)
	return stream{w, http.NewResponseController(w)}
}

// send sends an event. The error says that the client is gone.
func (s stream) send(event string, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	_ = s.control.SetWriteDeadline(time.Now().Add(streamTerm))
	if _, err := fmt.Fprintf(s.w, "event: %s\ndata: %s\n\n", event, text); err != nil {
		return err
	}
	return s.control.Flush()
}

// pagesReport are recent pages of a job, as the event "pages" has them.
type pagesReport struct {
	Pages []tail.Row `json:"pages"` // those that the filter admits, the oldest first
	// LeftOut is how many pages were settled but not reported, since workers report a sample.
	LeftOut int `json:"left_out"`
}

// streamEvents sends the events of a job: "job" each second, and "pages" when there are some.
func (d *Dashboard) streamEvents(w http.ResponseWriter, r *http.Request) error {
	query, err := parameters(r, "pages", "outcome", "host", "text")
	if err != nil {
		return err
	}
	return d.stream(w, r, query, func(s stream, now moment) error { return s.send("job", now.sheet) })
}

// streamFigures sends the events for the script of a job's page: "figures" has the texts of its
// figures, and its state.
func (d *Dashboard) streamFigures(w http.ResponseWriter, r *http.Request) error {
	query, err := parameters(r, "pages", "outcome", "host", "text")
	if err != nil {
		return err
	}
	return d.stream(w, r, query, func(s stream, now moment) error {
		says, _ := now.sheet.says(d.now())
		return s.send("figures", map[string]any{
			"figures": now.figures, "state": stateText(now.sheet), "says": says,
		})
	})
}

// stream sends what happens to a job until the client leaves, the job is removed, or the
// dashboard shuts down.
func (d *Dashboard) stream(w http.ResponseWriter, r *http.Request, query url.Values,
	show func(stream, moment) error) error {
	filter, err := readTailFilter(query)
	if err != nil {
		return err
	}
	pages := query.Get("pages") != "false"
	job := r.PathValue("job")
	if err := d.exists(r, job); err != nil {
		return err
	}
	if r.Method == http.MethodHead {
		w.Header().Set("Content-Type", "text/event-stream")
		return nil
	}
	d.live.endWith(r)
	watcher, leave, err := d.live.watch(job, pages)
	if err != nil {
		return err
	}
	defer leave()
	s := begin(w)
	for {
		select {
		case now, more := <-watcher.moments:
			if !more || d.sendMoment(s, now, pages, filter, show) != nil {
				return nil // the response has begun, so an error cannot be a status
			}
		case <-r.Context().Done():
			return nil
		}
	}
}

// sendMoment sends the parts of a moment that a client wants. The error says that the client is
// gone.
func (d *Dashboard) sendMoment(s stream, now moment, pages bool, filter tail.Filter,
	show func(stream, moment) error) error {
	if now.err != nil {
		return s.send("problem", &problem{Message: reasonOf(now.err)})
	}
	if err := show(s, now); err != nil {
		return err
	}
	report := pagesReport{filter.Pick(now.pages.Rows), now.pages.LeftOut}
	if !pages || len(report.Pages) == 0 && report.LeftOut == 0 {
		return nil
	}
	if report.Pages == nil {
		report.Pages = []tail.Row{}
	}
	return s.send("pages", report)
}

// exists returns an error if the job of a request does not exist.
func (d *Dashboard) exists(r *http.Request, job string) error {
	ctx, cancel := context.WithTimeout(r.Context(), readTime)
	defer cancel()
	_, err := d.jobs.Status(ctx, job)
	return err
}

// readTailFilter parses which recent pages a client wants.
func readTailFilter(query url.Values) (f tail.Filter, err error) {
	f.Host, f.Text = strings.TrimSpace(query.Get("host")), strings.TrimSpace(query.Get("text"))
	known := make([]string, len(queue.Outcomes))
	for i, o := range queue.Outcomes {
		known[i] = string(o)
	}
	for _, text := range valuesOf(query, "outcome") {
		if !slices.Contains(known, text) {
			return f, badRequest("parameter outcome: %q is not an outcome%s: want %s", text, plain.Suggest(text, known),
				strings.Join(known, ", "))
		}
		f.Outcomes = append(f.Outcomes, crawler.Outcome(text))
	}
	if text := query.Get("pages"); text != "" && text != "true" && text != "false" {
		return f, badRequest("parameter pages: %q is neither true nor false", text)
	}
	return f, nil
}
