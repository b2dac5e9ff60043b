package dashboard

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/trawlcrawler/trawl/crawler"
)

// seedPatience is how long the next bytes of a list may be in coming.
const seedPatience = time.Minute

// seedJob brings the list of URLs in the body to a job, with the priority that the query
// names. It reads no faster than they are admitted.
func (d *Dashboard) seedJob(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("job")
	if err := d.takesSeeds(r.Context(), name); err != nil {
		return err
	}
	priority, err := seedPriority(r)
	if err != nil {
		return err
	}
	leave, err := d.quota.enter()
	if err != nil {
		w.Header().Set("Retry-After", "10")
		return err
	}
	defer leave()
	l, err := d.openList(w, r)
	if err != nil {
		return err
	}
	unhurried(w)
	seeding, err := d.jobs.Seed(r.Context(), name, d.quota.paced(r.Context(), crawler.Prioritized(l.urls(), priority)), func(crawler.Seeding) {})
	seeding = withOurs(seeding, l.refused)
	if err = cmp.Or(l.err, err); err != nil {
		p := d.seedProblem(r.Context(), name, err)
		p.Seeding = &seeding
		return p
	}
	writeJSON(w, http.StatusOK, seeding)
	return nil
}

// seedPriority is the priority of the lines that have none of their own.
func seedPriority(r *http.Request) (crawler.Priority, error) {
	query := r.URL.Query()
	for name := range query {
		if name != "priority" {
			return "", badRequest("unknown parameter %q%s: want priority", name, crawler.Suggest(name, []string{"priority"}))
		}
	}
	p, err := crawler.ParsePriority(query.Get("priority"))
	if err != nil {
		return "", badRequest("parameter priority: %v", err)
	}
	return p, nil
}

// takesSeeds asks before the list is read, so that a client that waits for
// "100 Continue" (RFC 9110, 10.1.1) need not send it.
func (d *Dashboard) takesSeeds(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	status, err := d.jobs.Status(ctx, name)
	if err != nil {
		return err
	}
	switch status.State {
	case crawler.StateDone:
		return conflict("job %q is done and takes no seeds: POST %s/resume to reopen it, and send them again", name, jobPath(name))
	case crawler.StateCancelled, crawler.StateFailed:
		return conflict("job %q is %s and takes no seeds: create another", name, status.State)
	}
	return nil
}

func conflict(format string, args ...any) *problem {
	return &problem{http.StatusConflict, fmt.Sprintf(format, args...), nil}
}

// seedProblem is why a list was not brought to its end.
func (d *Dashboard) seedProblem(ctx context.Context, name string, err error) *problem {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.Is(err, crawler.ErrJobEnded): // since it was asked
		return problemOf(cmp.Or(d.takesSeeds(ctx, name), err))
	case errors.As(err, &tooLarge):
		return &problem{http.StatusRequestEntityTooLarge,
			fmt.Sprintf("the list has more than %d bytes: send it in parts", tooLarge.Limit), nil}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &problem{http.StatusRequestTimeout, fmt.Sprintf("no more of the list came within %v", seedPatience), nil}
	case errors.Is(err, errBroken):
		return badRequest("%v", err)
	}
	return problemOf(err)
}

// withOurs adds the lines that were refused before the job saw them.
func withOurs(s, ours crawler.Seeding) crawler.Seeding {
	s.Refused += ours.Refused
	s.Refusals = append(slices.Clone(s.Refusals), ours.Refusals...)
	slices.SortStableFunc(s.Refusals, func(a, b crawler.Refusal) int { return cmp.Compare(a.Line, b.Line) })
	s.Refusals = s.Refusals[:min(len(s.Refusals), crawler.MaxRefusals)]
	return s
}

// openList finds out how the list is written and packed.
func (d *Dashboard) openList(w http.ResponseWriter, r *http.Request) (*list, error) {
	read, err := lineReader(r)
	if err != nil {
		return nil, err
	}
	body := io.Reader(&patient{body: r.Body, control: http.NewResponseController(w)})
	if d.cfg.SeedBytes > 0 {
		body = http.MaxBytesReader(w, io.NopCloser(body), d.cfg.SeedBytes)
	}
	switch coding := strings.ToLower(r.Header.Get("Content-Encoding")); coding { // RFC 9110, 8.4.1
	case "", "identity":
	case "gzip", "x-gzip":
		body = &gunzip{packed: body}
	default:
		w.Header().Set("Accept-Encoding", "gzip") // RFC 7694, 3
		return nil, &problem{http.StatusUnsupportedMediaType,
			fmt.Sprintf("Content-Encoding %q is not known here: send the list as it is, or packed with gzip", coding), nil}
	}
	if d.cfg.SeedBytes > 0 {
		body = http.MaxBytesReader(nil, io.NopCloser(body), d.cfg.SeedBytes)
	}
	return newList(body, read), nil
}

// lineReader finds out what a line of the list is.
func lineReader(r *http.Request) (func([]byte) (string, error), error) {
	switch mediaType(r) {
	case "", "text/plain":
		return plainLine, nil
	case "application/x-ndjson", "application/jsonl":
		return jsonLine, nil
	}
	return nil, wrongType(r, `text/plain, a URL a line, or application/x-ndjson, {"url": "…"} a line`)
}

// patient reads a body for which the server waits anew at each read, however
// long it took to do something about the read before.
type patient struct {
	body    io.Reader
	control *http.ResponseController
}

func (p *patient) Read(b []byte) (int, error) {
	_ = p.control.SetReadDeadline(time.Now().Add(seedPatience))
	n, err := p.body.Read(b)
	// Once the body is read, the server waits for the client to go away, and
	// would take the deadline for that.
	_ = p.control.SetReadDeadline(time.Time{})
	return n, err
}

// gunzip unpacks a body, from the first read on, so that a client that waits to
// be asked is asked then.
type gunzip struct {
	packed io.Reader
	reader *gzip.Reader
}

func (g *gunzip) Read(b []byte) (int, error) {
	if g.reader == nil {
		reader, err := gzip.NewReader(g.packed)
		if err != nil {
			return 0, fmt.Errorf("not packed with gzip: %w", err)
		}
		g.reader = reader
	}
	return g.reader.Read(b)
}
