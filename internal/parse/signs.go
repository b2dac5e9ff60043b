package parse

import (
	"bytes"
	"unicode/utf8"

	"github.com/trawlcrawler/trawl/internal/htmltok"
	"github.com/trawlcrawler/trawl/internal/need"
)

// This file counts the signs of a page whose scripts make its text or its links.

// signs are those that a scan has counted.
type signs struct {
	need.Signs
	noscript bool // within a noscript element
	script   bool // within a script element
}

// found returns a copy that outlasts the scan.
func (s *signs) found() *need.Signs {
	found := s.Signs
	return &found
}

// text counts the characters of a text. raw says that it is not visible: a script, a style, a title.
func (s *signs) text(text []byte, raw bool) {
	switch {
	case s.script:
		s.State += len(text)
	case s.noscript:
		s.Noscript = s.Noscript || containsFold(text, "javascript")
	case !raw:
		s.Text += characters(text)
	}
}

// end notes an end tag.
func (s *signs) end(name []byte) {
	switch string(name) {
	case "noscript":
		s.noscript = false
	case "script":
		s.script = false
	}
}

// sign notes the start tag of an HTML element.
func (s *scan) sign(name []byte) {
	s.signs.script = false
	switch string(name) {
	case "noscript":
		s.signs.noscript = true
	case "script":
		s.signs.script = true
		if isProgram(s.attributes().kind) {
			s.signs.Scripts++
		}
	case "html", "body", "div", "main", "section":
		a := s.attributes()
		s.signs.Root = s.signs.Root || a.framework || roots[string(a.id)]
	default:
		// An element with a hyphen is a custom element (HTML, "valid custom element name"), as
		// Angular's app-root.
		s.signs.Root = s.signs.Root || bytes.HasSuffix(name, []byte("-root")) || bytes.HasSuffix(name, []byte("-app"))
	}
}

// roots are the IDs of the elements that frameworks and their project templates render into.
var roots = map[string]bool{
	"root": true, "app": true, "__next": true, "__nuxt": true, "___gatsby": true, "react-root": true,
	"app-root": true, "app-mount": true, "svelte": true, "sapper": true, "redwood-app": true, "ember-app": true,
	"q-app": true, "__layout": true, "mount": true, "reactroot": true,
}

// sign notes an attribute that only signs need.
func (a *attributes) sign(key, value []byte) {
	switch string(key) {
	case "id":
		a.id = value
	case "data-reactroot", "ng-version", "ng-app", "data-v-app", "data-server-rendered", "data-sveltekit-hydrate":
		a.framework = true
	}
}

// isProgram reports whether a browser runs a script element with this type (HTML, "prepare the
// script element"): a JavaScript type, "module", or none. Others hold data.
func isProgram(kind []byte) bool {
	kind = bytes.TrimSpace(kind)
	return len(kind) == 0 || htmltok.EqualFold(kind, "module") || htmltok.EqualFold(kind, "text/javascript") ||
		containsFold(kind, "ecmascript") || htmltok.EqualFold(kind, "application/javascript")
}

// containsFold reports whether text contains a word in lower case, ignoring the case of letters.
func containsFold(text []byte, word string) bool {
	for i := range len(text) - len(word) + 1 {
		if htmltok.EqualFold(text[i:i+len(word)], word) {
			return true
		}
	}
	return false
}

// characters counts the letters and digits of ASCII, and all characters beyond. A character
// reference counts as its letters: signs need no exact number.
func characters(text []byte) (n int) {
	for _, c := range text {
		if '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' || c >= utf8.RuneSelf && utf8.RuneStart(c) {
			n++
		}
	}
	return n
}
