package main_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

func TestExplainSaysWhatHappenedToAURLAndWhy(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.withRedis()
	g := testsite.Graph{Hosts: 1, PagesPerHost: 40, LinksPerPage: 6}
	site := g.Serve(t)
	site.Robots("User-agent: *\nDisallow: /page/2\nDisallow: /page/7$\n")
	site.Fail("/page/4", 500)
	root := site.URL(0, "/")
	s.run("crawl", root, "--delay", "0", "--exclude", "/page/9$", "--pages", "20", "--retry-pause", "1h", "--out",
		"site").exits(done)
	for path, want := range map[string][]string{
		"/../page/1": {
			"normalised from", "links to it are followed", "allows it", "it is settled", "fetched at",
			"found on " + root, "request", "200 in",
		},
		"/page/7":        {`forbids it, by the line "Disallow: /page/7$"`},
		"/page/9":        {"links to it are not followed: excluded", "it was never seen", "none in site"},
		"/page/4":        {"it will be tried again in", "tried 1 time", "500 in"},
		"/page/39":       {"it waits behind", "depth", "priority normal"},
		"/unlinked/page": {"it was never seen"},
	} {
		e := s.run("explain", "site", strings.TrimSuffix(root, "/")+path).exits(done)
		for _, text := range append(want, "done: budget of pages") {
			if !strings.Contains(e.stdout, text) {
				t.Errorf("for %s, trawl does not print %q, but:\n%s", path, text, e.stdout)
			}
		}
	}
	s.run("explain", "site", "nonsense").exits(usage, "nonsense")
	s.run("explain", "nowhere", root, "--redis", "redis://127.0.0.1:1").exits(failed)

	var x struct {
		Place  string         `json:"place"`
		Record map[string]any `json:"record"`
	}
	if err := json.Unmarshal([]byte(s.run("explain", "site", root, "--json").exits(done).stdout), &x); err != nil {
		t.Fatal(err)
	}
	if x.Place != "settled" || x.Record["outcome"] != "fetched" {
		t.Errorf("the JSON output is %+v", x)
	}
}

func TestExplainReadsTheFrontierOfTheBuiltInRedis(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.withoutRedis()
	site := testsite.Graph{Hosts: 1, PagesPerHost: 3, LinksPerPage: 2}.Serve(t)
	s.run("crawl", site.URL(0, "/"), "--delay", "0", "--out", "site").exits(done)
	if e := s.run("explain", "site", site.URL(0, "/page/1")).exits(done); !strings.Contains(e.stdout, "fetched at") {
		t.Errorf("trawl says\n%s", e.stdout)
	}
}

func TestExplainKnowsSitemapsAndResources(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.withRedis()
	site := testsite.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/robots.txt":
			fmt.Fprintf(w, "Sitemap: http://%s/map.xml\n", r.Host)
		case "/map.xml":
			fmt.Fprintf(w, "<urlset><url><loc>http://%s/docs/listed</loc></url></urlset>", r.Host)
		default:
			w.Header().Set("Content-Type", "text/html")
			io.WriteString(w, "<img src=/i.png><a href=/elsewhere>x</a>")
		}
	}))
	root := site.URL(0, "/")
	s.run("crawl", root+"docs/", "--delay", "0", "--include", "/docs/", "--sitemaps", "--resources", "--out",
		"site").exits(done)
	for path, want := range map[string]string{
		"map.xml":       "it is in scope as a sitemap",
		"i.png":         "it is in scope as a resource of a page",
		"docs/listed":   "links to it are followed",
		"elsewhere":     "links to it are not followed: not included",
		"never-met.xml": "it is read if robots.txt or a sitemap names it as a sitemap",
	} {
		if e := s.run("explain", "site", root+path).exits(done); !strings.Contains(e.stdout, want) {
			t.Errorf("for %s, trawl does not print %q, but:\n%s", path, want, e.stdout)
		}
	}
}
