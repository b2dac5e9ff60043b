package crawler

import (
	"errors"
	"fmt"
	"strings"

	whatwg "github.com/nlnwa/whatwg-url/url"
)

// MaxURLLength is the longest canonical URL, in bytes, that a job takes.
// RFC 9110, 4.1 asks for at least 8,000.
const MaxURLLength = 8192

// maxInput is the longest string, in bytes, that is parsed at all: the parser's
// time grows with the square of some inputs. It leaves room for white space and
// a fragment, which are dropped.
const maxInput = 2 * MaxURLLength

// maxAuthority is the longest user name, password, host and port together, in
// bytes. A host name has at most 253.
const maxAuthority = 1024

// ErrScheme says that a reference names a scheme other than http and https,
// as mailto: and javascript: do. Such references are common in pages and no
// fault of theirs.
var ErrScheme = errors.New("only http and https URLs can be crawled")

// URL is an absolute http or https URL in canonical form: parsed and
// serialised by the WHATWG URL Standard, without its fragment, and without the
// user name and password that may stand before the host. So no URL has a secret
// that an operator gave, wherever it is stored or shown, and none that a stranger
// made up is ever sent. URLs are values; two are the same resource to Trawl
// exactly when they are ==. The zero URL is no URL.
type URL struct {
	href   string
	pathAt int // where the path begins in href
}

var urlParser = whatwg.NewParser()

// ParseURL parses an absolute URL, and drops its user name and password. The
// error quotes the input, without those, and says what is wrong with it.
func ParseURL(s string) (URL, error) {
	u, _, err := ParseLogin(s)
	return u, err
}

// ParseLogin does what ParseURL does, and returns the user name and password that
// an operator wrote before the host, decoded.
func ParseLogin(s string) (URL, Login, error) {
	if u, ok := plainURL(s); ok {
		return u, Login{}, nil
	}
	return parseURL(s)
}

// ParseBare does what ParseURL does, and returns an error that wraps [ErrLogin]
// where there is a user name or a password: for URLs of which only what can be
// stored is of use.
func ParseBare(s string) (URL, error) {
	u, login, err := ParseLogin(s)
	if err == nil && !login.IsZero() {
		return URL{}, fmt.Errorf("%q: %w", clip(s), ErrLogin)
	}
	return u, err
}

func parseURL(s string) (URL, Login, error) {
	if err := bounded(s); err != nil {
		return URL{}, Login{}, err
	}
	parsed, err := urlParser.Parse(s)
	if err != nil {
		why := reason(err)
		if !strings.Contains(s, ":") {
			why = "it has no scheme (begin with http:// or https://)"
		}
		return URL{}, Login{}, fmt.Errorf("%q is not a URL: %s", clip(s), why)
	}
	login := loginOf(parsed)
	u, err := canonical(s, parsed)
	return u, login, err
}

// canonical makes a URL of what the parser understood, or refuses what no HTTP
// request can carry.
func canonical(input string, u *whatwg.Url) (URL, error) {
	if s := u.Scheme(); s != "http" && s != "https" {
		return URL{}, fmt.Errorf("%q: %w", clip(input), ErrScheme)
	}
	if i := strings.IndexFunc(u.Hostname(), notInHostHeader); i >= 0 {
		return URL{}, fmt.Errorf("%q is not a URL that can be fetched: no host name has a %q", clip(input), u.Hostname()[i])
	}
	u.SetPassword("")
	u.SetUsername("")
	href := u.Href(true)
	if len(href) > MaxURLLength {
		return URL{}, tooLong(input, len(href), MaxURLLength)
	}
	return fromHref(href), nil
}

// bounded refuses what would take the parser long: its time grows with the
// square of some inputs, above all of what stands where host and user name do.
func bounded(input string) error {
	if len(input) > maxInput {
		return tooLong(input, len(input), maxInput)
	}
	if len(input) <= maxAuthority {
		return nil
	}
	if a := authorityOf(input); len(a) > maxAuthority {
		return fmt.Errorf("%q is not a URL that can be fetched: its host has %d bytes, at most %d are taken", clip(input), len(a), maxAuthority)
	}
	return nil
}

// authorityOf returns what stands between the slashes of an input and its path,
// as browsers find it; "" of a path.
func authorityOf(input string) string {
	s := strings.NewReplacer("\t", "", "\n", "", "\r", "").Replace(strings.TrimLeft(input, "\x00\x01\x02\x03\x04\x05\x06\x07\x08\t\n\v\f\r\x0e\x0f\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f "))
	if scheme, rest, ok := strings.Cut(s, ":"); ok && (strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https")) {
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
	return fmt.Errorf("%q is too long: %d bytes, at most %d are taken", clip(input), length, most)
}

// fromHref wraps a canonical serialisation.
func fromHref(href string) URL {
	authority := strings.Index(href, "://") + len("://")
	return URL{href, authority + strings.IndexByte(href[authority:], '/')}
}

// notInHostHeader reports the characters that WHATWG allows in a host and
// net/http refuses in a Host header.
func notInHostHeader(r rune) bool {
	return r > 0x7e || strings.ContainsRune("\"`{}", r)
}

// foreignScheme tells javascript:, mailto: and their like cheaply, before a
// parser is asked; it may miss odd spellings, which the parser then refuses.
func foreignScheme(ref string) bool {
	colon := strings.IndexAny(ref, ":/?#")
	if colon <= 0 || ref[colon] != ':' {
		return false
	}
	switch strings.ToLower(ref[:colon]) {
	case "javascript", "mailto", "tel", "data", "blob", "about", "ftp", "file", "news", "irc", "sms", "whatsapp", "magnet":
		return true
	}
	return false
}

// reason words a parser's error for a person. The parser quotes the whole input,
// passwords and all.
func reason(err error) string {
	text, cause, _ := strings.Cut(err.Error(), " Url: '")
	text = strings.TrimSuffix(strings.TrimPrefix(text, "Error: "), ".")
	if i := strings.LastIndex(cause, "', Cause: "); i >= 0 {
		text += ": " + cause[i+len("', Cause: "):]
	}
	if i := strings.LastIndex(text, ": "); i >= 0 && len(text) > 120 {
		text = text[i+2:]
	}
	return clip(text)
}

// clip keeps foreign input in a message short, and without a password.
func clip(s string) string {
	const most = 200
	s = HideLogin(s)
	if len(s) <= most {
		return s
	}
	return s[:most] + "…"
}

// String returns the canonical form.
func (u URL) String() string { return u.href }

// IsZero reports whether u is no URL.
func (u URL) IsZero() bool { return u.href == "" }

// Scheme returns "http" or "https".
func (u URL) Scheme() string {
	if u.secure() {
		return "https"
	}
	return "http"
}

func (u URL) secure() bool { return len(u.href) > 4 && u.href[4] == 's' }

// Path returns the path with the query, as a request line carries it. It
// begins with a slash.
func (u URL) Path() string { return u.href[u.pathAt:] }

// Host returns what politeness is owed to.
func (u URL) Host() Host {
	if u.IsZero() {
		return ""
	}
	return Host(u.href[len(u.Scheme())+len("://") : u.pathAt])
}

// Origin returns scheme, host and port, with no slash behind: what robots.txt belongs to (RFC 9309, 2.3).
func (u URL) Origin() string { return u.Scheme() + "://" + string(u.Host()) }

// MarshalText writes the canonical form.
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
