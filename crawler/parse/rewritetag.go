package parse

import (
	"bytes"
	"slices"
	"strings"
)

// tagRewriter rewrites the attributes of one start tag.
type tagRewriter struct {
	*rewriter
	name  string
	attrs []writtenAttribute
	local bool // a reference of the tag leads to a copy
}

// referring are the attributes that refer to one thing (HTML, "attributes",
// where the value is a URL; those that browsers of old knew; and SVG).
var referring = []string{
	"href", "src", "poster", "background", "action", "formaction", "data", "cite", "longdesc", "xlink:href", "lowsrc", "dynsrc",
}

func (t *tagRewriter) rewrite() {
	t.local = t.leadsToCopy()
	for _, a := range t.attrs {
		switch {
		case !a.given:
			if a.name == "crossorigin" && t.local {
				t.drop(a)
			}
		case a.name == "href" && t.name == "base":
			t.drop(a) // every reference has been resolved against it
		case a.name == "href" && t.name == "link":
			t.link(a)
		case a.name == "data" && t.name != "object":
		case slices.Contains(referring, a.name):
			t.change(a, t.rewriter.reference)
		case a.name == "srcset", a.name == "imagesrcset":
			t.srcset(a)
		case a.name == "style":
			t.style(a)
		case (a.name == "integrity" || a.name == "crossorigin") && t.local:
			t.drop(a) // a file has no origin, and what it holds may have changed
		case t.name == "meta":
			t.meta(a)
		}
	}
}

// leadsToCopy reports whether the script, style sheet or picture of the tag has
// a copy.
func (t *tagRewriter) leadsToCopy() bool {
	for _, a := range t.attrs {
		if a.given && (a.name == "href" || a.name == "src") {
			if _, _, local := t.reference(t.value(a)); local {
				return true
			}
		}
	}
	return false
}

// value reads an attribute.
func (t *tagRewriter) value(a writtenAttribute) string {
	return string(decodeValue([]byte(t.decode(t.src.body[a.value.from:a.value.to]))))
}

// attr is the value of an attribute of the tag, in lower case.
func (t *tagRewriter) attr(name string) string {
	for _, a := range t.attrs {
		if a.name == name {
			return strings.ToLower(t.value(a))
		}
	}
	return ""
}

// drop takes an attribute away.
func (t *tagRewriter) drop(a writtenAttribute) { t.edits.replace(a.whole, "") }

// set gives an attribute another value.
func (t *tagRewriter) set(a writtenAttribute, value string) {
	value = escapeAttribute(value)
	if a.quote == 0 {
		value = `"` + value + `"`
	}
	t.edits.replace(a.value, value)
}

// change puts what becomes of its reference in the place of it.
func (t *tagRewriter) change(a writtenAttribute, become func(string) (string, bool, bool)) {
	if to, ok, _ := become(t.value(a)); ok {
		t.set(a, to)
	}
}

// link rewrites what a <link> refers to: the canonical form stays where it is,
// and there is nobody to connect to.
func (t *tagRewriter) link(a writtenAttribute) {
	rel := []byte(t.attr("rel"))
	switch {
	case hasToken(rel, "preconnect"), hasToken(rel, "dns-prefetch"):
		t.drop(a)
	case hasToken(rel, "canonical"):
		if to, ok := t.absolute(t.value(a)); ok && to != t.value(a) {
			t.set(a, to)
		}
	default:
		t.change(a, t.rewriter.reference)
	}
}

// srcset rewrites the candidates within the value.
func (t *tagRewriter) srcset(a writtenAttribute) {
	value := []byte(t.value(a))
	var within edits
	for ref := range candidates(value) {
		from := cap(value) - cap(ref) // it is a part of value
		if to, ok, _ := t.reference(string(ref)); ok {
			within.replace(extent{from, from + len(ref)}, strings.ReplaceAll(to, ",", "%2C"))
		}
	}
	if len(within) > 0 {
		t.set(a, string(within.apply(value)))
	}
}

// style rewrites the CSS within the value.
func (t *tagRewriter) style(a writtenAttribute) {
	value := []byte(t.value(a))
	var within edits
	for at, ref := range cssSpans(value) {
		if to, ok, _ := t.reference(string(ref)); ok {
			within.replace(at, cssSafe(to))
		}
	}
	if len(within) > 0 {
		t.set(a, string(within.apply(value)))
	}
}

// meta rewrites where a refresh leads, and takes a policy away that was made for
// the site: no file may be loaded under it.
func (t *tagRewriter) meta(a writtenAttribute) {
	switch t.attr("http-equiv") {
	case "refresh":
		if a.name != "content" {
			return
		}
		value := []byte(t.value(a))
		target, ok := refreshTarget(value)
		if !ok {
			return
		}
		if to, ok, _ := t.reference(string(target)); ok {
			value = bytes.TrimLeft(value, spaces)
			delay := value[:len(value)-len(bytes.TrimLeft(value, "0123456789."))]
			t.set(a, string(delay)+";url="+to)
		}
	case "content-security-policy", "content-security-policy-report-only":
		if a.name == "http-equiv" {
			t.drop(a)
		}
	}
}
