package sitemap

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"time"
	"unicode"

	"github.com/trawlcrawler/trawl/crawler"
)

// Config says where a sitemap comes from and bounds its cost. The zero value is useful.
type Config struct {
	// At is the address of the sitemap. Locations without a host are resolved against it.
	// Default none: such locations are refused.
	At crawler.URL
	// Charset is the charset that the server declared, as in "text/xml; charset=UTF-8". A
	// byte order mark takes precedence over it, and it takes precedence over the
	// sitemap's own declaration (RFC 7303, 3). Default none.
	Charset string
	// MaxBytes is how many bytes of a sitemap are read, after decompression. Default 50
	// MiB, the limit of the protocol.
	MaxBytes int64
	// MaxURLs is how many locations of a sitemap are accepted. Default 50,000, the limit
	// of the protocol.
	MaxURLs int
	// Keeps is where to store for how long a feed stays as it is, as it says itself, once it is
	// read. Default nowhere.
	Keeps *time.Duration
}

func (c Config) withDefaults() Config {
	if c.MaxBytes == 0 {
		c.MaxBytes = 50 << 20
	}
	if c.MaxURLs == 0 {
		c.MaxURLs = 50_000
	}
	return c
}

// ErrNotSitemap says that a document is neither a sitemap nor a feed.
var ErrNotSitemap = errors.New("it is not a sitemap")

// ErrLimit says that a sitemap exceeds a limit. The rest of it is ignored.
var ErrLimit = errors.New("it is larger than a sitemap may be")

func notSitemap(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrNotSitemap, fmt.Sprintf(format, args...))
}

func beyond(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrLimit, fmt.Sprintf(format, args...))
}

// Read reads a sitemap and yields its locations in order. A [*Refusal] means that a
// location is not a URL; reading continues. Any other error is a fault, and the last
// value; the locations before it are valid. A fault may wrap [ErrNotSitemap], [ErrLimit]
// or an error of r.
func Read(r io.Reader, cfg Config) iter.Seq2[Location, error] {
	cfg = cfg.withDefaults()
	return func(yield func(Location, error) bool) {
		out := &output{yield: yield, most: cfg.MaxURLs}
		if err := read(r, cfg, out); err != nil && err != errEnough {
			yield(Location{}, err)
		}
	}
}

// read distinguishes markup from text by the first character. Other text, such as a
// server's warning, may precede the markup.
func read(r io.Reader, cfg Config, out *output) error {
	plain, err := decode(r, cfg)
	if err != nil {
		return err
	}
	switch first, err := firstChar(plain); {
	case err == io.EOF:
		return notSitemap("it is empty")
	case err != nil:
		return err
	case first == '<' && !beginsMessage(plain):
		return newMarkup(plain, cfg, out).read()
	}
	head, _ := plain.Peek(maxBefore) // a read error will occur again
	if at := rootTag.FindIndex(head); at != nil {
		if _, err := plain.Discard(at[0]); err != nil {
			return err
		}
		return newMarkup(plain, cfg, out).read()
	}
	if head[0] == '<' {
		return newMarkup(plain, cfg, out).read()
	}
	return (&text{lines: plain, out: out, base: newBase(cfg.At)}).read()
}

// beginsMessage reports whether markup begins with an element of a server's message.
func beginsMessage(r *bufio.Reader) bool {
	head, _ := r.Peek(longestDeclaration)
	name := head[1:]
	if end := bytes.IndexAny(name, " \t\r\n/>"); end >= 0 {
		name = name[:end]
	}
	return mayPrecede[strings.ToLower(string(name))]
}

// looksLike reports whether a page begins like an XML sitemap, and not like a feed.
func looksLike(head []byte) bool {
	if !mayBe(head) {
		return false
	}
	plain, err := decode(bytes.NewReader(head), Config{}.withDefaults())
	if err != nil {
		return false
	}
	if first, err := firstChar(plain); err != nil || first != '<' {
		return false
	}
	m := newMarkup(plain, Config{}, nil)
	return m.root() == nil && !m.family.feed
}

// mayBe cheaply rules out most pages: those without a root element of a sitemap in the
// first kilobyte, unless they are compressed or in UTF-16.
func mayBe(head []byte) bool {
	for _, mark := range []string{"\x1f\x8b", "\xff\xfe", "\xfe\xff"} {
		if bytes.HasPrefix(head, []byte(mark)) {
			return true
		}
	}
	head = head[:min(len(head), 1024)]
	return bytes.Contains(head, []byte("urlset")) || bytes.Contains(head, []byte("sitemapindex"))
}

// firstChar skips white space and returns the first character after it, without consuming
// it.
func firstChar(r *bufio.Reader) (rune, error) {
	for {
		c, _, err := r.ReadRune()
		if err != nil {
			return 0, err
		}
		if !blank(c) {
			return c, r.UnreadRune()
		}
	}
}

// trim removes any white space around a location.
func trim(s string) string { return strings.TrimFunc(s, blank) }

// blank reports whether a rune is white space or invisible.
func blank(r rune) bool { return unicode.IsSpace(r) || r == '\u200b' || r == '\ufeff' }

// errEnough says that the caller wants no more locations.
var errEnough = errors.New("no more is wanted")

// output passes locations to the caller.
type output struct {
	yield func(Location, error) bool
	most  int
	count int // locations accepted so far
}

// put passes on the location l with the URL u or, if bad is not nil, a refusal with that
// reason.
func (o *output) put(text string, u crawler.URL, bad error, l Location) error {
	if bad != nil {
		return o.pass(Location{}, refuse(text, bad))
	}
	if o.count == o.most {
		return beyond("more than %d URLs", o.most)
	}
	o.count++
	l.URL = u
	return o.pass(l, nil)
}

func (o *output) pass(l Location, err error) error {
	if !o.yield(l, err) {
		return errEnough
	}
	return nil
}
