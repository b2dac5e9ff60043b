package hostile

import (
	"fmt"
	"net/http"
	"strings"
)

var robots = []Misbehaviour{
	{
		Name: "endless-robots", Does: "sends a robots.txt without end", Trawl: "reads its beginning, which it obeys", Limit: limitRobots,
		rig: robotsSite(forever(ok+"Content-Type: text/plain\r\n\r\nUser-agent: *\nDisallow: /never\n", "Disallow: /x\n"), fetched),
	}, {
		Name: "bomb-robots", Does: "sends a robots.txt of 64 MiB as gzip", Trawl: "the same", Limit: limitRobots,
		rig: robotsSite(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bombRobots())
		}, fetched),
	}, {
		Name: "line-robots", Does: "sends a robots.txt of one line without end", Trawl: "the same", Limit: limitRobots,
		rig: robotsSite(forever(ok+"Content-Type: text/plain\r\n\r\n", "User-agent: *"), fetched),
	}, {
		Name: "silent-robots", Does: "never answers for its robots.txt", Trawl: "asks for nothing else there", Limit: limitRobotTries,
		rig: robotsSite(waits(""), disallowed("robots.txt")),
	}, {
		Name: "failing-robots", Does: "answers 500 for its robots.txt", Trawl: "asks for nothing else there (RFC 9309, 2.3.1.4)", Limit: limitRobotTries,
		rig: robotsSite(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, disallowed("robots.txt")),
	}, {
		Name: "loop-robots", Does: "redirects its robots.txt to itself", Trawl: "takes it for none after five (RFC 9309, 2.3.1.2)", Limit: limitRobotHops,
		rig: robotsSite(moved("/robots.txt"), fetched),
	}, {
		Name: "patterns-robots", Does: "writes patterns that take a careless matcher for ever", Trawl: "matches in a time that grows with their length alone", Limit: limitRobots,
		rig: robotsSite(text("text/plain", "User-agent: *\n"+strings.Repeat("Disallow: /"+strings.Repeat("*a", 500)+"$\n", 400)), fetched),
	}, {
		Name: "delay-robots", Does: "asks for a delay of thirty years", Trawl: "waits no longer than the cap", Limit: limitCrawlDelay,
		rig: robotsSite(text("text/plain", "User-agent: *\nCrawl-delay: 999999999\n"), fetched),
	}, {
		Name: "noise-robots", Does: "sends a robots.txt of noise", Trawl: "finds no rule in it", Limit: limitRobots,
		rig: robotsSite(text("text/plain", string(noise(100_000))), fetched),
	},
}

// robotsSite leads to another site with such a robots.txt, of which one page has
// a fate, and another, at /never, is not to be asked for if that can be known.
func robotsSite(robots http.HandlerFunc, f Fate) func(*Host) {
	return func(h *Host) {
		at := h.site(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/robots.txt" {
				robots(w, r)
				return
			}
			fmt.Fprint(w, "a page")
		})
		url := "http://" + at + "/" + strings.Repeat("a", 200)
		h.lead(url, url, f)
	}
}

var bombRobots = bomb("gzip", "bomb-robots")
