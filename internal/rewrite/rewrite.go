package rewrite

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/charset"
	"github.com/trawlcrawler/trawl/internal/htmltok"
	"github.com/trawlcrawler/trawl/internal/parse"
	"github.com/trawlcrawler/trawl/internal/reference"
)

// Copy is a page that will be read from another place than it was found at, such as a
// disk.
type Copy struct {
	URL         crawler.URL // its original URL
	ContentType string
	Body        []byte
	// Place returns where the copy of another page, or of an embedded resource, is: a
	// reference in ASCII, relative to this page, without a fragment. It returns false if
	// there is no copy; the reference then leads to the web.
	Place func(crawler.URL) (ref string, ok bool)
}

// Page returns the body of a page, HTML or a style sheet, with references to copies:
// in links, embedded resources and forms, in attributes, srcset, styles and meta
// elements. References without a copy become absolute, and so does the canonical form.
// Every other byte stays as it is, in the same charset, except for what would keep a
// browser from showing the copy: a <base href>, a Content-Security-Policy, hashes of what
// was changed, and hints to connect to the site. If only the header declared the charset,
// the copy declares it. A body of another type is returned unchanged. The error is that
// of ctx.
func Page(ctx context.Context, c Copy) ([]byte, error) {
	declared, _ := charset.ParseMediaType(c.ContentType)
	sheet := declared.Essence == "text/css"
	if !sheet && !charset.IsHTML(declared, false, c.Body[:min(len(c.Body), 512)]) {
		return c.Body, nil
	}
	src := charset.NewSource(declared, c.Body, false)
	if sheet {
		src = charset.NewStyleSource(declared, c.Body)
	}
	r := &rewriter{copied: c, src: src, written: src, sheet: sheet,
		mark: bytes.Clone(c.Body[:len(c.Body)-len(src.Body)])}
	switch src.Charset {
	case "replacement": // its text is unknown
		return c.Body, nil
	case "utf-16le", "utf-16be", "iso-2022-jp": // charsets in which < is not always the byte 0x3c
		text, err := io.ReadAll(src.Reader())
		if err != nil {
			return c.Body, nil
		}
		r.src = charset.Source{Body: text, Charset: "utf-8"}
	}
	r.declared(declared)
	if err := r.rewrite(ctx); err != nil {
		return nil, fmt.Errorf("rewrite %s: %w", c.URL, err)
	}
	text := r.edits.apply(r.src.Body)
	if r.src.Charset != src.Charset {
		var err error
		if text, err = src.Encoding.NewEncoder().Bytes(text); err != nil {
			return c.Body, nil // some of it was not valid in its charset
		}
	}
	return append(r.mark, text...), nil
}

// rewriter rewrites one page.
type rewriter struct {
	copied  Copy
	written charset.Source // the page
	src     charset.Source // the same, or decoded if its markup cannot be found bytewise
	sheet   bool
	mark    []byte // its byte order mark
	res     reference.Resolver
	based   bool // the page has a <base href>
	edits   edits
	meta    string // to insert at the beginning of the head; "" if done or not needed
}

// declared determines whether the page itself declares its charset, and otherwise what to
// insert so that it does.
func (r *rewriter) declared(m charset.MediaType) {
	body, name := r.written.Body, r.written.Charset
	switch {
	case len(r.mark) > 0:
	case name == "utf-16le", name == "utf-16be":
		r.mark = charset.MarkOf(name)
	case name != "iso-2022-jp" && charset.IsASCII(body):
	case r.sheet && name != "utf-8" && !bytes.HasPrefix(body, []byte("@charset ")):
		r.edits.replace(htmltok.Extent{}, `@charset "`+name+`";`)
	case !r.sheet && m.Essence != charset.XHTML && charset.Declared(m, body) != name:
		r.meta = `<meta charset="` + name + `">`
	}
}

// rewrite makes the edits.
func (r *rewriter) rewrite(ctx context.Context) error {
	if r.sheet {
		r.res = reference.ResolverAt(r.copied.URL)
		r.styleSheet(htmltok.Extent{From: 0, To: len(r.src.Body)})
		return nil
	}
	base, err := parse.BaseOf(ctx, r.src)
	if err != nil {
		return err
	}
	r.res, r.based = reference.NewResolver(r.copied.URL, base, r.written), base.Found
	return r.document(ctx)
}

// document goes through the tokens of a page.
func (r *rewriter) document(ctx context.Context) error {
	body := r.src.Body
	tokens := html.NewTokenizer(bytes.NewReader(body))
	var nesting htmltok.Nesting
	var room htmltok.TagName
	inStyle := false
	for n, at := 0, 0; ; n++ {
		const often = 1 << 14
		if n%often == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		kind := tokens.Next()
		token := htmltok.Extent{From: at, To: at + len(tokens.Raw())}
		at = token.To
		switch kind {
		case html.ErrorToken:
			return nil
		case html.TextToken:
			if inStyle {
				r.styleSheet(token)
			}
		case html.EndTagToken:
			nesting.Close(room.Of(body[token.From+len("</") : token.To]))
			tokens.AllowCDATA(nesting.Foreign())
		case html.StartTagToken, html.SelfClosingTagToken:
			name := room.Of(body[token.From+len("<") : token.To])
			isHTML := nesting.Open(name, kind == html.SelfClosingTagToken)
			tokens.AllowCDATA(nesting.Foreign())
			if !isHTML || string(name) == "noscript" {
				tokens.NextIsNotRawText()
			}
			inStyle = string(name) == "style"
			r.startTag(string(name), token)
		}
		if kind != html.StartTagToken && kind != html.TextToken {
			inStyle = false
		}
	}
}

// startTag rewrites a start tag, and inserts the charset at the first place where it is
// allowed.
func (r *rewriter) startTag(name string, tag htmltok.Extent) {
	due := r.meta != "" && name != "html"
	if due && name != "head" {
		r.edits.replace(htmltok.Extent{From: tag.From, To: tag.From}, r.meta)
	}
	t := tagRewriter{rewriter: r, name: name, attrs: attributesOf(r.src.Body, tag)}
	t.rewrite()
	if due && name == "head" {
		r.edits.replace(htmltok.Extent{From: tag.To, To: tag.To}, r.meta)
	}
	if due {
		r.meta = ""
	}
}

// styleSheet rewrites CSS within the body.
func (r *rewriter) styleSheet(at htmltok.Extent) {
	for where, ref := range reference.SpansInStyleSheet(r.src.Body[at.From:at.To]) {
		if to, ok, _ := r.reference(r.decode(ref)); ok {
			r.edits.replace(htmltok.Extent{From: at.From + where.From, To: at.From + where.To}, cssSafe(to))
		}
	}
}

// decode decodes a part of the body.
func (r *rewriter) decode(b []byte) string {
	if r.src.Charset == "utf-8" || charset.IsASCII(b) {
		return strings.ToValidUTF8(string(b), "\uFFFD")
	}
	text, _ := r.src.Encoding.NewDecoder().Bytes(b)
	return string(text)
}

// reference returns what a reference becomes. changed is false if it stays as it is.
// local says that it leads to a copy.
func (r *rewriter) reference(ref string) (to string, changed, local bool) {
	trimmed := strings.TrimFunc(ref, func(c rune) bool { return c <= ' ' })
	if trimmed == "" || trimmed[0] == '#' && !r.based {
		return "", false, false
	}
	bare, fragment, hasFragment := strings.Cut(trimmed, "#")
	u, ok := r.res.URL(bare)
	if !ok {
		return "", false, false
	}
	to, local = r.copied.Place(u)
	if !local {
		to = u.String()
		if lower := strings.ToLower(trimmed); strings.HasPrefix(lower, "http://") ||
			strings.HasPrefix(lower, "https://") {
			return "", false, false
		}
	}
	if hasFragment {
		to += "#" + escapeFragment(fragment)
	}
	return to, true, local
}

// absolute returns a reference as an absolute URL.
func (r *rewriter) absolute(ref string) (string, bool) {
	u, ok := r.res.URL(strings.TrimSpace(ref))
	return u.String(), ok
}

// escapeFragment percent-encodes non-ASCII characters and those that are not allowed in a
// fragment.
func escapeFragment(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c <= ' ' || c >= utf8.RuneSelf || strings.IndexByte("\"<>`\\'()", c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// cssSafe percent-encodes what would end a reference in a style sheet, quoted or not.
func cssSafe(ref string) string {
	return strings.NewReplacer(`"`, "%22", "'", "%27", "(", "%28", ")", "%29", `\`, "%5C", " ", "%20").Replace(ref)
}

func numericReference(r rune) string { return "&#" + strconv.Itoa(int(r)) + ";" }
