package parse

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"github.com/trawlcrawler/trawl/internal/charset"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/htmltok"
	"github.com/trawlcrawler/trawl/internal/reference"
)

// This file finds what a page embeds: what a browser fetches to show it, and what an
// archive needs beside it. The elements and attributes are those of HTML, "fetching".
// What only a script would fetch is not found. A frame is not a resource but a link,
// because it is a page.

// media contains the attributes that only resources have, and the alt of an image.
type media struct {
	alt, srcset, poster, data, style, background, imageSrcset []byte
}

func (m *media) set(key, value []byte) {
	switch string(key) {
	case "alt":
		m.alt = value
	case "srcset":
		m.srcset = value
	case "poster":
		m.poster = value
	case "data":
		m.data = value
	case "style":
		m.style = value
	case "background":
		m.background = value
	case "imagesrcset":
		m.imageSrcset = value
	}
}

// resource records what an element embeds. isHTML distinguishes HTML elements from SVG.
func (s *scan) resource(name []byte, isHTML bool) {
	a, m := s.attributes(), &s.media
	s.inStyle = string(name) == "style"
	if len(m.style) > 0 {
		s.styleSheet(m.style)
	}
	if !isHTML {
		s.drawing(name, a.href, a.xlink)
		return
	}
	switch string(name) {
	case "img", "image", "source":
		s.embed(a.src)
		s.embedSet(m.srcset)
	case "script", "audio", "track", "embed":
		s.embed(a.src)
	case "video":
		s.embed(a.src)
		s.embed(m.poster)
	case "input":
		if htmltok.EqualFold(a.kind, "image") {
			s.embed(a.src)
		}
	case "object":
		s.embed(m.data)
	case "link":
		if isResource(a.rel) {
			s.embed(a.href)
			s.embedSet(m.imageSrcset)
		}
	case "body", "table", "thead", "tbody", "tfoot", "tr", "td", "th":
		s.embed(m.background)
	}
}

// drawing records what an SVG element embeds. A reference into the page itself does not
// count.
func (s *scan) drawing(name, href, xlink []byte) {
	switch string(name) {
	case "image", "use", "feimage", "script":
		if href != nil { // SVG 2, 16.1.2: href takes precedence over xlink:href
			s.embed(href)
			return
		}
		s.embed(xlink)
	}
}

// embed records one reference. An empty one leads nowhere (HTML, "update the image
// data").
func (s *scan) embed(ref []byte) {
	if len(trimReference(ref)) > 0 {
		s.resources.add(ref, false)
	}
}

func (s *scan) embedSet(srcset []byte) {
	for ref := range reference.InSrcset(srcset) {
		s.embed(ref)
	}
}

func (s *scan) styleSheet(css []byte) {
	for ref := range reference.InStyleSheet(css) {
		s.embed(ref)
	}
}

// isResource reports whether a <link> or Link header with this rel leads to a part of the
// page (HTML, "link types").
func isResource(rel []byte) bool {
	for word := range bytes.FieldsSeq(rel) {
		switch string(bytes.ToLower(word)) {
		case "stylesheet", "icon", "apple-touch-icon", "apple-touch-icon-precomposed", "mask-icon",
			"preload", "modulepreload", "manifest":
			return true
		}
	}
	return false
}

// isAlternate reports whether rel leads to another form of the page, which is a page
// itself.
func isAlternate(rel []byte) bool {
	return htmltok.HasToken(rel, "alternate") && !isResource(rel)
}

// isFeed reports whether a <link> or Link header with this rel and type leads to a feed:
// RSS or Atom (HTML, "link type alternate").
func isFeed(rel, kind string) bool {
	if !htmltok.HasToken([]byte(rel), "alternate") {
		return false
	}
	kind, _, _ = strings.Cut(kind, ";")
	switch strings.ToLower(strings.Trim(kind, htmltok.Spaces)) {
	case "application/rss+xml", "application/atom+xml", "application/rdf+xml":
		return true
	}
	return false
}

// styleSheet parses a page that is a style sheet. Its links are those of its headers.
func (p *Parser) styleSheet(page *fetched.Page, declared charset.MediaType) (*fetched.Document, error) {
	src := charset.NewStyleSource(declared, page.Body.Head)
	src.Rest = page.Body.Rest()
	s := p.scans.Get().(*scan)
	defer p.release(s)
	if err := s.styleSheets(src.Reader()); err != nil {
		return nil, fmt.Errorf("parse %s: %w", page.URL, err)
	}
	s.robots.obeyHeader(page.Header, p.agent)
	s.robots.licenses(page)
	res := reference.ResolverAt(page.URL)
	doc := &fetched.Document{
		Charset: src.Charset, NoFollow: s.robots.noFollow, NoIndex: s.robots.noIndex,
		Rights: s.robots.rights(page, res), Resources: urls(s.resources.resolve(res)),
	}
	p.readHeaders(doc, page, res)
	return doc, nil
}

// styleSheets parses a style sheet and holds at most s.most bytes of it. It reads a
// longer one in pieces that end at the end of a rule.
func (s *scan) styleSheets(r io.Reader) error {
	var held []byte
	for {
		piece, err := io.ReadAll(io.LimitReader(r, int64(s.most-len(held))))
		if err != nil {
			return err
		}
		held = append(held, piece...)
		end := len(held)
		if end == s.most {
			if last := bytes.LastIndexByte(held, '}') + 1; last > 0 {
				end = last
			}
		}
		s.styleSheet(held[:end])
		if len(held) < s.most {
			return nil
		}
		held = held[:copy(held, held[end:])]
	}
}
