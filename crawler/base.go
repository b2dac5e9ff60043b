package crawler

import (
	"fmt"
	"strings"

	whatwg "github.com/nlnwa/whatwg-url/url"

	"github.com/trawlcrawler/trawl/internal/urltext"
)

// Base is a URL that references are resolved against. It is parsed at most once per
// document, because resolving many references against a parsed base costs half as much as
// parsing it each time. A Base is not safe for concurrent use.
type Base struct {
	url    URL
	last   int // where the last segment of the path starts in url.href
	query  int // where the query starts; the length of url.href if there isn't one
	parsed *parsedBase
}

// parsedBase is the base as the parser returns it. It is parsed when first needed.
type parsedBase struct{ u *whatwg.Url }

// Base returns u as a base for references.
func (u URL) Base() Base {
	query := len(u.href)
	if mark := strings.IndexByte(u.href, '?'); mark >= 0 {
		query = mark
	}
	return Base{url: u, last: strings.LastIndexByte(u.href[:query], '/') + 1, query: query, parsed: new(parsedBase)}
}

// Folder returns the URL up to the last slash of its path. Relative paths are resolved
// against it.
func (b Base) Folder() string { return b.url.href[:b.last] }

// Resolve resolves a reference found in a document (WHATWG URL, 4.4) and drops its
// fragment. It returns an error for schemes other than http and https.
func (b Base) Resolve(ref string) (URL, error) {
	if u, ok := b.plain(ref); ok {
		return u, nil
	}
	return b.resolve(ref)
}

func (b Base) resolve(ref string) (URL, error) {
	if foreignScheme(ref) {
		return URL{}, errScheme
	}
	if err := bounded(ref); err != nil {
		return URL{}, err
	}
	if b.parsed.u == nil {
		u, err := urlParser.Parse(b.url.href)
		if err != nil { // a URL is canonical, so it parses
			panic("crawler: base of " + b.url.href + ": " + err.Error())
		}
		b.parsed.u = u
	}
	u, err := b.parsed.u.Parse(urltext.EncodeBytes(ref))
	if err != nil {
		return URL{}, fmt.Errorf("%q is not a URL: %s", urltext.Clip(ref), reason(err))
	}
	return canonical(ref, u)
}

// plain resolves a reference that the parser would copy byte by byte, and reports whether
// ref is one: a [plainURL], or an absolute or relative path, with or without a query, in
// which nothing needs encoding and dots occur only at the start. Nearly all references in
// pages are like that. The parser resolves all others. A fuzz test checks that both agree.
func (b Base) plain(ref string) (URL, bool) {
	if mark := strings.IndexByte(ref, '#'); mark >= 0 {
		ref = ref[:mark]
	}
	switch {
	case ref == "":
		return b.url, true
	case ref[0] == '/':
		if len(ref) > 1 && ref[1] == '/' { // a host follows
			return URL{}, false
		}
		return b.join(b.url.pathAt, ref)
	case ref[0] == '?':
		return b.join(b.query, ref)
	}
	if schemed(ref) {
		return plainURL(ref)
	}
	folder, path := b.climb(ref)
	if path != "" && (path[0] == '.' || path[0] == '%') {
		return URL{}, false
	}
	return b.join(folder, path)
}

// schemed reports whether a reference starts with a scheme, or with something like one.
func schemed(ref string) bool {
	for i := range len(ref) {
		switch ref[i] {
		case ':':
			return true
		case '/', '?':
			return false
		}
	}
	return false
}

// climb removes "./" and "../" from the start of a path. It returns the rest, and where the
// folder ends that the rest is relative to.
func (b Base) climb(path string) (folder int, rest string) {
	folder = b.last
	for {
		if rest, ok := strings.CutPrefix(path, "./"); ok {
			path = rest
			continue
		}
		rest, ok := strings.CutPrefix(path, "../")
		if !ok {
			return folder, path
		}
		path = rest
		folder = max(b.url.pathAt, strings.LastIndexByte(b.url.href[:folder-1], '/')) + 1
	}
}

// join appends a path or a query to the first keep bytes of the base.
func (b Base) join(keep int, rest string) (URL, bool) {
	if keep+len(rest) > urltext.MaxLength || !plainPath(rest) {
		return URL{}, false
	}
	return URL{b.url.href[:keep] + rest, b.url.pathAt}, true
}
