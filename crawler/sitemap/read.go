package sitemap

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"unicode"

	"github.com/trawlcrawler/trawl/crawler"
)

// Config says where a sitemap comes from and what it may cost. The zero value is
// useful.
type Config struct {
	// At is the address of the sitemap, which locations without a host are
	// resolved against. Default none: such locations are refused.
	At crawler.URL
	// Charset is what the server declared, as in "text/xml; charset=UTF-8". A
	// byte order mark counts more, what the sitemap says of itself less
	// (RFC 7303, 3). Default none.
	Charset string
	// MaxBytes is how much of a sitemap is read, after decompression. Default 50
	// MiB, as the protocol has it.
	MaxBytes int64
	// MaxURLs is how many locations of a sitemap are taken. Default 50,000, as
	// the protocol has it.
	MaxURLs int
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

// ErrNotSitemap says that something is neither a sitemap nor a feed.
var ErrNotSitemap = errors.New("it is not a sitemap")

// ErrLimit says that a sitemap goes on beyond what the protocol allows. The rest
// of it is left out.
var ErrLimit = errors.New("it is larger than a sitemap may be")

func notSitemap(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrNotSitemap, fmt.Sprintf(format, args...))
}

func beyond(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrLimit, fmt.Sprintf(format, args...))
}

// Read yields the locations of a sitemap in their order, while it reads it. With
// a [*Refusal] the location is no URL, and the sitemap goes on. Any other error
// is a fault and the last that comes; what came before it counts. The fault may
// wrap [ErrNotSitemap], [ErrLimit] or the error of r.
func Read(r io.Reader, cfg Config) iter.Seq2[Location, error] {
	cfg = cfg.withDefaults()
	return func(yield func(Location, error) bool) {
		out := &output{yield: yield, most: cfg.MaxURLs}
		if err := read(r, cfg, out); err != nil && err != errEnough {
			yield(Location{}, err)
		}
	}
}

// read tells markup from text by the first character.
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
	case first == '<':
		return newMarkup(plain, cfg, out).read()
	}
	return (&text{lines: plain, out: out}).read()
}

// looksLike reports whether something begins as an XML sitemap, and not as a
// feed.
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

// mayBe rules most pages out at no cost: those that have no root of a sitemap in
// their first kilobyte, unless they are compressed or in UTF-16.
func mayBe(head []byte) bool {
	for _, mark := range []string{"\x1f\x8b", "\xff\xfe", "\xfe\xff"} {
		if bytes.HasPrefix(head, []byte(mark)) {
			return true
		}
	}
	head = head[:min(len(head), 1024)]
	return bytes.Contains(head, []byte("urlset")) || bytes.Contains(head, []byte("sitemapindex"))
}

// firstChar passes over white space and returns what comes after it, unread.
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

// trim removes white space of any kind around a location.
func trim(s string) string { return strings.TrimFunc(s, blank) }

// blank reports white space, and what can not be seen at all.
func blank(r rune) bool { return unicode.IsSpace(r) || r == '\u200b' || r == '\ufeff' }

// errEnough says that the caller wants no more locations.
var errEnough = errors.New("no more is wanted")

// output hands locations to the caller.
type output struct {
	yield func(Location, error) bool
	most  int
	count int // that were taken
}

// put hands one over: l at u, or, when u can not be had, why not.
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
