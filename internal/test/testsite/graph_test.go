package testsite_test

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// reach returns the pages that the roots of a graph lead to.
func reach(g testsite.Graph) map[testsite.Ref]bool {
	waiting := g.Roots()
	reached := make(map[testsite.Ref]bool)
	for len(waiting) > 0 {
		next := waiting[0]
		waiting = waiting[1:]
		if !reached[next] {
			reached[next] = true
			waiting = append(waiting, g.Links(next)...)
		}
	}
	return reached
}

func TestAllPagesOfAGraphAreReachableFromItsRoots(t *testing.T) {
	t.Parallel()
	for _, g := range []testsite.Graph{
		{Hosts: 1, PagesPerHost: 1, LinksPerPage: 1},
		{Hosts: 1, PagesPerHost: 100, LinksPerPage: 1},
		{Hosts: 7, PagesPerHost: 31, LinksPerPage: 5, Seed: 3},
		{Hosts: 7, PagesPerHost: 31, LinksPerPage: 5, Seed: 3, OneRoot: true},
		{Hosts: 40, PagesPerHost: 1, LinksPerPage: 2, OneRoot: true},
		{Hosts: 3, PagesPerHost: 1000, LinksPerPage: 20, OneRoot: true},
	} {
		t.Run(fmt.Sprintf("%+v", g), func(t *testing.T) {
			t.Parallel()
			if got, want := len(reach(g)), g.Hosts*g.PagesPerHost; got != want {
				t.Errorf("%d pages are reached, want %d", got, want)
			}
		})
	}
}

func TestAGraphDependsOnlyOnItsSeed(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 5, PagesPerHost: 50, LinksPerPage: 8, Seed: 1}
	again, other := g, g
	other.Seed = 2
	at := testsite.Ref{Host: 3, Page: 40}
	if !reflect.DeepEqual(g.Links(at), again.Links(at)) {
		t.Errorf("links are %v and then %v", g.Links(at), again.Links(at))
	}
	if reflect.DeepEqual(g.Links(at), other.Links(at)) {
		t.Errorf("links are %v for both seeds", g.Links(at))
	}
}

func TestAGraphServesItsPages(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 3, PagesPerHost: 4, LinksPerPage: 6, OneRoot: true}
	s := g.Serve(t)
	urls := g.URLs(s)
	if len(urls) != 12 {
		t.Errorf("there are %d URLs, want 12", len(urls))
	}
	for url := range urls {
		if got := status(t, url); got != 200 {
			t.Errorf("%s responds with %d, want 200", url, got)
		}
	}
	_, body := get(t, s.URL(0, "/"))
	for _, want := range []string{
		"<title>Page 0 of host 0</title>",
		`<a href="/page/3">Page 3 of host 0</a>`,
		`<a href="` + s.URL(1, "/") + `">Page 0 of host 1</a>`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the first page has no %s:\n%s", want, body)
		}
	}
	for _, path := range []string{"/page/4", "/page/0", "/page/01", "/page/-1", "/page/", "/robots.txt"} {
		if got := status(t, s.URL(0, path)); got != 404 {
			t.Errorf("%s responds with %d, want 404", path, got)
		}
	}
}
