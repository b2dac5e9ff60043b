package parse

import (
	"iter"
	"slices"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
)

// mostHeaderLinks is how many links of the Link headers of a page are read.
const mostHeaderLinks = 200

// headerLink is one link of a Link header (RFC 8288, 3), as it is written.
type headerLink struct {
	target   string
	rel      string
	anchor   string // what it leads from, if not from the page
	anchored bool
}

// headerLinks reads the links of Link headers (RFC 8288, appendix B.2). What
// stands behind a mistake in a header is not read.
func headerLinks(values []string) iter.Seq[headerLink] {
	return func(yield func(headerLink) bool) {
		for _, s := range values {
			for {
				s = strings.TrimLeft(s, httpSpace+",")
				rest, isTarget := strings.CutPrefix(s, "<")
				target, rest, ends := strings.Cut(rest, ">")
				if !isTarget || !ends {
					break
				}
				link := headerLink{target: target}
				s = link.parameters(rest)
				if !yield(link) {
					return
				}
			}
		}
	}
}

// parameters reads what follows a target (RFC 8288, appendix B.3), and returns
// what is behind it. Of two parameters of a name the first counts.
func (l *headerLink) parameters(s string) string {
	related := false
	for {
		s = strings.TrimLeft(s, httpSpace)
		if !strings.HasPrefix(s, ";") {
			return s
		}
		s = strings.TrimLeft(s[1:], httpSpace)
		end := strings.IndexAny(s, "=;,")
		if end < 0 {
			end = len(s)
		}
		name := strings.ToLower(strings.TrimRight(s[:end], httpSpace))
		value, rest := "", s[end:]
		if strings.HasPrefix(rest, "=") {
			value, rest = linkValue(strings.TrimLeft(rest[1:], httpSpace))
		}
		s = rest
		switch {
		case name == "rel" && !related:
			l.rel, related = value, true
		case name == "anchor" && !l.anchored:
			l.anchor, l.anchored = value, true
		}
	}
}

func linkValue(s string) (value, rest string) {
	if strings.HasPrefix(s, `"`) {
		return quotedString(s[1:])
	}
	end := strings.IndexAny(s, ";,")
	if end < 0 {
		end = len(s)
	}
	return strings.TrimRight(s[:end], httpSpace), s[end:]
}

// readLinkHeaders adds to a document what its page's headers link to. They are
// resolved against the page's URL, whatever its <base> (RFC 8288, 3.2), and what
// leads from elsewhere is passed over. The document's own canonical form counts
// before one of a header.
func (p *Parser) readLinkHeaders(doc *crawler.Document, page *crawler.Page) {
	values := page.Header["Link"]
	if len(values) == 0 {
		return
	}
	res, n := resolver{base: page.URL.Base()}, 0
	for link := range headerLinks(values) {
		if n++; n > mostHeaderLinks {
			return
		}
		u, ok := res.url(link.target)
		if from, isURL := res.url(link.anchor); !ok || link.anchored && (!isURL || from != page.URL) {
			continue
		}
		p.relate(doc, u, []byte(link.rel))
	}
}

// relate notes what a page is to the URL that a header links to.
func (p *Parser) relate(doc *crawler.Document, u crawler.URL, rel []byte) {
	if hasToken(rel, "canonical") && doc.Canonical.IsZero() {
		doc.Canonical = u
	}
	if p.resources && isResource(rel) && !slices.Contains(doc.Resources, u) {
		doc.Resources = append(doc.Resources, u)
	}
	if !hasToken(rel, "next") && !(p.resources && isAlternate(rel)) {
		return
	}
	if p.references {
		doc.References = append(doc.References, crawler.Reference{
			URL: u, Rel: clip(strings.ToLower(collapse(rel, 0)), mostAnchorRel), NoFollow: hasToken(rel, "nofollow"), Kind: crawler.ReferenceHeader,
		})
	}
	isSame := func(l crawler.Link) bool { return l.URL == u }
	if i := slices.IndexFunc(doc.Links, isSame); i >= 0 {
		doc.Links[i].NoFollow = doc.Links[i].NoFollow && hasToken(rel, "nofollow")
		return
	}
	doc.Links = append(doc.Links, crawler.Link{URL: u, NoFollow: hasToken(rel, "nofollow")})
}
