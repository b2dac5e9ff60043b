package parse

import (
	"bytes"
	"io"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// mostToken is how many bytes of one token of a long source are held: a script, a
// picture within an attribute, a text without tags. It is what a body may have in
// memory anyway (the default of fetch.Config.HeadBytes). The tokenizer's buffer
// grows to twice that.
const mostToken = 2 << 20

// long is a source that is not in memory, on its way through a scan. A window moves
// over it, until a token is longer than what is held of one; from there on a
// tokenizer reads it. At such a token it gives up, and another goes on behind it:
//
//   - in a text, at once, so that a text is seen as several;
//   - in a tag, behind its end: of its attributes those are seen that are whole in
//     its first 64 KiB;
//   - in a comment or the like, behind its end.
//
// A <![CDATA[ section that is so long is markup from there on, and of a script the
// state that hides an end tag in it ("script data escaped") is forgotten.
type long struct {
	r       io.Reader
	window  *window
	tokens  *html.Tokenizer // that reads it now; nil for the window
	most    int             // bytes of a token; it is longer than the longest end tag
	ahead   []byte          // to be read before r
	room    []byte
	context []byte // the element whose text is next, if it is HTML that may be raw text
}

// newLong returns a long source of which no more than most bytes of a token are
// held.
func newLong(r io.Reader, most int) *long {
	l := &long{r: r, most: most}
	l.window = newWindow(l, most)
	return l
}

func (l *long) Read(p []byte) (int, error) {
	if len(l.ahead) == 0 {
		return l.r.Read(p)
	}
	n := copy(p, l.ahead)
	l.ahead = l.ahead[n:]
	return n, nil
}

// next reads one byte.
func (l *long) next() (byte, error) {
	for len(l.ahead) == 0 {
		if l.room == nil {
			l.room = make([]byte, 32<<10)
		}
		n, err := l.r.Read(l.room)
		if l.ahead = l.room[:n]; n == 0 && err != nil {
			return 0, err
		}
	}
	c := l.ahead[0]
	l.ahead = l.ahead[1:]
	return c, nil
}

// rawContext names an element for a tokenizer that goes on in its text.
func rawContext(name []byte, isHTML bool) []byte {
	if !isHTML || string(name) == "noscript" {
		return nil
	}
	return bytes.Clone(name)
}

// unread puts bytes back, to be read again.
func (l *long) unread(b ...[]byte) { l.ahead = append(slices.Concat(b...), l.ahead...) }

// tokenizer goes on with another tokenizer, in the text of an element that may be
// raw text; "" is none.
func (l *long) tokenizer(context string) *html.Tokenizer {
	var r io.Reader = l
	if context != "" {
		r = io.MultiReader(strings.NewReader("<"+context+">"), l)
	}
	l.tokens = html.NewTokenizer(r)
	l.tokens.SetMaxBuf(l.most)
	if context != "" {
		l.tokens.Next() // a fragment would have all raw text end with the source
	}
	return l.tokens
}

// outgrow leaves the window for a tokenizer, since a token is as long as that.
func (s *scan) outgrow() {
	w := s.long.window
	s.long.unread(w.body[w.start:])
	s.long.context = []byte(w.raw)
	s.tokens, s.skims = s.long.tokenizer(string(w.raw)), nil
	s.tokens.AllowCDATA(s.nesting.foreign())
	w.full = false
}

// overlong takes in what there is of a token of which more is to come, and goes on
// behind that. The error is that of the source.
func (s *scan) overlong(kind html.TokenType) error {
	raw, context := s.tokens.Raw(), ""
	s.long.unread(s.long.tokens.Buffered())
	switch {
	case kind == html.TextToken:
		undecided := bytes.Clone(begunTag(raw))
		s.text(raw)
		s.long.unread(undecided)
		context = string(s.long.context)
	case isTag(raw):
		if err := s.overlongTag(raw); unlessEOF(err) != nil {
			return err
		}
		context = string(s.long.context)
	default:
		if err := s.long.skipComment(raw); unlessEOF(err) != nil {
			return err
		}
	}
	s.tokens = s.long.tokenizer(context)
	s.tokens.AllowCDATA(s.nesting.foreign())
	return nil
}

// begunTag is the end of a text that may be the beginning of a tag: up to the name
// of an end tag, "</textarea ".
func begunTag(text []byte) []byte {
	tail := text[max(0, len(text)-len("</textarea ")-1):]
	if at := bytes.LastIndexByte(tail, '<'); at >= 0 && bytes.IndexByte(tail[at:], '>') < 0 {
		return tail[at:]
	}
	return nil
}

// overlongTag takes in a tag by its beginning.
func (s *scan) overlongTag(raw []byte) error {
	const seen = 64 << 10 // a tag may be nothing but attributes, each of which takes memory
	var at tagPlace
	whole := at.walk(raw[:min(len(raw), seen)])
	for _, c := range raw[min(len(raw), seen):] {
		if !at.ended {
			at.step(c)
		}
	}
	for !at.ended {
		c, err := s.long.next()
		if err != nil {
			return err // a tag that never ends is none
		}
		at.step(c)
	}
	end := ">"
	if at.closes {
		end = "/>"
	}
	tag := html.NewTokenizer(io.MultiReader(bytes.NewReader(raw[:whole]), strings.NewReader(end)))
	s.tokens = tag
	s.tag(tag.Next(), tag.Raw())
	return nil
}

// skipComment goes behind the end of what begins with "<!", "<?", or "</" and no
// name.
func (l *long) skipComment(raw []byte) error {
	real := bytes.HasPrefix(raw, []byte("<!--"))
	last := bytes.Clone(raw[max(0, len(raw)-len("--!>")):])
	for !commentEnds(last, real) {
		c, err := l.next()
		if err != nil {
			return err
		}
		last = append(last, c)
		last = last[max(0, len(last)-len("--!>")):]
	}
	return nil
}

func commentEnds(last []byte, real bool) bool {
	if !real {
		return bytes.HasSuffix(last, []byte(">"))
	}
	return bytes.HasSuffix(last, []byte("-->")) || bytes.HasSuffix(last, []byte("--!>"))
}

func unlessEOF(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}
