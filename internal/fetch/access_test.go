package fetch

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
	"github.com/trawlcrawler/trawl/internal/urltext"
)

func TestParseHostPattern(t *testing.T) {
	t.Parallel()
	for text, c := range map[string]struct{ as, matches, not string }{
		"example.org": {
			"example.org", "example.org:80 example.org:443", "example.org:8080 www.example.org:80 notexample.org:80",
		},
		"https://example.org": {"example.org", "example.org:80 example.org:443", "example.org:8443"},
		"http://Example.ORG":  {"http://example.org", "example.org:80 example.org:443", "example.org:81"},
		"example.org:8443":    {"example.org:8443", "example.org:8443", "example.org:443 a.example.org:8443"},
		"example.org:443":     {"example.org:443", "example.org:443", "example.org:80"},
		"*.example.org": {
			"*.example.org", "a.example.org:80 a.b.example.org:443",
			"example.org:80 aexample.org:80 .example.org:80 a.example.org:81",
		},
		"http://*.example.org:81": {"http://*.example.org:81", "a.example.org:81", "a.example.org:80"},
		"[2001:db8::1]:81":        {"[2001:db8::1]:81", "[2001:db8::1]:81", "[2001:db8::1]:80"},
		"[::1]":                   {"[::1]", "[::1]:80", "[::2]:80"},
		"bücher.example":          {"xn--bcher-kva.example", "xn--bcher-kva.example:80", "bücher.example:80"},
		"127.1":                   {"127.0.0.1", "127.0.0.1:80", "127.1:80"},
	} {
		p, err := ParseHostPattern(text)
		if err != nil || p.String() != c.as {
			t.Errorf("%s is parsed as %v, %v; want %s", text, p, err, c.as)
			continue
		}
		if again := pattern(t, p.String()); again != p {
			t.Errorf("%v is parsed again as %v", p, again)
		}
		for want, hosts := range map[bool]string{true: c.matches, false: c.not} {
			for at := range strings.FieldsSeq(hosts) {
				i := strings.LastIndexByte(at, ':')
				if got := p.matches(strings.Trim(at[:i], "[]"), at[i+1:]); got != want {
					t.Errorf("%s matches %s: %t, want %t", text, at, got, want)
				}
			}
		}
	}
	for _, text := range []string{"", "*", "*.", "http://", "a b", "example.org/path", "example.org?",
		"u:hidden@example.org", "ftp://a.test", "a.*.test", "example.org:99999", "**.a.test"} {
		if p, err := ParseHostPattern(text); err == nil || strings.Contains(err.Error(), "hidden") {
			t.Errorf("%q is parsed as %v, %v", text, p, err)
		}
	}
}

// sent returns the secret headers of a request for a URL.
func sent(t testing.TB, f *Fetcher, url string) string {
	t.Helper()
	var all []string
	h := f.access.secrets(parse(t, url))
	for _, name := range []string{"Authorization", "Accept-Language", "Cookie", "X-Key"} {
		for _, value := range h[name] {
			all = append(all, name+": "+value)
		}
	}
	return strings.Join(all, ", ")
}

func TestSecretsAreSentOnlyToTheirHosts(t *testing.T) {
	t.Parallel()
	log := testfleet.NewTranscript()
	f := newFetcher(t, Config{Log: slog.New(slog.NewTextHandler(log, nil)), Rules: []Rule{
		{Hosts: []HostPattern{pattern(t, "api.example.org")}, Header: http.Header{"x-key": {"first"}}},
		{Hosts: []HostPattern{pattern(t, "*.example.org"), pattern(t, "http://plain.test")},
			Header: http.Header{"X-Key": {"second"}, "Cookie": {"a=b"}}},
		{Hosts: []HostPattern{pattern(t, "a.test:8443")}, Login: urltext.NewLogin("ann", "pass")},
	}})
	for url, want := range map[string]string{
		"https://api.example.org/":           "Cookie: a=b, X-Key: first", // headers from the first rule with them
		"https://www.example.org/":           "Cookie: a=b, X-Key: second",
		"https://example.org/":               "",
		"https://www.example.org:444/":       "",
		"https://www.example.org.evil.test/": "",
		"http://api.example.org/":            "", // without TLS
		"http://plain.test/":                 "Cookie: a=b, X-Key: second",
		"https://plain.test/":                "Cookie: a=b, X-Key: second",
		"http://plain.test:8080/":            "",
		"https://a.test:8443/":               "Authorization: Basic YW5uOnBhc3M=",
		"http://a.test:8443/":                "",
		"https://a.test/":                    "",
	} {
		if got := sent(t, f, url); got != want {
			t.Errorf("request to %s: sent %q, want %q", url, got, want)
		}
	}
	if text := log.Text(); strings.Count(text, "not sent without TLS") != 3 || strings.Contains(text, "first") ||
		strings.Contains(text, "pass") {
		t.Errorf("log: got %s", text)
	}
}

func TestTheLoginOfASeedIsSentToItsHost(t *testing.T) {
	t.Parallel()
	f := newFetcher(t, Config{Rules: []Rule{{Hosts: []HostPattern{pattern(t, "https://tls.test")},
		Login: urltext.NewLogin("rule", "x")}}})
	for _, seed := range []string{"https://ann:one@tls.test/a", "http://bob:two@plain.test/",
		"http://cid:three@port.test:8080/", "http://old:x@again.test/", "http://new:x@again.test/"} {
		u, err := crawler.ParseURL(seed)
		if err != nil {
			t.Fatal(err)
		}
		f.Login(u, urltext.LoginOf(seed))
	}
	for url, want := range map[string]string{
		"https://tls.test/b":        basicAuth(urltext.NewLogin("ann", "one")),
		"http://tls.test/b":         "", // a redirect from https to http
		"http://plain.test/":        basicAuth(urltext.NewLogin("bob", "two")),
		"https://plain.test/":       basicAuth(urltext.NewLogin("bob", "two")),
		"http://port.test:8080/":    basicAuth(urltext.NewLogin("cid", "three")),
		"http://port.test/":         "",
		"https://www.plain.test/":   "",
		"http://again.test/":        basicAuth(urltext.NewLogin("new", "x")),
		"http://plain.test.evil.t/": "",
	} {
		if got := strings.TrimPrefix(sent(t, f, url), "Authorization: "); got != want {
			t.Errorf("request to %s: sent %q, want %q", url, got, want)
		}
	}
}

func TestInvalidRulesAreRefused(t *testing.T) {
	t.Parallel()
	here := []HostPattern{pattern(t, "a.test")}
	for name, c := range map[string]struct {
		rule Rule
		says string
	}{
		"a header for all hosts": {Rule{Header: http.Header{"X-Key": {"secret"}}}, "without hosts"},
		"a login for all hosts":  {Rule{Login: urltext.NewLogin("u", "secret")}, "without hosts"},
		"no host is verified":    {Rule{Insecure: true}, "without hosts"},
		"two logins": {
			Rule{Hosts: here, Login: urltext.NewLogin("u", "secret"), Header: http.Header{"Authorization": {"secret"}}},
			"leave one",
		},
		"a user with a colon":         {Rule{Hosts: here, Login: urltext.NewLogin("u:v", "secret")}, "colon"},
		"the Host header":             {Rule{Hosts: here, Header: http.Header{"host": {"secret"}}}, "Host"},
		"the User-Agent header":       {Rule{Hosts: here, Header: http.Header{"User-Agent": {"secret"}}}, "user_agent"},
		"a cookie for all hosts":      {Rule{Cookies: []*http.Cookie{{Name: "a", Value: "secret"}}}, "without hosts"},
		"a certificate for all hosts": {Rule{Certificates: make([]tls.Certificate, 1)}, "without hosts"},
		"a cookie without a name":     {Rule{Hosts: here, Cookies: []*http.Cookie{{Value: "secret"}}}, "name of a cookie"},
		"a nil cookie":                {Rule{Hosts: here, Cookies: []*http.Cookie{nil}}, "nil"},
		"two cookies in one": {
			Rule{Hosts: here, Cookies: []*http.Cookie{{Name: "a", Value: "b; c=secret"}}}, "the cookie a has a value",
		},
		"a cookie with a line end": {
			Rule{Hosts: here, Cookies: []*http.Cookie{{Name: "a", Value: "secret\r\nX: y"}}}, "the cookie a has a value",
		},
		"a cookie twice": {
			Rule{Hosts: here, Cookies: []*http.Cookie{{Name: "a", Value: "secret"}, {Name: "a", Value: "b"}}}, "two cookies",
		},
		"cookies and a Cookie header": {
			Rule{Hosts: here, Cookies: []*http.Cookie{{Name: "a", Value: "secret"}}, Header: http.Header{"cookie": {"b=c"}}},
			"a Cookie header",
		},
		"a very long cookie": {
			Rule{Hosts: here, Cookies: []*http.Cookie{{Name: "a", Value: strings.Repeat("secret", 1000)}}}, "at most 4096",
		},
		"an invalid header name":  {Rule{Hosts: here, Header: http.Header{"X Key": {"secret"}}}, `"X Key"`},
		"a value with a line end": {Rule{Hosts: here, Header: http.Header{"X-Key": {"secret\r\nX: y"}}}, "X-Key"},
		"an empty value":          {Rule{Hosts: here, Header: http.Header{"X-Key": {""}}}, "empty"},
	} {
		_, err := New(Config{Rules: []Rule{c.rule}})
		if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: got %v, want %q", name, err, c.says)
		}
		if text := fmt.Sprintf("%v %+v %#v", c.rule, []Rule{c.rule}, c.rule); strings.Contains(text, "secret") {
			t.Errorf("%s: the rule is printed as %s", name, text)
		}
	}
}

func TestSecretsAreSentButMaskedInRecordings(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		fmt.Fprint(w, user, password, r.Header.Get("X-Key"), r.Header.Get("Accept-Language"))
	})
	f := newFetcher(t, Config{Rules: []Rule{{
		Hosts: []HostPattern{pattern(t, server.URL)}, Login: urltext.NewLogin("ann", "p@ss:w"),
		Header: http.Header{"x-key": {"k1", "k2"}, "Accept-Language": {"de"}},
	}}})
	req := request(t, server.URL+"/a")
	req.Record = true
	page := get(t, f, req)
	wantNoFault(t, page)
	if got := string(content(t, page)); got != "annp@ss:wk1de" {
		t.Errorf("the server received %q", got)
	}
	head := string(page.Recording.Request)
	for _, line := range []string{"Authorization: ***\r\n", "X-Key: ***\r\nX-Key: ***\r\n",
		"User-Agent: Trawl/test\r\n", "Accept-Language: ***\r\n"} {
		if !strings.Contains(head, line) {
			t.Errorf("the recording lacks %q:\n%s", line, head)
		}
	}
	if !strings.HasPrefix(head, "GET /a HTTP/1.1\r\n") || !strings.HasSuffix(head, "\r\n\r\n") {
		t.Errorf("the recording is not a request: %q", head)
	}
}

func TestAuthoritiesAndInsecureApplyOnlyToTheirHosts(t *testing.T) {
	t.Parallel()
	server, _ := serveTLS(t, func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, r.Proto, r.Header.Get("X-Key"))
	})
	other, _ := serveTLS(t, func(http.ResponseWriter, *http.Request) {
		t.Error("a request was sent to a host with an invalid certificate")
	})
	at := pattern(t, strings.TrimPrefix(server.URL, "https://"))
	for name, rule := range map[string]Rule{
		"an authority": {
			Hosts: []HostPattern{at}, CAs: []*x509.Certificate{server.Certificate()},
			Header: http.Header{"X-Key": {"key"}},
		},
		"insecure": {Hosts: []HostPattern{at}, Insecure: true, Header: http.Header{"X-Key": {"key"}}},
	} {
		f := newFetcher(t, Config{Rules: []Rule{rule}})
		page := get(t, f, request(t, server.URL))
		wantNoFault(t, page)
		if got := string(content(t, page)); got != "HTTP/2.0key" {
			t.Errorf("%s: the server received %q", name, got)
		}
		wantFault(t, get(t, f, request(t, other.URL)), fetched.FaultTLS, false)
	}
	f := newFetcher(t, Config{Rules: []Rule{{CAs: []*x509.Certificate{server.Certificate()}}}})
	wantNoFault(t, get(t, f, request(t, server.URL)))
}
