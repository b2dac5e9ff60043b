package rewrite

import (
	"bytes"
	"github.com/trawlcrawler/trawl/internal/htmltok"
	"github.com/trawlcrawler/trawl/internal/reference"
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

// referring lists the attributes whose value is a single URL (HTML, "attributes"),
// including those of old browsers and of SVG.
var referring = []string{
	"href", "src", "poster", "background", "action", "formaction", "data", "cite", "longdesc", "xlink:href", "lowsrc",
	"dynsrc",
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
			t.drop(a) // every reference is resolved against it
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
			t.drop(a) // a file has no origin, and its content may have changed
		case t.name == "meta":
			t.meta(a)
		}
	}
}

// leadsToCopy reports whether the script, style sheet or image of the tag has a copy.
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

// value decodes the value of an attribute.
func (t *tagRewriter) value(a writtenAttribute) string {
	return string(htmltok.DecodeValue([]byte(t.decode(t.src.Body[a.value.From:a.value.To]))))
}

// attr returns the value of an attribute of the tag, in lower case.
func (t *tagRewriter) attr(name string) string {
	for _, a := range t.attrs {
		if a.name == name {
			return strings.ToLower(t.value(a))
		}
	}
	return ""
}

// drop removes an attribute.
func (t *tagRewriter) drop(a writtenAttribute) { t.edits.replace(a.whole, "") }

// set changes the value of an attribute.
func (t *tagRewriter) set(a writtenAttribute, value string) {
	value = escapeAttribute(value)
	if a.quote == 0 {
		value = `"` + value + `"`
	}
	t.edits.replace(a.value, value)
}

// change replaces the reference in an attribute by what become returns.
func (t *tagRewriter) change(a writtenAttribute, become func(string) (string, bool, bool)) {
	if to, ok, _ := become(t.value(a)); ok {
		t.set(a, to)
	}
}

// link rewrites the reference of a <link>. The canonical form becomes absolute, and hints
// to connect to the site are removed.
func (t *tagRewriter) link(a writtenAttribute) {
	rel := []byte(t.attr("rel"))
	switch {
	case htmltok.HasToken(rel, "preconnect"), htmltok.HasToken(rel, "dns-prefetch"):
		t.drop(a)
	case htmltok.HasToken(rel, "canonical"):
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
	for ref := range reference.InSrcset(value) {
		from := cap(value) - cap(ref) // ref is a slice of value
		if to, ok, _ := t.reference(string(ref)); ok {
			within.replace(htmltok.Extent{From: from, To: from + len(ref)}, strings.ReplaceAll(to, ",", "%2C"))
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
	for at, ref := range reference.SpansInStyleSheet(value) {
		if to, ok, _ := t.reference(string(ref)); ok {
			within.replace(at, cssSafe(to))
		}
	}
	if len(within) > 0 {
		t.set(a, string(within.apply(value)))
	}
}

// meta rewrites the target of a refresh, and removes a Content-Security-Policy: it was
// made for the site, and no file could be loaded under it.
func (t *tagRewriter) meta(a writtenAttribute) {
	switch t.attr("http-equiv") {
	case "refresh":
		if a.name != "content" {
			return
		}
		value := []byte(t.value(a))
		target, ok := reference.InRefresh(value)
		if !ok {
			return
		}
		if to, ok, _ := t.reference(string(target)); ok {
			value = bytes.TrimLeft(value, htmltok.Spaces)
			delay := value[:len(value)-len(bytes.TrimLeft(value, "0123456789."))]
			t.set(a, string(delay)+";url="+to)
		}
	case "content-security-policy", "content-security-policy-report-only":
		if a.name == "http-equiv" {
			t.drop(a)
		}
	}
}
