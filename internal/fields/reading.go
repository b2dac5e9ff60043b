package fields

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/PuerkitoBio/goquery"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/charset"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/htmltok"
	"github.com/trawlcrawler/trawl/internal/htmltree"
	"github.com/trawlcrawler/trawl/internal/reference"
)

// Reading extracts the fields of one page. It is used once, by one goroutine.
type Reading struct {
	ctx     context.Context
	src     charset.Source
	res     reference.Resolver
	now     time.Time // when the page was fetched; "yesterday" is relative to it
	data    [kindsOfData]*graph
	missing []fetched.Missing
	notes   *Findings // nil if not wanted

	work *pageWork // nil until there is a tree
	room int       // bytes left for values
	left int       // number of values left
}

const (
	// MaxBytes is how many bytes the fields of a page may have in total. Nested elements
	// repeat their text, so a page may have hundreds of times its length of it.
	MaxBytes = 8 << 20
	// MaxValues is how many values the fields of a page may have in total, including
	// nested fields.
	MaxValues = 100_000
)

// NewReading returns the reading of a page that was fetched at now. notes are told how each
// field got its value; nil if no one asks.
func NewReading(ctx context.Context, src charset.Source, res reference.Resolver, now time.Time,
	notes *Findings) *Reading {
	return &Reading{ctx: ctx, src: src, res: res, now: now, notes: notes, room: MaxBytes, left: MaxValues}
}

// Extract extracts the fields for a page, and says which required ones are missing. If the
// page can have no tree, they are nil and trouble says why.
func (r *Reading) Extract(kinds []*Kind,
	t *htmltree.Tree) (values map[string]any, missing []fetched.Missing, trouble string) {
	values = make(map[string]any)
	root, trouble := t.Document(r.ctx)
	r.work = newPageWork(r.ctx, root)
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
			r.missing = append(r.missing, fetched.Missing{Field: name, Why: lacks[name]})
		}
	}
	switch {
	case r.work.spent():
		trouble = "its fields were not read to their end: " + overworked
	case r.room < 0 || r.left < 0:
		trouble = fmt.Sprintf("its fields have more than %d bytes, or %d values: the others were left out", MaxBytes,
			MaxValues)
	}
	return values, r.missing, trouble
}

// empty reports whether nothing was found: neither a text nor items of a list.
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

// nothing returns the value of a field that is not extracted: nil, or an empty list.
func (f *field) nothing() any {
	if f.List {
		return []any{}
	}
	return nil
}

// full reports whether the page may have no more values.
func (r *Reading) full() bool { return r.room < 0 || r.left < 0 || r.work.spent() }

// value extracts a field: the first value, or the list of all. why says what is wrong
// with the first match without a value; it is "" if there is a value.
func (r *Reading) value(f *field, in scope) (value any, why string) {
	r.notes.begin(f)
	all := []any{}
	found := 0
	for m := range f.place.find(r, in) {
		found++
		if len(all) > 0 && !f.List {
			if r.notes == nil {
				break
			}
			continue // only count the others
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

// values extracts the values of one match. There are several only for a list with a
// regular expression.
func (r *Reading) values(f *field, m match) (values []any, why string) {
	if f.fields != nil {
		return r.object(f, m)
	}
	if m.data != nil && f.Type == "" && f.regex == nil {
		return r.plain(m.data)
	}
	text, why := r.text(f, m)
	if !r.work.spend(int64(len(text) / textStep)) { // a regular expression reads the whole text
		return nil, overworked
	}
	if why != "" {
		return nil, why
	}
	r.notes.raw(f, text)
	texts := []string{text}
	if f.regex != nil {
		if texts = groups(f, text); len(texts) == 0 {
			return nil, fmt.Sprintf("the regular expression does not match %q",
				htmltok.Clip(htmltok.Collapse(text, htmltok.MaxQuoted), htmltok.MaxQuoted))
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

// take takes room for a value of this size and reports whether there was enough.
func (r *Reading) take(bytes int) bool {
	r.room -= bytes
	r.left--
	return !r.full()
}

// object extracts nested fields. If all are empty, there is no object.
func (r *Reading) object(f *field, m match) (values []any, why string) {
	lacked := len(r.missing)
	object := make(map[string]any, len(f.fields))
	for i := range f.fields {
		own := &f.fields[i]
		value, why := r.value(own, scope{m.node, m.data})
		object[own.name] = value
		if own.Required && empty(value) {
			r.missing = append(r.missing, fetched.Missing{Field: own.path, Why: why})
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

// text returns the text of a match, before the regular expression.
func (r *Reading) text(f *field, m match) (text, why string) {
	switch {
	case m.data != nil:
		return textOf(m.data, f.Type)
	case m.node == nil:
		return htmltok.Clean(m.text), ""
	case f.Attr != "":
		value, ok := attributeOf(m.node, f.Attr)
		if !ok {
			return "", fmt.Sprintf("the attribute %s is absent", f.Attr)
		}
		return htmltok.Clean(value), ""
	}
	element := goquery.NewDocumentFromNode(m.node).Selection
	if f.Type == crawler.TypeHTML {
		markup, err := element.Html()
		if err != nil {
			return "", err.Error()
		}
		return htmltok.Clean(strings.TrimSpace(markup)), ""
	}
	return htmltok.Collapse(element.Text(), 0), ""
}

// groups applies a field's regular expression to a text. It returns the first group, or
// the whole match if there is no group; for a list, that of every match.
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

// typed converts a text to the type of the field, or says why that fails.
func (r *Reading) typed(f *field, text string) (value any, why string) {
	switch f.Type {
	case crawler.TypeNumber:
		return wrap(readNumber(text, f.Decimal))
	case crawler.TypeDate:
		return wrap(r.date(text, f.Order))
	case crawler.TypeURL:
		return wrap(r.res.Absolute(text))
	case crawler.TypeText:
		return htmltok.Collapse(text, 0), ""
	}
	if f.Attr == "href" || f.Attr == "src" {
		if u, why := r.res.Absolute(text); why == "" {
			return u, ""
		}
	}
	return text, ""
}

// wrap returns nil as the value if why is not "".
func wrap[T any](value T, why string) (any, string) {
	if why != "" {
		return nil, why
	}
	return value, ""
}
