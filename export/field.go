package export

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
)

// kind is what the values of a field are.
type kind uint8

const (
	kindText kind = iota
	kindNumber
	kindTruth
	kindTime
	kindList  // of texts
	kindCount // a number, or a list of as many
	kindAny   // of what a job selected: whatever JSON has
)

// Field is a value that a record has: a name of the record, "host", or, with
// dots, a part of an object, such as "fields.price".
type Field struct {
	// Name is what the user calls it.
	Name string

	kind kind
	path []string // in the record; nil for the host
}

// columns are the fields that every record has, in their order.
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

// ParseField reads the name of a field. The error lists the fields that there
// are. Whether a job selected "fields.price" can only be told from its records.
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
	return Field{}, fmt.Errorf("no field is called %q: there are %s, and fields.NAME for what the job selected", name, strings.Join(columnNames(), ", "))
}

// ParseFields reads names of fields. A name that comes twice is an error.
func ParseFields(names []string) ([]Field, error) {
	var fields []Field
	for _, name := range names {
		f, err := ParseField(strings.TrimSpace(name))
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

func columnNames() []string {
	var names []string
	for _, f := range columns {
		names = append(names, f.Name)
	}
	return names
}

// selected reports whether it depends on the job whether the field is there.
func (f Field) selected() bool { return len(f.path) > 1 }

// value is that of the field in a record, as encoding/json has it; nil when it
// has none. found tells a value that is null from none.
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

// inside finds a part of an object: by its name, which may have dots, or by those
// of objects within objects.
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

// zero is what a record means that leaves a field out.
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

// hostOf is the host of a URL, with a port that is not the scheme's; "" of what
// is no URL.
func hostOf(url string) string {
	u, err := crawler.ParseURL(url)
	if err != nil {
		return ""
	}
	return string(u.Host())
}
