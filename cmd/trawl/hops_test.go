package main_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/internal/test/testsite"
	"github.com/trawlcrawler/trawl/tasks"
)

// Links, frames and redirects of pages are in scope_test.go.
func TestRobotsAndSitemapsLeadToNoPrivateAddress(t *testing.T) {
	t.Parallel()
	wire := newTripwire(t, "127.0.0.2:0")
	away := "http://" + wire.addr + "/"
	seed := testsite.Serve(t, bodies{"/": "<a href=/a>a</a>", "/a": "a",
		"/sitemap.xml": sitemapIndex(away+"1.xml", "/moved.xml") + urlset(away+"page")})
	seed.Robots("Sitemap: " + away + "sitemap.xml\nSitemap: /sitemap.xml\n")
	seed.Handle("/moved.xml", http.RedirectHandler(away+"2.xml", http.StatusMovedPermanently))
	s := newShell(t)
	s.run("crawl", seed.URL(0, "/"), "--scope", "any", "--sitemaps", "--delay", "0", "--retries", "0", "--robots-tries",
		"1", "--out", "sitemaps").exits(done)

	moved := testsite.Serve(t, bodies{"/": "a page"})
	moved.Handle("/robots.txt", http.RedirectHandler(away+"robots.txt", http.StatusFound))
	s.run("crawl", moved.URL(0, "/"), "--delay", "0", "--retries", "0", "--robots-tries", "1", "--out",
		"robots").exits(nothing, "loopback")
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

// A list may come from anybody.
func TestAListOpensNoPrivateAddress(t *testing.T) {
	t.Parallel()
	wire, near := newTripwire(t, "127.0.0.2:0"), newTripwire(t, "127.0.0.1:0")
	s := newShell(t)
	list := "http://" + wire.addr + "/a\nhttp://localhost:" + near.port() + "/b\nhttp://2130706433:" + near.port() +
		"/c\n"
	s.write("list.txt", list)
	usual := []string{"--delay", "0", "--retries", "0", "--robots-tries", "1", "--host-tries", "1"}
	s.run(append([]string{"fetch", "list.txt"}, usual...)...).exits(nothing, "loopback", "--allow-private")
	s.run(append([]string{"fetch", "list.txt", "--out", "out"}, usual...)...).exits(nothing, "loopback",
		"--allow-private")
	if n := wire.trips.Load() + near.trips.Load(); n > 0 {
		t.Errorf("%d connections were made where none may be", n)
	}
	s.run(append([]string{"fetch", "http://" + wire.addr + "/a"}, usual...)...).exits(nothing)
	if wire.trips.Load() == 0 {
		t.Error("a URL that is named opens nothing")
	}
	s.run(append([]string{"fetch", "list.txt", "--allow-private"}, usual...)...).exits(nothing)
	if near.trips.Load() == 0 {
		t.Error("--allow-private opens nothing")
	}
}

// Ports are for operators to open: with trawl seed and in job files, but not through the
// API.
func TestSeedsOfTheAPIOpenNoPort(t *testing.T) {
	t.Parallel()
	created, seeded, brought := newTripwire(t, "127.0.0.2:0"), newTripwire(t, "127.0.0.3:0"),
		newTripwire(t, "127.0.0.4:0")
	f := newFleet(t, "seeds: ['http://"+created.addr+"/']\nrobots_tries: 1\nhost_tries: 1\n")
	client, err := tasks.Open(t.Context(), f.redis)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	f.seed("http://" + seeded.addr + "/").exits(done)
	list := func(yield func(string, error) bool) { yield("http://"+brought.addr+"/", nil) }
	if _, err := client.SeedClosed(t.Context(), f.job, list, nil); err != nil {
		t.Fatal(err)
	}
	f.start("scheduler", "--redis", f.redis, "--listen", "")
	f.start("worker", "--redis", f.redis, "--listen", "", "--jobs", f.job, "--out", "out", "--allow-private", "--ports",
		"80")
	f.start("job", "watch", f.job, "--redis", f.redis).soonEnds().exits(nothing)
	if created.trips.Load() == 0 || seeded.trips.Load() == 0 || brought.trips.Load() > 0 {
		t.Errorf("connections to what was created, seeded and brought through the API: %d, %d, %d; want some, some and none",
			created.trips.Load(), seeded.trips.Load(), brought.trips.Load())
	}
	for _, r := range readRecords(t, f.path("out/"+f.job), "pages-*.jsonl") {
		if r.URL == "http://"+brought.addr+"/" && !strings.Contains(r.Error, "--ports "+brought.port()) {
			t.Errorf("it ended with %q", r.Error)
		}
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
