package testsite

import (
	"fmt"
	"html"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// Graph is a set of pages computed from its parameters, and the same each time. Page 0 of
// each host, at "/", leads to every page of that host. The other pages are at "/page/1"
// and so on.
type Graph struct {
	Hosts        int    // 1 or more
	PagesPerHost int    // 1 or more
	LinksPerPage int    // 1 or more; pages near the end may have fewer
	Seed         uint64 // different seeds give different links
	// OneRoot makes page 0 of the first host lead to every host. Otherwise only the pages
	// 0 of all hosts together are sure to lead everywhere.
	OneRoot bool
}

// Ref names a page of a graph.
type Ref struct{ Host, Page int }

// Serve serves the graph, each host at its own address.
func (g Graph) Serve(t testing.TB) *Site {
	t.Helper()
	return ServeLinked(t, g.Hosts, func(hosts []string) []http.Handler {
		handlers := make([]http.Handler, g.Hosts)
		for i := range handlers {
			handlers[i] = g.handler(i, hosts)
		}
		return handlers
	})
}

// Path returns the path of a page.
func (g Graph) Path(page int) string {
	if page == 0 {
		return "/"
	}
	return "/page/" + strconv.Itoa(page)
}

// URLs returns the URLs of all pages of the graph at a site that serves it: what a crawl
// must find.
func (g Graph) URLs(s *Site) map[string]bool {
	urls := make(map[string]bool, g.Hosts*g.PagesPerHost)
	for host := range g.Hosts {
		for page := range g.PagesPerHost {
			urls[s.URL(host, g.Path(page))] = true
		}
	}
	return urls
}

// Roots returns the pages that together lead to all others.
func (g Graph) Roots() []Ref {
	if g.OneRoot {
		return []Ref{{0, 0}}
	}
	roots := make([]Ref, g.Hosts)
	for i := range roots {
		roots[i] = Ref{Host: i}
	}
	return roots
}

// Links returns the pages that a page links to. Up to half of them, but at least one, are
// its children in a tree that spans the host. The others are random, one in four of them
// on another host. With OneRoot the pages 0 also form a tree.
func (g Graph) Links(from Ref) []Ref {
	var links []Ref
	for _, page := range g.children(from.Page, g.PagesPerHost) {
		links = append(links, Ref{from.Host, page})
	}
	if g.OneRoot && from.Page == 0 {
		for _, host := range g.children(from.Host, g.Hosts) {
			links = append(links, Ref{host, 0})
		}
	}
	rng := rand.New(rand.NewPCG(g.Seed, uint64(from.Host)<<32|uint64(from.Page)))
	for len(links) < g.LinksPerPage {
		links = append(links, g.randomPage(rng, from.Host))
	}
	return links
}

// children returns the numbers below end that are children of n in a tree of all of them.
func (g Graph) children(n, end int) []int {
	width := max(1, g.LinksPerPage/2)
	var numbers []int
	for child := n*width + 1; child <= n*width+width && child < end; child++ {
		numbers = append(numbers, child)
	}
	return numbers
}

func (g Graph) randomPage(rng *rand.Rand, host int) Ref {
	if g.Hosts > 1 && rng.IntN(4) == 0 {
		host = (host + 1 + rng.IntN(g.Hosts-1)) % g.Hosts
	}
	return Ref{host, rng.IntN(g.PagesPerHost)}
}

// handler serves the pages of one host.
func (g Graph) handler(host int, hosts []string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page, ok := g.page(r.URL.Path)
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, g.html(Ref{host, page}, hosts))
	})
}

// page is the inverse of Path.
func (g Graph) page(path string) (int, bool) {
	n, err := strconv.Atoi(strings.TrimPrefix(path, "/page/"))
	if path == "/" {
		n, err = 0, nil
	}
	return n, err == nil && n >= 0 && n < g.PagesPerHost && g.Path(n) == path
}

// html returns the markup of a page. Links within the host are relative, others absolute.
func (g Graph) html(at Ref, hosts []string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "<!DOCTYPE html>\n<title>%s</title>\n", html.EscapeString(g.Title(at)))
	for _, to := range g.Links(at) {
		href := g.Path(to.Page)
		if to.Host != at.Host {
			href = "http://" + hosts[to.Host] + href
		}
		fmt.Fprintf(&b, "<p><a href=%q>%s</a>\n", href, html.EscapeString(g.Title(to)))
	}
	return b.String()
}

// Title returns the title of a page.
func (g Graph) Title(at Ref) string { return fmt.Sprintf("Page %d of host %d", at.Page, at.Host) }
