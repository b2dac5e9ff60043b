package parse

// formatting estimates how many elements a tree of the page would have that the
// page does not: a formatting element that is not closed, such as <b>, is opened
// again in each block that follows (HTML, "reconstruct the active formatting
// elements"), so that four hundred of them, in a page of 36 kB with eight
// thousand paragraphs, become half a gigabyte. Other than the tree, the estimate
// is never too low; it is too high for pages with thousands of unclosed elements.
type formatting struct {
	open     []byte // letters of formatting elements, with digits of barriers between them
	barriers []int  // places in open
	active   int    // how many of open are formatting elements
	reopened int    // elements so far
}

const (
	lifted = ' ' // stands in open where a barrier was

	// mostReopened is how many such elements a tree may have: 400 MB.
	mostReopened = 3_000_000
	// mostActive is how many are opened again at once: with more the tree is too
	// deep.
	mostActive = mostDeep
)

// formattingOf returns a letter for a formatting element (HTML, "formatting"), 0
// for any other.
func formattingOf(name []byte) byte {
	switch string(name) {
	case "a", "b", "i", "s", "u":
		return name[0]
	case "big":
		return 'g'
	case "code":
		return 'c'
	case "em":
		return 'e'
	case "font":
		return 'f'
	case "nobr":
		return 'n'
	case "small":
		return 'm'
	case "strike":
		return 'k'
	case "strong":
		return 'o'
	case "tt":
		return 't'
	}
	return 0
}

// barrierOf returns a digit for an element that no formatting element outside of
// it is closed from within, 0 for any other.
func barrierOf(name []byte) byte {
	switch string(name) {
	case "table":
		return '1'
	case "td":
		return '2'
	case "th":
		return '3'
	case "caption":
		return '4'
	case "object":
		return '5'
	case "applet":
		return '6'
	case "marquee":
		return '7'
	case "template":
		return '8'
	case "select":
		return '9'
	case "svg", "math":
		return '0'
	}
	return 0
}

// start notes a start tag.
func (f *formatting) start(name []byte) {
	switch letter := formattingOf(name); {
	case letter == 'a' && f.top() == 'a': // a link ends the one before
	case letter != 0:
		if letter == 'a' || letter == 'n' {
			f.reopen() // what was opened since one that it ends
		}
		f.open = append(f.open, letter)
		f.active++
	case barrierOf(name) != 0:
		f.reopen()
		f.barriers = append(f.barriers, len(f.open))
		f.open = append(f.open, barrierOf(name))
	case string(name) != "span" && string(name) != "br" && string(name) != "img":
		f.reopen() // it may end a block
	}
}

// end notes an end tag. One that closes what was opened last makes no element
// come back.
func (f *formatting) end(name []byte) {
	letter, barrier := formattingOf(name), barrierOf(name)
	switch top := f.top(); {
	case letter != 0 && letter == top:
		f.open = f.open[:len(f.open)-1]
		f.active--
		return
	case barrier != 0:
		f.lift(barrier)
	}
	f.reopen()
}

// lift removes the last barrier, if it is this one. What was opened behind it
// stays.
func (f *formatting) lift(barrier byte) {
	last := len(f.barriers) - 1
	if last < 0 || f.open[f.barriers[last]] != barrier {
		return
	}
	f.open[f.barriers[last]] = lifted
	f.barriers = f.barriers[:last]
}

// top returns what was opened last; 0 when nothing is.
func (f *formatting) top() byte {
	for len(f.open) > 0 {
		if top := f.open[len(f.open)-1]; top != lifted {
			return top
		}
		f.open = f.open[:len(f.open)-1]
	}
	return 0
}

func (f *formatting) reopen() { f.reopened += min(f.active, mostActive) }

// tooMany reports whether the tree is not worth its memory.
func (f *formatting) tooMany() bool { return f.reopened > mostReopened }
