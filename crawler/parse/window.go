package parse

import (
	"io"

	"golang.org/x/net/html"
)

// window tells the parts of a source that is not in memory as markup does, of which
// it moves a window over the source. What reaches the end of the window may go on
// behind it, so it is told anew when there is more.
type window struct {
	markup
	r    io.Reader
	most int   // bytes of the window; at first it has an eighth of them
	err  error // that ended r; nil while there is more
	full bool  // the window is too short for what comes next, which was not told
}

func newWindow(r io.Reader, most int) *window {
	return &window{r: r, most: most, markup: markup{body: make([]byte, 0, most/8)}}
}

// Next goes to the next part.
func (w *window) Next() html.TokenType { return w.tell((*markup).Next) }

// skim goes to the next start tag that may matter.
func (w *window) skim() html.TokenType { return w.tell((*markup).skim) }

// Err returns what ended the source.
func (w *window) Err() error { return w.err }

func (w *window) tell(next func(*markup) html.TokenType) html.TokenType {
	for {
		from, raw := w.end, w.raw
		kind := next(&w.markup)
		if w.end < len(w.body) || w.err != nil {
			return kind
		}
		if w.end, w.raw = w.start, markedUp; w.start == from {
			w.raw = raw
		}
		if !w.more() {
			w.full = true
			return html.ErrorToken
		}
	}
}

// more moves the window to the part that is to be told and fills it. It reports
// false when that fills it already.
func (w *window) more() bool {
	kept, room := w.body[w.start:], w.body[:0]
	if len(kept) > cap(room)/2 && cap(room) < w.most {
		room = make([]byte, 0, min(2*cap(room), w.most))
	}
	if len(kept) == cap(room) {
		return false
	}
	n := copy(room[:cap(room)], kept)
	for n < cap(room) && w.err == nil {
		var more int
		more, w.err = w.r.Read(room[n:cap(room)])
		n += more
	}
	w.body, w.start, w.end = room[:n], 0, 0
	return true
}
