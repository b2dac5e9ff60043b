package crawler

import (
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/http/httpguts"
)

// conformance reads the cases of a file of the conformance data, and skips the
// test where it is absent.
func conformance[C any](t testing.TB, file string) []C {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "shared", "conformance", file))
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("no conformance data beside the checkout, in ../shared/conformance")
	}
	if err != nil {
		t.Fatal(err)
	}
	var all struct{ Cases []C }
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if len(all.Cases) == 0 {
		t.Fatalf("%s has no cases", file)
	}
	return all.Cases
}

// parsing is a case of url_parse.json.
type parsing struct {
	ID      string
	Base    *string
	Input   string
	Href    string
	Failure bool
}

// parse does what the case asks for.
func (c parsing) parse() (URL, error) {
	if c.Base == nil {
		return ParseURL(c.Input)
	}
	base, err := ParseURL(*c.Base)
	if err != nil {
		return URL{}, err
	}
	return base.Base().Resolve(c.Input)
}

// want is the URL of the case as we hold it: without its fragment and its user
// information, "" when it is to be refused.
func (c parsing) want() string {
	href, _, _ := strings.Cut(c.Href, "#")
	return userinfo.ReplaceAllString(href, "$1")
}

var userinfo = regexp.MustCompile(`^(https?://)[^/]*@`)

// disputed tells the labels of which the standard and its implementations say
// different things.
func (c parsing) disputed() bool {
	input := strings.ToLower(c.Input)
	return strings.Contains(input, "xn--pokxncvks") || strings.HasPrefix(input, "https://xn--/")
}

func TestURLsAreParsedAsTheStandardAsks(t *testing.T) {
	t.Parallel()
	passed, refused, foreign, disputed := 0, 0, 0, 0
	for _, c := range conformance[parsing](t, "url_parse.json") {
		got, err := c.parse()
		switch {
		case got.String() == c.want() && (err != nil) == (c.want() == ""):
			passed++
		case err != nil && strings.Contains(err.Error(), "a host name cannot contain"):
			refused++ // on purpose: no request can be made for it
		case errors.Is(err, errScheme):
			foreign++ // resolved, by a base that is no http URL
		case c.disputed():
			disputed++
		default:
			t.Errorf("%s: %q with base %q is %q, %v; want %q", c.ID, c.Input, deref(c.Base), got, err, c.want())
		}
	}
	t.Logf("%d passed, %d refused because of their host, %d of other schemes, %d disputed", passed, refused, foreign,
		disputed)
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func TestURLsAreNormalisedWithoutAChangeOfMeaning(t *testing.T) {
	t.Parallel()
	type normalising struct {
		ID, Input, Profile string
		Expected           *string
	}
	passed := 0
	for _, c := range conformance[normalising](t, "url_normalise.json") {
		if c.Profile != "core (safe)" {
			continue
		}
		got, err := ParseURL(c.Input)
		if want := userinfo.ReplaceAllString(deref(c.Expected), "$1"); got.String() != want ||
			(err != nil) != (c.Expected == nil) {
			t.Errorf("%s: %q is %q, %v; want %q", c.ID, c.Input, got, err, deref(c.Expected))
			continue
		}
		passed++
	}
	t.Logf("%d passed", passed)
}

func TestWhateverIsAcceptedCanBeAskedFor(t *testing.T) {
	t.Parallel()
	for _, c := range conformance[parsing](t, "url_parse.json") {
		if u, err := c.parse(); err == nil {
			sendable(t, u)
		}
	}
}

// sendable fails unless net/http can make a request for u that asks for its
// path byte for byte.
func sendable(t testing.TB, u URL) {
	t.Helper()
	if !httpguts.ValidHostHeader(string(u.Host())) {
		t.Errorf("%q has the host %q, which no request can name", u, u.Host())
	}
	if strings.HasPrefix(u.Path(), "//") {
		return // goes on the wire in another form
	}
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.URL = &url.URL{Scheme: u.Scheme(), Host: string(u.Host()), Opaque: u.Path()}
	if got := r.URL.RequestURI(); got != u.Path() || !printable(got) {
		t.Errorf("the path of %q is asked for as %q", u, got)
	}
}

// printable reports whether net/http takes s in a request line.
func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r <= 0x20 || r >= 0x7f })
}

func FuzzParseURL(f *testing.F) {
	for _, seed := range []string{
		"http://example.com/", "https://u:p@[::1]:8443/a/../b?c#d", "http://Bücher.example\\x", "http:a",
		"http://0x7f.1",
		"http://a`b/", "http://xn--/", "mailto:a@b", "http://a.test/\xff\x00", "http://%41.test/%zz", "http://a..b/",
		"http://-a/",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		u, err := ParseURL(s)
		if err != nil {
			return
		}
		again, err := ParseURL(u.String())
		if err != nil || again != u {
			t.Errorf("%q is %q, which is %q, %v", s, u, again, err)
		}
		sendable(t, u)
		if got := u.Scheme() + "://" + string(u.Host()) + u.Path(); got != u.String() {
			t.Errorf("the parts of %q make %q", u, got)
		}
	})
}

func FuzzResolve(f *testing.F) {
	for _, seed := range [][2]string{
		{"http://example.com/a/b?c", "../d"}, {"https://u@a.test", "//b`c"}, {"http://a.test/", "?\x00"},
		{"http://a.test/b", "http:c"},
		{"http://a.test/b", "\\\\c"}, {"http://a.test/b", "javascript:x"}, {"http://a.test", "#"},
		{"http://[::1]/", "//[::]:1"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, on, ref string) {
		page, err := ParseURL(on)
		if err != nil {
			return
		}
		base := page.Base()
		u, err := base.Resolve(ref)
		if err != nil {
			return
		}
		if again, err := base.Resolve(ref); err != nil || again != u {
			t.Errorf("%q is resolved to %q and then to %q, %v", ref, u, again, err)
		}
		if again, err := ParseURL(u.String()); err != nil || again != u {
			t.Errorf("%q is resolved to %q, which is %q, %v", ref, u, again, err)
		}
		sendable(t, u)
	})
}
