package hostile

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

var redirects = []Misbehaviour{
	{
		Name: "redirect-to-itself", Does: "redirects to the same URL", Trawl: "detects the loop", Fate: failed("loop"),
		page: redirectTo("/redirect-to-itself"),
	}, {
		Name: "redirect-loop", Does: "redirects in a cycle", Trawl: "detects the loop", Fate: failed("loop"),
		page: redirectTo("/circle/1"),
		setup: func(h *Host) {
			h.pages["/circle/1"] = redirectTo("/circle/2")
			h.pages["/circle/2"] = redirectTo("/redirect-loop")
		},
	}, {
		Name: "redirect-chain", Does: "redirects endlessly to new URLs", Trawl: "follows ten, then fails the page",
		Limit: limitHops, Fate: failed("more than 10 redirects"),
		page: redirectTo("/on/1"),
		setup: func(h *Host) {
			h.pages["/on/"] = func(w http.ResponseWriter, r *http.Request) {
				n, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/on/"))
				redirectTo(fmt.Sprintf("/on/%d", n+1))(w, r)
			}
			h.expect(h.current, h.URL("/on/"), Fate{MaxRequests: 10})
		},
	}, {
		Name: "redirect-across", Does: "redirects endlessly to new URLs, from host to host",
		Trawl: "the same: redirects count across hosts", Limit: limitHops, Fate: Fate{Outcome: "redirected"},
		page: func(w http.ResponseWriter, r *http.Request) { redirectTo("/ping/1")(w, r) },
		setup: func(h *Host) {
			other := ""
			bounce := func(to func() string) http.HandlerFunc {
				return func(w http.ResponseWriter, r *http.Request) {
					n, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/ping/"))
					if err != nil {
						http.NotFound(w, r)
						return
					}
					redirectTo(fmt.Sprintf("http://%s/ping/%d", to(), n+1))(w, r)
				}
			}
			other = h.serveSite(bounce(func() string { return h.addr }))
			h.pages["/ping/"] = bounce(func() string { return other })
			h.expect(h.current, h.URL("/ping/"), Fate{MaxRequests: 10})
		},
	}, {
		Name: "redirect-to-file", Does: "redirects to file:///etc/passwd", Trawl: "accepts only http and https",
		Fate: failed("no URL to crawl"),
		page: redirectTo("file:///etc/passwd"),
	}, {
		Name: "redirect-to-script", Does: "redirects to a javascript: URL", Trawl: "the same",
		Fate: failed("no URL to crawl"),
		page: redirectTo("javascript:alert(1)"),
	}, {
		Name: "redirect-to-gopher", Does: "redirects to a gopher: URL that would send a command to Redis",
		Trawl: "the same", Fate: failed("no URL to crawl"),
		page: redirectTo("gopher://127.0.0.1:6379/_FLUSHALL"),
	}, {
		Name: "redirect-nowhere", Does: "redirects without a Location", Trawl: "fails the page", Fate: failed(""),
		page: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusFound) },
	}, {
		Name: "redirect-far", Does: "redirects to a URL of 60 KB", Trawl: "rejects the URL", Limit: limitURL,
		Fate:  failed("no URL to crawl"),
		page:  redirectTo("/far/" + strings.Repeat("x", 60_000)),
		setup: func(h *Host) { h.expect(h.current, h.URL("/far/"), Fate{MaxRequests: -1}) },
	}, {
		Name: "refresh-loop", Does: "sends pages that refresh endlessly to new ones, by markup and by header",
		Trawl: "treats them as links, and detects the trap", Limit: limitTraps, Fate: fetched,
		page: htmlPage(`<meta http-equiv=refresh content="0; url=/refresh/1">`),
		setup: func(h *Host) {
			h.pages["/refresh/"] = func(w http.ResponseWriter, r *http.Request) {
				n, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/refresh/"))
				next := fmt.Sprintf("0; url=/refresh/%d", n+1)
				if n%2 == 1 {
					w.Header().Set("Refresh", next)
					htmlPage("<p>the same as ever")(w, r)
					return
				}
				htmlPage(fmt.Sprintf(`<meta http-equiv=refresh content="%s"><p>the same as ever`, next))(w, r)
			}
			h.expect(h.current, h.URL("/refresh/"), Fate{MaxRequests: 150})
		},
	},
}
