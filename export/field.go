package export

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
)

// kind is the type of the values of a field.
type kind uint8

const (
	kindText kind = iota
	kindNumber
	kindTruth
	kindTime
	kindList  // of texts
	kindCount // a number, or a list with that many items
	kindAny   // any JSON value, as a job selected it
)

// Field is a value of a record: a field of the record, "host", or a part of an object,
// with dots, such as "fields.price".
type Field struct {
	// Name is the name that the user writes.
	Name string

	kind kind
	path []string // in the record; nil for the host
	wild bool     // it stands for all parts of the field at path
}

// columns are the fields that every record has, in order.
var columns = recordFields()

// recordFields lists the fields of a record.
func recordFields() []Field {
	var all []Field
	record := reflect.TypeFor[crawler.Record]()
	for i := range record.NumField() {
		name, _, _ := strings.Cut(record.Field(i).Tag.Get("json"), ",")
		all = append(all, Field{Name: name, kind: kindOf(name, record.Field(i).Type), path: []string{name}})
		if name == "url" {
			all = append(all, Field{Name: "host", kind: kindText})
		}
	}
	return all
}

func kindOf(name string, t reflect.Type) kind {
	switch {
	case name == "fetched_at":
		return kindTime
	case name == "links", name == "resources":
		return kindCount
	}
	switch t.Kind() {
	case reflect.String:
		return kindText
	case reflect.Bool:
		return kindTruth
	case reflect.Int, reflect.Int64:
		return kindNumber
	case reflect.Slice:
		return kindList
	}
	return kindAny
}

// ParseField parses the name of a field. The error lists the fields. Whether a job
// selected "fields.price" is known only from its records.
func ParseField(name string) (Field, error) {
	if name == "time" {
		name = "fetched_at"
	}
	first, rest, dotted := strings.Cut(name, ".")
	for _, f := range columns {
		if f.Name == name {
			return f, nil
		}
		if dotted && f.Name == first && f.kind == kindAny && rest != "" {
			return Field{Name: name, kind: kindAny, path: []string{first, rest}}, nil
		}
	}
	return Field{}, fmt.Errorf("unknown field %q: want one of %s, or fields.NAME for what the job selected", name, strings.Join(columnNames(), ", "))
}

// ParseFields parses names of fields. "fields.*" stands for all parts of fields that the
// records have, and "rights.*" for those of rights. A name that occurs twice is an error.
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
		for _, f := range columns {
			if f.Name == whole && f.kind == kindAny {
				return Field{Name: name, kind: kindAny, path: f.path, wild: true}, nil
			}
		}
		return Field{}, fmt.Errorf("%q: only fields.* and rights.* stand for several fields", name)
	}
	return ParseField(name)
}

// unfold replaces each field that stands for several parts by the parts that the records
// have, in the order of their names, without those that are also listed by name.
func unfold(fields []Field, each func(do func(*Record) error) error) ([]Field, error) {
	if !slices.ContainsFunc(fields, func(f Field) bool { return f.wild }) {
		return fields, nil
	}
	found := make(map[string]map[string]bool) // names of parts, by field
	err := each(func(r *Record) error {
		values, err := r.Values()
		for _, f := range fields {
			object, _ := values[f.top()].(map[string]any)
			for name := range object {
				if f.wild && found[f.Name] == nil {
					found[f.Name] = make(map[string]bool)
				}
				if f.wild {
					found[f.Name][name] = true
				}
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	var all []Field
	for _, f := range fields {
		if !f.wild {
			all = append(all, f)
			continue
		}
		for _, name := range slices.Sorted(maps.Keys(found[f.Name])) {
			part := Field{Name: f.path[0] + "." + name, kind: kindAny, path: []string{f.path[0], name}}
			if !slices.ContainsFunc(fields, func(g Field) bool { return g.Name == part.Name }) {
				all = append(all, part)
			}
		}
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%w: no record has %s", ErrOrder, fields[0].Name)
	}
	return all, nil
}

// top returns the name of the record's field that f is, or is a part of; "" for the host.
func (f Field) top() string {
	if len(f.path) == 0 {
		return ""
	}
	return f.path[0]
}

// distinct makes column names differ even where case is ignored, as in SQL and many
// Parquet readers: of "fields.Price" and "fields.price", the second becomes
// "fields.price_2".
func distinct(names []string) []string {
	given := make(map[string]bool, len(names))
	for _, name := range names {
		given[strings.ToLower(name)] = true
	}
	taken := make(map[string]bool, len(names))
	for i, name := range names {
		for n := 2; taken[strings.ToLower(names[i])]; n++ {
			if other := fmt.Sprintf("%s_%d", name, n); !given[strings.ToLower(other)] {
				names[i] = other
			}
		}
		taken[strings.ToLower(names[i])] = true
	}
	return names
}

func columnNames() []string {
	var names []string
	for _, f := range columns {
		names = append(names, f.Name)
	}
	return names
}

// selected reports whether the job determines if the field exists.
func (f Field) selected() bool { return len(f.path) > 1 }

// value returns the value of the field in a record, as decoded by encoding/json, or nil
// if it has none. found distinguishes a null value from a missing one.
func (f Field) value(r *Record) (v any, found bool, err error) {
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
		object, _ := v.(map[string]any)
		v, found = f.inside(object, name)
	}
	if v == nil && !f.selected() {
		v = f.zero()
	}
	return v, found, nil
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
	case kindText, kindTime:
		return ""
	case kindNumber:
		return json.Number("0")
	case kindTruth:
		return false
	}
	return nil
}

// mayBeAbsent reports whether a field can be absent from a record. A record without one
// of the other fields stands for "", 0 or false.
func (f Field) mayBeAbsent() bool {
	return f.kind == kindAny || f.kind == kindList || f.Name == "resources"
}

// zeroText returns the value that a record without the field stands for, as text.
func (f Field) zeroText() string {
	switch f.kind {
	case kindNumber, kindCount:
		return "0"
	case kindTruth:
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
