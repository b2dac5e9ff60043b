package visit

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/render"
)

// This file takes the cookies of a rendered page to and from the browser. In a job that keeps
// cookies, those of the page's host go both ways. Those of other hosts stay in the worker: no
// script sees them.

// scriptJar has the cookies of a job's jar with the changes that the scripts of a page have made.
type scriptJar struct {
	fetched.Jar
	own []*http.Cookie // as the browser would send them
}

// Cookies returns the cookies of the browser, and those that only the jar has.
func (j scriptJar) Cookies(u *url.URL) []*http.Cookie {
	all := slices.Clone(j.own)
	for _, c := range j.Jar.Cookies(u) {
		if !slices.ContainsFunc(j.own, func(o *http.Cookie) bool { return o.Name == c.Name }) {
			all = append(all, c)
		}
	}
	return all
}

// jarFor returns the cookies for a request of the page; nil if the job's own are right.
func (r *renderedPage) jarFor(u crawler.URL, s render.Subrequest) fetched.Jar {
	e := r.task
	if e.visitor.jar == nil || u.Host() != e.result.Page.URL.Host() || s.Header.Get("Cookie") == "" {
		return nil
	}
	sent := http.Request{Header: http.Header{"Cookie": s.Header.Values("Cookie")}}
	return scriptJar{Jar: e.visitor.jar, own: sent.Cookies()}
}

// keepCookies stores in the jar how the scripts of the page have changed its cookies.
func (r *renderedPage) keepCookies(had []*http.Cookie, result *render.Result) {
	jar := r.task.visitor.jar
	if jar == nil {
		return
	}
	page := netURL(r.task.result.Page.URL)
	var changed []*http.Cookie
	left := make(map[string]bool, len(result.Cookies))
	for _, c := range result.Cookies {
		if left[c.Name] = true; r.ownCookie(c, page.Hostname()) && !slices.ContainsFunc(had,
			func(h *http.Cookie) bool { return h.Name == c.Name && h.Value == c.Value }) {
			changed = append(changed, c)
		}
	}
	for _, h := range had {
		if !left[h.Name] { // its path is not known: remove it at the usual ones
			changed = append(changed, &http.Cookie{Name: h.Name, Path: "/", MaxAge: -1},
				&http.Cookie{Name: h.Name, MaxAge: -1})
		}
	}
	jar.SetCookies(page, changed)
}

// ownCookie reports whether the page's host has set a cookie of the browser. A cookie for a whole
// domain may come from the frame of another host.
func (r *renderedPage) ownCookie(c *http.Cookie, host string) bool {
	domain, wide := strings.CutPrefix(c.Domain, ".")
	if !wide {
		return domain == host
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return !r.framed && (domain == host || strings.HasSuffix(host, "."+domain))
}
