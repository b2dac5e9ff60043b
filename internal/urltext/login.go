package urltext

import (
	"net/url"
	"strings"

	whatwg "github.com/nlnwa/whatwg-url/url"
)

// Login is a user name and a password, as they appear before the host of a URL. The zero
// Login has neither. Printing a Login does not show the password.
type Login struct {
	User     string
	password string
}

// NewLogin returns a login.
func NewLogin(user, password string) Login { return Login{user, password} }

// Password returns the password. Use it only in a request.
func (l Login) Password() string { return l.password }

// IsZero reports whether l is empty.
func (l Login) IsZero() bool { return l == Login{} }

// String returns the login without the password.
func (l Login) String() string { return l.User + ":***" }

// GoString hides the password from %#v as well.
func (l Login) GoString() string { return l.String() }

var parser = whatwg.NewParser()

// LoginOf returns the decoded user name and password before the host of a URL; the zero
// Login if it has none, or the text is not a URL. It is for texts that crawler.ParseURL
// accepts, because the parser takes long for some others.
func LoginOf(text string) Login {
	if !strings.Contains(text, "@") {
		return Login{}
	}
	u, err := parser.Parse(EncodeBytes(text))
	if err != nil {
		return Login{}
	}
	return Login{percentDecoded(u.Username()), percentDecoded(u.Password())}
}

// percentDecoded decodes s, or returns it unchanged if it is not valid percent-encoding.
func percentDecoded(s string) string {
	decoded, err := url.PathUnescape(s)
	if err != nil {
		return s
	}
	return decoded
}
