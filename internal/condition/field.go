package condition

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
)

// Kind is the type of the values of a field.
type Kind uint8

const (
	KindText Kind = iota
	KindNumber
	KindTruth
	KindTime
	KindList    // of texts
	KindCount   // a number, or a list with that many items
	KindMeasure // a number that a record may lack
	KindAny     // any JSON value, as a job selected it
)

// Field is a value of a record: a field of the record, "host", or a part of an object,
// with dots, such as "fields.price".
type Field struct {
	// Name is the name that the user writes.
	Name string

	kind Kind
	path []string // in the record; nil for the host
	wild bool     // it stands for all parts of the field at path
}

// Columns are the fields that every record has, in order. Do not change them.
var Columns = recordFields()

// recordFields lists the fields of a record.
func recordFields() []Field {
	var all []Field
	record := reflect.TypeFor[crawler.Record]()
	for i := range record.NumField() {
		name, _, _ := strings.Cut(record.Field(i).Tag.Get("json"), ",")
		all = append(all, Field{Name: name, kind: kindOf(name, record.Field(i).Type), path: []string{name}})
		if name == "url" {
			all = append(all, Field{Name: "host", kind: KindText})
		}
	}
	return all
}

func kindOf(name string, t reflect.Type) Kind {
	switch {
	case name == "fetched_at":
		return KindTime
	case name == "links", name == "resources":
		return KindCount
	}
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch t.Kind() {
	case reflect.Float64:
		return KindMeasure
	case reflect.String:
		return KindText
	case reflect.Bool:
		return KindTruth
	case reflect.Int, reflect.Int64:
		return KindNumber
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Struct {
			return KindAny
		}
		return KindList
	}
	return KindAny
}

// ParseField parses the name of a field. The error lists the fields. Whether a job
// selected "fields.price" is known only from its records.
func ParseField(name string) (Field, error) {
	if name == "time" {
		name = "fetched_at"
	}
	first, rest, dotted := strings.Cut(name, ".")
	if first == "quality" && dotted {
		return parseQuality(name, rest)
	}
	for _, f := range Columns {
		if f.Name == name {
			return f, nil
		}
		if dotted && f.Name == first && f.kind == KindAny && rest != "" {
			return Field{Name: name, kind: KindAny, path: []string{first, rest}}, nil
		}
	}
	return Field{}, fmt.Errorf("unknown field %q: want one of %s, or fields.NAME for what the job selected", name,
		strings.Join(columnNames(), ", "))
}

// parseQuality parses the name of a counter of the main text.
func parseQuality(name, part string) (Field, error) {
	var parts []string
	for i, t := 0, reflect.TypeFor[crawler.Quality](); i < t.NumField(); i++ {
		parts = append(parts, t.Field(i).Tag.Get("json"))
	}
	if !slices.Contains(parts, part) {
		return Field{}, fmt.Errorf("unknown field %q: the parts of quality are %s", name, strings.Join(parts, ", "))
	}
	return Field{Name: name, kind: KindMeasure, path: []string{"quality", part}}, nil
}

// ParseFields parses names of fields. "fields.*" stands for all parts of fields that the
// records have, and "usage.*" for those of usage. A name that occurs twice is an error.
func ParseFields(names []string) ([]Field, error) {
	var fields []Field
	for _, name := range names {
		f, err := parseWild(strings.TrimSpace(name))
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(fields, func(g Field) bool { return g.Name == f.Name }) {
			return nil, fmt.Errorf("the field %q is named twice", name)
		}
		fields = append(fields, f)
	}
	return fields, nil
}

// parseWild parses the name of a field, or of all parts of a field.
func parseWild(name string) (Field, error) {
	if whole, ok := strings.CutSuffix(name, ".*"); ok {
		for _, f := range Columns {
			if f.Name == whole && f.kind == KindAny {
				return Field{Name: name, kind: KindAny, path: f.path, wild: true}, nil
			}
		}
		return Field{}, fmt.Errorf("%q: only fields.*, usage.*, rights.*, quality.* and texts.* stand for several fields", name)
	}
	return ParseField(name)
}

// Kind returns the type of the field's values.
func (f Field) Kind() Kind { return f.kind }

// Wild reports whether the field stands for all parts of an object.
func (f Field) Wild() bool { return f.wild }

// Part returns a part of the object that the field is, or stands for all parts of.
func (f Field) Part(name string) Field {
	if p, err := ParseField(f.path[0] + "." + name); err == nil {
		return p
	}
	return Field{Name: f.path[0] + "." + name, kind: KindAny, path: []string{f.path[0], name}}
}

// Top returns the name of the record's field that f is, or is a part of; "" for the host.
func (f Field) Top() string {
	if len(f.path) == 0 {
		return ""
	}
	return f.path[0]
}

func columnNames() []string {
	var names []string
	for _, f := range Columns {
		names = append(names, f.Name)
	}
	return names
}

// Selected reports whether the job determines if the field exists.
func (f Field) Selected() bool { return len(f.path) > 1 && f.kind == KindAny }

// Value returns the value of the field in a record, as decoded by encoding/json, or nil
// if it has none. found distinguishes a null value from a missing one.
func (f Field) Value(r *Record) (v any, found bool, err error) {
	values, err := r.Values()
	if err != nil {
		return nil, false, err
	}
	if f.path == nil {
		url, _ := values["url"].(string)
		return hostOf(url), true, nil
	}
	v, found = values[f.path[0]]
	for _, name := range f.path[1:] {
		v, found = f.part(v, name)
	}
	if v == nil && !f.Selected() {
		v = f.zero()
	}
	return v, found, nil
}

// part finds a part of an object, or lists that part of all objects of a list.
func (f Field) part(v any, name string) (any, bool) {
	list, ok := v.([]any)
	if !ok {
		object, _ := v.(map[string]any)
		return f.inside(object, name)
	}
	var parts []any
	for _, one := range list {
		object, _ := one.(map[string]any)
		if part, found := f.inside(object, name); found {
			parts = append(parts, part)
		}
	}
	if parts == nil {
		return nil, false
	}
	return parts, true
}

// inside finds a part of an object: by its name, which may contain dots, or by the names
// of nested objects.
func (f Field) inside(object map[string]any, name string) (any, bool) {
	if v, ok := object[name]; ok {
		return v, true
	}
	for i := range len(name) {
		if inner, ok := object[name[:i]].(map[string]any); ok && name[i] == '.' {
			return f.inside(inner, name[i+1:])
		}
	}
	return nil, false
}

// zero returns the value that a record without the field stands for.
func (f Field) zero() any {
	switch f.kind {
	case KindText, KindTime:
		return ""
	case KindNumber:
		return json.Number("0")
	case KindTruth:
		return false
	}
	return nil
}

// mayBeAbsent reports whether a field can be absent from a record. A record without one
// of the other fields stands for "", 0 or false.
func (f Field) mayBeAbsent() bool {
	return f.kind == KindAny || f.kind == KindMeasure || f.kind == KindList || f.Name == "resources"
}

// zeroText returns the value that a record without the field stands for, as text.
func (f Field) zeroText() string {
	switch f.kind {
	case KindNumber, KindCount:
		return "0"
	case KindTruth:
		return "false"
	}
	return `""`
}

// hostOf returns the host of a URL, with the port unless it is the scheme's default. It
// returns "" for what is not a URL.
func hostOf(url string) string {
	u, err := crawler.ParseURL(url)
	if err != nil {
		return ""
	}
	return string(u.Host())
}
