package extract

import (
	"strconv"
	"strings"

	"golang.org/x/net/html"
)

// footnotesOf returns the labels of the footnotes of a tree by the IDs of the items with
// their texts. They are numbered as they are referred to.
func footnotesOf(root *html.Node, skip func(*html.Node) bool) map[string]string {
	items := make(map[string]bool)
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && n.Data == "li" && !skip(n) {
			if id := attribute(n, "id"); id != "" {
				items[id] = true
			}
		}
	}
	notes := make(map[string]string)
	if len(items) == 0 {
		return notes
	}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode || n.Data != "a" {
			continue
		}
		if id := noteID(n); items[id] && notes[id] == "" {
			notes[id] = strconv.Itoa(len(notes) + 1)
		}
	}
	return notes
}

// noteID returns the ID of the footnote that a link refers to, or "": by its class (Pandoc,
// markdown-it), its role (DPUB-ARIA 1.1) or its attribute (GitHub).
func noteID(n *html.Node) string {
	if !hasClass(n, "footnote-ref") && attribute(n, "role") != "doc-noteref" && !hasAttribute(n, "data-footnote-ref") {
		return ""
	}
	_, id, _ := strings.Cut(attribute(n, "href"), "#")
	return id
}

// inNote reports whether a node lies in the text of a footnote.
func (w *markdown) inNote(n *html.Node) bool {
	for p := n.Parent; p != nil; p = p.Parent {
		if _, ok := w.notes[attribute(p, "id")]; ok && p.Data == "li" {
			return true
		}
	}
	return false
}

// isBackLink reports whether a link leads from a footnote back to the text.
func isBackLink(n *html.Node) bool {
	return attribute(n, "role") == "doc-backlink" || hasAttribute(n, "data-footnote-backref") ||
		hasClass(n, "footnote-back") || hasClass(n, "footnote-backref")
}
