package fetch

import (
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/internal/cookie"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
)

func TestCookiesAreSentAndStored(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "session", Value: "one", Path: "/"})
		fmt.Fprint(w, r.Header.Get("Cookie"))
	})
	f := newFetcher(t, Config{Rules: []Rule{{Hosts: []HostPattern{pattern(t, server.URL)},
		Header: http.Header{"Cookie": {"consent=yes"}}}}})
	jar := cookie.NewJar()
	for _, want := range []string{"consent=yes", "consent=yes; session=one"} {
		req := request(t, server.URL+"/a%20b?c")
		req.Jar, req.Record = jar, true
		page := get(t, f, req)
		if got := string(content(t, page)); got != want {
			t.Errorf("the server received %q, want %q", got, want)
		}
		if head := string(page.Recording.Request); strings.Contains(head, "yes") || strings.Contains(head, "one") {
			t.Errorf("the recording has a cookie: %q", head)
		}
	}
	if got := string(content(t, get(t, f, request(t, server.URL)))); got != "consent=yes" {
		t.Errorf("without a jar, the server received %q", got)
	}
}

func TestPresetCookiesAreSentOnlyToTheirHosts(t *testing.T) {
	t.Parallel()
	log := testfleet.NewTranscript()
	f := newFetcher(t, Config{Log: slog.New(slog.NewTextHandler(log, nil)), Rules: []Rule{
		{Hosts: []HostPattern{pattern(t, "api.example.org")},
			Cookies: []*http.Cookie{{Name: "session", Value: "hunter1"}, {Name: "lang", Value: "de"}}},
		{Hosts: []HostPattern{pattern(t, "*.example.org"), pattern(t, "http://plain.test")},
			Cookies: []*http.Cookie{{Name: "session", Value: "hunter2"}, {Name: "seen", Value: `{"a":[1]}`}}},
	}})
	jar := cookie.NewJar()
	for _, c := range []struct{ url, want string }{
		{"http://api.example.org/", ""}, // without TLS
		{"https://api.example.org/", `session=hunter1; lang=de; seen={"a":[1]}`},
		{"http://api.example.org/", ""}, // also when it was sent with TLS before
		{"https://www.example.org/a/b", `session=hunter2; seen={"a":[1]}`},
		{"https://example.org/", ""},
		{"https://www.example.org:444/", ""},
		{"https://www.example.org.evil.test/", ""},
		{"https://plain.test/", `session=hunter2; seen={"a":[1]}`},
		{"http://plain.test/", `session=hunter2; seen={"a":[1]}`},
	} {
		for name, jar := range map[string]fetched.Jar{"without a jar": nil, "with a jar": jar} {
			var pairs []string
			for _, k := range f.cookies(fetched.Request{URL: parse(t, c.url), Jar: jar}) {
				pairs = append(pairs, cookie.PairOf(k))
			}
			if got := strings.Join(pairs, "; "); got != c.want {
				t.Errorf("%s, request to %s: sent %q, want %q", name, c.url, got, c.want)
			}
		}
	}
	if text := log.Text(); !strings.Contains(text, "not sent without TLS") || strings.Contains(text, "hunter") {
		t.Errorf("log: got %s", text)
	}
}

func TestAHostMayReplaceAPresetCookieAndTakeItBack(t *testing.T) {
	t.Parallel()
	answers := []string{"", "session=fresh; Path=/", "other=x; Path=/", "session=; Path=/; Max-Age=0", ""}
	n := 0
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if line := answers[n]; line != "" {
			w.Header().Set("Set-Cookie", line)
		}
		n++
		fmt.Fprint(w, r.Header.Get("Cookie"))
	})
	f := newFetcher(t, Config{Rules: []Rule{{Hosts: []HostPattern{pattern(t, server.URL)},
		Cookies: []*http.Cookie{{Name: "session", Value: "preset"}}}}})
	jar := cookie.NewJar()
	for _, want := range []string{"session=preset", "session=preset", "session=fresh", "session=fresh; other=x",
		"other=x"} {
		req := request(t, server.URL+"/a/b")
		req.Jar = jar
		if got := string(content(t, get(t, f, req))); got != want {
			t.Errorf("with a jar, the server received %q, want %q", got, want)
		}
	}
	for n = range answers {
		if got := string(content(t, get(t, f, request(t, server.URL)))); got != "session=preset" {
			t.Errorf("without a jar, the server received %q", got)
		}
	}
}
