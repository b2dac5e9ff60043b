package cookie

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// setCookies takes cookies in as a server writes them.
func setCookies(t testing.TB, j *Jar, from string, lines ...string) {
	t.Helper()
	u, err := url.Parse(from)
	if err != nil {
		t.Fatal(err)
	}
	j.SetCookies(u, Received(http.Header{"Set-Cookie": lines}))
}

// back is what goes back.
func back(t testing.TB, j *Jar, to string) string {
	t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, c := range j.Cookies(u) {
		all = append(all, PairOf(c))
	}
	return strings.Join(all, "; ")
}

func TestACookieGoesBackToItsHostAlone(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, from, line, to, want string }{
		{"the same host", "http://a.test/", "a=b", "http://a.test/c", "a=b"},
		{"a host of the same domain", "http://www.a.test/", "a=b; Domain=a.test", "http://shop.a.test/", ""},
		{"the domain itself", "http://www.a.test/", "a=b; Domain=.a.test", "http://a.test/", ""},
		{"its own host, by a domain", "http://www.a.test/", "a=b; Domain=a.test", "http://www.a.test/", "a=b"},
		{"a domain that is another's", "http://a.test/", "a=b; Domain=b.test", "http://a.test/", ""},
		{"a domain that ends alike", "http://aa.test/", "a=b; Domain=a.test", "http://aa.test/", ""},
		{"another port", "http://a.test:81/", "a=b", "http://a.test:82/", ""},
		{"the same port", "http://a.test:81/", "a=b", "http://a.test:81/", "a=b"},
		{"an address", "http://[::1]:81/", "a=b", "http://[::1]:81/", "a=b"},
		{"a path", "http://a.test/b/c", "a=b", "http://a.test/b/d", "a=b"},
		{"another path", "http://a.test/b/c", "a=b", "http://a.test/", ""},
		{"a path that is named", "http://a.test/b/c", "a=b; Path=/", "http://a.test/", "a=b"},
		{"from https to http", "https://a.test/", "a=b", "http://a.test/", ""},
		{"from http to https", "http://a.test/", "a=b", "https://a.test/", "a=b"},
		{"secure without TLS", "http://a.test/", "a=b; Secure", "https://a.test/", ""},
		{"a prefix that asks for TLS", "http://a.test/", "__Secure-a=b", "http://a.test/", ""},
		{"the same, with it", "https://a.test/", "__Secure-a=b; Secure", "https://a.test/", "__Secure-a=b"},
		{"a prefix that asks for no domain", "https://a.test/", "__Host-a=b; Secure; Path=/; Domain=a.test",
			"https://a.test/", ""},
		{"the same, without", "https://a.test/", "__host-a=b; Secure; Path=/", "https://a.test/", "__host-a=b"},
		{"one that has expired", "http://a.test/", "a=b; Max-Age=0", "http://a.test/", ""},
		{"one too long", "http://a.test/", "a=" + strings.Repeat("b", longestCookie), "http://a.test/", ""},
	} {
		j := NewJar()
		setCookies(t, j, c.from, c.line)
		if got := back(t, j, c.to); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestACookieIsReplacedAndTakenBack(t *testing.T) {
	t.Parallel()
	j := NewJar()
	for _, line := range []string{"a=1", "a=2; Path=/b", "a=3", "c=4"} {
		setCookies(t, j, "http://a.test/", line)
	}
	if got := back(t, j, "http://a.test/b"); got != "a=2; a=3; c=4" {
		t.Errorf("got %q", got)
	}
	setCookies(t, j, "http://a.test/", "a=; Max-Age=0")
	setCookies(t, j, "http://a.test/", "c=4", "c=5; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "d=6")
	setCookies(t, j, "http://a.test/", "d=; Expires=Thu, 01 Jan 1970 00:00:00 GMT", "c=4")
	if got := back(t, j, "http://a.test/b"); got != "a=2; c=4" {
		t.Errorf("got %q after one was taken back", got)
	}
	if h := j.of("a.test"); len(h.cookies) != 2 || h.size != sizeOf(h.cookies[0])+sizeOf(h.cookies[1]) {
		t.Errorf("%d cookies of %d bytes are counted", len(h.cookies), h.size)
	}
}

func TestAJarIsBounded(t *testing.T) {
	t.Parallel()
	j := NewJar()
	for i := range 1000 {
		setCookies(t, j, "http://a.test/", fmt.Sprintf("n%d=v; Path=/p%d", i, i%2))
		setCookies(t, j, "http://b.test/", fmt.Sprintf("n%d=%s", i, strings.Repeat("v", 4000)))
		setCookies(t, j, "http://c.test/", "same=value")
	}
	for host, c := range map[string]struct {
		cookies int
		last    string
	}{"a.test": {hostCookies, "n999"}, "b.test": {4, "n999"}, "c.test": {1, "same"}} {
		h := j.of(host)
		if len(h.cookies) != c.cookies || h.size > hostBytes || h.cookies[c.cookies-1].Name != c.last {
			t.Errorf("%s: %d cookies of %d bytes, the last %s", host, len(h.cookies), h.size,
				h.cookies[len(h.cookies)-1].Name)
		}
	}
	if got := len(strings.Split(back(t, j, "http://a.test/p0/"), "; ")) +
		len(strings.Split(back(t, j, "http://a.test/p1/"), "; ")); got != hostCookies {
		t.Errorf("%d cookies are sent, want those that are counted", got)
	}
	for i := range 3 * jarHosts {
		setCookies(t, j, fmt.Sprintf("http://h%d.test/", i), "a=b")
		back(t, j, "http://c.test/")
	}
	if len(j.kept) != jarHosts || j.recent.Len() != jarHosts || back(t, j, "http://c.test/") == "" ||
		back(t, j, "http://a.test/p0/") != "" {
		t.Errorf("%d hosts are kept, want the %d that were asked last", len(j.kept), jarHosts)
	}
}
