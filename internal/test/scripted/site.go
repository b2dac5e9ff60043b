package scripted

import (
	"fmt"
	"net/http"
	"path"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// Site is a host that serves all patterns.
type Site struct{ *testsite.Site }

// Serve serves the patterns until the end of the test.
func Serve(t testing.TB) *Site {
	t.Helper()
	return &Site{testsite.Serve(t, http.HandlerFunc(serve))}
}

// robots forbids what patterns request although they must not.
const robots = "User-agent: *\nDisallow: /*/private/\n"

// types are media types by ending.
var types = map[string]string{
	".html": "text/html; charset=utf-8", ".js": "text/javascript", ".mjs": "text/javascript",
	".json": "application/json", ".txt": "text/plain", ".zip": "application/zip",
}

// serve serves the pages of all patterns: the root, which links to them, that of each pattern, its
// files, and the pages that they lead to.
func serve(w http.ResponseWriter, r *http.Request) {
	name, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	switch {
	case r.URL.Path == "/robots.txt":
		w.Header().Set("Content-Type", "text/plain")
		fmt.Fprint(w, robots)
		return
	case r.URL.Path == "/":
		page(w, "patterns", root())
		return
	}
	for _, p := range Patterns {
		if p.Name != name {
			continue
		}
		file, there := p.Files[rest]
		switch {
		case rest == "" && strings.HasSuffix(r.URL.Path, "/"):
			page(w, name, p.Body)
		case there:
			w.Header().Set("Content-Type", types[path.Ext(rest)])
			fmt.Fprint(w, file)
		default:
			page(w, rest, static("found in "+name))
		}
		return
	}
	http.NotFound(w, r)
}

func page(w http.ResponseWriter, title, body string) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprintf(w, "<!DOCTYPE html><html><head><title>%s</title></head><body>%s</body></html>", title, body)
}

// root returns a page that links to the page of each pattern.
func root() string {
	var b strings.Builder
	for _, p := range Patterns {
		fmt.Fprintf(&b, "<a href=\"/%s/\">%s</a>\n", p.Name, p.Name)
	}
	return b.String() + static("the patterns")
}

// static returns the body of a page that says enough without scripts.
func static(what string) string {
	return "<p>" + what + "</p><p>" + strings.Repeat("These words were written on the server. ", 40) + "</p>"
}

// Want returns the URLs of all pages that a crawl from the root must fetch, each once.
func (s *Site) Want() map[string]bool {
	want := map[string]bool{s.URL(0, "/"): true}
	for _, p := range Patterns {
		want[s.URL(0, "/"+p.Name+"/")] = true
		for _, l := range p.Links {
			want[s.URL(0, "/"+p.Name+"/"+l)] = true
		}
	}
	return want
}

// Never returns the paths that nothing may request.
func (s *Site) Never() (paths []string) {
	for _, p := range Patterns {
		for _, name := range p.Never {
			paths = append(paths, "/"+p.Name+"/"+name)
		}
	}
	return paths
}
