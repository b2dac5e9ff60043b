package crawler

import (
	"errors"
	"net/url"
	"regexp"
	"strings"

	whatwg "github.com/nlnwa/whatwg-url/url"
)

// Login is the user name and the password that stood before the host of a URL.
// The zero Login is none. It may be printed: the password in it is not.
type Login struct {
	User     string
	password string
}

// NewLogin returns a login.
func NewLogin(user, password string) Login { return Login{user, password} }

// Password returns the password, which goes into a request and nowhere else.
func (l Login) Password() string { return l.password }

// IsZero reports whether l is no login.
func (l Login) IsZero() bool { return l == Login{} }

// String hides the password.
func (l Login) String() string { return l.User + ":***" }

// GoString hides it from %#v as well.
func (l Login) GoString() string { return l.String() }

// ErrLogin says that a URL has a user name or a password where it would be
// stored with it, for all the fleet to read.
var ErrLogin = errors.New("it has a user name or a password, which would be stored for all to read: leave it out, and give it to the workers with --access")

// loginOf returns what the parser found before the host, decoded.
func loginOf(u *whatwg.Url) Login {
	return Login{percentDecoded(u.Username()), percentDecoded(u.Password())}
}

// percentDecoded leaves s alone where it is not percent-encoded throughout.
func percentDecoded(s string) string {
	decoded, err := url.PathUnescape(s)
	if err != nil {
		return s
	}
	return decoded
}

// loginIn finds what may be a login in an input that need not be a URL: all up to
// an at sign before the path, and, because a password may have a slash in it that
// should have been encoded, all up to the last at sign behind a colon.
var loginIn = regexp.MustCompile(`(?s)^([^/\\?#@:]*:(?:[/\\]+)|[/\\]{2,}|[^/\\?#@:]*:|)(?:[^/\\?#]*|[^/\\?#]*:.*)@`)

// HideLogin returns an input without what may be a user name and a password, for
// messages that quote it. An address of mail has none.
func HideLogin(input string) string {
	if len(input) > len("mailto:") && strings.EqualFold(input[:len("mailto:")], "mailto:") {
		return input
	}
	return loginIn.ReplaceAllString(input, "${1}***@")
}
