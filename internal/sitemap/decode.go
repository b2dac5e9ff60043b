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

	"golang.org/x/text/encoding"
	"golang.org/x/text/runes"
	"golang.org/x/text/transform"

	"github.com/trawlcrawler/trawl/internal/charset"
)

// maxWraps is how many layers of gzip are removed: some servers compress what is already
// compressed.
const maxWraps = 2

// decode returns the sitemap in r as UTF-8 without a byte order mark, and replaces
// characters that XML forbids. Compression is recognized by the first bytes, not by the
// name.
func decode(r io.Reader, cfg Config) (*bufio.Reader, error) {
	raw := bufio.NewReaderSize(r, 32<<10)
	for range maxWraps {
		if head, _ := raw.Peek(2); string(head) != "\x1f\x8b" {
			break
		}
		unzipped, err := gzip.NewReader(raw)
		if err != nil {
			return nil, fmt.Errorf("it begins like gzip but is not: %w", err)
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

// longestDeclaration is how many bytes of a sitemap are searched for its XML declaration.
const longestDeclaration = 1024

var declaration = regexp.MustCompile(`<\?xml\s[^>]*?encoding\s*=\s*["']([A-Za-z0-9._:-]+)["']`)

// encodingOf determines the encoding of a sitemap that begins with head, and the length
// of its byte order mark. A nil encoding means UTF-8, which the protocol requires.
func encodingOf(head []byte, declared string) (enc encoding.Encoding, mark int) {
	name, mark := charset.ByteOrderMark(head)
	switch {
	case name == "utf-8":
		return nil, mark
	case name != "":
		return charset.Encoding(name), mark
	case bytes.HasPrefix(head, []byte("<\x00")): // XML 1.0, F.1
		return charset.Encoding("utf-16le"), 0
	case bytes.HasPrefix(head, []byte("\x00<")):
		return charset.Encoding("utf-16be"), 0
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

// named returns the encoding of a label, and whether there is one. For a UTF-16 label it
// returns UTF-8: a sitemap whose declaration could be read as ASCII is not UTF-16.
func named(label string) (encoding.Encoding, bool) {
	name := charset.Name(label)
	switch {
	case name == "":
		return nil, false
	case name == "utf-8", strings.HasPrefix(name, "utf-16"):
		return nil, true
	}
	return charset.Encoding(name), true
}

// bounded fails with ErrLimit if there is more than it may read.
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
