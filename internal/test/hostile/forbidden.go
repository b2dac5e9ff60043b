package hostile

import (
	"fmt"
	"net/http"
)

// blocked is the fate of a URL at a forbidden address.
var blocked = failed("loopback address")

var forbiddenLinks = []Misbehaviour{
	forbiddenLink("link", "links to it", "/link", nil),
	forbiddenLink("decimal", "links to it with its address as one number", "/decimal",
		func(p string) string { return "http://2135033350:" + p + "/decimal" }),
	forbiddenLink("hexadecimal", "links to it with its address in hexadecimal", "/hexadecimal",
		func(p string) string { return "http://0x7f420606:" + p + "/hexadecimal" }),
	forbiddenLink("octal", "links to it with its address in octal, in short form", "/octal",
		func(p string) string { return "http://0177.0102.03006:" + p + "/octal" }),
	forbiddenLink("userinfo", "links to it with another host's name as the user", "/userinfo", func(p string) string {
		return "http://example.com@127.66.6.6:" + p + "/userinfo"
	}),
	forbiddenLink("relative", "links to it with a reference without a scheme", "/relative",
		func(p string) string { return "//127.66.6.6:" + p + "/relative" }),
	forbiddenLink("https", "links to it with https", "/https",
		func(p string) string { return "https://127.66.6.6:" + p + "/https" }),
	embeddedAddress("mapped", "with an IPv4-mapped IPv6 address", "[::ffff:7f42:606]"),
	embeddedAddress("nat64", "with a NAT64 address", "[64:ff9b::7f42:606]"),
	embeddedAddress("six-to-four", "with a 6to4 address", "[2002:7f42:606::]"),
	embeddedAddress("teredo", "with a Teredo address", "[2001:0:7f42:606::]"),
	{
		Name: "metadata", Does: "links to metadata services of clouds, such as 169.254.169.254",
		Trawl: "refuses to connect", Limit: limitAddresses,
		setup: func(h *Host) {
			for address, why := range map[string]string{
				"169.254.169.254": "metadata", "168.63.129.16": "metadata", "100.100.100.200": "carrier",
				"[fd00:ec2::254]": "private",
			} {
				h.expectLink("http://"+address+"/latest/", "http://"+address+"/latest/", failed(why))
			}
		},
	},
	forbiddenLink("frame", "shows it in a frame", "/frame", nil, `<iframe src="%s"></iframe>`),
	forbiddenLink("image", "embeds an image from it", "/image", nil, `<img src="%s">`),
	forbiddenLink("base", "sets it as the base of its links", "/base", nil, `<a href="%s">x</a>`),
	forbiddenLink("refresh", "refreshes to it", "/refreshed", nil, `<meta http-equiv=refresh content="0; url=%s">`),
	forbiddenLink("style", "imports a style sheet from it", "/style", nil, `<style>@import url(%s);</style>`),
	{
		Name: "link-header", Does: "links to it in a header", Trawl: "refuses to connect", Limit: limitAddresses,
		setup: func(h *Host) {
			url := h.web.forbiddenURL("/link-header")
			h.pages["/links-by-header"] = func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Link", "<"+url+">; rel=next")
				htmlPage("<title>x</title>")(w, r)
			}
			h.addLink("/links-by-header")
			h.expect(h.current, url, blocked)
		},
	}, {
		Name: "redirect", Does: "redirects to it", Trawl: "refuses to connect", Limit: limitAddresses,
		setup: func(h *Host) {
			url := h.web.forbiddenURL("/redirect")
			h.pages["/moved-inside"] = redirectTo(url)
			h.expectLink("/moved-inside", h.URL("/moved-inside"), Fate{Outcome: "redirected"})
			h.expect(h.current, url, blocked)
		},
	}, {
		Name: "robots-redirect", Does: "redirects its robots.txt to it",
		Trawl: "refuses to connect, and requests nothing there", Limit: limitAddresses,
		setup: func(h *Host) {
			url := h.web.forbiddenURL("/robots.txt")
			robotsSite(func(w http.ResponseWriter, r *http.Request) { redirectTo(url)(w, r) }, blocked)(h)
		},
	}, {
		Name: "robots-sitemap", Does: "names a sitemap there", Trawl: "refuses to connect", Limit: limitAddresses,
		setup: func(h *Host) {
			url := h.web.forbiddenURL("/sitemap.xml")
			h.sitemaps = append(h.sitemaps, url)
			h.expect(h.current, url, blocked)
		},
	}, {
		Name: "sitemap-entry", Does: "lists it in a sitemap", Trawl: "refuses to connect", Limit: limitAddresses,
		setup: func(h *Host) {
			url := h.web.forbiddenURL("/sitemap-entry")
			sitemap(text("application/xml", "<urlset><url><loc>"+url+"</loc></url></urlset>"), fetched)(h)
			h.expect(h.current, url, blocked)
		},
	}, {
		Name: "sitemap-index", Does: "lists it in a sitemap index", Trawl: "refuses to connect", Limit: limitAddresses,
		setup: func(h *Host) {
			url := h.web.forbiddenURL("/sitemap-index.xml")
			sitemap(text("application/xml", "<sitemapindex><sitemap><loc>"+url+"</loc></sitemap></sitemapindex>"),
				fetched)(h)
			h.expect(h.current, url, blocked)
		},
	}, {
		Name: "sitemap-redirect", Does: "redirects its sitemap to it", Trawl: "refuses to connect",
		Limit: limitAddresses,
		setup: func(h *Host) {
			url := h.web.forbiddenURL("/sitemap-moved.xml")
			sitemap(redirectTo(url), Fate{Outcome: "redirected"})(h)
			h.expect(h.current, url, blocked)
		},
	},
}

// forbiddenURL returns a URL of the forbidden listener.
func (w *Web) forbiddenURL(path string) string {
	return "http://" + forbiddenAddress + ":" + w.forbiddenPort() + path
}

// forbiddenLink refers to a path of the forbidden listener, with a link or with other markup. href
// returns the reference for a port; if it is nil, the reference is the URL itself.
func forbiddenLink(name, does, path string, href func(port string) string, markup ...string) Misbehaviour {
	return Misbehaviour{
		Name: "inside-" + name, Does: does, Trawl: "refuses to connect", Limit: limitAddresses,
		setup: func(h *Host) {
			url := h.web.forbiddenURL(path)
			if name == "https" {
				url = "https" + url[len("http"):]
			}
			by := url
			if href != nil {
				by = href(h.web.forbiddenPort())
			}
			switch {
			case name == "base":
				h.pages["/based"] = htmlPage(fmt.Sprintf(`<base href="%s">`, h.web.forbiddenURL("/")) +
					`<a href="base">x</a>`)
				h.addLink("/based")
			case len(markup) > 0:
				h.links = append(h.links, fmt.Sprintf(markup[0], by))
			default:
				h.addLink(by)
			}
			h.expect(h.current, url, blocked)
		},
	}
}

// embeddedAddress links to the forbidden address with an IPv6 address that contains it.
func embeddedAddress(name, does, host string) Misbehaviour {
	return Misbehaviour{
		Name: "inside-" + name, Does: "links to it " + does, Trawl: "refuses to connect", Limit: limitAddresses,
		setup: func(h *Host) {
			url := "http://" + host + ":" + h.web.forbiddenPort() + "/" + name
			h.expectLink(url, url, failed("address"))
		},
	}
}
