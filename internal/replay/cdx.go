package replay

import (
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/trawlcrawler/trawl/internal/archive"
	"github.com/trawlcrawler/trawl/internal/surt"
)

// cdxFields are the fields of a line, in their order.
var cdxFields = []string{"urlkey", "timestamp", "url", "mime", "status", "digest", "length", "offset", "filename"}

// cdx answers as the CDX server of pywb does: a line for each capture.
func (s *Server) cdx(w http.ResponseWriter, r *http.Request) {
	q, err := parseCDXQuery(r.URL.Query())
	if err != nil {
		h := w.Header()
		h.Set("Content-Type", "text/plain; charset=utf-8")
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprintln(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/x-cdxj; charset=utf-8")
	if q.json {
		w.Header().Set("Content-Type", "text/x-ndjson; charset=utf-8")
	}
	n := 0
	for c := range q.all(s.from) {
		if n++; q.limit > 0 && n > q.limit {
			return
		}
		if err := q.write(w, c); err != nil {
			return
		}
	}
}

// cdxQuery is a request for captures.
type cdxQuery struct {
	url, match string
	from, to   string // digits; "" for no bound
	limit      int    // 0 for none
	json       bool
	fields     []string
	filters    []cdxFilter
}

// cdxParameters are the parameters that a query may have.
var cdxParameters = []string{"url", "matchType", "from", "to", "limit", "output", "fl", "fields", "filter"}

func parseCDXQuery(v url.Values) (q cdxQuery, err error) {
	for name := range v {
		if !slices.Contains(cdxParameters, name) {
			return q, fmt.Errorf("parameter %q is not supported: want %s", name, strings.Join(cdxParameters, ", "))
		}
	}
	q = cdxQuery{url: v.Get("url"), match: v.Get("matchType"), from: v.Get("from"), to: v.Get("to"), fields: cdxFields}
	if q.url == "" {
		return q, fmt.Errorf("parameter \"url\" is missing: name a URL, or the beginning of one with matchType=prefix")
	}
	if q.match == "" {
		q.match = "exact"
		if bare, ok := strings.CutPrefix(q.url, "*."); ok {
			q.url, q.match = bare, "domain"
		} else if bare, ok := strings.CutSuffix(q.url, "*"); ok {
			q.url, q.match = bare, "prefix"
		}
	}
	if !slices.Contains([]string{"exact", "prefix", "host", "domain"}, q.match) {
		return q, fmt.Errorf("matchType %q: want exact, prefix, host or domain", q.match)
	}
	if n := v.Get("limit"); n != "" {
		if q.limit, err = strconv.Atoi(n); err != nil || q.limit < 1 {
			return q, fmt.Errorf("limit %q: want a number of 1 or more", n)
		}
	}
	switch output := v.Get("output"); output {
	case "json":
		q.json = true
	case "", "cdxj":
	default:
		return q, fmt.Errorf("output %q: want json or cdxj", output)
	}
	if list := v.Get("fl") + v.Get("fields"); list != "" {
		q.fields = strings.Split(list, ",")
	}
	for _, name := range q.fields {
		if !slices.Contains(cdxFields, name) {
			return q, fmt.Errorf("field %q: want %s", name, strings.Join(cdxFields, ", "))
		}
	}
	for _, text := range v["filter"] {
		f, err := parseCDXFilter(text)
		if err != nil {
			return q, err
		}
		q.filters = append(q.filters, f)
	}
	return q, nil
}

// all yields the captures that the query asks for.
func (q cdxQuery) all(from *archive.Archive) iter.Seq[archive.Capture] {
	return func(yield func(archive.Capture) bool) {
		for c := range q.candidates(from) {
			if q.wants(c) && !yield(c) {
				return
			}
		}
	}
}

// candidates yields the captures of the URL, or of those that it stands for.
func (q cdxQuery) candidates(from *archive.Archive) iter.Seq[archive.Capture] {
	key := surt.Key(q.url)
	host, _, _ := strings.Cut(key, ")")
	switch q.match {
	case "prefix":
		if !strings.HasSuffix(q.url, "/") || strings.HasSuffix(key, ")/") {
			return from.WithPrefix(key)
		}
		return from.WithPrefix(key + "/")
	case "host":
		return from.WithPrefix(host + ")")
	case "domain":
		return func(yield func(archive.Capture) bool) {
			for _, prefix := range []string{host + ")", host + ","} {
				for c := range from.WithPrefix(prefix) {
					if !yield(c) {
						return
					}
				}
			}
		}
	}
	return from.Of(q.url)
}

func (q cdxQuery) wants(c archive.Capture) bool {
	stamp := archive.Stamp(c.Date)
	if stamp < q.from || q.to != "" && stamp > q.to && !strings.HasPrefix(stamp, q.to) {
		return false
	}
	for _, f := range q.filters {
		if !f.match(fieldOf(c, f.field)) {
			return false
		}
	}
	return true
}

// cdxFilter compares a field with a text, as a whole, in part, or by an expression.
type cdxFilter struct {
	field string
	not   bool
	match func(value string) bool
}

// parseCDXFilter parses a filter of pywb: "[!][=|~]FIELD:TEXT".
func parseCDXFilter(text string) (f cdxFilter, err error) {
	rest, not := strings.CutPrefix(text, "!")
	kind := ""
	if rest != "" && (rest[0] == '=' || rest[0] == '~') {
		kind, rest = rest[:1], rest[1:]
	}
	field, want, ok := strings.Cut(rest, ":")
	if !ok || !slices.Contains(cdxFields, field) {
		return f, fmt.Errorf("filter %q: want [!][=|~]FIELD:TEXT with one of the fields %s", text,
			strings.Join(cdxFields, ", "))
	}
	match := func(value string) bool { return strings.Contains(value, want) }
	switch kind {
	case "=":
		match = func(value string) bool { return value == want }
	case "~":
		expression, err := regexp.Compile("^(?:" + want + ")$")
		if err != nil {
			return f, fmt.Errorf("filter %q: %w", text, err)
		}
		match = expression.MatchString
	}
	return cdxFilter{field, not, func(value string) bool { return match(value) != not }}, nil
}

// fieldOf returns a field of a line.
func fieldOf(c archive.Capture, name string) string {
	switch name {
	case "urlkey":
		return c.Key
	case "timestamp":
		return archive.Stamp(c.Date)
	case "url":
		return c.URL
	case "mime":
		return c.MIME
	case "status":
		return strconv.Itoa(c.Status)
	case "digest":
		return c.Digest
	case "length":
		return strconv.FormatInt(c.Length, 10)
	case "offset":
		return strconv.FormatInt(c.Offset, 10)
	}
	return c.File
}

// write writes the line of a capture.
func (q cdxQuery) write(w io.Writer, c archive.Capture) error {
	names := q.fields
	if !q.json {
		if _, err := fmt.Fprintf(w, "%s %s ", c.Key, archive.Stamp(c.Date)); err != nil {
			return err
		}
		names = slices.DeleteFunc(slices.Clone(names), func(name string) bool {
			return name == "urlkey" || name == "timestamp"
		})
	}
	line := []byte("{")
	for i, name := range names {
		if i > 0 {
			line = append(line, ", "...)
		}
		value, err := json.Marshal(fieldOf(c, name))
		if err != nil {
			return err
		}
		line = append(append(append(append(line, '"'), name...), `": `...), value...)
	}
	_, err := w.Write(append(line, "}\n"...))
	return err
}
