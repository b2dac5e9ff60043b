package blockpage

import (
	"bytes"
	"net/http"
	"slices"
	"strings"
)

// Response is what a server sent.
type Response struct {
	Status int
	Header http.Header
	Body   []byte // the beginning of the body, decoded; nil without a body
	Size   int64  // of the whole body, in bytes
}

// Find returns the name of the mark of a block page; "" for any other response. It is a
// function of the response alone, and does not change it. Of most pages, it reads only the
// beginning, until they have too many words or links.
func Find(r Response) string {
	for _, b := range byHeader {
		if values := r.Header[b.rule.header]; len(values) > 0 && b.rule.status.allow(r.Status) && b.rule.named(values) {
			return b.mark
		}
	}
	if !r.readable() {
		return ""
	}
	p := pages.Get().(*page)
	defer pages.Put(p)
	if !p.scan(r.Body[:min(len(r.Body), maxRead)]) {
		return ""
	}
	for _, m := range marks {
		if slices.ContainsFunc(m.rules, func(rule rule) bool { return !rule.headerOnly() && rule.holds(r, p) }) {
			return m.Name
		}
	}
	return ""
}

// headerRule is a rule that only concerns headers.
type headerRule struct {
	mark string
	rule rule
}

var byHeader = headerRules()

func headerRules() (all []headerRule) {
	for _, m := range marks {
		for _, r := range m.rules {
			if r.headerOnly() {
				all = append(all, headerRule{m.Name, r})
			}
		}
	}
	return all
}

// readable reports whether the body may be a block page.
func (r Response) readable() bool {
	if len(r.Body) == 0 {
		return false
	}
	kind := strings.ToLower(r.Header.Get("Content-Type"))
	switch {
	case refuses(r.Status):
		return kind == "" || strings.Contains(kind, "html") || strings.Contains(kind, "json") ||
			strings.HasPrefix(kind, "text/")
	case r.Status >= 200 && r.Status < 300:
		return r.Size <= maxSize && (kind == "" || strings.Contains(kind, "html")) &&
			bytes.Count(r.Body, []byte("<")) <= maxTags && hinted(r.Body)
	}
	return false
}

// named reports whether one of a header's values is one that the rule names.
func (r rule) named(values []string) bool {
	if r.values == nil {
		return true
	}
	return slices.ContainsFunc(values, func(v string) bool {
		return slices.Contains(r.values, strings.ToLower(strings.TrimSpace(v)))
	})
}

// holds reports whether a response with this page satisfies the rule.
func (r rule) holds(resp Response, p *page) bool {
	switch {
	case !r.status.allow(resp.Status),
		r.words > 0 && p.words > r.words,
		r.outside > 0 && p.words-p.inForms > r.outside,
		r.links > 0 && p.links > r.links,
		r.none && p.words+p.links > 0,
		r.mute && p.fields > 0:
		return false
	}
	return !slices.ContainsFunc(r.signs, func(s sign) bool { return !s.on(p) })
}

// on reports whether the sign is on the page.
func (s sign) on(p *page) bool {
	has := func(values [][]byte) bool {
		return slices.ContainsFunc(s.texts, func(text string) bool {
			return slices.ContainsFunc(values, func(v []byte) bool {
				return string(v) == text || s.at != inID && bytes.Contains(v, []byte(text))
			})
		})
	}
	switch s.at {
	case inID:
		return has(p.ids)
	case inRef:
		return has(p.refs) || has(p.actions)
	case inAction:
		return has(p.actions)
	case inScript:
		return has(p.scripts)
	case inTitle:
		return has([][]byte{p.title})
	}
	return has([][]byte{p.text})
}
