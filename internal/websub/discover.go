package websub

import (
	"bytes"
	"net/http"
	"strings"

	"golang.org/x/net/html"

	"github.com/trawlcrawler/trawl/crawler"
)

// found is what a topic says about itself.
type found struct {
	hub  crawler.URL // zero if it names none
	self crawler.URL // its canonical URL; that at which it was fetched if it names none
}

// maxLooked is how many elements of a topic are looked at for links, which are at its beginning.
const maxLooked = 10_000

// discover finds the hub of a topic and its canonical URL: those of Link headers come before those of
// the document (WebSub, 4). The body may be Atom, RSS or HTML, or cut.
func discover(at crawler.URL, header http.Header, body []byte) found {
	f := found{}
	for _, line := range header.Values("Link") {
		for _, link := range strings.Split(line, ",") { // a URL with a comma is not found, which few hubs have
			target, parameters, _ := strings.Cut(link, ">")
			_, target, ok := strings.Cut(target, "<")
			if ok {
				f.note(at, target, relOf(parameters))
			}
		}
	}
	tokens := html.NewTokenizer(bytes.NewReader(body))
	for range maxLooked {
		kind := tokens.Next()
		if kind == html.ErrorToken || !f.hub.IsZero() && !f.self.IsZero() {
			break
		}
		if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
			continue
		}
		name, more := tokens.TagName()
		if string(name) != "link" && !strings.HasSuffix(string(name), ":link") {
			continue
		}
		href, rel := "", ""
		for more {
			var key, value []byte
			key, value, more = tokens.TagAttr()
			switch string(key) {
			case "href":
				href = string(value)
			case "rel":
				rel = string(value)
			}
		}
		f.note(at, href, rel)
	}
	if f.self.IsZero() {
		f.self = at
	}
	return f
}

// note records a link, unless an earlier one has said the same.
func (f *found) note(at crawler.URL, target, rel string) {
	u, err := at.Base().Resolve(strings.TrimSpace(target))
	if err != nil || target == "" {
		return
	}
	for _, word := range strings.Fields(strings.ToLower(rel)) {
		switch {
		case word == "hub" && f.hub.IsZero():
			f.hub = u
		case word == "self" && f.self.IsZero():
			f.self = u
		}
	}
}

// relOf returns the relations of a link (RFC 8288, 3.3).
func relOf(parameters string) string {
	for _, p := range strings.Split(parameters, ";") {
		name, value, _ := strings.Cut(p, "=")
		if strings.EqualFold(strings.TrimSpace(name), "rel") {
			return strings.Trim(strings.TrimSpace(value), `"`)
		}
	}
	return ""
}
