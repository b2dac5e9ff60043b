// Package condition is the language in which records are selected: after a crawl by export,
// and during it by follow rules.
//
// A field is a value of a record, or a part of one. A condition compares fields with values
// and joins comparisons by and, or, not and parentheses.
package condition

import (
	"bytes"
	"encoding/json"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
)

// Record is one record of an output. It is valid until the next one is read.
type Record struct {
	// Line is the record as it was written, without the newline.
	Line []byte

	values map[string]any // decoded from Line on demand
}

// Values returns the values of the record as encoding/json decodes them, except that
// numbers stay json.Number.
func (r *Record) Values() (map[string]any, error) {
	if r.values != nil {
		return r.values, nil
	}
	decoder := json.NewDecoder(bytes.NewReader(r.Line))
	decoder.UseNumber()
	err := decoder.Decode(&r.values)
	return r.values, err
}

// Of returns the record of a page that is being crawled, as it will be written.
func Of(rec crawler.Record) (*Record, error) {
	line, err := rec.JSON()
	return &Record{Line: line}, err
}

// Read decodes the whole record.
func (r *Record) Read() (crawler.Record, error) {
	var rec crawler.Record
	err := json.Unmarshal(r.Line, &rec)
	return rec, err
}

// JSONOf encodes a value that was decoded from JSON. It leaves &, < and > unescaped.
func JSONOf(v any) string {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(v) // cannot fail for a value decoded from JSON
	return strings.TrimSuffix(b.String(), "\n")
}

// AppendFields appends an object of JSON with some fields of a record, in their order. A field that
// the record lacks is null.
func (r *Record) AppendFields(b []byte, fields []Field) ([]byte, error) {
	for i, f := range fields {
		v, _, err := f.Value(r)
		if err != nil {
			return b, err
		}
		b = append(b, "{,"[min(i, 1)])
		b = append(b, JSONOf(f.Name)...)
		b = append(b, ':')
		b = append(b, JSONOf(v)...)
	}
	return append(b, '}'), nil
}
