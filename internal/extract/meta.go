package extract

import (
	"strings"
	"time"

	"golang.org/x/net/html"
)

// metadata returns what the elements of the head say about a page, besides its title.
func (p *page) metadata() (m Metadata) {
	for i := range p.nodes {
		n := &p.nodes[i]
		if n.Type != html.ElementNode {
			continue
		}
		if n.Data == "html" && m.Language == "" {
			m.Language = attribute(n.Node, "lang")
		}
		if n.Data != "meta" {
			continue
		}
		content := strings.TrimSpace(attribute(n.Node, "content"))
		name := attribute(n.Node, "property") + attribute(n.Node, "name") + attribute(n.Node, "itemprop")
		switch strings.ToLower(name) {
		case "author", "article:author", "dc.creator", "dcterms.creator", "parsely-author":
			if m.Author == "" && !strings.HasPrefix(content, "http") {
				m.Author = content
			}
		case "og:site_name", "application-name":
			if m.Site == "" {
				m.Site = content
			}
		case "article:published_time", "datepublished", "dcterms.created", "dc.date", "date", "parsely-pub-date":
			if m.Published.IsZero() {
				m.Published = published(content)
			}
		}
	}
	return m
}

// published reads a time in ISO 8601; zero if it is not one.
func published(s string) time.Time {
	for _, layout := range []string{
		time.RFC3339, "2006-01-02T15:04:05-0700", "2006-01-02T15:04:05", time.DateTime, time.DateOnly,
	} {
		if t, err := time.Parse(layout, s); err == nil {
			return t
		}
	}
	return time.Time{}
}
