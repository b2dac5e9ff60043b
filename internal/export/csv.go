package export

import (
	"encoding/csv"
	"errors"
	"io"
	"strings"

	"github.com/trawlcrawler/trawl/internal/condition"
)

// csvWriter writes a table according to RFC 4180, with a header. Lists and objects are
// JSON, and fields that a record does not have are empty.
//
// A text that begins like a formula gets an apostrophe before it, unless Order.Plain is
// set: titles are written by strangers, and spreadsheets run the formulas that they find
// (OWASP, "CSV Injection").
type csvWriter struct {
	out    io.WriteCloser
	table  *csv.Writer
	fields []Field
	plain  bool
	row    []string
}

func newCSV(out *draft, o Order) (Writer, error) {
	file, err := pressed(out)
	if err != nil {
		return nil, err
	}
	w := &csvWriter{out: file, table: csv.NewWriter(file), fields: o.Fields, plain: o.Plain}
	if len(w.fields) == 0 {
		w.fields = condition.Columns
	}
	w.table.UseCRLF = true // RFC 4180, 2.1
	if o.Mark {
		if _, err := io.WriteString(file, "\ufeff"); err != nil {
			return nil, err
		}
	}
	for _, f := range w.fields {
		w.row = append(w.row, w.safe(f.Name))
	}
	return w, w.table.Write(w.row)
}

func (w *csvWriter) Write(r *Record) error {
	w.row = w.row[:0]
	for _, f := range w.fields {
		v, _, err := f.Value(r)
		if err != nil {
			return err
		}
		cell := condition.TextOf(v)
		if _, text := v.(string); text {
			cell = w.safe(cell)
		}
		w.row = append(w.row, cell)
	}
	return w.table.Write(w.row)
}

// safe prevents a text from being taken for a formula.
func (w *csvWriter) safe(s string) string {
	if !w.plain && s != "" && strings.ContainsRune("=+-@\t\r\n", rune(s[0])) {
		return "'" + s
	}
	return s
}

func (w *csvWriter) Close() error {
	w.table.Flush()
	return errors.Join(w.table.Error(), w.out.Close())
}
