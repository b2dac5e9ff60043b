package htmltok

// Nesting determines, without a tree, which elements are not HTML or not part of the
// page: those of SVG and MathML, and those in a <template>. It stores only the open
// elements at which that changes.
//
// It follows well-formed foreign content. Content that was never closed ends at the next
// tag at which it ends for browsers (HTML, "the rules for parsing tokens in foreign
// content").
type Nesting struct {
	borders   []border
	templates int
}

// border is an open element at which the kind of content changes.
type border uint8

const (
	noBorder border = iota
	template        // its content is not part of the page
	svg             // its content is not HTML
	math            // its content is not HTML
	// Within foreign content, these contain HTML (HTML, "HTML integration point" and
	// "MathML text integration point").
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

// maxBorders is how many borders may be open. A tree builder fails at that depth.
const maxBorders = 512

// Foreign reports whether an element opened here belongs to SVG or MathML.
func (n *Nesting) Foreign() bool {
	if len(n.borders) == 0 {
		return false
	}
	top := n.borders[len(n.borders)-1]
	return top == svg || top == math
}

// Drawn reports whether an element opened here belongs to SVG.
func (n *Nesting) Drawn() bool {
	return len(n.borders) > 0 && n.borders[len(n.borders)-1] == svg
}

// Inert reports whether elements opened here are not part of the page.
func (n *Nesting) Inert() bool { return n.templates > 0 }

// Open notes a start tag and reports whether its element is HTML.
func (n *Nesting) Open(name []byte, selfClosing bool) bool {
	if !n.Foreign() {
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

// Close notes an end tag.
func (n *Nesting) Close(name []byte) {
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
		if n.borders[i] == template { // tags within it close nothing outside
			return
		}
	}
}

func (n *Nesting) push(b border) {
	if len(n.borders) == maxBorders {
		return
	}
	n.borders = append(n.borders, b)
	if b == template {
		n.templates++
	}
}

func (n *Nesting) popTo(length int) {
	for _, b := range n.borders[length:] {
		if b == template {
			n.templates--
		}
	}
	n.borders = n.borders[:length]
}

// leaveForeign closes all foreign elements at the top.
func (n *Nesting) leaveForeign() {
	for n.Foreign() {
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

// breaksOut reports whether a start tag ends foreign content. <font>, which does so with
// some attributes, is omitted.
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

// Plain reports whether elements opened here are those of an HTML page.
func (n *Nesting) Plain() bool { return len(n.borders) == 0 }

// Reset begins another page.
func (n *Nesting) Reset() { *n = Nesting{borders: n.borders[:0]} }
