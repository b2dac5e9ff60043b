package crawler

import (
	"errors"
	"fmt"
	"strings"

	whatwg "github.com/nlnwa/whatwg-url/url"

	"github.com/trawlcrawler/trawl/internal/urltext"
)

// maxInput is the longest string that is parsed at all, in bytes, because the parser takes
// quadratic time for some inputs. It leaves room for white space and a fragment, which are
// dropped.
const maxInput = 2 * urltext.MaxLength

// maxAuthority is the longest user name, password, host and port together, in bytes. A host
// name has at most 253.
const maxAuthority = 1024

// errScheme says that a reference has a scheme other than http and https, such as mailto:
// or javascript:. Such references are common in pages and not an error of the page.
var errScheme = errors.New("only http and https URLs can be crawled")

// URL is an absolute http or https URL in canonical form: parsed and serialised by the
// WHATWG URL Standard, without its fragment, and without the user name and password that
// may precede the host. So no URL that is stored or shown contains a secret of the
// operator, and login data that a page made up is never sent. URLs are values. To Trawl,
// two URLs are the same resource exactly if they are ==. The zero URL is not a URL.
type URL struct {
	href   string
	pathAt int // where the path starts in href
}

var urlParser = whatwg.NewParser()

// ParseURL parses an absolute URL, and drops its user name and password. The error quotes
// the input without them, and says what is wrong with it.
func ParseURL(s string) (URL, error) {
	if u, ok := plainURL(s); ok {
		return u, nil
	}
	return parseURL(s)
}

func parseURL(s string) (URL, error) {
	if err := bounded(s); err != nil {
		return URL{}, err
	}
	parsed, err := urlParser.Parse(urltext.EncodeBytes(s))
	if err != nil {
		why := reason(err)
		if !strings.Contains(s, ":") {
			why = "it has no scheme (begin with http:// or https://)"
		}
		return URL{}, fmt.Errorf("%q is not a URL: %s", urltext.Clip(s), why)
	}
	return canonical(s, parsed)
}

// canonical makes a URL of the parser's result, or returns an error if no HTTP request can
// carry it.
func canonical(input string, u *whatwg.Url) (URL, error) {
	if s := u.Scheme(); s != "http" && s != "https" {
		return URL{}, fmt.Errorf("%q: %w", urltext.Clip(input), errScheme)
	}
	if i := strings.IndexFunc(u.Hostname(), notInHostHeader); i >= 0 {
		return URL{}, fmt.Errorf("%q is not a URL that can be fetched: a host name cannot contain %q", urltext.Clip(input),
			u.Hostname()[i])
	}
	u.SetPassword("")
	u.SetUsername("")
	href := u.Href(true)
	if len(href) > urltext.MaxLength {
		return URL{}, tooLong(input, len(href), urltext.MaxLength)
	}
	return CanonicalURL(href), nil
}

// bounded returns an error for an input that would take the parser long. The parser takes
// quadratic time for some inputs, mainly because of the host and the user name.
func bounded(input string) error {
	if len(input) > maxInput {
		return tooLong(input, len(input), maxInput)
	}
	if len(input) <= maxAuthority {
		return nil
	}
	if a := authorityOf(input); len(a) > maxAuthority {
		return fmt.Errorf("%q is not a URL that can be fetched: its host has %d bytes, at most %d are allowed",
			urltext.Clip(input), len(a), maxAuthority)
	}
	return nil
}

// authorityOf returns what is between the slashes of an input and its path, as browsers
// find it; "" for a path.
func authorityOf(input string) string {
	s := strings.NewReplacer("\t", "", "\n", "", "\r",
		"").Replace(strings.TrimLeft(input,
		"\x00\x01\x02\x03\x04\x05\x06\x07\x08\t\n\v\f\r\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f "))
	if scheme, rest, ok := strings.Cut(s, ":"); ok &&
		(strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https")) {
		s = rest
	} else if strings.IndexAny(s, "/\\") != 0 {
		return ""
	}
	s = strings.TrimLeft(s, "/\\")
	if end := strings.IndexAny(s, "/\\?#"); end >= 0 {
		s = s[:end]
	}
	return s
}

func tooLong(input string, length, most int) error {
	return fmt.Errorf("%q is too long: %d bytes, at most %d are allowed", urltext.Clip(input), length, most)
}

// CanonicalURL returns the URL of a text that [URL.String] returned. It does not check the
// text: use [ParseURL] for any other.
func CanonicalURL(href string) URL {
	authority := strings.Index(href, "://") + len("://")
	return URL{href, authority + strings.IndexByte(href[authority:], '/')}
}

// notInHostHeader reports whether r is a character that WHATWG allows in a host and
// net/http rejects in a Host header.
func notInHostHeader(r rune) bool {
	return r > 0x7e || strings.ContainsRune("\"`{}", r)
}

// foreignScheme recognizes javascript:, mailto: and the like cheaply, before the parser is
// called. It may miss unusual spellings, which are then rejected after parsing.
func foreignScheme(ref string) bool {
	colon := strings.IndexAny(ref, ":/?#")
	if colon <= 0 || ref[colon] != ':' {
		return false
	}
	switch strings.ToLower(ref[:colon]) {
	case "javascript", "mailto", "tel", "data", "blob", "about", "ftp", "file", "news", "irc", "sms", "whatsapp",
		"magnet":
		return true
	}
	return false
}

// reason rewords a parser's error for people to read. The parser's own text quotes the
// whole input, including passwords.
func reason(err error) string {
	text, cause, _ := strings.Cut(err.Error(), " Url: '")
	text = strings.TrimSuffix(strings.TrimPrefix(text, "Error: "), ".")
	if i := strings.LastIndex(cause, "', Cause: "); i >= 0 {
		text += ": " + cause[i+len("', Cause: "):]
	}
	if i := strings.LastIndex(text, ": "); i >= 0 && len(text) > 120 {
		text = text[i+2:]
	}
	return urltext.Clip(text)
}

// String returns the canonical form.
func (u URL) String() string { return u.href }

// IsZero reports whether u is the zero URL.
func (u URL) IsZero() bool { return u.href == "" }

// Scheme returns "http" or "https".
func (u URL) Scheme() string {
	if u.secure() {
		return "https"
	}
	return "http"
}

func (u URL) secure() bool { return len(u.href) > 4 && u.href[4] == 's' }

// Path returns the path and the query, as in a request line. It starts with a slash.
func (u URL) Path() string { return u.href[u.pathAt:] }

// Host returns the host, the unit of politeness.
func (u URL) Host() Host {
	if u.IsZero() {
		return ""
	}
	return Host(u.href[len(u.Scheme())+len("://") : u.pathAt])
}

// Origin returns scheme, host and port, without a trailing slash: what a robots.txt applies
// to (RFC 9309, 2.3).
func (u URL) Origin() string { return u.Scheme() + "://" + string(u.Host()) }

// MarshalText returns the canonical form.
func (u URL) MarshalText() ([]byte, error) { return []byte(u.href), nil }

// UnmarshalText parses an absolute URL.
func (u *URL) UnmarshalText(text []byte) error {
	if len(text) == 0 {
		*u = URL{}
		return nil
	}
	parsed, err := ParseURL(string(text))
	if err != nil {
		return err
	}
	*u = parsed
	return nil
}
