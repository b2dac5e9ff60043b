package commoncrawl

import (
	"bytes"
	"strings"

	"golang.org/x/net/html"

	"github.com/trawlcrawler/trawl/internal/htmltok"
	"github.com/trawlcrawler/trawl/internal/reference"
)

// maxLinkText is how many bytes of the text of a link are kept.
const maxLinkText = 128

// view is what one pass over the tokens of an HTML page finds: its text, and its references as
// they are written, under the names of WAT.
type view struct {
	text    text
	base    *string // the first <base href>
	title   *string // the first <title>
	metas   []object
	links   []object // <link>
	scripts []object
	hrefs   []object // all other references

	tokens  htmltok.Tokenizer
	nesting htmltok.Nesting
	name    htmltok.TagName
	attrs   []attribute // of the current tag
	inTitle bool
	inStyle bool
	hidden  bool // the next text is not visible
	pre     int  // open <pre>
	anchor  int  // index in hrefs of the open <a>, counted from 1; 0 for none
	label   text // text of the open <a>
}

// attribute is an attribute of a tag: its name in lower case, and its decoded value.
type attribute struct{ name, value string }

// viewOf reads a page that is in UTF-8.
func viewOf(page []byte) *view {
	v := new(view)
	v.tokens.Reset(page)
	for {
		kind := v.tokens.Next()
		raw := v.tokens.Raw()
		switch kind {
		case html.ErrorToken:
			v.closeAnchor()
			v.tokens.Reset(nil)
			return v
		case html.TextToken:
			v.read(v.tokens.Text())
		case html.StartTagToken:
			v.open(v.name.Of(raw[len("<"):]), false)
		case html.SelfClosingTagToken:
			v.open(v.name.Of(raw[len("<"):]), true)
		case html.EndTagToken:
			v.close(v.name.Of(raw[len("</"):]))
		}
	}
}

// read processes a text.
func (v *view) read(s []byte) {
	switch {
	case v.inStyle:
		v.styleSheet(s)
	case v.inTitle && v.title == nil:
		title := htmltok.Collapse(s, 0)
		v.title = &title
	}
	if v.hidden || v.nesting.Inert() {
		return
	}
	if v.pre > 0 {
		v.text.verbatim(s)
	} else {
		v.text.words(s)
	}
	if v.anchor > 0 && len(v.label.b) < maxLinkText {
		v.label.words(s[:min(len(s), 2*maxLinkText)])
	}
}

// open processes a start tag. Elements whose text is not for readers hide it until the next
// tag: their text is a single token.
func (v *view) open(name []byte, selfClosing bool) {
	v.inTitle, v.inStyle, v.hidden = false, false, false
	isHTML := v.nesting.Open(name, selfClosing)
	v.tokens.AllowCDATA(v.nesting.Foreign())
	if !isHTML || string(name) == "noscript" { // scripts are not run, so noscript contains elements
		v.tokens.NextIsNotRawText()
	}
	switch string(name) {
	case "script", "iframe", "noembed", "noframes":
		v.hidden = true
	case "style":
		v.hidden, v.inStyle = true, true
	case "title":
		v.inTitle, v.hidden = isHTML, !isHTML
	}
	if v.nesting.Inert() || !isHTML {
		return
	}
	v.separate(name)
	if string(name) == "pre" && !selfClosing {
		v.pre++
	}
	v.readAttributes()
	v.element(string(name))
}

// close processes an end tag.
func (v *view) close(name []byte) {
	v.inTitle, v.inStyle, v.hidden = false, false, false
	v.nesting.Close(name)
	v.tokens.AllowCDATA(v.nesting.Foreign())
	if v.nesting.Inert() {
		return
	}
	v.separate(name)
	switch string(name) {
	case "pre":
		v.pre = max(v.pre-1, 0)
	case "a":
		v.closeAnchor()
	}
}

func (v *view) separate(name []byte) {
	if apart := breaks[string(name)]; apart != nil {
		apart(&v.text)
		v.label.space()
	}
}

// readAttributes reads the attributes of the tag. Of several with one name, the first counts
// (HTML, "duplicate-attribute").
func (v *view) readAttributes() {
	v.attrs = v.attrs[:0]
	for more := true; more; {
		var key, value []byte
		key, value, more = v.tokens.TagAttr()
		if len(key) == 0 {
			continue
		}
		if _, ok := v.attr(string(key)); !ok {
			v.attrs = append(v.attrs, attribute{string(key), htmltok.Clean(string(value))})
		}
	}
}

func (v *view) attr(name string) (value string, ok bool) {
	for _, a := range v.attrs {
		if a.name == name {
			return a.value, true
		}
	}
	return "", false
}

// closeAnchor gives the open link its text.
func (v *view) closeAnchor() {
	if v.anchor > 0 {
		if label := htmltok.Clip(string(bytes.TrimSpace(v.label.b)), maxLinkText); label != "" {
			v.hrefs[v.anchor-1].add("text", label)
		}
	}
	v.anchor, v.label.b = 0, v.label.b[:0]
}

// styleSheet finds the references of a style sheet in the page.
func (v *view) styleSheet(sheet []byte) {
	for ref := range reference.InStyleSheet(sheet) {
		v.hrefs = append(v.hrefs, object{{"path", "STYLE/#text"}, {"href", brief(htmltok.Clean(string(ref)))}})
	}
}

// maxDataURL is how many bytes of a data: URL are kept if it has no comma.
const maxDataURL = 128

// brief removes the data of a data: URL (RFC 2397).
func brief(url string) string {
	if !strings.HasPrefix(url, "data:") {
		return url
	}
	url = url[:min(len(url), maxDataURL)]
	if comma := strings.IndexByte(url, ','); comma >= 0 {
		return url[:comma+1]
	}
	return strings.ToValidUTF8(url, "")
}
