package hostile

import (
	"fmt"
	"net/http"
	"strings"
)

var sitemaps = []Misbehaviour{
	{
		Name: "endless-sitemap", Does: "sends an endless sitemap",
		Trawl: "reads what fits in a body; accepts no URLs that are out of scope or have repeated segments",
		Limit: limitBody,
		setup: sitemap(endless(ok+"Content-Type: application/xml\r\n\r\n<urlset>", "<url><loc>/a/a/a/a/a</loc></url>"),
			Fate{Outcome: "fetched", Truncated: true}),
	}, {
		Name: "bomb-sitemap", Does: "sends a sitemap of 64 MiB as gzip in gzip",
		Trawl: "decompresses while reading, up to the limit", Limit: limitSitemap,
		setup: sitemap(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/gzip")
			_, _ = w.Write(bombSitemap())
		}, fetched),
	}, {
		Name: "laughing-sitemap", Does: "sends a sitemap whose entities expand to gigabytes",
		Trawl: "expands none, and rejects locations that refer to one", Limit: limitSitemap,
		setup: sitemap(text("application/xml", entityBomb+"<urlset><url><loc>/&z;</loc></url></urlset>"), fetched),
	}, {
		Name: "deep-sitemap", Does: "nests 100,000 elements", Trawl: "reads it up to the limit, and says so",
		Limit: Limit{"open elements of a sitemap", "64", ""},
		setup: sitemap(text("application/xml", "<urlset>"+strings.Repeat("<url>", 100_000)), fetched),
	}, {
		Name: "long-sitemap", Does: "sends an element of two megabytes", Trawl: "the same",
		Limit: Limit{"bytes of a tag or text in a sitemap", "1MiB", ""},
		setup: sitemap(text("application/xml",
			"<urlset><url><loc>/"+strings.Repeat("x", 2<<20)+"</loc></url></urlset>"), fetched),
	}, {
		Name: "index-loop", Does: "sends a sitemap index that lists itself", Trawl: "reads it once", Fate: fetched,
		setup: func(h *Host) {
			sitemap(text("application/xml",
				"<sitemapindex><sitemap><loc>/index-loop.xml</loc></sitemap></sitemapindex>"), fetched)(h)
			h.expect(h.current, h.URL("/index-loop.xml"), Fate{Outcome: "fetched", MaxRequests: 1})
		},
	}, {
		Name: "index-chain", Does: "sends endless indexes of indexes", Trawl: "follows three levels",
		Limit: Limit{"levels of sitemap indexes", "3", ""},
		setup: func(h *Host) {
			h.pages["/index/"] = func(w http.ResponseWriter, r *http.Request) {
				text("application/xml", fmt.Sprintf("<sitemapindex><sitemap><loc>%sx</loc></sitemap></sitemapindex>",
					r.URL.Path))(w, r)
			}
			h.sitemaps = append(h.sitemaps, h.URL("/index/x"))
			h.expect(h.current, h.URL("/index/"), Fate{MaxRequests: 3})
		},
	}, {
		Name: "chatty-sitemap", Does: "sends a megabyte of warnings before its sitemap",
		Trawl: "looks for the sitemap in the first 32 KiB, and says that there is none",
		Limit: Limit{"bytes before a sitemap", "32KiB", ""},
		setup: sitemap(text("application/xml", strings.Repeat("Warning: something is deprecated\n", 32<<10)+
			"<urlset><url><loc>/never</loc></url></urlset>"), fetched),
	}, {
		Name: "no-sitemap", Does: "names an HTML page as its sitemap", Trawl: "says that it is not a sitemap",
		Fate:  fetched,
		setup: sitemap(htmlPage("<!DOCTYPE html><title>no sitemap</title>"), fetched),
	},
}

// sitemap serves a sitemap that robots.txt lists.
func sitemap(answer http.HandlerFunc, f Fate) func(*Host) {
	return func(h *Host) {
		path := "/" + h.current + ".xml"
		h.pages[path] = answer
		h.sitemaps = append(h.sitemaps, h.URL(path))
		h.expect(h.current, h.URL(path), f)
	}
}

var bombSitemap = once(func() []byte { return encode("gzip", bomb("gzip", "bomb-sitemap")()) })
