package htmltok

import (
	"io"

	"golang.org/x/net/html"
)

// Window tokenizes a source that is not in memory, as a Tokenizer does, by moving a window
// over the source. A token that reaches the end of the window may continue after it, so
// it is read again once there is more data.
type Window struct {
	Tokenizer
	r    io.Reader
	most int   // maximum size of the window in bytes
	err  error // the error that ended r; nil until then
	full bool  // the window is too small for the next token, which was not returned
}

// NewWindow returns a window over r of at first and at most as many bytes.
func NewWindow(r io.Reader, first, most int) *Window {
	return &Window{r: r, most: most, Tokenizer: Tokenizer{body: make([]byte, 0, first)}}
}

// Next advances to the next token.
func (w *Window) Next() html.TokenType { return w.tell((*Tokenizer).Next) }

// Skim advances to the next start tag that may matter.
func (w *Window) Skim() html.TokenType { return w.tell((*Tokenizer).Skim) }

// Err returns the error that ended the source.
func (w *Window) Err() error { return w.err }

func (w *Window) tell(next func(*Tokenizer) html.TokenType) html.TokenType {
	for {
		from, raw := w.end, w.raw
		kind := next(&w.Tokenizer)
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

// more moves the window to the current token and fills it. It returns false if the token
// fills the window already.
func (w *Window) more() bool {
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

// Overflowed reports whether the window is too small for the next token, which was not
// returned.
func (w *Window) Overflowed() bool { return w.full }

// GiveUp ends the use of a window that overflowed. It returns the beginning of the token,
// and the name of the element whose raw text the token is, or "".
func (w *Window) GiveUp() (begun []byte, element string) {
	w.full = false
	return w.body[w.start:], string(w.raw)
}
