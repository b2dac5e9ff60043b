package hostile

import (
	"fmt"
	"net/http"
	"strings"
)

var sitemaps = []Misbehaviour{
	{
		Name: "endless-sitemap", Does: "sends a sitemap without end", Trawl: "reads what fits in a body; takes no URL that is out of scope or repeats itself", Limit: limitBody,
		rig: sitemap(forever(ok+"Content-Type: application/xml\r\n\r\n<urlset>", "<url><loc>/a/a/a/a/a</loc></url>"), Fate{Outcome: "fetched", Truncated: true}),
	}, {
		Name: "bomb-sitemap", Does: "sends a sitemap of 64 MiB as gzip in gzip", Trawl: "unpacks it as it reads, up to a bound", Limit: limitSitemap,
		rig: sitemap(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/gzip")
			_, _ = w.Write(bombSitemap())
		}, fetched),
	}, {
		Name: "laughing-sitemap", Does: "sends a sitemap whose entities unfold to gigabytes", Trawl: "knows no entities that a sitemap declares", Limit: limitSitemap,
		rig: sitemap(text("application/xml", laughs+"<urlset><url><loc>/&z;</loc></url></urlset>"), fetched),
	}, {
		Name: "deep-sitemap", Does: "opens elements in one another", Trawl: "reads it up to there, and says so", Limit: Limit{"elements of a sitemap that are open at once", "64", ""},
		rig: sitemap(text("application/xml", "<urlset>"+strings.Repeat("<url>", 100_000)), fetched),
	}, {
		Name: "long-sitemap", Does: "sends an element of two megabytes", Trawl: "the same", Limit: Limit{"bytes of a tag or a text of a sitemap", "1MiB", ""},
		rig: sitemap(text("application/xml", "<urlset><url><loc>/"+strings.Repeat("x", 2<<20)+"</loc></url></urlset>"), fetched),
	}, {
		Name: "index-loop", Does: "sends an index of sitemaps that lists itself", Trawl: "has seen it", Fate: fetched,
		rig: func(h *Host) {
			sitemap(text("application/xml", "<sitemapindex><sitemap><loc>/index-loop.xml</loc></sitemap></sitemapindex>"), fetched)(h)
			h.expect(h.of, h.URL("/index-loop.xml"), Fate{Outcome: "fetched", Most: 1})
		},
	}, {
		Name: "index-chain", Does: "sends indexes of indexes without end", Trawl: "goes three deep", Limit: Limit{"indexes of sitemaps in one another", "3", ""},
		rig: func(h *Host) {
			h.pages["/index/"] = func(w http.ResponseWriter, r *http.Request) {
				text("application/xml", fmt.Sprintf("<sitemapindex><sitemap><loc>%sx</loc></sitemap></sitemapindex>", r.URL.Path))(w, r)
			}
			h.sitemaps = append(h.sitemaps, h.URL("/index/x"))
			h.expect(h.of, h.URL("/index/"), Fate{Most: 3})
		},
	}, {
		Name: "no-sitemap", Does: "names a page of HTML as its sitemap", Trawl: "says that it is none", Fate: fetched,
		rig: sitemap(markupOf("<!DOCTYPE html><title>no sitemap</title>"), fetched),
	},
}

// sitemap serves a sitemap that robots.txt names.
func sitemap(answer http.HandlerFunc, f Fate) func(*Host) {
	return func(h *Host) {
		path := "/" + h.of + ".xml"
		h.pages[path] = answer
		h.sitemaps = append(h.sitemaps, h.URL(path))
		h.expect(h.of, h.URL(path), f)
	}
}

var bombSitemap = once(func() []byte { return encode("gzip", bomb("gzip", "bomb-sitemap")()) })
