package parse

import (
	"bytes"

	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/htmltok"
	"github.com/trawlcrawler/trawl/internal/reference"
	"github.com/trawlcrawler/trawl/internal/rights"
)

func (s *scan) anchor(text bool) {
	a := s.attributes()
	if a.href == nil {
		return
	}
	s.refs.add(a.href, htmltok.HasToken(a.rel, "nofollow"))
	if bytes.HasSuffix(a.href, llmsName) {
		s.robots.list(a.href)
	}
	switch {
	case s.graph == nil:
	case text:
		s.graph.anchor(a.href, a.rel)
	default:
		s.graph.area(a.href, a.rel, s.media.alt)
	}
}

// drawnAnchor records an SVG link (SVG 2, 16.2). Within an HTML anchor, the text
// continues to belong to that anchor.
func (s *scan) drawnAnchor() {
	a := s.attributes()
	ref := a.href
	if ref == nil { // SVG 2, 16.1.2: href takes precedence over xlink:href
		ref = a.xlink
	}
	if ref == nil {
		return
	}
	s.refs.add(ref, htmltok.HasToken(a.rel, "nofollow"))
	switch {
	case s.graph == nil:
	case s.graph.open:
		s.graph.within(fetched.ReferenceAnchor, ref, a.rel)
	default:
		s.graph.anchor(ref, a.rel)
	}
}

func (s *scan) frame() {
	if a := s.attributes(); len(a.src) > 0 {
		s.refs.add(a.src, false)
		s.refer(fetched.ReferenceFrame, a.src, nil)
	}
}

// refer records a reference without text, if the link graph is wanted.
func (s *scan) refer(kind fetched.ReferenceKind, ref, rel []byte) {
	if s.graph != nil {
		s.graph.within(kind, ref, rel)
	}
}

// link records the pages that a document names as its canonical form and as the next page
// of a series. If resources are wanted, it also records alternates: translations, feeds.
func (s *scan) link() {
	a := s.attributes()
	if len(a.href) == 0 {
		return
	}
	if htmltok.HasToken(a.rel, "canonical") {
		s.canonical.Set(a.href)
	}
	if htmltok.HasToken(a.rel, "license") {
		s.robots.license(a.href, a.kind, rights.InLink)
	}
	if bytes.HasSuffix(a.href, llmsName) {
		s.robots.list(a.href)
	}
	if s.feeds != nil && isFeed(string(a.rel), string(a.kind)) {
		s.feeds.add(a.href, htmltok.HasToken(a.rel, "nofollow"))
	}
	if htmltok.HasToken(a.rel, "next") || s.resources != nil && isAlternate(a.rel) {
		s.refs.add(a.href, htmltok.HasToken(a.rel, "nofollow"))
		s.refer(fetched.ReferenceLink, a.href, a.rel)
	}
}

func (s *scan) meta() {
	a := s.attributes()
	if htmltok.EqualFold(a.httpEquiv, "refresh") {
		if target, ok := reference.InRefresh(a.content); ok {
			s.refs.add(target, false)
			s.refer(fetched.ReferenceRefresh, target, nil)
		}
	}
	if len(a.name) > 0 {
		s.robots.obeyMeta(a.name, a.content, s.agent)
	}
}

// attributes contains the attributes of a start tag that matter. An absent one is nil.
// All are valid until the next token.
type attributes struct {
	href, src, rel, name, content, httpEquiv, kind, xlink, id []byte
	framework                                                 bool // one that only a framework writes
}

// attributes reads the attributes of the tag, which is possible only once. It stores them
// only for resources, the link graph and signs, because storing them anywhere but on the stack
// costs 5% of the whole scan.
func (s *scan) attributes() (a attributes) {
	if s.known {
		return s.attrs
	}
	kept := s.resources != nil || s.graph != nil || s.signs != nil
	for more := true; more; {
		var key, value []byte
		if s.skims != nil && !s.asked {
			key, value, more = s.skims.LinkAttr()
		} else {
			key, value, more = s.tokens.TagAttr()
		}
		if value == nil {
			value = []byte{}
		}
		switch string(key) {
		case "href":
			a.href = value
		case "src":
			a.src = value
		case "rel":
			a.rel = value
		case "name":
			a.name = value
		case "content":
			a.content = value
		case "http-equiv":
			a.httpEquiv = value
		case "type":
			a.kind = value
		case "xlink:href":
			a.xlink = value
		default:
			if kept {
				s.media.set(key, value)
			}
			if s.signs != nil {
				a.sign(key, value)
			}
		}
	}
	if kept {
		s.attrs, s.known = a, true
	}
	return a
}
