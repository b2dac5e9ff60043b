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
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/seedfile"
)

// seedJob adds the list of URLs in the body to a job, with the priority that the query
// names. It reads no faster than the URLs are admitted.
func (d *Dashboard) seedJob(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("job")
	if err := d.takesSeeds(r.Context(), name); err != nil {
		return err
	}
	priority, changed, err := seedMarks(r)
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
	lines := seedfile.Prioritized(l.urls(), priority)
	if changed {
		lines = seedfile.Changed(lines)
	}
	seeding, err := d.jobs.SeedClosed(r.Context(), name, d.quota.paced(r.Context(), lines), func(crawler.Seeding) {})
	seeding = withOurs(seeding, l.refused)
	if err = cmp.Or(l.err, err); err != nil {
		p := d.seedProblem(r.Context(), name, err)
		p.Seeding = &seeding
		return p
	}
	writeJSON(w, http.StatusOK, seeding)
	return nil
}

// seedMarks returns the priority of lines that do not name one, and whether the pages of all lines
// may have changed.
func seedMarks(r *http.Request) (p crawler.Priority, changed bool, err error) {
	query, err := parameters(r, "priority", "changed")
	if err != nil {
		return "", false, err
	}
	p = crawler.Priority(query.Get("priority"))
	if err := p.Validate(); err != nil {
		return "", false, badRequest("parameter priority: %v", err)
	}
	if text := query.Get("changed"); text != "" {
		if changed, err = strconv.ParseBool(text); err != nil {
			return "", false, badRequest("parameter changed: %q is neither true nor false", text)
		}
	}
	return p, changed, nil
}

// takesSeeds checks the job before the list is read, so that a client that waits for "100
// Continue" (RFC 9110, 10.1.1) need not send it.
func (d *Dashboard) takesSeeds(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, readTime)
	defer cancel()
	status, err := d.jobs.Status(ctx, name)
	if err != nil {
		return err
	}
	switch status.State {
	case crawler.StateDone, crawler.StateFailed:
		return conflict("job %q is %s and takes no seeds: POST %s/resume to reopen it, and send them again", name,
			status.State, jobPath(name))
	case crawler.StateCancelled:
		return conflict("job %q is %s and takes no seeds: create another", name, status.State)
	}
	return nil
}

func conflict(format string, args ...any) *problem {
	return &problem{http.StatusConflict, fmt.Sprintf(format, args...), nil}
}

// seedProblem returns the problem of a list that was not processed completely.
func (d *Dashboard) seedProblem(ctx context.Context, name string, err error) *problem {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.Is(err, queue.ErrJobEnded): // since it was checked
		return problemOf(cmp.Or(d.takesSeeds(ctx, name), err))
	case errors.As(err, &tooLarge):
		return &problem{http.StatusRequestEntityTooLarge,
			fmt.Sprintf("the list has more than %d bytes: send it in parts", tooLarge.Limit), nil}
	case errors.Is(err, os.ErrDeadlineExceeded):
		return &problem{http.StatusRequestTimeout,
			fmt.Sprintf("the next line of the list did not arrive within %v: the lines before it were processed, send the rest again (--seed-idle allows more time)", d.cfg.SeedIdle), nil}
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
	s.Refusals = s.Refusals[:min(len(s.Refusals), queue.MaxRefusals)]
	return s
}

// openList determines the format and the compression of the list.
func (d *Dashboard) openList(w http.ResponseWriter, r *http.Request) (*list, error) {
	read, err := lineReader(r)
	if err != nil {
		return nil, err
	}
	waits := &patient{body: r.Body, control: http.NewResponseController(w), idle: d.cfg.SeedIdle}
	waits.more()
	body := io.Reader(waits)
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
			fmt.Sprintf("Content-Encoding %q is not supported: send the list uncompressed, or compressed with gzip",
				coding), nil}
	}
	if d.cfg.SeedBytes > 0 {
		body = http.MaxBytesReader(nil, io.NopCloser(body), d.cfg.SeedBytes)
	}
	l := newList(body, read)
	l.more = waits.more
	return l, nil
}

// lineReader returns the parser for a line of the list.
func lineReader(r *http.Request) (func([]byte) (string, error), error) {
	switch mediaType(r) {
	case "", "text/plain":
		return plainLine, nil
	// No type for JSON lines is registered.
	case "application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines":
		return jsonLine, nil
	}
	return nil, wrongType(r, `text/plain with one URL per line, or application/x-ndjson with one {"url": "…"} per line`)
}

// patient reads a body. Each time a line has been processed, however long that took, the
// client gets the full idle time for the next one. A client that sends single bytes now and
// then does not extend it.
type patient struct {
	body    io.Reader
	control *http.ResponseController
	idle    time.Duration
	until   time.Time // when the next line must have arrived
}

// more restarts the time for the next line.
func (p *patient) more() { p.until = time.Now().Add(p.idle) }

func (p *patient) Read(b []byte) (int, error) {
	_ = p.control.SetReadDeadline(p.until)
	n, err := p.body.Read(b)
	// After the body has been read, the server waits for the client to disconnect, and
	// would use the deadline for that, too.
	_ = p.control.SetReadDeadline(time.Time{})
	return n, err
}

// gunzip decompresses a body. It starts with the first read, so that a client that waits
// for "100 Continue" gets it only then.
type gunzip struct {
	packed io.Reader
	reader *gzip.Reader
}

func (g *gunzip) Read(b []byte) (int, error) {
	if g.reader == nil {
		reader, err := gzip.NewReader(g.packed)
		if err != nil {
			return 0, fmt.Errorf("not compressed with gzip: %w", err)
		}
		g.reader = reader
	}
	return g.reader.Read(b)
}
