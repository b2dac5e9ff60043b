package main_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/internal/testsite"
)

// Links, frames and redirects of pages are in scope_test.go.
func TestRobotsAndSitemapsLeadToNoPrivateAddress(t *testing.T) {
	t.Parallel()
	wire := newTripwire(t, "127.0.0.2:0")
	away := "http://" + wire.addr + "/"
	seed := testsite.Serve(t, bodies{"/": "<a href=/a>a</a>", "/a": "a", "/sitemap.xml": sitemapIndex(away+"1.xml", "/moved.xml") + urlset(away+"page")})
	seed.Robots("Sitemap: " + away + "sitemap.xml\nSitemap: /sitemap.xml\n")
	seed.Handle("/moved.xml", http.RedirectHandler(away+"2.xml", http.StatusMovedPermanently))
	s := newShell(t)
	s.run("crawl", seed.URL(0, "/"), "--scope", "any", "--sitemaps", "--delay", "0", "--retries", "0", "--robots-tries", "1", "--out", "sitemaps").exits(done)

	moved := testsite.Serve(t, bodies{"/": "a page"})
	moved.Handle("/robots.txt", http.RedirectHandler(away+"robots.txt", http.StatusFound))
	s.run("crawl", moved.URL(0, "/"), "--delay", "0", "--retries", "0", "--robots-tries", "1", "--out", "robots").exits(nothing, "loopback")
	if n := wire.trips.Load(); n > 0 {
		t.Errorf("%d connections were made where none may be", n)
	}
}

// What is opened is for those who start processes to say. Who may bring seeds
// may not.
func TestSeedsThatAreBroughtOpenNoAddress(t *testing.T) {
	t.Parallel()
	wire, seeded := newTripwire(t, "127.0.0.2:0"), newTripwire(t, "127.0.0.1:0")
	f := newFleet(t, "seeds: ['http://"+wire.addr+"/']\nrobots_tries: 1\n")
	f.seed("http://"+seeded.addr+"/", "http://localhost:"+seeded.port()+"/").exits(done)
	f.start("scheduler", "--redis", f.redis, "--listen", "")
	f.start("worker", "--redis", f.redis, "--listen", "", "--jobs", f.job, "--out", "out")
	f.start("job", "watch", f.job, "--redis", f.redis).soonEnds().exits(nothing)
	if n := wire.trips.Load() + seeded.trips.Load(); n > 0 {
		t.Errorf("%d connections were made where none may be", n)
	}
	records := readRecords(t, f.path("out/"+f.job), "pages-*.jsonl")
	for _, r := range records {
		if !strings.Contains(r.Error, "loopback address") {
			t.Errorf("%s ended with %q", r.URL, r.Error)
		}
	}
	if len(records) != 3 {
		t.Errorf("%d records are kept, want 3", len(records))
	}
}

func TestPortsAreOpenOnlyIfTheyAreSaidOrOfASeed(t *testing.T) {
	t.Parallel()
	wire := newTripwire(t, "127.0.0.2:0")
	site := trap(t, "http://"+wire.addr+"/")
	s := newShell(t)
	s.run("crawl", site.URL(0, "/"), "--scope", "any", "--allow-private", "--ports", "80,443,8000-9000",
		"--delay", "0", "--retries", "0", "--robots-tries", "1", "--out", "shut").exits(done, "--ports "+wire.port())
	if n := wire.trips.Load(); n > 0 {
		t.Errorf("%d connections were made where none may be", n)
	}
	s.run("crawl", site.URL(0, "/"), "--scope", "any", "--allow-private", "--ports", "any",
		"--delay", "0", "--retries", "0", "--robots-tries", "1", "--out", "open").exits(done)
	if n := wire.trips.Load(); n == 0 {
		t.Error("--ports any opens nothing")
	}
}

func TestNameServersCanBeNamed(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, bodies{"/": "a page"})
	s := newShell(t)
	url := strings.Replace(site.URL(0, "/"), "127.0.0.1", "localhost", 1)
	s.run("crawl", url, "--resolvers", "127.0.0.1:9", "--delay", "0", "--out", "site").exits(done, "1 fetched")
	s.run("crawl", url, "--resolvers", "dns.example").exits(usage, "resolvers", `"dns.example"`, "9.9.9.9")
	s.run("crawl", url, "--ports", "http").exits(usage, "ports", `"http"`, "8080")
}
