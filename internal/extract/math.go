package extract

import (
	"strings"

	"golang.org/x/net/html"
)

// texOf returns the TeX of an element that shows a formula: MathML with an annotation or
// a text in TeX, what KaTeX and MathJax make, or a script of MathJax 2. Such an element
// may have the formula several times, in forms of which a reader sees one.
func texOf(n *html.Node) (tex string, block, ok bool) {
	switch {
	case isTeX(n):
		return strings.TrimSpace(childText(n)), strings.Contains(attribute(n, "type"), "display"), true
	case n.Data == "math":
		tex = annotation(n)
		if tex == "" {
			tex = strings.TrimSpace(attribute(n, "alttext"))
		}
		block = attribute(n, "display") == "block"
	case n.Data == "mjx-container":
		block = attribute(n, "display") == "true"
		for c := range n.Descendants() {
			if tex = attribute(c, "data-latex"); tex != "" {
				break
			}
		}
		if tex == "" {
			tex = annotation(n)
		}
	case n.Data == "span" && hasClass(n, "katex"), n.Data == "span" && hasClass(n, "mwe-math-element"):
		tex = annotation(n)
		block = n.Parent != nil && hasClass(n.Parent, "katex-display")
	}
	return tex, block, tex != ""
}

func hasClass(n *html.Node, name string) bool {
	for class := range strings.FieldsSeq(attribute(n, "class")) {
		if class == name {
			return true
		}
	}
	return false
}

func isMath(n *html.Node) bool {
	_, _, ok := texOf(n)
	return ok
}

// isTeX reports whether an element is a script with TeX (MathJax 2).
func isTeX(n *html.Node) bool {
	return n.Type == html.ElementNode && n.Data == "script" && strings.HasPrefix(attribute(n, "type"), "math/tex")
}

// annotation returns the TeX of MathML, or "".
func annotation(n *html.Node) string {
	for c := range n.Descendants() {
		if c.Type == html.ElementNode && c.Data == "annotation" && strings.Contains(attribute(c, "encoding"), "tex") {
			return strings.TrimSpace(childText(c))
		}
	}
	return ""
}

func childText(n *html.Node) string {
	var b strings.Builder
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
	}
	return b.String()
}

// isRendered reports whether an element shows a formula that stands beside it in another
// form: that of KaTeX beside its MathML, of MathJax 2 beside its script.
func isRendered(n *html.Node) bool {
	class := attribute(n, "class")
	if class == "" {
		return false
	}
	for one := range strings.FieldsSeq(class) {
		switch one {
		case "katex-html":
			return true
		case "MathJax", "MathJax_Display", "MathJax_Preview", "MathJax_SVG", "MathJax_CHTML":
			return true
		}
	}
	return false
}

// math adds a formula between dollar signs.
func (in *inliner) math(tex string, block bool) {
	tex = strings.Join(strings.Fields(tex), " ")
	if in.cell {
		tex = strings.ReplaceAll(tex, "|", "\\|")
	}
	if block && !in.cell && !in.oneLine {
		in.add(rawToken, "$$"+tex+"$$")
		return
	}
	in.add(rawToken, "$"+tex+"$")
}
