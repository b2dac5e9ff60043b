package parse

import (
	"bytes"
	"io"
	"slices"
	"strings"

	"golang.org/x/net/html"

	"github.com/trawlcrawler/trawl/internal/htmltok"
)

// maxToken is how many bytes of one token of a long source are held in memory: a script,
// an image within an attribute, a text without tags. A body may occupy that much memory
// anyway (the default of fetch.Config.HeadBytes). The tokenizer's buffer grows to twice
// that.
const maxToken = 2 << 20

// long is a source that is not in memory and that is being scanned. A window moves over
// it until a token is longer than the window; from then on a tokenizer reads it. At a
// token that is too long, the tokenizer stops and another one continues:
//
// - in a text, at once, so that the text is seen as several; - in a tag, after its end;
// only the attributes that are complete in its first 64 KiB are seen; - in a comment or
// the like, after its end.
//
// The rest of a <![CDATA[ section that is too long is treated as markup. In a script that
// is too long, the state that hides an end tag in it ("script data escaped") is lost.
type long struct {
	r       io.Reader
	window  *htmltok.Window
	tokens  *html.Tokenizer // the current tokenizer; nil for the window
	most    int             // maximum bytes of a token; more than the longest end tag has
	ahead   []byte          // to be read before r
	room    []byte
	context []byte // the HTML element whose text is next, if that may be raw text
}

// newLong returns a long source of which at most most bytes of a token are held. It is read in
// pieces of first bytes, and of more where a token is longer.
func newLong(r io.Reader, first, most int) *long {
	l := &long{r: r, most: most}
	l.window = htmltok.NewWindow(l, first, most)
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

// rawContext names an element for a tokenizer that continues in its text.
func rawContext(name []byte, isHTML bool) []byte {
	if !isHTML || string(name) == "noscript" {
		return nil
	}
	return bytes.Clone(name)
}

// unread puts bytes back, to be read again.
func (l *long) unread(b ...[]byte) { l.ahead = append(slices.Concat(b...), l.ahead...) }

// tokenizer continues with a new tokenizer, in the text of an element that may be raw
// text, or "" for none.
func (l *long) tokenizer(context string) *html.Tokenizer {
	var r io.Reader = l
	if context != "" {
		r = io.MultiReader(strings.NewReader("<"+context+">"), l)
	}
	l.tokens = html.NewTokenizer(r)
	l.tokens.SetMaxBuf(l.most)
	if context != "" {
		l.tokens.Next() // parsing as a fragment would extend raw text to the end of the source
	}
	return l.tokens
}

// outgrow replaces the window by a tokenizer, because a token is longer than the window.
func (s *scan) outgrow() {
	begun, element := s.long.window.GiveUp()
	s.long.unread(begun)
	s.long.context = []byte(element)
	s.tokens, s.skims = s.long.tokenizer(element), nil
	s.tokens.AllowCDATA(s.nesting.Foreign())
}

// overlong processes the available part of a token that is too long, and continues after
// it. The error is that of the source.
func (s *scan) overlong(kind html.TokenType) error {
	raw, context := s.tokens.Raw(), ""
	s.long.unread(s.long.tokens.Buffered())
	switch {
	case kind == html.TextToken:
		undecided := bytes.Clone(begunTag(raw))
		s.text(raw)
		s.long.unread(undecided)
		context = string(s.long.context)
	case htmltok.IsTag(raw):
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
	s.tokens.AllowCDATA(s.nesting.Foreign())
	return nil
}

// begunTag returns the end of a text if it may be the beginning of a tag, up to the name
// of an end tag: "</textarea ".
func begunTag(text []byte) []byte {
	tail := text[max(0, len(text)-len("</textarea ")-1):]
	if at := bytes.LastIndexByte(tail, '<'); at >= 0 && bytes.IndexByte(tail[at:], '>') < 0 {
		return tail[at:]
	}
	return nil
}

// overlongTag processes a tag by its beginning.
func (s *scan) overlongTag(raw []byte) error {
	const seen = 64 << 10 // a tag may consist of very many attributes, and each takes memory
	var at htmltok.TagPlace
	whole := at.Walk(raw[:min(len(raw), seen)])
	for _, c := range raw[min(len(raw), seen):] {
		if !at.Ended {
			at.Step(c)
		}
	}
	for !at.Ended {
		c, err := s.long.next()
		if err != nil {
			return err // a tag that never ends is not a tag
		}
		at.Step(c)
	}
	end := ">"
	if at.Closes {
		end = "/>"
	}
	tag := html.NewTokenizer(io.MultiReader(bytes.NewReader(raw[:whole]), strings.NewReader(end)))
	s.tokens = tag
	s.tag(tag.Next(), tag.Raw())
	return nil
}

// skipComment skips to the end of what begins with "<!" or "<?", or with "</" and no
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
