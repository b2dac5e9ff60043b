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

	_ "modernc.org/sqlite" // the driver "sqlite", which needs no C
)

// sqliteWriter writes a database with a table of pages: a column for each field,
// lists and objects as JSON, and indices of what is looked for. A truth is 0 or 1,
// a time is a text that sorts.
type sqliteWriter struct {
	db     *sql.DB
	tx     *sql.Tx
	insert *sql.Stmt
	fields []Field
	row    []any
}

// indexed are the columns with an index.
var indexed = []string{"host", "status", "outcome", "fetched_at", "digest"}

func newSQLite(out *Draft, o Order) (Writer, error) {
	w := &sqliteWriter{fields: o.Fields}
	if len(w.fields) == 0 {
		w.fields = columns
	}
	// The file is a draft: when anything fails it goes, so that it needs neither a
	// journal nor to be synced at each step.
	path, err := filepath.Abs(out.Path)
	if err != nil {
		return nil, err
	}
	name := (&url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: "_pragma=journal_mode(off)&_pragma=synchronous(off)"}).String()
	if w.db, err = sql.Open("sqlite", name); err != nil {
		return nil, err
	}
	w.db.SetMaxOpenConns(1)
	if err := w.begin(); err != nil {
		return nil, errors.Join(fmt.Errorf("sqlite: %w", err), w.db.Close())
	}
	return w, nil
}

// begin makes the table. All rows come in one transaction.
func (w *sqliteWriter) begin() (err error) {
	var declared, names []string
	for _, f := range w.fields {
		declared = append(declared, quoteName(f.Name)+" "+columnKind(f))
		names = append(names, quoteName(f.Name))
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
	switch f.kind {
	case kindNumber, kindCount, kindTruth:
		return "INTEGER"
	case kindAny:
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
		v, _, err := f.value(r)
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

// cellOf is a value as SQLite holds it.
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
	if f.kind == kindCount {
		n, _ := numberOf(v)
		return int64(n)
	}
	return textOf(v)
}

func (w *sqliteWriter) abort() error {
	return errors.Join(w.insert.Close(), w.tx.Rollback(), w.db.Close())
}

// Close makes the indices, which is faster at the end, and closes the database.
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
