package hostile

import (
	"fmt"
	"net/http"
	"strings"
)

var robots = []Misbehaviour{
	{
		Name: "endless-robots", Does: "sends an endless robots.txt", Trawl: "reads and obeys its beginning",
		Limit: limitRobots,
		setup: robotsSite(endless(ok+"Content-Type: text/plain\r\n\r\nUser-agent: *\nDisallow: /never\n",
			"Disallow: /x\n"), fetched),
	}, {
		Name: "bomb-robots", Does: "sends a robots.txt of 64 MiB as gzip", Trawl: "the same", Limit: limitRobots,
		setup: robotsSite(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bombRobots())
		}, fetched),
	}, {
		Name: "line-robots", Does: "sends a robots.txt of one endless line", Trawl: "the same", Limit: limitRobots,
		setup: robotsSite(endless(ok+"Content-Type: text/plain\r\n\r\n", "User-agent: *"), fetched),
	}, {
		Name: "silent-robots", Does: "never responds to requests for its robots.txt",
		Trawl: "requests nothing else there; its URLs fail", Limit: limitRobotTries,
		setup: robotsSite(hangAfter(""), failed("robots.txt")),
	}, {
		Name: "failing-robots", Does: "responds with 500 to requests for its robots.txt",
		Trawl: "requests nothing else there, and treats everything as disallowed (RFC 9309, 2.3.1.4)",
		Limit: limitRobotTries,
		setup: robotsSite(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) },
			disallowed("robots.txt")),
	}, {
		Name: "loop-robots", Does: "redirects its robots.txt to itself",
		Trawl: "treats it as missing after five (RFC 9309, 2.3.1.2)", Limit: limitRobotHops,
		setup: robotsSite(redirectTo("/robots.txt"), fetched),
	}, {
		Name: "patterns-robots", Does: "sends patterns that take a backtracking matcher forever",
		Trawl: "matches in linear time", Limit: limitRobots,
		setup: robotsSite(text("text/plain", "User-agent: *\n"+
			strings.Repeat("Disallow: /"+strings.Repeat("*a", 500)+"$\n", 400)), fetched),
	}, {
		Name: "delay-robots", Does: "asks for a delay of thirty years", Trawl: "waits no longer than the limit",
		Limit: limitCrawlDelay,
		setup: robotsSite(text("text/plain", "User-agent: *\nCrawl-delay: 999999999\n"), fetched),
	}, {
		Name: "noise-robots", Does: "sends random bytes as its robots.txt", Trawl: "finds no rules in it",
		Limit: limitRobots,
		setup: robotsSite(text("text/plain", string(randomBytes(100_000))), fetched),
	},
}

// robotsSite links to another site with this robots.txt, and records the expected fate of a page
// there.
func robotsSite(robots http.HandlerFunc, f Fate) func(*Host) {
	return func(h *Host) {
		addr := h.serveSite(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/robots.txt" {
				robots(w, r)
				return
			}
			fmt.Fprint(w, "a page")
		})
		url := "http://" + addr + "/" + strings.Repeat("a", 200)
		h.expectLink(url, url, f)
	}
}

var bombRobots = bomb("gzip", "bomb-robots")
