package crawler

import (
	"fmt"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/internal/urltext"
)

func TestALoginIsPartedFromItsURL(t *testing.T) {
	t.Parallel()
	for input, want := range map[string]struct{ url, user, password string }{
		"http://u:p@a.test:81/b@c":        {"http://a.test:81/b@c", "u", "p"},
		"http://u@a.test/":                {"http://a.test/", "u", ""},
		"http://:p@a.test/":               {"http://a.test/", "", "p"},
		"http://u%2fv:p%3Aq%40@a.test/":   {"http://a.test/", "u/v", "p:q@"},
		"http://u:p@q@a.test/":            {"http://a.test/", "u", "p@q"},
		"http://u:%zz@[2001:db8::1]/":     {"http://[2001:db8::1]/", "u", "%zz"},
		"http://a.test/":                  {"http://a.test/", "", ""},
		"http://127.0.0.1:4711//b?//@c:d": {"http://127.0.0.1:4711//b?//@c:d", "", ""},
	} {
		u, err := ParseURL(input)
		login := urltext.LoginOf(input)
		if err != nil || u.String() != want.url || login.User != want.user || login.Password() != want.password {
			t.Errorf("%q is parted into %q, %q and %q, %v; want %q", input, u, login.User, login.Password(), err, want)
		}
	}
}

func TestAPasswordIsNeverQuoted(t *testing.T) {
	t.Parallel()
	base := mustURL(t, "http://a.test/").Base()
	for _, input := range []string{
		"http://u:secret@exa mple/", "http://u:secret@a:99999/", "http://u:se/secret@a", "http://u:secret?x@a:b",
		"u:secret@host/",
		"htps://u:secret@h/", "http://u:secret@", "http://u:secret@xn--/", "http://u:secret@a`b/", "//u:secret@a`b/",
		`\\u:secret@[/`,
		"u:secret@host name/", "http://u:secret@h/" + strings.Repeat("a", 2*urltext.MaxLength),
		"http://" + strings.Repeat("u", 300) + ":secret@a b/",
		" http://u:secret@[/", "http:/\t/u:secret@[/", "http://secret:@/",
	} {
		for _, parse := range []func(string) (URL, error){ParseURL, base.Resolve} {
			if u, err := parse(input); strings.Contains(fmt.Sprint(u, err), "secret") {
				t.Errorf("of %q it is said: %v, %v", input, u, err)
			}
		}
	}
	login := urltext.LoginOf("http://u:secret@a.test/")
	if text := fmt.Sprintf("%v %+v %#v %s %q", login, login, login, &login,
		struct{ L urltext.Login }{login}); strings.Contains(text, "secret") {
		t.Errorf("a login is printed as %s", text)
	}
}
