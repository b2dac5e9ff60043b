package parse

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
)

// Copy is a page that is to be read from somewhere else than where it was found,
// such as a disk.
type Copy struct {
	URL         crawler.URL // where it was found
	ContentType string
	Body        []byte
	// Place says where the copy of another page, or of what a page embeds, is to be
	// found from here: a reference in ASCII, relative to this page, without a
	// fragment; false when there is none, and the reference is to lead into the web.
	Place func(crawler.URL) (ref string, ok bool)
}

// Rewrite returns the body of a page, HTML or a style sheet, with references
// that lead to copies: of links, of what is embedded, and of forms, in
// attributes, srcset, styles and meta elements. Those that have no copy become
// absolute, and so does the canonical form. Every other byte is as it was, in
// the same charset, but for what would keep a browser from showing the copy: a
// <base href>, a Content-Security-Policy, hashes of what was changed, hints to
// connect to the site. A charset that only the header told is written down. A
// body that is neither is returned as it is. The error is that of ctx.
func Rewrite(ctx context.Context, c Copy) ([]byte, error) {
	declared, _ := parseMediaType(c.ContentType)
	sheet := declared.essence == "text/css"
	if !sheet && !isHTML(declared, false, c.Body[:min(len(c.Body), 512)]) {
		return c.Body, nil
	}
	src := newSource(declared, c.Body, false)
	if sheet {
		src = newStyleSource(declared, c.Body)
	}
	r := &rewriter{copied: c, src: src, written: src, sheet: sheet, mark: bytes.Clone(c.Body[:len(c.Body)-len(src.body)])}
	switch src.charset {
	case "replacement": // nobody knows what it says
		return c.Body, nil
	case "utf-16le", "utf-16be", "iso-2022-jp": // in which < is not always that byte
		text, err := io.ReadAll(src.reader())
		if err != nil {
			return c.Body, nil
		}
		r.src = source{body: text, charset: "utf-8"}
	}
	r.declared(declared)
	if err := r.rewrite(ctx); err != nil {
		return nil, fmt.Errorf("rewrite %s: %w", c.URL, err)
	}
	text := r.edits.apply(r.src.body)
	if r.src.charset != src.charset {
		var err error
		if text, err = src.encoding.NewEncoder().Bytes(text); err != nil {
			return c.Body, nil // it was not wholly in its charset
		}
	}
	return append(r.mark, text...), nil
}

// rewriter rewrites one page.
type rewriter struct {
	copied  Copy
	written source // the page
	src     source // the same, or decoded, if its markup can not be told byte by byte
	sheet   bool
	mark    []byte // the byte order mark that it begins with
	res     resolver
	based   bool // the page has a <base href>
	edits   edits
	meta    string // to be put in at the beginning of the head; "" when it is, or none is needed
}

// declared finds out whether the page itself says in which charset it is, or what
// is to be put in that it does.
func (r *rewriter) declared(m mediaType) {
	body, charset := r.written.body, r.written.charset
	switch {
	case len(r.mark) > 0:
	case charset == "utf-16le":
		r.mark = bytes.Clone(bomUTF16LE)
	case charset == "utf-16be":
		r.mark = bytes.Clone(bomUTF16BE)
	case charset != "iso-2022-jp" && isASCII(body):
	case r.sheet && charset != "utf-8" && !bytes.HasPrefix(body, []byte("@charset ")):
		r.edits.replace(extent{}, `@charset "`+charset+`";`)
	case !r.sheet && m.essence != xhtml && ownCharset(m, body) != charset:
		r.meta = `<meta charset="` + charset + `">`
	}
}

// rewrite makes the edits.
func (r *rewriter) rewrite(ctx context.Context) error {
	if r.sheet {
		r.res = resolver{base: r.copied.URL.Base()}
		r.styleSheet(extent{0, len(r.src.body)})
		return nil
	}
	s := newScan(Config{})
	if err := s.read(ctx, r.src, ""); err != nil {
		return err
	}
	r.res, r.based = newResolver(r.copied.URL, s.base, r.written), s.base.found
	return r.document(ctx)
}

// document goes through the tokens of a page.
func (r *rewriter) document(ctx context.Context) error {
	body := r.src.body
	tokens := html.NewTokenizer(bytes.NewReader(body))
	var nesting nesting
	var room tagName
	inStyle := false
	for n, at := 0, 0; ; n++ {
		const often = 1 << 14
		if n%often == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		kind := tokens.Next()
		token := extent{at, at + len(tokens.Raw())}
		at = token.to
		switch kind {
		case html.ErrorToken:
			return nil
		case html.TextToken:
			if inStyle {
				r.styleSheet(token)
			}
		case html.EndTagToken:
			nesting.close(room.of(body[token.from+len("</") : token.to]))
			tokens.AllowCDATA(nesting.foreign())
		case html.StartTagToken, html.SelfClosingTagToken:
			name := room.of(body[token.from+len("<") : token.to])
			isHTML := nesting.open(name, kind == html.SelfClosingTagToken)
			tokens.AllowCDATA(nesting.foreign())
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

// startTag rewrites a start tag, and puts in the charset at the first place where
// it may stand.
func (r *rewriter) startTag(name string, tag extent) {
	due := r.meta != "" && name != "html"
	if due && name != "head" {
		r.edits.replace(extent{tag.from, tag.from}, r.meta)
	}
	t := tagRewriter{rewriter: r, name: name, attrs: attributesOf(r.src.body, tag)}
	t.rewrite()
	if due && name == "head" {
		r.edits.replace(extent{tag.to, tag.to}, r.meta)
	}
	if due {
		r.meta = ""
	}
}

// styleSheet rewrites CSS within the body.
func (r *rewriter) styleSheet(at extent) {
	for where, ref := range cssSpans(r.src.body[at.from:at.to]) {
		if to, ok, _ := r.reference(r.decode(ref)); ok {
			r.edits.replace(extent{at.from + where.from, at.from + where.to}, cssSafe(to))
		}
	}
}

// decode reads a part of the body.
func (r *rewriter) decode(b []byte) string {
	if r.src.charset == "utf-8" || isASCII(b) {
		return strings.ToValidUTF8(string(b), "\uFFFD")
	}
	text, _ := r.src.encoding.NewDecoder().Bytes(b)
	return string(text)
}

// reference returns what a reference becomes. changed is false when it stays as
// it is; local says that it leads to a copy.
func (r *rewriter) reference(ref string) (to string, changed, local bool) {
	trimmed := strings.TrimFunc(ref, func(c rune) bool { return c <= ' ' })
	if trimmed == "" || trimmed[0] == '#' && !r.based {
		return "", false, false
	}
	bare, fragment, hasFragment := strings.Cut(trimmed, "#")
	u, ok := r.res.url(bare)
	if !ok {
		return "", false, false
	}
	to, local = r.copied.Place(u)
	if !local {
		to = u.String()
		if lower := strings.ToLower(trimmed); strings.HasPrefix(lower, "http://") || strings.HasPrefix(lower, "https://") {
			return "", false, false
		}
	}
	if hasFragment {
		to += "#" + escapeFragment(fragment)
	}
	return to, true, local
}

// absolute returns a reference as it leads into the web.
func (r *rewriter) absolute(ref string) (string, bool) {
	u, ok := r.res.url(strings.TrimSpace(ref))
	return u.String(), ok
}

// escapeFragment percent-encodes what is not ASCII, or no part of a fragment.
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

// cssSafe percent-encodes what would end a reference in a style sheet, in quotes
// or without.
func cssSafe(ref string) string {
	return strings.NewReplacer(`"`, "%22", "'", "%27", "(", "%28", ")", "%29", `\`, "%5C", " ", "%20").Replace(ref)
}

func numericReference(r rune) string { return "&#" + strconv.Itoa(int(r)) + ";" }
