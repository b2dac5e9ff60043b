package parse

import (
	"iter"
	"slices"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/charset"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/htmltok"
	"github.com/trawlcrawler/trawl/internal/reference"
	"github.com/trawlcrawler/trawl/internal/rights"
	"github.com/trawlcrawler/trawl/internal/rules"
)

// maxHeaderLinks is how many links in the Link headers of a page are used.
const maxHeaderLinks = 200

// headerLink is one link of a Link header (RFC 8288, 3) as written.
type headerLink struct {
	target   string
	rel      string
	kind     string // the type parameter
	anchor   string // the source of the link, if it is not the page
	anchored bool
}

// headerLinks parses the links of Link headers (RFC 8288, appendix B.2). It ignores the
// rest of a header after a syntax error.
func headerLinks(values []string) iter.Seq[headerLink] {
	return func(yield func(headerLink) bool) {
		for _, s := range values {
			for {
				s = strings.TrimLeft(s, charset.HTTPSpace+",")
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

// linksOf returns the links in the Link headers of a page that are used, each with the
// resolver of its references.
func linksOf(page *fetched.Page) iter.Seq2[headerLink, reference.Resolver] {
	return func(yield func(headerLink, reference.Resolver) bool) {
		values := page.Header["Link"]
		if len(values) == 0 {
			return
		}
		res, n := reference.ResolverAt(page.URL), 0
		for link := range headerLinks(values) {
			if n++; n > maxHeaderLinks || !yield(link, res) {
				return
			}
		}
	}
}

// parameters parses what follows a target (RFC 8288, appendix B.3), and returns the rest.
// Of two parameters with the same name, the first counts.
func (l *headerLink) parameters(s string) string {
	related, typed := false, false
	for {
		s = strings.TrimLeft(s, charset.HTTPSpace)
		if !strings.HasPrefix(s, ";") {
			return s
		}
		s = strings.TrimLeft(s[1:], charset.HTTPSpace)
		end := strings.IndexAny(s, "=;,")
		if end < 0 {
			end = len(s)
		}
		name := strings.ToLower(strings.TrimRight(s[:end], charset.HTTPSpace))
		value, rest := "", s[end:]
		if strings.HasPrefix(rest, "=") {
			value, rest = linkValue(strings.TrimLeft(rest[1:], charset.HTTPSpace))
		}
		s = rest
		switch {
		case name == "rel" && !related:
			l.rel, related = value, true
		case name == "type" && !typed:
			l.kind, typed = value, true
		case name == "anchor" && !l.anchored:
			l.anchor, l.anchored = value, true
		}
	}
}

func linkValue(s string) (value, rest string) {
	if strings.HasPrefix(s, `"`) {
		return charset.QuotedString(s[1:])
	}
	end := strings.IndexAny(s, ";,")
	if end < 0 {
		end = len(s)
	}
	return strings.TrimRight(s[:end], charset.HTTPSpace), s[end:]
}

// readHeaders adds the links in a page's headers to its document. res is the document's
// own resolver.
func (p *Parser) readHeaders(doc *fetched.Document, page *fetched.Page, res reference.Resolver) {
	p.readLinkHeaders(doc, page)
	if target, ok := reference.InRefresh([]byte(page.Header.Get("Refresh"))); ok {
		if u, ok := res.URL(string(target)); ok {
			p.lead(doc, rules.Link{URL: u}, fetched.Reference{URL: u, Kind: fetched.ReferenceRefresh})
		}
	}
}

// readLinkHeaders adds the links in a page's Link headers to its document. It resolves
// them against the page's URL, regardless of its <base> (RFC 8288, 3.2), and ignores
// links whose source is not the page. A canonical form in the document takes precedence
// over one in a header.
func (p *Parser) readLinkHeaders(doc *fetched.Document, page *fetched.Page) {
	for link, res := range linksOf(page) {
		u, ok := res.URL(link.target)
		if from, isURL := res.URL(link.anchor); !ok || link.anchored && (!isURL || from != page.URL) {
			continue
		}
		p.relate(doc, u, []byte(link.rel))
		if p.feeds && isFeed(link.rel, link.kind) {
			addFeed(doc, rules.Link{URL: u, NoFollow: htmltok.HasToken([]byte(link.rel), "nofollow")})
		}
	}
}

// licenses notes the licences that the Link headers of a page name. They are resolved
// against the page's URL.
func (d *directives) licenses(page *fetched.Page) {
	for link, res := range linksOf(page) {
		if link.anchored || !htmltok.HasToken([]byte(link.rel), "license") {
			continue
		}
		if u, ok := res.URL(link.target); ok {
			d.license([]byte(u.String()), []byte(link.kind), rights.InHeader)
		}
	}
}

// relate records a link in a header according to its relation.
func (p *Parser) relate(doc *fetched.Document, u crawler.URL, rel []byte) {
	if htmltok.HasToken(rel, "canonical") && doc.Canonical.IsZero() {
		doc.Canonical = u
	}
	if p.resources && isResource(rel) && !slices.Contains(doc.Resources, u) {
		doc.Resources = append(doc.Resources, u)
	}
	if !htmltok.HasToken(rel, "next") && !(p.resources && isAlternate(rel)) {
		return
	}
	p.lead(doc, rules.Link{URL: u, NoFollow: htmltok.HasToken(rel, "nofollow")}, fetched.Reference{
		URL: u, Rel: htmltok.Clip(strings.ToLower(htmltok.Collapse(rel, 0)), maxAnchorRel),
		NoFollow: htmltok.HasToken(rel, "nofollow"), Kind: fetched.ReferenceHeader,
	})
}

// lead adds a link in a header to a document, and to its references if the job records
// them.
func (p *Parser) lead(doc *fetched.Document, l rules.Link, r fetched.Reference) {
	if p.references {
		doc.References = append(doc.References, r)
	}
	if i := slices.IndexFunc(doc.Links, func(o rules.Link) bool { return o.URL == l.URL }); i >= 0 {
		doc.Links[i].NoFollow = doc.Links[i].NoFollow && l.NoFollow
		return
	}
	doc.Links = append(doc.Links, l)
}

// addFeed adds a feed to a document, or marks an existing link to it.
func addFeed(doc *fetched.Document, l rules.Link) {
	l.Sitemap = true
	if i := slices.IndexFunc(doc.Links, func(o rules.Link) bool { return o.URL == l.URL }); i >= 0 {
		l.NoFollow, l.Rules = l.NoFollow && doc.Links[i].NoFollow, doc.Links[i].Rules
		doc.Links[i] = l
		return
	}
	doc.Links = append(doc.Links, l)
}
