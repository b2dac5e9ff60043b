package condition

import (
	"encoding/csv"
	"io"
	"strings"
)

// Table writes records as a table in CSV according to RFC 4180, with a header. Lists and objects
// are JSON, and fields that a record does not have are empty.
//
// A text that begins like a formula gets an apostrophe before it, unless the table is plain:
// titles are written by strangers, and spreadsheets run the formulas that they find (OWASP, "CSV
// Injection").
type Table struct {
	csv    *csv.Writer
	fields []Field
	plain  bool
	row    []string
}

// NewTable begins a table with the header. Without fields, it has [Columns]. The caller must call
// Flush at the end.
func NewTable(w io.Writer, fields []Field, plain bool) (*Table, error) {
	t := &Table{csv: csv.NewWriter(w), fields: fields, plain: plain}
	if len(t.fields) == 0 {
		t.fields = Columns
	}
	t.csv.UseCRLF = true // RFC 4180, 2.1
	for _, f := range t.fields {
		t.row = append(t.row, t.safe(f.Name))
	}
	return t, t.csv.Write(t.row)
}

// Write adds a record.
func (t *Table) Write(r *Record) error {
	t.row = t.row[:0]
	for _, f := range t.fields {
		v, _, err := f.Value(r)
		if err != nil {
			return err
		}
		cell := TextOf(v)
		if _, text := v.(string); text {
			cell = t.safe(cell)
		}
		t.row = append(t.row, cell)
	}
	return t.csv.Write(t.row)
}

// safe prevents a text from being taken for a formula.
func (t *Table) safe(s string) string {
	if !t.plain && s != "" && strings.ContainsRune("=+-@\t\r\n", rune(s[0])) {
		return "'" + s
	}
	return s
}

// Flush writes what is buffered.
func (t *Table) Flush() error {
	t.csv.Flush()
	return t.csv.Error()
}
