package dashboard

import (
	"bufio"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/condition"
	"github.com/trawlcrawler/trawl/internal/plain"
)

const (
	mostExports = 4           // files of records sent at once
	exportTerm  = time.Minute // how long a client may take to accept what is buffered
	exportPart  = 64 << 10    // bytes that are buffered
)

// exportFormat is a format of a file of records.
type exportFormat struct{ Name, Text, Type string }

// exportFormats are the formats in which records are exported; the first is the default.
var exportFormats = []exportFormat{
	{"jsonl", "JSON lines", "application/x-ndjson"},
	{"csv", "CSV", "text/csv; charset=utf-8; header=present"}, // RFC 4180, 3
}

// exportQuery says which file of records a client wants.
type exportQuery struct {
	selection
	format exportFormat
}

func readExportQuery(query url.Values, now time.Time) (q exportQuery, err error) {
	if q.selection, err = readSelection(query, now); err != nil {
		return q, err
	}
	var known []string
	for _, f := range exportFormats {
		if name := query.Get("format"); f.Name == name || name == "" && len(known) == 0 {
			q.format = f
		}
		known = append(known, f.Name)
	}
	if name := query.Get("format"); q.format.Name == "" {
		return q, badRequest("parameter format: %q is not a form of a file%s: want jsonl or csv; trawl export writes others",
			name, plain.Suggest(name, known))
	}
	return q, nil
}

// exportRecords responds with a file of all records of a job that exist now.
func (d *Dashboard) exportRecords(w http.ResponseWriter, r *http.Request) error {
	query, err := parameters(r, "format", "where", "fields")
	if err != nil {
		return err
	}
	q, err := readExportQuery(query, d.now())
	if err != nil {
		return err
	}
	status, err := d.recordsOf(r)
	if err != nil {
		return err
	}
	return d.sendExport(w, r, status, q)
}

// sendExport sends a file of records while it reads them. It holds one buffer, for any number of
// records. Once the response has begun, an error breaks the connection, so that the client does not
// take a part for the whole.
func (d *Dashboard) sendExport(w http.ResponseWriter, r *http.Request, job crawler.Status, q exportQuery) error {
	select {
	case d.exports <- struct{}{}:
		defer func() { <-d.exports }()
	default:
		return &problem{http.StatusTooManyRequests, fmt.Sprintf(
			"%d files of records are already being sent, which is the limit: ask again when one has ended", mostExports), nil}
	}
	unhurried(w)
	file := &exportFile{w: w, control: http.NewResponseController(w), query: q, name: job.Job.Name + "." + q.format.Name}
	if r.Method == http.MethodHead {
		file.begin()
		return nil
	}
	_, _, err := d.cfg.Records.Read(r.Context(), job, "", file.take)
	if err == nil {
		err = file.end()
	}
	if err == nil || !file.begun {
		return err
	}
	if r.Context().Err() == nil {
		d.log.Warn("a file of records was not sent completely", "job", job.Job.Name, "error", err)
	}
	panic(http.ErrAbortHandler)
}

// exportFile is a response with records. It begins with the first record, or at the end: until
// then, the response can still be an error.
type exportFile struct {
	w       http.ResponseWriter
	control *http.ResponseController
	query   exportQuery
	name    string

	begun bool
	out   *bufio.Writer
	table *condition.Table // nil for lines of JSON
}

// begin sends the headers, and the header of a table.
func (f *exportFile) begin() {
	f.begun = true
	h := f.w.Header()
	h.Set("Content-Type", f.query.format.Type)
	h.Set("Content-Disposition", fmt.Sprintf("attachment; filename=%q", f.name)) // RFC 6266, 4.3
}

// open begins the file unless it has begun.
func (f *exportFile) open() (err error) {
	if f.begun {
		return nil
	}
	f.begin()
	f.out = bufio.NewWriterSize(f, exportPart)
	if f.query.format.Name == "csv" {
		f.table, err = condition.NewTable(f.out, f.query.fields, false)
	}
	return err
}

// Write sends what was buffered.
func (f *exportFile) Write(part []byte) (int, error) {
	_ = f.control.SetWriteDeadline(time.Now().Add(exportTerm))
	return f.w.Write(part)
}

// take adds a record if the client wants it.
func (f *exportFile) take(line []byte) (more bool, err error) {
	record, err := f.query.match(line)
	if record == nil || err != nil {
		return err == nil, err
	}
	if err := f.open(); err != nil {
		return false, err
	}
	if f.table != nil {
		return true, f.table.Write(record)
	}
	text, err := f.query.appendLine(f.out.AvailableBuffer(), record)
	if err == nil {
		_, err = f.out.Write(text)
	}
	return err == nil, err
}

// end sends the rest.
func (f *exportFile) end() error {
	if err := f.open(); err != nil {
		return err
	}
	if f.table != nil {
		if err := f.table.Flush(); err != nil {
			return err
		}
	}
	return f.out.Flush()
}
