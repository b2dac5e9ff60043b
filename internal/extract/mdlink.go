package extract

import (
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/net/html"
)

// target returns the URL that a link leads to, or "" if it is not written as a link.
func (w *markdown) target(a *html.Node) string {
	ref := strings.TrimSpace(attribute(a, "href"))
	if ref == "" {
		return ""
	}
	url, ok := w.links.Link(ref)
	if !ok {
		return ""
	}
	return url
}

// anchor adds a link, or its text if it leads nowhere. The sign of a heading's own link
// is left out.
func (in *inliner) anchor(n *html.Node) {
	if isPermalink(n) || isBackLink(n) && in.inNote(n) {
		return
	}
	if note, ok := in.notes[noteID(n)]; ok {
		in.add(rawToken, "[^"+note+"]")
		return
	}
	href := in.target(n)
	if href == "" || in.linked {
		in.each(n)
		return
	}
	in.link(href, func() { in.each(n) })
}

// link adds a link around what write writes, if that has text or an image. White space at
// its ends is outside the link.
func (in *inliner) link(href string, write func()) {
	inner := inliner{
		markdown: in.markdown, style: style{oneLine: !in.cell, cell: in.cell}, marks: make(map[string]bool),
		linked: true,
	}
	inner.inherit(in.marks)
	outer := in.tokens
	in.tokens, in.linked = nil, true
	write()
	inner.tokens = in.tokens
	in.tokens, in.linked = outer, false
	before, after := inner.outerSpace()
	text := inner.String()
	if before {
		in.add(spaceToken, " ")
	}
	if text != "" {
		in.add(rawToken, "["+text+"]("+escapeTarget(href)+")")
	}
	if after {
		in.add(spaceToken, " ")
	}
}

// inherit takes over marks that are open outside.
func (in *inliner) inherit(marks map[string]bool) {
	for mark, open := range marks {
		in.marks[mark] = open
	}
}

// outerSpace reports whether there is white space at the ends of the tokens.
func (in *inliner) outerSpace() (before, after bool) {
	white := func(t token) bool { return t.kind == spaceToken || t.kind == breakToken }
	for _, t := range in.tokens {
		if t.kind == openToken {
			continue
		}
		before = white(t)
		break
	}
	for i := len(in.tokens) - 1; i >= 0; i-- {
		if in.tokens[i].kind == closeToken {
			continue
		}
		after = white(in.tokens[i])
		break
	}
	return before, after
}

// permalinkClasses name links of headings to themselves (Sphinx, Javadoc, GitHub, MkDocs).
var permalinkClasses = setOf("headerlink", "anchor-link", "id_link", "permalink", "anchorjs-link", "header-anchor",
	"hash-link")

// isPermalink reports whether a link is the sign beside a heading that leads to it: a
// link into the page without a word in it.
func isPermalink(n *html.Node) bool {
	for class := range strings.FieldsSeq(attribute(n, "class")) {
		if permalinkClasses[class] {
			return true
		}
	}
	if !strings.Contains(attribute(n, "href"), "#") {
		return false
	}
	for c := range n.Descendants() {
		if c.Type == html.ElementNode && c.Data == "img" || c.Type == html.TextNode &&
			strings.ContainsFunc(c.Data, isWord) {
			return false
		}
	}
	return true
}

var entity = regexp.MustCompile(`&(#?[A-Za-z0-9]+;)`)

// escapeTarget escapes a URL as the destination of a link (CommonMark 0.31, 6.3). The URL
// is in the form of the URL standard, which has no white space.
func escapeTarget(url string) string {
	unsafe := func(r rune) bool { return unicode.IsSpace(r) || r == '<' || r == '>' || unicode.IsControl(r) }
	if strings.ContainsFunc(url, unsafe) {
		var b strings.Builder
		for _, c := range []byte(url) {
			if c <= ' ' || c == '<' || c == '>' || c == 0x7f {
				const digits = "0123456789ABCDEF"
				b.Write([]byte{'%', digits[c>>4], digits[c&15]})
			} else {
				b.WriteByte(c)
			}
		}
		url = b.String()
	}
	if strings.ContainsAny(url, `()\`) && !balanced(url) {
		url = strings.NewReplacer(`(`, `\(`, `)`, `\)`, `\`, `\\`).Replace(url)
	}
	if strings.Contains(url, "&") {
		url = entity.ReplaceAllString(url, "&amp;$1")
	}
	return strings.ReplaceAll(url, "|", "%7C")
}

// maxDataImage is the longest data: URL of an image that is written.
const maxDataImage = 256

// image adds an image with its absolute address. One whose address cannot be told is its
// text.
func (in *inliner) image(n *html.Node) {
	src := in.imageURL(n)
	alt := strings.Join(strings.Fields(attribute(n, "alt")), " ")
	if src == "" {
		return
	}
	if alt != "" {
		alt = escapeText(alt, ' ', ' ', in.cell)
	}
	in.add(rawToken, "!["+alt+"]("+escapeTarget(src)+")")
}

// lazySources are attributes with the address of an image that a script loads later.
var lazySources = []string{
	"data-src", "data-original", "data-lazy-src", "data-lazy", "data-url", "data-hi-res-src", "data-full-src",
}

// imageURL returns the address of an image: its source, or where a script will load it
// from if the source is missing or stands in for it.
func (in *inliner) imageURL(n *html.Node) string {
	src := strings.TrimSpace(attribute(n, "src"))
	if src == "" || strings.HasPrefix(strings.ToLower(src), "data:") || isPlaceholder(src) {
		for _, key := range lazySources {
			if url, ok := in.picture(attribute(n, key)); ok {
				return url
			}
		}
		for _, key := range []string{"data-srcset", "data-lazy-srcset", "srcset"} {
			if url, ok := in.picture(firstSource(attribute(n, key))); ok {
				return url
			}
		}
		if n.Parent != nil && n.Parent.Data == "picture" {
			for c := n.Parent.FirstChild; c != nil; c = c.NextSibling {
				if c.Data != "source" {
					continue
				}
				for _, key := range []string{"srcset", "data-srcset"} {
					if url, ok := in.picture(firstSource(attribute(c, key))); ok {
						return url
					}
				}
			}
		}
	}
	if strings.HasPrefix(strings.ToLower(src), "data:image/") && len(src) <= maxDataImage {
		return src
	}
	url, _ := in.picture(src)
	return url
}

// placeholderNames are parts of the names of images that stand in for others.
var placeholderNames = []string{
	"placeholder", "blank.gif", "spacer.gif", "pixel.gif", "transparent.gif", "loading.gif", "lazy",
}

// isPlaceholder reports whether the address of an image is that of an empty one.
func isPlaceholder(src string) bool {
	name := strings.ToLower(src[strings.LastIndexByte(src, '/')+1:])
	return containsAny(name, placeholderNames)
}

// picture resolves the address of an image.
func (in *inliner) picture(ref string) (string, bool) {
	if ref = strings.TrimSpace(ref); ref == "" {
		return "", false
	}
	url, ok := in.links.Link(ref)
	return url, ok && !strings.HasPrefix(url, "mailto:")
}

// firstSource returns the first address of a srcset.
func firstSource(srcset string) string {
	url, _, _ := strings.Cut(strings.TrimLeft(srcset, " \t\r\n,"), " ")
	return strings.TrimRight(url, ",")
}

// balanced reports whether the parentheses of a URL may stand in a destination as they are.
func balanced(url string) bool {
	open := 0
	for _, c := range []byte(url) {
		switch c {
		case '(':
			open++
		case ')':
			if open--; open < 0 {
				return false
			}
		case '\\':
			return false
		}
	}
	return open == 0 && strings.Count(url, "(") < 16
}
