package export

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/trawlcrawler/trawl/internal/condition"
)

// sqliteWriter writes a database with a table of pages: a column for each field, lists
// and objects as JSON, and indices on the columns that are searched most. A boolean is 0
// or 1; a time is a text that sorts in order.
type sqliteWriter struct {
	db     *sql.DB
	tx     *sql.Tx
	insert *sql.Stmt
	fields []Field
	row    []any
}

// sqliteDriver is the name of the driver in database/sql. The driver is linked by an import
// of drivers/sqlite, because SQLite in Go takes longer to compile than all of Trawl.
const sqliteDriver = "sqlite"

// hasSQLite returns an error that says how to get the driver, if this program has none.
func hasSQLite() error {
	if slices.Contains(sql.Drivers(), sqliteDriver) {
		return nil
	}
	return fmt.Errorf("%w: this build has no driver for SQLite: use the full build of trawl "+
		"(make build-full, or the image trawl-full), import %q in your own program, or let the program sqlite3 "+
		`import CSV: trawl export JOB --as csv | sqlite3 pages.db ".import --csv /dev/stdin pages"`,
		ErrOrder, "github.com/trawlcrawler/trawl/drivers/sqlite")
}

// indexed lists the columns with an index.
var indexed = []string{"host", "status", "outcome", "fetched_at", "digest"}

func newSQLite(out *draft, o Order) (Writer, error) {
	w := &sqliteWriter{fields: o.Fields}
	if len(w.fields) == 0 {
		w.fields = condition.Columns
	}
	if n := len(w.fields); n > maxColumns {
		return nil, fmt.Errorf("%w: %d fields were chosen, and a table of SQLite has at most %d: choose fewer with --fields, or write csv or parquet", ErrOrder, n, maxColumns)
	}
	// The file is a draft, which is discarded if anything fails. So it needs neither a
	// journal nor a sync at each step.
	path, err := filepath.Abs(out.Path)
	if err != nil {
		return nil, err
	}
	name := (&url.URL{Scheme: "file", Path: filepath.ToSlash(path),
		RawQuery: "_pragma=journal_mode(off)&_pragma=synchronous(off)"}).String()
	if w.db, err = sql.Open(sqliteDriver, name); err != nil {
		return nil, err
	}
	w.db.SetMaxOpenConns(1)
	if err := w.begin(); err != nil {
		return nil, errors.Join(fmt.Errorf("sqlite: %w", err), w.db.Close())
	}
	return w, nil
}

// maxColumns is how many columns a table may have (https://sqlite.org/limits.html).
const maxColumns = 2000

// begin creates the table. All rows are inserted in one transaction.
func (w *sqliteWriter) begin() (err error) {
	var declared, names []string
	for _, f := range w.fields {
		names = append(names, strings.ReplaceAll(f.Name, "\x00", "_"))
	}
	for i, name := range distinct(names) {
		names[i] = quoteName(name)
		declared = append(declared, names[i]+" "+columnKind(w.fields[i]))
	}
	if w.tx, err = w.db.Begin(); err != nil {
		return err
	}
	if _, err = w.tx.Exec("CREATE TABLE pages (" + strings.Join(declared, ", ") + ") STRICT"); err != nil {
		return err
	}
	w.insert, err = w.tx.Prepare("INSERT INTO pages (" + strings.Join(names, ", ") + ") VALUES (" +
		strings.TrimSuffix(strings.Repeat("?,", len(names)), ",") + ")")
	return err
}

func columnKind(f Field) string {
	switch f.Kind() {
	case condition.KindNumber, condition.KindCount, condition.KindTruth:
		return "INTEGER"
	case condition.KindMeasure:
		return "REAL"
	case condition.KindAny:
		return "ANY"
	}
	if f.Name == "url" {
		return "TEXT PRIMARY KEY"
	}
	return "TEXT"
}

func quoteName(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

func (w *sqliteWriter) Write(r *Record) error {
	w.row = w.row[:0]
	for _, f := range w.fields {
		v, _, err := f.Value(r)
		if err != nil {
			return err
		}
		w.row = append(w.row, cellOf(f, v))
	}
	if _, err := w.insert.Exec(w.row...); err != nil {
		return fmt.Errorf("sqlite: %w", err)
	}
	return nil
}

// cellOf returns a value in the form that SQLite stores.
func cellOf(f Field, v any) any {
	switch v := v.(type) {
	case nil:
		return nil
	case bool:
		if v {
			return int64(1)
		}
		return int64(0)
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n
		}
		n, _ := v.Float64()
		return n
	}
	if f.Kind() == condition.KindCount {
		n, _ := condition.NumberOf(v)
		return int64(n)
	}
	return condition.TextOf(v)
}

func (w *sqliteWriter) abort() error {
	return errors.Join(w.insert.Close(), w.tx.Rollback(), w.db.Close())
}

// Close creates the indices, which is faster after the inserts, and closes the database.
func (w *sqliteWriter) Close() error {
	err := w.insert.Close()
	for _, name := range indexed {
		if slices.ContainsFunc(w.fields, func(f Field) bool { return f.Name == name }) {
			_, failed := w.tx.Exec("CREATE INDEX pages_" + name + " ON pages (" + quoteName(name) + ")")
			err = errors.Join(err, failed)
		}
	}
	return errors.Join(err, w.tx.Commit(), w.db.Close())
}
