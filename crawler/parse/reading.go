package parse

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/PuerkitoBio/goquery"

	"github.com/trawlcrawler/trawl/crawler"
)

// reading is how the fields of one page are read.
type reading struct {
	ctx     context.Context
	src     source
	res     resolver
	now     time.Time // when the page was had: what "yesterday" is of
	data    [kindsOfData]*graph
	missing []crawler.Missing
	notes   *findings // nil when nobody asks

	room int // bytes that the values may still have
	left int // values that there may still be
}

const (
	// mostFields is how many bytes the fields of a page may have together. Elements
	// within one another repeat their text: a page may have hundreds of times its
	// length of it.
	mostFields = 8 << 20
	// mostValues is how many values the fields of a page may have together, those of
	// fields in fields with them.
	mostValues = 100_000
)

// extract reads the fields that extractions have for a page. They are nil, and
// trouble says why, when it can not have a tree.
func (r *reading) extract(kinds []*extraction, t *tree) (values map[string]any, trouble string) {
	values = make(map[string]any)
	root, trouble := t.document(r.ctx)
	if trouble != "" {
		trouble = "its fields were not read: " + trouble
	}
	lacks := make(map[string]string) // why a field is empty, by name
	required := make(map[string]bool)
	var order []string
	for _, x := range kinds {
		for i := range x.fields {
			f := &x.fields[i]
			if _, known := values[f.name]; !known {
				order = append(order, f.name)
			} else if !empty(values[f.name]) {
				r.notes.spare(f)
				continue
			}
			why := trouble
			if values[f.name] = nil; root != nil {
				values[f.name], why = r.value(f, scope{node: root})
			}
			if lacks[f.name] == "" {
				lacks[f.name] = why
			}
			required[f.name] = required[f.name] || f.Required
		}
	}
	for _, name := range order {
		if required[name] && empty(values[name]) {
			r.missing = append(r.missing, crawler.Missing{Field: name, Why: lacks[name]})
		}
	}
	if r.full() {
		trouble = fmt.Sprintf("its fields have more than %d bytes, or %d values: the others were left out", mostFields, mostValues)
	}
	return values, trouble
}

// empty reports whether nothing was found: neither text nor elements of a list.
func empty(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		for _, x := range v {
			if !empty(x) {
				return false
			}
		}
		return true
	}
	return false
}

// nothing is what a field has when it is not read: nil, or an empty list.
func (f *field) nothing() any {
	if f.List {
		return []any{}
	}
	return nil
}

// full reports whether the page may have no more values.
func (r *reading) full() bool { return r.room < 0 || r.left < 0 }

// value reads a field: the first value that there is, or the list of all. why says
// what is wrong with the first match that has none; it is "" when there is a value.
func (r *reading) value(f *field, in scope) (value any, why string) {
	r.notes.begin(f)
	all := []any{}
	found := 0
	for m := range f.place.find(r, in) {
		found++
		if len(all) > 0 && !f.List {
			if r.notes == nil {
				break
			}
			continue // they are only counted
		}
		values, lack := r.values(f, m)
		if why == "" {
			why = lack
		}
		if all = append(all, values...); r.full() {
			break
		}
	}
	if found == 0 {
		why = f.place.none(r)
	}
	value = f.nothing()
	if f.List {
		value = all
	} else if len(all) > 0 {
		value = all[0]
	}
	switch {
	case !empty(value):
		why = ""
	case why == "":
		why = "it is empty"
	}
	r.notes.end(f, found, value, why)
	return value, why
}

// values reads one match. There may be several only in a list with a regular
// expression.
func (r *reading) values(f *field, m match) (values []any, why string) {
	if f.fields != nil {
		return r.object(f, m)
	}
	if m.data != nil && f.Type == "" && f.regex == nil {
		return r.plain(m.data)
	}
	text, why := r.text(f, m)
	if why != "" {
		return nil, why
	}
	r.notes.raw(f, text)
	texts := []string{text}
	if f.regex != nil {
		if texts = groups(f, text); len(texts) == 0 {
			return nil, fmt.Sprintf("the regular expression does not match %q", clip(collapse(text, mostQuoted), mostQuoted))
		}
	}
	for _, text := range texts {
		if r.ctx.Err() != nil || !r.take(len(text)) {
			break
		}
		value, lack := r.typed(f, text)
		if lack == "" {
			values = append(values, value)
		} else if why == "" {
			why = lack
		}
	}
	return values, why
}

// take makes room for a value of so many bytes and reports whether there is any.
func (r *reading) take(bytes int) bool {
	r.room -= bytes
	r.left--
	return !r.full()
}

// object reads the fields of a field. One in which nothing is found is none.
func (r *reading) object(f *field, m match) (values []any, why string) {
	lacked := len(r.missing)
	object := make(map[string]any, len(f.fields))
	for i := range f.fields {
		own := &f.fields[i]
		value, why := r.value(own, scope{m.node, m.data})
		object[own.name] = value
		if own.Required && empty(value) {
			r.missing = append(r.missing, crawler.Missing{Field: own.path, Why: why})
		}
	}
	if empty(object) {
		r.missing = r.missing[:lacked]
		return nil, "none of its fields has a value"
	}
	if !r.take(0) {
		return nil, ""
	}
	return []any{object}, ""
}

// text is that of a match, before the regular expression.
func (r *reading) text(f *field, m match) (text, why string) {
	switch {
	case m.data != nil:
		return textOf(m.data, f.Type)
	case m.node == nil:
		return clean(m.text), ""
	case f.Attr != "":
		value, ok := attributeOf(m.node, f.Attr)
		if !ok {
			return "", fmt.Sprintf("the attribute %s is absent", f.Attr)
		}
		return clean(value), ""
	}
	element := goquery.NewDocumentFromNode(m.node).Selection
	if f.Type == crawler.TypeHTML {
		markup, err := element.Html()
		if err != nil {
			return "", err.Error()
		}
		return clean(strings.TrimSpace(markup)), ""
	}
	return collapse(element.Text(), 0), ""
}

// groups are what a field's regular expression takes of a text: its first group,
// or all of the match when it has none. A list has those of every match.
func groups(f *field, text string) (taken []string) {
	most := 1
	if f.List {
		most = -1
	}
	for _, m := range f.regex.FindAllStringSubmatch(text, most) {
		taken = append(taken, m[min(1, len(m)-1)])
	}
	return taken
}

// typed makes a value of a text, or says why it is none.
func (r *reading) typed(f *field, text string) (value any, why string) {
	switch f.Type {
	case crawler.TypeNumber:
		return wrap(readNumber(text, f.Decimal))
	case crawler.TypeDate:
		return wrap(r.date(text, f.Order))
	case crawler.TypeURL:
		return wrap(r.res.absolute(text))
	case crawler.TypeText:
		return collapse(text, 0), ""
	}
	if f.Attr == "href" || f.Attr == "src" {
		if u, why := r.res.absolute(text); why == "" {
			return u, ""
		}
	}
	return text, ""
}

// wrap makes nothing of a value that is none.
func wrap[T any](value T, why string) (any, string) {
	if why != "" {
		return nil, why
	}
	return value, ""
}
