package sitemap

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"regexp"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html/charset"
	"golang.org/x/text/encoding"
	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
)

// mostWraps is how often one gzip may lie in another: some servers compress what
// is compressed already.
const mostWraps = 2

// decode returns the sitemap in r as UTF-8 without a byte order mark, in which
// every character is one that XML allows. It is compressed when its bytes say
// so, whatever it is called.
func decode(r io.Reader, cfg Config) (*bufio.Reader, error) {
	raw := bufio.NewReaderSize(r, 32<<10)
	for range mostWraps {
		if head, _ := raw.Peek(2); string(head) != "\x1f\x8b" {
			break
		}
		unzipped, err := gzip.NewReader(raw)
		if err != nil {
			return nil, fmt.Errorf("it begins like gzip and is none: %w", err)
		}
		raw = bufio.NewReaderSize(unzipped, 32<<10)
	}
	raw = bufio.NewReaderSize(&bounded{r: raw, left: cfg.MaxBytes, most: cfg.MaxBytes}, 32<<10)
	head, _ := raw.Peek(longestDeclaration)
	enc, mark := encodingOf(head, cfg.Charset)
	if _, err := raw.Discard(mark); err != nil {
		return nil, err
	}
	clean := transform.Transformer(runes.Map(allowed))
	if enc != nil {
		clean = transform.Chain(enc.NewDecoder(), clean)
	}
	return bufio.NewReaderSize(transform.NewReader(raw, clean), longestLine), nil
}

// allowed replaces the characters that XML 1.0, 2.2 forbids.
func allowed(r rune) rune {
	switch {
	case r == 0xfffe || r == 0xffff:
		return utf8.RuneError
	case r < ' ' && r != '\t' && r != '\n' && r != '\r':
		return ' '
	}
	return r
}

// longestDeclaration is how far into a sitemap its XML declaration is looked
// for, in bytes.
const longestDeclaration = 1024

var declaration = regexp.MustCompile(`^\s*<\?xml\s[^>]*?encoding\s*=\s*["']([A-Za-z0-9._:-]+)["']`)

// encodingOf decides how a sitemap that begins with head is written, and how
// long its byte order mark is. Nil stands for UTF-8, which the protocol wants.
func encodingOf(head []byte, declared string) (enc encoding.Encoding, mark int) {
	switch {
	case bytes.HasPrefix(head, []byte("\xef\xbb\xbf")):
		return nil, 3
	case bytes.HasPrefix(head, []byte("\xff\xfe")):
		return lookup("utf-16le"), 2
	case bytes.HasPrefix(head, []byte("\xfe\xff")):
		return lookup("utf-16be"), 2
	case bytes.HasPrefix(head, []byte("<\x00")): // XML 1.0, F.1
		return lookup("utf-16le"), 0
	case bytes.HasPrefix(head, []byte("\x00<")):
		return lookup("utf-16be"), 0
	}
	if enc, ok := named(declared); ok {
		return enc, 0
	}
	if m := declaration.FindSubmatch(head); m != nil {
		enc, _ := named(string(m[1]))
		return enc, 0
	}
	return nil, 0
}

// named returns the encoding of a label, and whether there is one. What reads as
// ASCII is not UTF-16, whatever it says.
func named(label string) (encoding.Encoding, bool) {
	_, name := charset.Lookup(label)
	switch {
	case name == "":
		return nil, false
	case name == "utf-8", strings.HasPrefix(name, "utf-16"):
		return nil, true
	}
	return lookup(name), true
}

func lookup(name string) encoding.Encoding {
	e, _ := charset.Lookup(name)
	return e
}

// bounded fails with ErrLimit where there is more than it may read.
type bounded struct {
	r          io.Reader
	left, most int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, beyond("more than %d bytes", b.most)
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left+1)])
	b.left -= int64(n)
	if b.left < 0 {
		return n - 1, beyond("more than %d bytes", b.most)
	}
	return n, err
}
