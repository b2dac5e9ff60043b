package hostile

import (
	"fmt"
	"net/http"
)

// blocked is the fate of a URL at a forbidden address.
var blocked = failed("loopback address")

var ways = []Misbehaviour{
	way("link", "links to it", "/link", nil),
	way("decimal", "links to it with its address as one number", "/decimal",
		func(p string) string { return "http://2135033350:" + p + "/decimal" }),
	way("hexadecimal", "links to it with its address in hexadecimal", "/hexadecimal",
		func(p string) string { return "http://0x7f420606:" + p + "/hexadecimal" }),
	way("octal", "links to it with its address in octal, in short form", "/octal",
		func(p string) string { return "http://0177.0102.03006:" + p + "/octal" }),
	way("userinfo", "links to it with another host's name as the user", "/userinfo", func(p string) string {
		return "http://example.com@127.66.6.6:" + p + "/userinfo"
	}),
	way("relative", "links to it with a reference without a scheme", "/relative",
		func(p string) string { return "//127.66.6.6:" + p + "/relative" }),
	way("https", "links to it with https", "/https",
		func(p string) string { return "https://127.66.6.6:" + p + "/https" }),
	hidden("mapped", "with an IPv4-mapped IPv6 address", "[::ffff:7f42:606]"),
	hidden("nat64", "with a NAT64 address", "[64:ff9b::7f42:606]"),
	hidden("six-to-four", "with a 6to4 address", "[2002:7f42:606::]"),
	hidden("teredo", "with a Teredo address", "[2001:0:7f42:606::]"),
	{
		Name: "metadata", Does: "links to metadata services of clouds, such as 169.254.169.254",
		Trawl: "refuses to connect", Limit: limitAddresses,
		rig: func(h *Host) {
			for address, why := range map[string]string{
				"169.254.169.254": "metadata", "168.63.129.16": "metadata", "100.100.100.200": "carrier",
				"[fd00:ec2::254]": "private",
			} {
				h.lead("http://"+address+"/latest/", "http://"+address+"/latest/", failed(why))
			}
		},
	},
	way("frame", "shows it in a frame", "/frame", nil, `<iframe src="%s"></iframe>`),
	way("image", "embeds an image from it", "/image", nil, `<img src="%s">`),
	way("base", "sets it as the base of its links", "/base", nil, `<a href="%s">x</a>`),
	way("refresh", "refreshes to it", "/refreshed", nil, `<meta http-equiv=refresh content="0; url=%s">`),
	way("style", "imports a style sheet from it", "/style", nil, `<style>@import url(%s);</style>`),
	{
		Name: "link-header", Does: "links to it in a header", Trawl: "refuses to connect", Limit: limitAddresses,
		rig: func(h *Host) {
			url := h.web.inside("/link-header")
			h.pages["/links-by-header"] = func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Link", "<"+url+">; rel=next")
				markupOf("<title>x</title>")(w, r)
			}
			h.leadsTo("/links-by-header")
			h.expect(h.of, url, blocked)
		},
	}, {
		Name: "redirect", Does: "redirects to it", Trawl: "refuses to connect", Limit: limitAddresses,
		rig: func(h *Host) {
			url := h.web.inside("/redirect")
			h.pages["/moved-inside"] = moved(url)
			h.lead("/moved-inside", h.URL("/moved-inside"), Fate{Outcome: "redirected"})
			h.expect(h.of, url, blocked)
		},
	}, {
		Name: "robots-redirect", Does: "redirects its robots.txt to it",
		Trawl: "refuses to connect, and requests nothing there", Limit: limitAddresses,
		rig: func(h *Host) {
			url := h.web.inside("/robots.txt")
			robotsSite(func(w http.ResponseWriter, r *http.Request) { moved(url)(w, r) }, blocked)(h)
		},
	}, {
		Name: "robots-sitemap", Does: "names a sitemap there", Trawl: "refuses to connect", Limit: limitAddresses,
		rig: func(h *Host) {
			url := h.web.inside("/sitemap.xml")
			h.sitemaps = append(h.sitemaps, url)
			h.expect(h.of, url, blocked)
		},
	}, {
		Name: "sitemap-entry", Does: "lists it in a sitemap", Trawl: "refuses to connect", Limit: limitAddresses,
		rig: func(h *Host) {
			url := h.web.inside("/sitemap-entry")
			sitemap(text("application/xml", "<urlset><url><loc>"+url+"</loc></url></urlset>"), fetched)(h)
			h.expect(h.of, url, blocked)
		},
	}, {
		Name: "sitemap-index", Does: "lists it in a sitemap index", Trawl: "refuses to connect", Limit: limitAddresses,
		rig: func(h *Host) {
			url := h.web.inside("/sitemap-index.xml")
			sitemap(text("application/xml", "<sitemapindex><sitemap><loc>"+url+"</loc></sitemap></sitemapindex>"),
				fetched)(h)
			h.expect(h.of, url, blocked)
		},
	}, {
		Name: "sitemap-redirect", Does: "redirects its sitemap to it", Trawl: "refuses to connect",
		Limit: limitAddresses,
		rig: func(h *Host) {
			url := h.web.inside("/sitemap-moved.xml")
			sitemap(moved(url), Fate{Outcome: "redirected"})(h)
			h.expect(h.of, url, blocked)
		},
	},
}

// inside returns a URL of the forbidden listener.
func (w *Web) inside(path string) string {
	return "http://" + forbiddenAddress + ":" + w.forbiddenPort() + path
}

// way leads from a page to a path of the forbidden listener: by a link or by other
// markup, with its plain URL or with one made from the port.
func way(name, does, path string, href func(port string) string, markup ...string) Misbehaviour {
	return Misbehaviour{
		Name: "inside-" + name, Does: does, Trawl: "refuses to connect", Limit: limitAddresses,
		rig: func(h *Host) {
			url := h.web.inside(path)
			if name == "https" {
				url = "https" + url[len("http"):]
			}
			by := url
			if href != nil {
				by = href(h.web.forbiddenPort())
			}
			switch {
			case name == "base":
				h.pages["/based"] = markupOf(fmt.Sprintf(`<base href="%s">`, h.web.inside("/")) +
					`<a href="base">x</a>`)
				h.leadsTo("/based")
			case len(markup) > 0:
				h.links = append(h.links, fmt.Sprintf(markup[0], by))
			default:
				h.leadsTo(by)
			}
			h.expect(h.of, url, blocked)
		},
	}
}

// hidden leads to the forbidden address with an IPv6 address that contains it.
func hidden(name, does, host string) Misbehaviour {
	return Misbehaviour{
		Name: "inside-" + name, Does: "links to it " + does, Trawl: "refuses to connect", Limit: limitAddresses,
		rig: func(h *Host) {
			url := "http://" + host + ":" + h.web.forbiddenPort() + "/" + name
			h.lead(url, url, failed("address"))
		},
	}
}
