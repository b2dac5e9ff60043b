package crawler

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/internal/urltext"
)

// mustURL parses a URL that a test holds to be one.
func mustURL(t testing.TB, s string) URL {
	t.Helper()
	u, err := ParseURL(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

func TestAURLIsParsedIntoItsCanonicalForm(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ input, want string }{
		"a bare host gets a path":                {"http://example.com", "http://example.com/"},
		"scheme and host are lower case":         {"HTTP://EXAMPLE.com/A", "http://example.com/A"},
		"the default port goes":                  {"https://example.com:443/", "https://example.com/"},
		"another port stays":                     {"https://example.com:80/", "https://example.com:80/"},
		"dots in the path are resolved":          {"http://a.test/b/./c/../d", "http://a.test/b/d"},
		"so are dots that are percent-encoded":   {"http://a.test/b/%2e%2E/d", "http://a.test/d"},
		"percent-encoding keeps its case":        {"http://a.test/%c3%A9", "http://a.test/%c3%A9"},
		"what cannot be in a path is encoded":    {"http://a.test/ü b", "http://a.test/%C3%BC%20b"},
		"an empty query is not no query":         {"http://a.test/?", "http://a.test/?"},
		"the query keeps its order":              {"http://a.test/?b=1&a=2", "http://a.test/?b=1&a=2"},
		"the fragment goes":                      {"http://a.test/b?c#d", "http://a.test/b?c"},
		"a backslash is a slash":                 {`http://a.test\b\c`, "http://a.test/b/c"},
		"slashes that are missing are added":     {"http:a.test/b", "http://a.test/b"},
		"white space around it goes":             {" \t http://a.test/ \n", "http://a.test/"},
		"line ends within it go":                 {"http://a.t\nest/\tb", "http://a.test/b"},
		"an internationalised name is Punycode":  {"http://Bücher.example/", "http://xn--bcher-kva.example/"},
		"an IPv4 address is written with dots":   {"http://0x7f.1/", "http://127.0.0.1/"},
		"an IPv6 address is compressed":          {"http://[2001:DB8:0:0:0:0:0:1]/", "http://[2001:db8::1]/"},
		"user information goes":                  {"http://u:p@a.test/", "http://a.test/"},
		"a user name goes":                       {"https://u@[::1]:8443/b", "https://[::1]:8443/b"},
		"empty user information goes":            {"http://:@a.test/", "http://a.test/"},
		"an at sign in a password goes with it":  {"http://u:p@q@a.test/", "http://a.test/"},
		"an at sign in the path is left alone":   {"http://a.test/@b", "http://a.test/@b"},
		"a URL in the path is a path":            {"http://a.test/http://b.test/", "http://a.test/http://b.test/"},
		"two slashes in a path are two":          {"http://a.test//b//c", "http://a.test//b//c"},
		"a host name may have an underscore":     {"http://a_b.test/", "http://a_b.test/"},
		"a dot behind the name is kept":          {"http://a.test./", "http://a.test./"},
		"a query may come without a path":        {"http://a.test?b", "http://a.test/?b"},
		"a question mark in the query is itself": {"http://a.test/?b?c", "http://a.test/?b?c"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := ParseURL(c.input)
			if err != nil || got.String() != c.want {
				t.Errorf("%q is parsed into %q, %v; want %q", c.input, got, err, c.want)
			}
		})
	}
}

func TestWhatIsNoURLIsRefusedAndQuoted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ input, says string }{
		"nothing":                          {"", "begin with http:// or https://"},
		"a name alone":                     {"example.com", "begin with http:// or https://"},
		"a path alone":                     {"/a/b", "begin with http:// or https://"},
		"no host":                          {"http://", "not a URL"},
		"a space in the host":              {"http://a b.test/", "not a URL"},
		"a port that is no number":         {"http://a.test:b/", "not a URL"},
		"a port that is too large":         {"http://a.test:65536/", "not a URL"},
		"an address that is none":          {"http://256.256.256.256/", "not a URL"},
		"an IPv6 address that is none":     {"http://[::1/", "not a URL"},
		"a host that no request can name":  {"http://a`b.test/", "a host name cannot contain"},
		"another host that none can":       {"http://a{b}.test/", "a host name cannot contain"},
		"mail":                             {"mailto:a@b.test", "only http and https"},
		"a file":                           {"file:///etc/passwd", "only http and https"},
		"a script":                         {"javascript:alert(1)", "only http and https"},
		"a URL that is too long":           {"http://a.test/" + strings.Repeat("a", urltext.MaxLength), "at most 8192"},
		"what is too long to be looked at": {"http://" + strings.Repeat("@", 1<<20), "at most 16384"},
		"a long address that is none":      {"http://[" + strings.Repeat("1:", 1000), "not a URL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := ParseURL(c.input)
			if err == nil {
				t.Fatalf("%q is parsed into %q", c.input, got)
			}
			if quoted := fmt.Sprintf("%.60q", urltext.Clip(c.input)); !strings.Contains(err.Error(),
				strings.TrimSuffix(quoted, `"`)) {
				t.Errorf("%v does not quote %s", err, quoted)
			}
			if !strings.Contains(err.Error(), c.says) {
				t.Errorf("%v does not say %q", err, c.says)
			}
			if len(err.Error()) > 1000 {
				t.Errorf("the error has %d bytes", len(err.Error()))
			}
			if !got.IsZero() {
				t.Errorf("with the error comes %q", got)
			}
		})
	}
}

func TestOnlyWhatIsLeftOfAURLCountsForItsLength(t *testing.T) {
	t.Parallel()
	longest := "http://a.test/" + strings.Repeat("a", urltext.MaxLength-len("http://a.test/"))
	got, err := ParseURL(longest + "#" + strings.Repeat("fragment", 1000))
	if err != nil || got.String() != longest {
		t.Errorf("the longest URL: %v", err)
	}
}

func TestAReferenceThatIsTooLongIsNotLookedAt(t *testing.T) {
	t.Parallel()
	if _, err := mustURL(t, "http://a.test/").Base().Resolve("//" + strings.Repeat("@", 1<<20)); err == nil ||
		len(err.Error()) > 1000 {
		t.Errorf("got %v", err)
	}
}

func TestTheNetworkSchemesAreToldFromOthers(t *testing.T) {
	t.Parallel()
	base := mustURL(t, "http://a.test/").Base()
	for _, ref := range []string{
		"mailto:a@b.test", "JavaScript:void(0)", " javascript:void(0)", "java\nscript:void(0)", "tel:1", "data:,x",
		"ftp://a.test/", "about:blank", "unheard-of:thing", "ws://a.test/", "file:///a",
	} {
		if u, err := base.Resolve(ref); !errors.Is(err, errScheme) {
			t.Errorf("%q is resolved to %q, %v; want errScheme", ref, u, err)
		}
	}
}

func TestReferencesAreResolvedAgainstTheirBase(t *testing.T) {
	t.Parallel()
	base := mustURL(t, "https://a.test:8443/b/c?d").Base()
	for ref, want := range map[string]string{
		"":                "https://a.test:8443/b/c?d",
		"#e":              "https://a.test:8443/b/c?d",
		"?e":              "https://a.test:8443/b/c?e",
		"e":               "https://a.test:8443/b/e",
		"./e/":            "https://a.test:8443/b/e/",
		"..":              "https://a.test:8443/",
		"../../../e":      "https://a.test:8443/e",
		"/e":              "https://a.test:8443/e",
		"//e.test":        "https://e.test/",
		"//u:p@e.test/":   "https://e.test/",
		"http://e.test":   "http://e.test/",
		"https:e":         "https://a.test:8443/b/e",
		" \n e \n ":       "https://a.test:8443/b/e",
		`\e`:              "https://a.test:8443/e",
		"e:f/../g":        "", // a scheme of its own
		"./e:f":           "https://a.test:8443/b/e:f",
		"//[":             "",
		"https://e f/":    "",
		"//a.test:99999/": "",
	} {
		got, err := base.Resolve(ref)
		if got.String() != want || (err != nil) != (want == "") {
			t.Errorf("%q is resolved to %q, %v; want %q", ref, got, err, want)
		}
	}
}

func TestAReferenceThatCannotBeResolvedIsQuotedAndItsSchemeNotMissed(t *testing.T) {
	t.Parallel()
	_, err := mustURL(t, "http://a.test/").Base().Resolve("//e f/")
	if err == nil || !strings.Contains(err.Error(), `"//e f/"`) || strings.Contains(err.Error(), "no scheme") {
		t.Errorf("got %v", err)
	}
}

func TestTheParts(t *testing.T) {
	t.Parallel()
	type parts struct {
		scheme, origin, path string
		host                 Host
	}
	for input, want := range map[string]parts{
		"http://a.test":                   {"http", "http://a.test", "/", "a.test"},
		"https://a.test/b?c#d":            {"https", "https://a.test", "/b?c", "a.test"},
		"https://a.test:443":              {"https", "https://a.test", "/", "a.test"},
		"http://a.test:443":               {"http", "http://a.test:443", "/", "a.test:443"},
		"http://u:p@a.test:81/b@c":        {"http", "http://a.test:81", "/b@c", "a.test:81"},
		"https://[::1]:8443/b":            {"https", "https://[::1]:8443", "/b", "[::1]:8443"},
		"http://u:p@[2001:db8::1]/":       {"http", "http://[2001:db8::1]", "/", "[2001:db8::1]"},
		"http://127.0.0.1:4711//b?//@c:d": {"http", "http://127.0.0.1:4711", "//b?//@c:d", "127.0.0.1:4711"},
	} {
		u := mustURL(t, input)
		if got := (parts{u.Scheme(), u.Origin(), u.Path(), u.Host()}); got != want {
			t.Errorf("%s has the parts %+v, want %+v", input, got, want)
		}
	}
}

func TestURLsAreTheSameExactlyWhenTheyAreEqual(t *testing.T) {
	t.Parallel()
	seen := map[URL]bool{mustURL(t, "http://a.test:80/b#c"): true}
	if !seen[mustURL(t, "HTTP://A.test/b")] {
		t.Error("the same URL is not found again")
	}
	if seen[mustURL(t, "https://a.test/b")] || seen[mustURL(t, "http://a.test/b/")] {
		t.Error("another URL is taken for it")
	}
	var zero URL
	if !zero.IsZero() || zero.String() != "" {
		t.Errorf("the zero URL is %q", zero)
	}
}

func TestAURLIsReadBackFromText(t *testing.T) {
	t.Parallel()
	for _, want := range []URL{{}, mustURL(t, "https://a.test:81/b?c")} {
		text, err := want.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		got := mustURL(t, "http://other.test/")
		if err := got.UnmarshalText(text); err != nil || got != want {
			t.Errorf("%q is read back as %q, %v", want, got, err)
		}
	}
	var u URL
	if err := u.UnmarshalText([]byte("a.test")); err == nil {
		t.Errorf("a name alone is read as %q", u)
	}
}

func BenchmarkResolve100References(b *testing.B) {
	page := mustURL(b, "https://www.example.com/docs/guide/index.html")
	refs := make([]string, 100)
	for i := range refs {
		refs[i] = []string{"../api/page%d.html#part", "/search?q=%d&lang=en", "https://other.example.org/%d/",
			"page-%d.html"}[i%4]
		refs[i] = fmt.Sprintf(refs[i], i)
	}
	b.ReportAllocs()
	for b.Loop() {
		base := page.Base()
		for _, ref := range refs {
			if _, err := base.Resolve(ref); err != nil {
				b.Fatal(err)
			}
		}
	}
}

// Bytes of Latin-1, GBK and Shift JIS in what servers and lists say lead where curl goes.
func TestBytesThatAreNotUTF8AreEncodedAsTheyAre(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, ref, want string }{
		{"Latin-1 in a path", "/caf\xe9/", "http://a.test/caf%E9/"},
		{"Latin-1 in a query", "/find?q=Gr\xfcn", "http://a.test/find?q=Gr%FCn"},
		{"GBK", "/\xc4\xe3\xba\xc3.html", "http://a.test/%C4%E3%BA%C3.html"},
		{"Shift JIS, whose second bytes are ASCII", "/\x83A.html", "http://a.test/%83A.html"},
		{"half a character", "/\xe2\x82", "http://a.test/%E2%82"},
		{"UTF-8 beside Latin-1", "/\xc3\xa9/\xe9", "http://a.test/%C3%A9/%E9"},
		{"a U+FFFD that was sent", "/\xef\xbf\xbd/\xff", "http://a.test/%EF%BF%BD/%FF"},
		{"a relative path", "b\xe9?c", "http://a.test/b%E9?c"},
		{"an absolute URL", "http://b.test/\xe9", "http://b.test/%E9"},
		{"a fragment, which goes", "/b#\xe9", "http://a.test/b"},
		{"encoded before", "/%E9\xe9", "http://a.test/%E9%E9"},
	} {
		got, err := mustURL(t, "http://a.test/").Base().Resolve(c.ref)
		if err != nil || got.String() != c.want {
			t.Errorf("%s: resolved as %q, %v; want %q", c.name, got, err, c.want)
		}
		if absolute := "http://a.test" + c.ref; c.ref[0] == '/' {
			if got, err := ParseURL(absolute); err != nil || got.String() != c.want {
				t.Errorf("%s: parsed as %q, %v; want %q", c.name, got, err, c.want)
			}
		}
	}
	if u, err := ParseURL("http://b\xfccher.test/"); err == nil {
		t.Errorf("a host with such a byte is taken for %q", u)
	}
}
