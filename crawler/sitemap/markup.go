package sitemap

import (
	"bufio"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// Bounds within a document.
const (
	longestToken = 1 << 20 // bytes of a tag, a comment, or the text between two tags
	deepest      = 64      // elements that are open at once
)

// family is a kind of XML document that lists pages, known by its root element.
type family struct {
	item    string // the element that holds a location
	sitemap bool   // locations are those of sitemaps
	feed    bool   // RSS or Atom
}

var families = map[string]family{
	"urlset":       {item: "url"},
	"sitemapindex": {item: "sitemap", sitemap: true},
	"rss":          {item: "item", feed: true},
	"RDF":          {item: "item", feed: true}, // RSS 1.0
	"feed":         {item: "entry", feed: true},
}

// markup reads a sitemap in XML, token by token. Names count without their
// prefixes, but for those of extensions, whose elements are passed over with all
// that is in them.
type markup struct {
	tokens *xml.Decoder
	tape   *tape
	base   base
	out    *output

	family family
	ours   map[string]bool // prefixes that are no extension's
	open   []string        // names of the open elements; "" is one of an extension
	item   *item           // the location that is being read
	itemAt int             // how many elements are open outside it
	field  string          // the element in it whose text is being read; "" for none
	from   int             // how many elements are open outside that
	text   strings.Builder // of the field
}

func newMarkup(r *bufio.Reader, cfg Config, out *output) *markup {
	m := &markup{tape: &tape{r: r}, base: newBase(cfg.At), out: out}
	m.tokens = xml.NewDecoder(m.tape)
	m.tokens.Strict = false
	m.tokens.Entity = xml.HTMLEntity
	m.tokens.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil } // it is UTF-8 by now
	return m
}

// read returns how the sitemap ended, nil when it did well. A location that was
// whole when the fault came counts.
func (m *markup) read() error {
	err := m.root()
	for err == nil {
		err = m.step()
	}
	if err == errDone {
		return nil
	}
	if m.item != nil && err != errEnough {
		if enough := m.emit(); enough != nil {
			return enough
		}
	}
	return err
}

// errDone says that the root element is closed.
var errDone = errors.New("the document is read")

// root finds out what kind of document it is.
func (m *markup) root() error {
	for {
		token, err := m.next()
		if err == io.EOF {
			return notSitemap("it has no element")
		}
		if err != nil {
			return err
		}
		start, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		family, ok := families[start.Name.Local]
		if !ok {
			return notSitemap("its root element is <%.100s>", start.Name.Local)
		}
		m.family, m.ours = family, prefixes(start)
		m.open = append(m.open, start.Name.Local)
		return nil
	}
}

// prefixes are those under which the elements of the protocol go: that of the
// root, none, and whatever is declared to be the protocol's.
func prefixes(root xml.StartElement) map[string]bool {
	ours := map[string]bool{"": true, root.Name.Space: true}
	for _, a := range root.Attr {
		if a.Name.Space == "xmlns" && strings.Contains(a.Value, "/schemas/sitemap/") {
			ours[a.Name.Local] = true
		}
	}
	return ours
}

// next returns the next token. It refuses documents that declare entities.
func (m *markup) next() (xml.Token, error) {
	m.tape.left = longestToken
	token, err := m.tokens.RawToken()
	if directive, ok := token.(xml.Directive); ok && strings.Contains(string(directive), "<!ENTITY") {
		return nil, errors.New("it declares entities, which are not read")
	}
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) {
		return nil, fmt.Errorf("it is not XML from line %d on: %s", syntax.Line, syntax.Msg)
	}
	return token, err
}

func (m *markup) step() error {
	token, err := m.next()
	if err == io.EOF {
		return fmt.Errorf("it ends before </%s>", m.open[0])
	}
	if err != nil {
		return err
	}
	switch t := token.(type) {
	case xml.StartElement:
		return m.start(t)
	case xml.EndElement:
		return m.end(t)
	case xml.CharData:
		m.chars(t)
	}
	return nil
}

func (m *markup) start(e xml.StartElement) error {
	if len(m.open) == deepest {
		return beyond("elements are nested more than %d deep", deepest)
	}
	name, parent := m.name(e.Name), m.open[len(m.open)-1]
	m.open = append(m.open, name)
	switch {
	case m.field != "", parent == "":
	case name == m.family.item:
		return m.begin()
	case m.item != nil && len(m.open) == m.itemAt+2:
		m.field, m.from = name, len(m.open)-1
		m.item.attributes(name, e.Attr)
	}
	return nil
}

// name is that of an element of ours, and "" of any other.
func (m *markup) name(n xml.Name) string {
	if !m.ours[n.Space] {
		return ""
	}
	return n.Local
}

// begin begins an item. One that was never closed ends there.
func (m *markup) begin() error {
	if m.item != nil {
		m.open = append(m.open[:m.itemAt], m.family.item)
		if err := m.flush(); err != nil {
			return err
		}
	}
	m.item, m.itemAt = newItem(m.family), len(m.open)-1
	return nil
}

// end closes an element, and those in it that were left open. An end without a
// beginning means nothing.
func (m *markup) end(e xml.EndElement) error {
	name, at := m.name(e.Name), len(m.open)-1
	for at >= 0 && m.open[at] != name {
		at--
	}
	if at < 0 {
		return nil
	}
	m.open = m.open[:at]
	if m.field != "" && at <= m.from {
		if err := m.endField(); err != nil {
			return err
		}
	}
	if m.item != nil && at <= m.itemAt {
		if err := m.flush(); err != nil {
			return err
		}
	}
	if at == 0 {
		return errDone
	}
	return nil
}

// chars keeps the text of a field, or of an item itself: some write locations
// there.
func (m *markup) chars(text xml.CharData) {
	into := &m.text
	switch {
	case m.field != "":
	case m.item != nil && len(m.open) == m.itemAt+1:
		into = &m.item.bare
	default:
		return
	}
	into.Write(text[:min(len(text), longestLine-into.Len())])
}

// endField notes the field that was read. A second location is one more: some
// never close the item before.
func (m *markup) endField() error {
	name, value := m.field, trim(m.text.String())
	m.field = ""
	m.text.Reset()
	if name == "loc" && value != "" && m.item.place != "" {
		if err := m.flush(); err != nil {
			return err
		}
		m.item = newItem(m.family)
	}
	m.item.set(name, value)
	return nil
}

// flush hands the item over, if there is one.
func (m *markup) flush() error {
	if m.item == nil {
		return nil
	}
	if bare := trim(m.item.bare.String()); m.item.place == "" && !m.family.feed {
		m.item.place = bare
	}
	return m.emit()
}

// emit hands the item over if it has a location.
func (m *markup) emit() error {
	i := m.item
	m.item = nil
	text, u, err := i.url(m.base)
	if text == "" {
		return nil
	}
	return m.out.put(text, u, err, i.Location)
}

// tape feeds the XML decoder byte by byte, and bounds what it takes for one
// token, which it holds in memory.
type tape struct {
	r    *bufio.Reader
	left int
}

func (t *tape) ReadByte() (byte, error) {
	if t.left == 0 {
		return 0, beyond("a piece of markup has more than %d bytes", longestToken)
	}
	t.left--
	return t.r.ReadByte()
}

// Read is there because the decoder asks for an io.Reader; it reads bytes.
func (t *tape) Read(p []byte) (int, error) { return t.r.Read(p) }
