package visit_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/trawlcrawler/trawl/internal/render"
)

// fakeBrowser renders pages without a browser: it understands the few statements that the scripts
// of these tests consist of. The same tests pass with Chromium.
type fakeBrowser struct {
	renders atomic.Int64
	lost    atomic.Int64 // how many of the next pages are lost with their browser
	crashes atomic.Bool
	began   chan struct{} // gets a value when a page begins, if it is not nil
}

// The statements. A page is a script of them, in its markup or in a file.
var (
	scriptFile = regexp.MustCompile(`<script src="([^"]+)"></script>`)
	showText   = regexp.MustCompile(`show\("([^"]+)"\)`)
	postTo     = regexp.MustCompile(`fetch\("([^"]+)", *\{method: *"POST"`)
	pushRoute  = regexp.MustCompile(`history\.pushState\(null, *"", *"([^"]+)"\)`)
	setCookie  = regexp.MustCompile(`document\.cookie *= *"([^"=]+)=([^";]*)"`)
	moveTo     = regexp.MustCompile(`location\.href *= *"([^"]+)"`)
)

// showScript defines show, for a real browser.
const showScript = `<script>async function show(u){try{const r=await fetch(u);if(r.ok)` +
	`document.body.insertAdjacentHTML("beforeend",await r.text())}catch(e){}}</script>`

func (b *fakeBrowser) Render(ctx context.Context, req render.Request) (*render.Result, error) {
	b.renders.Add(1)
	if b.began != nil {
		b.began <- struct{}{}
	}
	if b.lost.Add(-1) >= 0 {
		return nil, fmt.Errorf("%w: killed by a test", render.ErrBrowserLost)
	}
	if b.crashes.Load() {
		return nil, render.ErrCrashed
	}
	p := &fakePage{ctx: ctx, req: req, html: bytes.NewBuffer(bytes.Clone(req.First.Body))}
	began, code := time.Now(), string(req.First.Body)
	for _, m := range scriptFile.FindAllStringSubmatch(code, -1) {
		code += string(p.fetch("GET", m[1], render.KindScript, false))
	}
	p.cookies = slices.Clone(req.Cookies)
	for _, m := range setCookie.FindAllStringSubmatch(code, -1) {
		p.cookies = append(slices.DeleteFunc(p.cookies, func(c *http.Cookie) bool { return c.Name == m[1] }),
			&http.Cookie{Name: m[1], Value: m[2], Path: "/"})
	}
	for _, m := range showText.FindAllStringSubmatch(code, -1) {
		p.html.Write(p.fetch("GET", m[1], render.KindFetch, false))
	}
	for _, m := range postTo.FindAllStringSubmatch(code, -1) {
		p.html.Write(p.fetch("POST", m[1], render.KindFetch, false))
	}
	for _, m := range pushRoute.FindAllStringSubmatch(code, -1) {
		p.result.Links = append(p.result.Links, render.Link{URL: p.resolve(m[1]), By: render.ByHistory})
	}
	for _, m := range moveTo.FindAllStringSubmatch(code, -1) {
		p.fetch("GET", m[1], render.KindDocument, true)
		p.result.Links = append(p.result.Links, render.Link{URL: p.resolve(m[1]), By: render.ByNavigation})
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	for _, c := range p.cookies {
		own := *c
		own.Domain, own.Path = p.hostname(), "/"
		p.result.Cookies = append(p.result.Cookies, &own)
	}
	p.result.HTML, p.result.FinalURL, p.result.Took = p.html.Bytes(), req.URL, time.Since(began)
	if req.Screenshot != nil {
		p.result.Screenshot = []byte("\x89PNG of " + req.URL)
	}
	if req.PDF {
		p.result.PDF = []byte("%PDF of " + req.URL)
	}
	return &p.result, nil
}

// fakePage is a page in a fakeBrowser.
type fakePage struct {
	ctx     context.Context
	req     render.Request
	html    *bytes.Buffer
	cookies []*http.Cookie // of its host
	result  render.Result
}

// hostname returns the host of the page without its port.
func (p *fakePage) hostname() string {
	u, err := url.Parse(p.req.URL)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

func (p *fakePage) resolve(ref string) string {
	if strings.Contains(ref, "://") {
		return ref
	}
	scheme, rest, _ := strings.Cut(p.req.URL, "://")
	host, _, _ := strings.Cut(rest, "/")
	return scheme + "://" + host + ref
}

// fetch makes a request, and returns the body of an answer with 200.
func (p *fakePage) fetch(method, ref string, kind render.Kind, moves bool) []byte {
	s := render.Subrequest{
		Method: method, URL: p.resolve(ref), Header: make(http.Header), Kind: kind, Navigation: moves,
	}
	if u, err := url.Parse(s.URL); err == nil && u.Hostname() == p.hostname() {
		r := http.Request{Header: s.Header}
		for _, c := range p.cookies {
			r.AddCookie(c)
		}
	}
	answer, err := p.req.Transport(p.ctx, s)
	var refused *render.Refusal
	if errors.As(err, &refused) {
		p.result.Blocked = append(p.result.Blocked, render.Blocked{URL: s.URL, Kind: kind, Why: refused.Why})
		return nil
	}
	p.result.Requests = append(p.result.Requests,
		render.Made{URL: s.URL, Method: method, Kind: kind, Status: answer.Status})
	p.result.Bytes += int64(len(answer.Body))
	if err != nil || answer.Status != http.StatusOK {
		return nil
	}
	return answer.Body
}
