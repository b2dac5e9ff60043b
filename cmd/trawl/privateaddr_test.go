package main_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/internal/test/testsite"
	"github.com/trawlcrawler/trawl/tasks"
)

// scope_test.go tests links, frames and redirects of pages.
func TestRobotsAndSitemapsLeadToNoPrivateAddress(t *testing.T) {
	t.Parallel()
	listener := newCountingListener(t, "127.0.0.2:0")
	away := "http://" + listener.addr + "/"
	seed := testsite.Serve(t, bodyServer{"/": "<a href=/a>a</a>", "/a": "a",
		"/sitemap.xml": sitemapIndex(away+"1.xml", "/moved.xml") + urlset(away+"page")})
	seed.Robots("Sitemap: " + away + "sitemap.xml\nSitemap: /sitemap.xml\n")
	seed.Handle("/moved.xml", http.RedirectHandler(away+"2.xml", http.StatusMovedPermanently))
	s := newShell(t)
	s.run("crawl", seed.URL(0, "/"), "--scope", "any", "--sitemaps", "--delay", "0", "--retries", "0", "--robots-tries",
		"1", "--out", "sitemaps").exits(done)

	moved := testsite.Serve(t, bodyServer{"/": "a page"})
	moved.Handle("/robots.txt", http.RedirectHandler(away+"robots.txt", http.StatusFound))
	s.run("crawl", moved.URL(0, "/"), "--delay", "0", "--retries", "0", "--robots-tries", "1", "--out",
		"robots").exits(nothing, "loopback")
	if n := listener.connections.Load(); n > 0 {
		t.Errorf("%d forbidden connections were made", n)
	}
}

// Only the operator who starts a process allows private addresses. Adding seeds does not.
func TestAddedSeedsOpenNoPrivateAddress(t *testing.T) {
	t.Parallel()
	listener, seeded := newCountingListener(t, "127.0.0.2:0"), newCountingListener(t, "127.0.0.1:0")
	f := newSeedFleet(t, "seeds: ['http://"+listener.addr+"/']\nrobots_tries: 1\n")
	f.seed("http://"+seeded.addr+"/", "http://localhost:"+seeded.port()+"/").exits(done)
	f.start("scheduler", "--redis", f.redis, "--listen", "")
	f.start("worker", "--redis", f.redis, "--listen", "", "--jobs", f.job, "--out", "out")
	f.start("job", "watch", f.job, "--redis", f.redis).waitSoon().exits(nothing)
	if n := listener.connections.Load() + seeded.connections.Load(); n > 0 {
		t.Errorf("%d forbidden connections were made", n)
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

// A list may come from an untrusted source.
func TestAListOpensNoPrivateAddress(t *testing.T) {
	t.Parallel()
	listener, near := newCountingListener(t, "127.0.0.2:0"), newCountingListener(t, "127.0.0.1:0")
	s := newShell(t)
	list := "http://" + listener.addr + "/a\nhttp://localhost:" + near.port() + "/b\nhttp://2130706433:" + near.port() +
		"/c\n"
	s.write("list.txt", list)
	usual := []string{"--delay", "0", "--retries", "0", "--robots-tries", "1", "--host-tries", "1"}
	s.run(append([]string{"fetch", "list.txt"}, usual...)...).exits(nothing, "loopback", "--allow-private")
	s.run(append([]string{"fetch", "list.txt", "--out", "out"}, usual...)...).exits(nothing, "loopback",
		"--allow-private")
	if n := listener.connections.Load() + near.connections.Load(); n > 0 {
		t.Errorf("%d forbidden connections were made", n)
	}
	s.run(append([]string{"fetch", "http://" + listener.addr + "/a"}, usual...)...).exits(nothing)
	if listener.connections.Load() == 0 {
		t.Error("a URL on the command line does not open its address")
	}
	s.run(append([]string{"fetch", "list.txt", "--allow-private"}, usual...)...).exits(nothing)
	if near.connections.Load() == 0 {
		t.Error("--allow-private has no effect")
	}
}

// Seeds of operators, with trawl seed or in a job file, open their ports. Seeds of the API do not.
func TestSeedsOfTheAPIOpenNoPort(t *testing.T) {
	t.Parallel()
	fromFile, fromCommand, fromAPI := newCountingListener(t, "127.0.0.2:0"), newCountingListener(t, "127.0.0.3:0"),
		newCountingListener(t, "127.0.0.4:0")
	f := newSeedFleet(t, "seeds: ['http://"+fromFile.addr+"/']\nrobots_tries: 1\nhost_tries: 1\n")
	client, err := tasks.Open(t.Context(), f.redis)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	f.seed("http://" + fromCommand.addr + "/").exits(done)
	list := func(yield func(string, error) bool) { yield("http://"+fromAPI.addr+"/", nil) }
	if _, err := client.SeedClosed(t.Context(), f.job, list, nil); err != nil {
		t.Fatal(err)
	}
	f.start("scheduler", "--redis", f.redis, "--listen", "")
	f.start("worker", "--redis", f.redis, "--listen", "", "--jobs", f.job, "--out", "out", "--allow-private", "--ports",
		"80")
	f.start("job", "watch", f.job, "--redis", f.redis).waitSoon().exits(nothing)
	if fromFile.connections.Load() == 0 || fromCommand.connections.Load() == 0 || fromAPI.connections.Load() > 0 {
		t.Errorf("connections to seeds of the job file, trawl seed and the API: %d, %d, %d; want some, some, none",
			fromFile.connections.Load(), fromCommand.connections.Load(), fromAPI.connections.Load())
	}
	for _, r := range readRecords(t, f.path("out/"+f.job), "pages-*.jsonl") {
		if r.URL == "http://"+fromAPI.addr+"/" && !strings.Contains(r.Error, "--ports "+fromAPI.port()) {
			t.Errorf("the seed of the API ended with %q", r.Error)
		}
	}
}

func TestPortsAreOpenOnlyIfNamedOrUsedByASeed(t *testing.T) {
	t.Parallel()
	listener := newCountingListener(t, "127.0.0.2:0")
	site := serveLinksTo(t, "http://"+listener.addr+"/")
	s := newShell(t)
	s.run("crawl", site.URL(0, "/"), "--scope", "any", "--allow-private", "--ports", "80,443,8000-9000",
		"--delay", "0", "--retries", "0", "--robots-tries", "1", "--out", "shut").exits(done,
		"--ports "+listener.port())
	if n := listener.connections.Load(); n > 0 {
		t.Errorf("%d forbidden connections were made", n)
	}
	s.run("crawl", site.URL(0, "/"), "--scope", "any", "--allow-private", "--ports", "any",
		"--delay", "0", "--retries", "0", "--robots-tries", "1", "--out", "open").exits(done)
	if n := listener.connections.Load(); n == 0 {
		t.Error("--ports any has no effect")
	}
}

func TestResolversCanBeConfigured(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, bodyServer{"/": "a page"})
	s := newShell(t)
	url := strings.Replace(site.URL(0, "/"), "127.0.0.1", "localhost", 1)
	s.run("crawl", url, "--resolvers", "127.0.0.1:9", "--delay", "0", "--out", "site").exits(done, "1 fetched")
	s.run("crawl", url, "--resolvers", "dns.example").exits(usage, "resolvers", `"dns.example"`, "9.9.9.9")
	s.run("crawl", url, "--ports", "http").exits(usage, "ports", `"http"`, "8080")
}
