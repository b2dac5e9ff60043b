package dashboard

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/condition"
)

// Records reads the records of jobs where workers keep them. It is safe for concurrent use.
type Records interface {
	// Read calls do with each record of a job after a cursor, as a line of JSON without a
	// newline, until do returns false, or all records that exist now were read. The line is
	// valid until do returns. The cursor "" is the beginning. Read returns the cursor after
	// the last record, and whether there may be more records now.
	Read(ctx context.Context, job crawler.Status, cursor string,
		do func(line []byte) (more bool, err error)) (next string, more bool, err error)
}

// Numbers of records in a response.
const (
	usualRecords = 1000
	mostRecords  = 10_000
)

// Bounds of the work for one response with records. The client asks for the rest with the
// cursor.
const (
	maxAnswer  = 8 << 20          // bytes after which a response ends; one record may be larger
	maxScanned = 256 << 20        // bytes of records that are read to find those that match
	maxReading = 10 * time.Second // how long they are read
)

// Headers of a response with records.
const (
	headerCursor = "Trawl-Cursor" // the cursor after its last record
	headerMore   = "Trawl-More"   // whether there are more records now
	headerEnd    = "Trawl-End"    // whether no more records will come
)

// selection says which records a client wants.
type selection struct {
	where  condition.Condition
	fields []condition.Field // nil for whole records
}

// recordQuery says which part of a job's records a client wants.
type recordQuery struct {
	selection
	cursor string
	limit  int
}

func readRecordQuery(r *http.Request, now time.Time) (q recordQuery, err error) {
	query, err := parameters(r, "where", "cursor", "limit", "fields")
	if err != nil {
		return q, err
	}
	q.cursor = query.Get("cursor")
	if q.limit, err = readNumber(query, "limit", usualRecords, mostRecords); err != nil {
		return q, err
	}
	q.selection, err = readSelection(query, now)
	return q, err
}

// readSelection parses which records a client wants, and which of their fields.
func readSelection(query url.Values, now time.Time) (s selection, err error) {
	var all []condition.Condition
	for _, text := range query["where"] {
		if strings.TrimSpace(text) == "" {
			continue // the empty field of a form
		}
		c, err := condition.Parse(text, now)
		if err != nil {
			return s, badRequest("parameter where: %v", err)
		}
		all = append(all, c)
	}
	s.where = condition.All(all...)
	if s.fields, err = condition.ParseFields(valuesOf(query, "fields")); err != nil {
		return s, badRequest("parameter fields: %v", err)
	}
	for _, f := range s.fields {
		if f.Wild() {
			return s, badRequest("parameter fields: %q is not possible here: name each field, or leave fields out", f.Name)
		}
	}
	return s, nil
}

// match returns the record in a line if the client wants it, or nil. Lines that are not records are
// left out, as in trawl export.
func (s selection) match(line []byte) (*condition.Record, error) {
	if !json.Valid(line) {
		return nil, nil
	}
	record := &condition.Record{Line: line}
	ok, err := s.where.Match(record)
	if err != nil || !ok {
		return nil, err
	}
	return record, nil
}

// appendLine appends a record, or the fields of it that the client wants, as a line of JSON.
func (s selection) appendLine(b []byte, r *condition.Record) ([]byte, error) {
	if len(s.fields) == 0 {
		return append(append(b, r.Line...), '\n'), nil
	}
	b, err := r.AppendFields(b, s.fields)
	return append(b, '\n'), err
}

// readNumber returns the value of a parameter, from 1 to most; usual if it is missing.
func readNumber(query url.Values, name string, usual, most int) (int, error) {
	text := query.Get(name)
	if text == "" {
		return usual, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, badRequest("parameter %s: %q is out of range: want 1 to %d", name, text, most)
	}
	return n, nil
}

// listRecords responds with records of a job, one to a line, and with the cursor after them.
func (d *Dashboard) listRecords(w http.ResponseWriter, r *http.Request) error {
	q, err := readRecordQuery(r, d.now())
	if err != nil {
		return err
	}
	status, err := d.recordsOf(r)
	if err != nil {
		return err
	}
	page := recordPage{query: q, until: time.Now().Add(d.longest)}
	next, more, err := d.cfg.Records.Read(r.Context(), status, q.cursor, page.take)
	if err != nil {
		return err
	}
	header := w.Header()
	header.Set("Content-Type", "application/x-ndjson")
	header.Set(headerCursor, next)
	header.Set(headerMore, fmt.Sprint(more))
	header.Set(headerEnd, fmt.Sprint(!more && status.State.Ended() && len(status.Awaited) == 0))
	_, _ = w.Write(page.lines.Bytes()) // fails only when the client is gone
	return nil
}

// recordsOf reads the job whose records a request is for. Its state is read before the records,
// because only an ended job has all its records.
func (d *Dashboard) recordsOf(r *http.Request) (crawler.Status, error) {
	if d.cfg.Records == nil {
		return crawler.Status{}, &problem{http.StatusNotImplemented, "this dashboard does not read records: use trawl export",
			nil}
	}
	status, err := d.statusOf(r.Context(), r.PathValue("job"))
	if err != nil {
		return status, err
	}
	if name := status.Job.Name; status.Job.Schedule != "" {
		return status, conflict("job %s is periodic and has no records itself: ask for those of a run (%s/jobs?run_of=%[1]s lists them)",
			name, apiRoot)
	}
	return status, nil
}

// recordPage collects the records of a response.
type recordPage struct {
	query   recordQuery
	until   time.Time
	lines   bytes.Buffer
	records int
	scanned int
}

// take adds a record if the client wants it. It returns false when the response is full.
func (p *recordPage) take(line []byte) (more bool, err error) {
	p.scanned += len(line)
	record, err := p.query.match(line)
	if err != nil {
		return false, err
	}
	if record != nil {
		p.records++
		text, err := p.query.appendLine(p.lines.AvailableBuffer(), record)
		if err != nil {
			return false, err
		}
		p.lines.Write(text)
	}
	return p.records < p.query.limit && p.lines.Len() < maxAnswer && p.scanned < maxScanned &&
		time.Now().Before(p.until), nil
}
