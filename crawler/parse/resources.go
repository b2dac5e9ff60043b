package parse

import (
	"bytes"
	"fmt"
	"io"

	"github.com/trawlcrawler/trawl/crawler"
)

// What a page embeds: what a browser fetches to show it, and an archive has to
// have beside it. The elements and attributes are those of HTML, "fetching";
// what only a script would fetch is not seen. A frame is no resource but a link,
// because it is a page.

// media are the attributes that only resources have, and what stands for an image.
type media struct {
	alt, srcset, poster, data, kind, style, background, imageSrcset, xlink []byte
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
	case "type":
		m.kind = value
	case "style":
		m.style = value
	case "background":
		m.background = value
	case "imagesrcset":
		m.imageSrcset = value
	case "xlink:href":
		m.xlink = value
	}
}

// resource notes what an element embeds. isHTML tells it from one of SVG.
func (s *scan) resource(name []byte, isHTML bool) {
	a, m := s.attributes(), &s.media
	s.inStyle = string(name) == "style"
	if len(m.style) > 0 {
		s.styleSheet(m.style)
	}
	if !isHTML {
		s.drawing(name, a.href, m.xlink)
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
		if equalFold(m.kind, "image") {
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

// drawing notes what an element of SVG embeds. A reference into the page itself
// is none.
func (s *scan) drawing(name, href, xlink []byte) {
	switch string(name) {
	case "image", "use", "feimage", "script":
		if href != nil { // SVG 2, 16.1.2: href goes before xlink:href
			s.embed(href)
			return
		}
		s.embed(xlink)
	}
}

// embed notes one reference. An empty one leads nowhere (HTML, "update the image
// data").
func (s *scan) embed(ref []byte) {
	if len(trimReference(ref)) > 0 {
		s.resources.add(ref, false)
	}
}

func (s *scan) embedSet(srcset []byte) {
	for ref := range candidates(srcset) {
		s.embed(ref)
	}
}

func (s *scan) styleSheet(css []byte) {
	for ref := range cssReferences(css) {
		s.embed(ref)
	}
}

// isResource reports whether a <link> or a Link header of that rel leads to a
// part of the page (HTML, "link types").
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

// isAlternate reports whether it leads to another form of the page, which is a
// page.
func isAlternate(rel []byte) bool {
	return hasToken(rel, "alternate") && !isResource(rel)
}

// styleSheet reads a page that is CSS. Its links are those of a page that names
// no others: none.
func (p *Parser) styleSheet(page *crawler.Page, declared mediaType) (*crawler.Document, error) {
	src := newStyleSource(declared, page.Body.Head)
	src.rest = page.Body.Rest()
	s := p.scans.Get().(*scan)
	defer p.release(s)
	if err := s.styleSheets(src.reader()); err != nil {
		return nil, fmt.Errorf("parse %s: %w", page.URL, err)
	}
	s.robots.obeyHeader(page.Header, p.agent)
	res := resolver{base: page.URL.Base()}
	doc := &crawler.Document{
		Charset: src.charset, NoFollow: s.robots.noFollow, NoIndex: s.robots.noIndex, Rights: s.robots.rights(res),
		Resources: urls(s.resources.resolve(res)),
	}
	p.readLinkHeaders(doc, page)
	return doc, nil
}

// styleSheets reads a style sheet of which no more than s.most bytes are held: a
// longer one is read in pieces that end where a rule does.
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
