package hostile

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

var redirects = []Misbehaviour{
	{
		Name: "redirect-to-itself", Does: "redirects to the same URL", Trawl: "sees the loop", Fate: failed("loop"),
		page: moved("/redirect-to-itself"),
	}, {
		Name: "redirect-loop", Does: "redirects in a circle", Trawl: "sees the loop", Fate: failed("loop"),
		page: moved("/circle/1"),
		rig: func(h *Host) {
			h.pages["/circle/1"] = moved("/circle/2")
			h.pages["/circle/2"] = moved("/redirect-loop")
		},
	}, {
		Name: "redirect-chain", Does: "redirects to ever new URLs", Trawl: "follows ten, and fails the page", Limit: limitHops, Fate: failed("more than 10 redirects"),
		page: moved("/on/1"),
		rig: func(h *Host) {
			h.pages["/on/"] = func(w http.ResponseWriter, r *http.Request) {
				n, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/on/"))
				moved(fmt.Sprintf("/on/%d", n+1))(w, r)
			}
			h.expect(h.of, h.URL("/on/"), Fate{Most: 10})
		},
	}, {
		Name: "redirect-across", Does: "redirects from host to host to ever new URLs", Trawl: "the same: it counts over hosts", Limit: limitHops, Fate: Fate{Outcome: "redirected"},
		page: func(w http.ResponseWriter, r *http.Request) { moved("/ping/1")(w, r) },
		rig: func(h *Host) {
			other := ""
			bounce := func(to func() string) http.HandlerFunc {
				return func(w http.ResponseWriter, r *http.Request) {
					n, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/ping/"))
					if err != nil {
						http.NotFound(w, r)
						return
					}
					moved(fmt.Sprintf("http://%s/ping/%d", to(), n+1))(w, r)
				}
			}
			other = h.site(bounce(func() string { return h.at }))
			h.pages["/ping/"] = bounce(func() string { return other })
			h.expect(h.of, h.URL("/ping/"), Fate{Most: 10})
		},
	}, {
		Name: "redirect-to-file", Does: "redirects to file:///etc/passwd", Trawl: "knows http and https alone", Fate: failed("no URL to crawl"),
		page: moved("file:///etc/passwd"),
	}, {
		Name: "redirect-to-script", Does: "redirects to a javascript: URL", Trawl: "the same", Fate: failed("no URL to crawl"),
		page: moved("javascript:alert(1)"),
	}, {
		Name: "redirect-to-gopher", Does: "redirects to a gopher: URL that speaks to a Redis", Trawl: "the same", Fate: failed("no URL to crawl"),
		page: moved("gopher://127.0.0.1:6379/_FLUSHALL"),
	}, {
		Name: "redirect-nowhere", Does: "redirects without saying where", Trawl: "fails the page", Fate: failed(""),
		page: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusFound) },
	}, {
		Name: "redirect-far", Does: "redirects to a URL of 60 KB", Trawl: "takes it for no URL to crawl", Limit: limitURL, Fate: failed("no URL to crawl"),
		page: moved("/far/" + strings.Repeat("x", 60_000)),
		rig:  func(h *Host) { h.expect(h.of, h.URL("/far/"), Fate{Most: -1}) },
	}, {
		Name: "refresh-loop", Does: "sends pages that refresh to ever new ones", Trawl: "takes them for links, and sees the trap", Limit: limitTraps, Fate: fetched,
		page: markupOf(`<meta http-equiv=refresh content="0; url=/refresh/1">`),
		rig: func(h *Host) {
			h.pages["/refresh/"] = func(w http.ResponseWriter, r *http.Request) {
				n, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/refresh/"))
				markupOf(fmt.Sprintf(`<meta http-equiv=refresh content="0; url=/refresh/%d"><p>the same as ever`, n+1))(w, r)
			}
			h.expect(h.of, h.URL("/refresh/"), Fate{Most: 150})
		},
	},
}
