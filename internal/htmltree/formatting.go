package htmltree

// Formatting estimates how many elements a page's tree would have in addition to those
// that the page contains. A formatting element that is not closed, such as <b>, is opened
// again in each following block (HTML, "reconstruct the active formatting elements"). So
// four hundred of them in a page of 36 kB with eight thousand paragraphs become half a
// gigabyte. The estimate is never too low. It is too high for pages with thousands of
// unclosed elements.
type Formatting struct {
	open     []byte // letters for formatting elements, with digits for barriers between them
	barriers []int  // indexes in open
	active   int    // number of formatting elements in open
	Reopened int    // elements reopened so far
}

const (
	lifted = ' ' // replaces a closed barrier in open

	// maxReopened is how many such elements a tree may have; they take 400 MB.
	maxReopened = 3_000_000
	// maxActive is how many elements are reopened at once: more would exceed the depth of
	// a tree.
	maxActive = MaxDeep
)

// formattingOf returns a letter for a formatting element (HTML, "formatting") and 0 for
// any other.
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

// barrierOf returns a digit for an element within which formatting elements outside of it
// cannot be closed, and 0 for any other.
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

// Start notes a start tag.
func (f *Formatting) Start(name []byte) {
	switch letter := formattingOf(name); {
	case letter == 'a' && f.top() == 'a': // a link ends the previous one
	case letter != 0:
		if letter == 'a' || letter == 'n' {
			f.reopen() // it ends an open one of its kind; what was opened since is reopened
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

// End notes an end tag. An end tag that closes the element opened last reopens nothing.
func (f *Formatting) End(name []byte) {
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

// lift removes the last barrier if it is this one. What was opened within it stays open.
func (f *Formatting) lift(barrier byte) {
	last := len(f.barriers) - 1
	if last < 0 || f.open[f.barriers[last]] != barrier {
		return
	}
	f.open[f.barriers[last]] = lifted
	f.barriers = f.barriers[:last]
}

// top returns the element opened last, or 0 if none is open.
func (f *Formatting) top() byte {
	for len(f.open) > 0 {
		if top := f.open[len(f.open)-1]; top != lifted {
			return top
		}
		f.open = f.open[:len(f.open)-1]
	}
	return 0
}

func (f *Formatting) reopen() { f.Reopened += min(f.active, maxActive) }

// tooMany reports whether a tree of the page would take too much memory.
func (f *Formatting) tooMany() bool { return f.Reopened > maxReopened }
