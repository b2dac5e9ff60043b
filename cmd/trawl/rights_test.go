package main_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// hostRights has the fields of a line of trawl rights --json that the tests check.
type hostRights struct {
	Pages, Stated, Reserved int64
}

func (s *shell) rights(args ...string) (h hostRights) {
	s.t.Helper()
	e := s.run(append([]string{"rights", "--json"}, args...)...).exits(done)
	if err := json.Unmarshal([]byte(e.stdout), &h); err != nil {
		s.t.Fatalf("%q: %v", e.stdout, err)
	}
	return h
}

func TestRightsAreSummarizedForAnyPurpose(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	site := testsite.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		if r.URL.Path == "/a" {
			w.Header().Set("Content-Usage", "search=n")
		}
		fmt.Fprint(w, `<a href="/a">a</a><a href="/ai/b">b</a>`)
	}))
	site.Robots("User-agent: *\nContent-Usage: /ai/ train-ai=n\n")
	s.run("crawl", site.URL(0, "/"), "--delay", "0", "--out", "site", "--purpose", "train-ai",
		"--rights", "stop").exits(done)
	for purpose, want := range map[string]hostRights{
		"": {3, 2, 1}, "train-ai": {3, 2, 1}, "search": {3, 2, 1}, "archive": {3, 2, 0},
	} {
		args := []string{"site"}
		if purpose != "" {
			args = append(args, "--purpose", purpose)
		}
		if diff := cmp.Diff(want, s.rights(args...)); diff != "" {
			t.Errorf("for purpose %q (-want +got):\n%s", purpose, diff)
		}
	}
	if got := s.rights("site", "--where", "url ~ /ai/"); got != (hostRights{1, 1, 1}) {
		t.Errorf("of the pages under /ai/: %+v", got)
	}
	if e := s.run("rights", "site").exits(done); !strings.Contains(e.stdout, "aipref train-ai=n (robots.txt)") {
		t.Errorf("the summary is\n%s", e.stdout)
	}
	s.run("rights", "site", "--purpose", "serach").exits(usage, "serach", "search")
	s.run("crawl", site.URL(0, "/"), "--rights", "skip").exits(usage, "rights", "skip", "purpose")
}
