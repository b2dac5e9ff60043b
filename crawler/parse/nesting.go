package parse

// nesting knows, without a tree, which elements are not HTML or not part of the
// page: those of SVG and MathML, and those in a <template>. It remembers only
// the open elements at which that changes.
//
// It follows well-formed foreign content, and leaves one that was never closed
// at the next tag that browsers leave it at (HTML, "the rules for parsing tokens
// in foreign content").
type nesting struct {
	borders   []border
	templates int
}

// border is an open element at which the kind of content changes.
type border uint8

const (
	noBorder border = iota
	template        // what is in it is not part of the page
	svg             // not HTML from here on
	math            // not HTML from here on
	// Inside of foreign content, these hold HTML (HTML, "HTML integration point"
	// and "MathML text integration point").
	foreignObject
	desc
	svgTitle
	annotationXML // whatever its encoding
	mi
	mo
	mn
	ms
	mtext
)

// mostBorders is how many borders may be open; a tree builder gives up there.
const mostBorders = 512

// foreign reports whether an element opened here belongs to SVG or MathML.
func (n *nesting) foreign() bool {
	if len(n.borders) == 0 {
		return false
	}
	top := n.borders[len(n.borders)-1]
	return top == svg || top == math
}

// inert reports whether elements opened here are not part of the page.
func (n *nesting) inert() bool { return n.templates > 0 }

// open notes a start tag and reports whether its element is HTML.
func (n *nesting) open(name []byte, selfClosing bool) bool {
	if !n.foreign() {
		switch string(name) {
		case "svg", "math":
			if !selfClosing {
				n.push(borderOf(name))
			}
			return false
		case "template":
			n.push(template)
		}
		return true
	}
	if breaksOut(name) {
		n.leaveForeign()
		return true
	}
	if b := borderOf(name); b != noBorder && b != template && !selfClosing {
		n.push(b)
	}
	return false
}

// close notes an end tag.
func (n *nesting) close(name []byte) {
	if len(n.borders) == 0 {
		return
	}
	b := borderOf(name)
	if b == noBorder {
		return
	}
	for i := len(n.borders) - 1; i >= 0; i-- {
		if n.borders[i] == b {
			n.popTo(i)
			return
		}
		if n.borders[i] == template { // its content closes nothing outside
			return
		}
	}
}

func (n *nesting) push(b border) {
	if len(n.borders) == mostBorders {
		return
	}
	n.borders = append(n.borders, b)
	if b == template {
		n.templates++
	}
}

func (n *nesting) popTo(length int) {
	for _, b := range n.borders[length:] {
		if b == template {
			n.templates--
		}
	}
	n.borders = n.borders[:length]
}

// leaveForeign goes up to where HTML was last.
func (n *nesting) leaveForeign() {
	for n.foreign() {
		n.popTo(len(n.borders) - 1)
	}
}

func borderOf(name []byte) border {
	switch string(name) {
	case "template":
		return template
	case "svg":
		return svg
	case "math":
		return math
	case "foreignobject":
		return foreignObject
	case "desc":
		return desc
	case "title":
		return svgTitle
	case "annotation-xml":
		return annotationXML
	case "mi":
		return mi
	case "mo":
		return mo
	case "mn":
		return mn
	case "ms":
		return ms
	case "mtext":
		return mtext
	}
	return noBorder
}

// breaksOut reports the start tags that end foreign content. <font>, which does
// so with some attributes, is left out.
func breaksOut(name []byte) bool {
	switch string(name) {
	case "b", "big", "blockquote", "body", "br", "center", "code", "dd", "div", "dl", "dt", "em", "embed",
		"h1", "h2", "h3", "h4", "h5", "h6", "head", "hr", "i", "img", "li", "listing", "menu", "meta",
		"nobr", "ol", "p", "pre", "ruby", "s", "small", "span", "strong", "strike", "sub", "sup",
		"table", "tt", "u", "ul", "var":
		return true
	}
	return false
}
