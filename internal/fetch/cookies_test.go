package fetch

import (
	"fmt"
	"github.com/trawlcrawler/trawl/internal/cookie"
	"net/http"
	"strings"
	"testing"
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
