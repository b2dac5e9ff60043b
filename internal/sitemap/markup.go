package sitemap

import (
	"bufio"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"
)

// Bounds within a document.
const (
	longestToken = 1 << 20  // bytes of a tag, a comment, or the text between two tags
	deepest      = 64       // elements open at once
	maxBefore    = 32 << 10 // bytes before the root, and elements: a server's message
	maxEntities  = 100      // entities whose names are remembered
)

// family is a kind of XML document that lists pages, identified by its root element.
type family struct {
	item    string // the element that holds a location
	sitemap bool   // its locations are sitemaps
	feed    bool   // RSS or Atom
}

var families = map[string]family{
	"urlset":       {item: "url"},
	"sitemapindex": {item: "sitemap", sitemap: true},
	"rss":          {item: "item", feed: true},
	"rdf":          {item: "item", feed: true}, // RSS 1.0
	"feed":         {item: "entry", feed: true},
}

// rootTag finds where a sitemap may begin if something else precedes it.
var rootTag = regexp.MustCompile(`(?i)<(\?xml\s|([a-z][a-z0-9]*:)?(urlset|sitemapindex|rss|feed|rdf)[\s/>])`)

// markup reads a sitemap in XML, token by token. Names are case-insensitive, and prefixes
// are ignored, except for those of extensions, whose elements are skipped with their
// content. A document type is skipped as well. A location that refers to an entity
// declared there is refused.
type markup struct {
	tokens *xml.Decoder
	input  *input
	base   base
	out    *output

	family family
	ours   map[string]bool // prefixes that do not belong to an extension
	known  map[string]bool // names of entities that the document declares; nil for none
	open   []string        // names of the open elements; "" for an element of an extension
	item   *item           // the location that is being read
	itemAt int             // number of open elements around it
	field  string          // name of the item's element whose text is being read; "" for none
	from   int             // number of open elements around that
	text   strings.Builder // text of the field
	pace   pace            // what a feed says of itself
	keeps  *time.Duration  // where to store it; nil: nowhere
}

func newMarkup(r *bufio.Reader, cfg Config, out *output) *markup {
	m := &markup{input: &input{r: r}, base: newBase(cfg.At), out: out, keeps: cfg.Keeps}
	m.tokens = xml.NewDecoder(m.input)
	m.tokens.Strict = false
	m.tokens.Entity = xml.HTMLEntity
	// It has been decoded to UTF-8.
	m.tokens.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	return m
}

// read returns why reading stopped, or nil at the regular end. If the current location
// was complete when the fault occurred, it is kept.
func (m *markup) read() error {
	err := m.root()
	for err == nil {
		err = m.step()
	}
	if m.keeps != nil {
		*m.keeps = m.pace.keeps()
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

// root determines the kind of document. Elements before the root count as a server's
// message, unless they are those of a page.
func (m *markup) root() error {
	for before := 0; ; {
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
		name := strings.ToLower(start.Name.Local)
		family, ok := families[name]
		if before++; !ok && (before == 1 && !mayPrecede[name] || pageTag[name] || before > maxBefore) {
			return notSitemap("its root element is <%.100s>", start.Name.Local)
		}
		if !ok {
			continue
		}
		m.family, m.ours = family, prefixes(start)
		m.open = append(m.open, name)
		return nil
	}
}

// mayPrecede lists elements that server messages begin with, such as a PHP warning.
var mayPrecede = map[string]bool{"br": true, "b": true, "p": true, "pre": true, "div": true, "font": true,
	"strong": true, "span": true, "hr": true, "table": true}

// pageTag lists elements of HTML pages. A page is not a sitemap, even if it quotes one.
var pageTag = map[string]bool{"html": true, "head": true, "title": true, "body": true, "script": true, "style": true,
	"meta": true, "link": true}

// prefixes returns the prefixes of the protocol's elements: that of the root, the empty
// one, and all that are declared with the protocol's namespace.
func prefixes(root xml.StartElement) map[string]bool {
	ours := map[string]bool{"": true, root.Name.Space: true}
	for _, a := range root.Attr {
		if a.Name.Space == "xmlns" && strings.Contains(a.Value, "/schemas/sitemap/") {
			ours[a.Name.Local] = true
		}
	}
	return ours
}

// next returns the next token.
func (m *markup) next() (xml.Token, error) {
	m.input.left = longestToken
	token, err := m.tokens.RawToken()
	if directive, ok := token.(xml.Directive); ok {
		m.declare(directive)
	}
	var syntax *xml.SyntaxError
	if errors.As(err, &syntax) {
		return nil, fmt.Errorf("it is not XML from line %d on: %s", syntax.Line, syntax.Msg)
	}
	return token, err
}

var entity = regexp.MustCompile(`(?i)<!ENTITY\s+([^\s%"'>]+)`)

// declare remembers the entities of a document type.
func (m *markup) declare(directive []byte) {
	for _, found := range entity.FindAllSubmatch(directive, maxEntities) {
		if m.known == nil {
			m.known = make(map[string]bool)
		}
		m.known[string(found[1])] = true
	}
}

// refersTo returns the name of a declared entity that a location refers to; "" for none.
func (m *markup) refersTo(text string) string {
	for name := range m.known {
		if strings.Contains(text, "&"+name+";") {
			return name
		}
	}
	return ""
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
	if m.item == nil && m.field != "" && name == m.family.item { // the field was not closed
		m.field = ""
		m.text.Reset()
	}
	m.open = append(m.open, name)
	switch {
	case m.field != "", parent == "":
	case name == m.family.item:
		return m.begin()
	case m.item == nil && m.family.feed && (name == fieldTTL || paces[name]):
		m.field, m.from = name, len(m.open)-1
	case m.item != nil && len(m.open) == m.itemAt+2:
		m.field, m.from = name, len(m.open)-1
		m.item.attributes(name, e.Attr)
	}
	return nil
}

// name returns the name of an element of the protocol, or of one that says how often a feed changes,
// and "" for any other.
func (m *markup) name(n xml.Name) string {
	name := strings.ToLower(n.Local)
	if !m.ours[n.Space] && !(m.family.feed && paces[name]) {
		return ""
	}
	return name
}

// begin begins an item. It also ends an item that was not closed.
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

// end closes an element, and unclosed elements in it. It ignores an end tag without a
// start tag.
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

// chars collects the text of a field, or of an item itself: some sites write locations
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

// endField records the field that was read. A second location begins another item,
// because some sites never close items.
func (m *markup) endField() error {
	name, value := m.field, trim(m.text.String())
	m.field = ""
	m.text.Reset()
	if m.item == nil {
		m.pace.set(name, value)
		return nil
	}
	if name == "loc" && value != "" && m.item.place != "" {
		if err := m.flush(); err != nil {
			return err
		}
		m.item = newItem(m.family)
	}
	m.item.set(name, value)
	return nil
}

// flush emits the item, if there is one.
func (m *markup) flush() error {
	if m.item == nil {
		return nil
	}
	if bare := trim(m.item.bare.String()); m.item.place == "" && !m.family.feed {
		m.item.place = bare
	}
	return m.emit()
}

// emit passes the item on if it has a location.
func (m *markup) emit() error {
	i := m.item
	m.item = nil
	text, u, err := i.url(m.base)
	if text == "" {
		return nil
	}
	if name := m.refersTo(text); name != "" {
		err = fmt.Errorf("%.100q refers to &%.100s;, an entity that the sitemap declares, and those are not expanded",
			text, name)
	}
	return m.out.put(text, u, err, i.Location)
}

// input feeds the XML decoder byte by byte, and bounds the length of one token, which the
// decoder holds in memory.
type input struct {
	r    *bufio.Reader
	left int
}

func (t *input) ReadByte() (byte, error) {
	if t.left == 0 {
		return 0, beyond("a piece of markup has more than %d bytes", longestToken)
	}
	t.left--
	return t.r.ReadByte()
}

// Read exists because the decoder requires an io.Reader. It calls ReadByte instead.
func (t *input) Read(p []byte) (int, error) { return t.r.Read(p) }
