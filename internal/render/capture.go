package render

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxNodes is the most elements that a page may have to be read.
const maxNodes = 300_000

// capture stores the page as it is now in the result.
func (p *page) capture(ctx context.Context) error {
	if err := p.calm(ctx); err != nil {
		return err
	}
	var nodes int
	if err := p.evaluate(ctx, `document.getElementsByTagName("*").length`, &nodes); err != nil {
		return err
	}
	if nodes > maxNodes {
		return &LimitError{Limit: "nodes", Most: fmt.Sprintf("%d elements", maxNodes)}
	}
	if err := p.document(ctx); err != nil {
		return err
	}
	if err := p.cookies(ctx); err != nil {
		return err
	}
	return p.pictures(ctx)
}

// calm makes sure that the page answers: it stops a script that never ends.
func (p *page) calm(ctx context.Context) error {
	p.mu.Lock()
	p.stay = true
	p.mu.Unlock()
	var one int
	most, cancel := context.WithTimeout(ctx, p.req.Limits.Stuck)
	defer cancel()
	err := p.evaluate(most, "1", &one)
	if !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
		return err
	}
	p.mu.Lock()
	p.halt()
	p.mu.Unlock()
	return p.evaluate(ctx, "1", &one)
}

// document reads the document, with the frames of the same site that are in other processes.
func (p *page) document(ctx context.Context) error {
	limit := p.req.Limits.Bytes
	shot, err := p.snapshot(ctx, "")
	if err != nil {
		return err
	}
	p.mu.Lock()
	var frames []attachment
	for _, a := range p.children {
		frames = append(frames, a)
	}
	p.mu.Unlock()
	t := newTree(shot, limit)
	for _, f := range frames {
		var owner struct {
			Node int64 `json:"backendNodeId"`
		}
		if p.call(ctx, "DOM.getFrameOwner", object{"frameId": f.Target.ID}, &owner) != nil {
			continue // the frame is gone, or is a frame of a frame
		}
		if inner, err := p.snapshot(ctx, f.Session); err == nil {
			t.frames[owner.Node] = inner
		}
	}
	html, err := t.html()
	if err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.result.HTML, p.result.FinalURL, p.result.Title = html, t.url(), t.title()
	if !strings.HasPrefix(t.url(), "http") { // such as about:blank, which is nobody's address
		p.result.FinalURL = p.req.URL
	}
	return nil
}

// snapshot reads the documents of a target; session "" is the page itself.
func (p *page) snapshot(ctx context.Context, session string) (*snapshot, error) {
	if session == "" {
		p.mu.Lock()
		session = p.session
		p.mu.Unlock()
	}
	var shot snapshot
	err := p.b.conn.call(ctx, session, "DOMSnapshot.captureSnapshot", object{"computedStyles": []string{}}, &shot)
	if errors.Is(err, errTooLarge) {
		return nil, &LimitError{Limit: "bytes", Most: fmt.Sprintf("%d bytes of a snapshot", maxMessage)}
	}
	if err == nil && len(shot.Documents) == 0 {
		err = errors.New("the browser has no document")
	}
	return &shot, err
}

// cookie is a cookie as the CDP domain Storage writes it.
type cookie struct {
	Name     string  `json:"name"`
	Value    string  `json:"value"`
	URL      string  `json:"url,omitempty"`
	Domain   string  `json:"domain,omitempty"`
	Path     string  `json:"path,omitempty"`
	Secure   bool    `json:"secure,omitempty"`
	HTTPOnly bool    `json:"httpOnly,omitempty"`
	SameSite string  `json:"sameSite,omitempty"`
	Expires  float64 `json:"expires,omitempty"` // unix seconds; 0 or less: until the session ends
}

var sameSites = map[http.SameSite]string{
	http.SameSiteLaxMode: "Lax", http.SameSiteStrictMode: "Strict", http.SameSiteNoneMode: "None",
}

// outgoingCookies returns cookies in the form of the browser.
func outgoingCookies(page string, cookies []*http.Cookie) []cookie {
	var all []cookie
	for _, c := range cookies {
		to := cookie{Name: c.Name, Value: c.Value, Domain: c.Domain, Path: c.Path, Secure: c.Secure,
			HTTPOnly: c.HttpOnly, SameSite: sameSites[c.SameSite]}
		if u, err := url.Parse(page); c.Domain == "" && err == nil {
			to.URL = u.Scheme + "://" + u.Host + "/"
		}
		if !c.Expires.IsZero() {
			to.Expires = float64(c.Expires.Unix())
		}
		all = append(all, to)
	}
	return all
}

// cookies stores the cookies that the page leaves in the result.
func (p *page) cookies(ctx context.Context) error {
	var got struct {
		Cookies []cookie `json:"cookies"`
	}
	if err := p.root(ctx, "Storage.getCookies", object{}, &got); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range got.Cookies {
		to := &http.Cookie{
			Name: c.Name, Value: c.Value, Domain: c.Domain, Path: c.Path, Secure: c.Secure, HttpOnly: c.HTTPOnly,
		}
		for mode, name := range sameSites {
			if name == c.SameSite {
				to.SameSite = mode
			}
		}
		if c.Expires > 0 {
			to.Expires = time.Unix(int64(c.Expires), 0)
		}
		p.result.Cookies = append(p.result.Cookies, to)
	}
	return nil
}

// maxHeight is the greatest height of a screenshot, in CSS pixels.
const maxHeight = 16_384

// pictures takes the screenshot and prints the page, if the request asks for that.
func (p *page) pictures(ctx context.Context) error {
	var got struct {
		Data []byte `json:"data"`
	}
	if s := p.req.Screenshot; s != nil {
		params := object{"format": "png", "optimizeForSpeed": true}
		if s.Format != "" {
			params["format"] = s.Format
		}
		if s.FullPage {
			if err := p.full(ctx, params); err != nil {
				return err
			}
		}
		if err := p.call(ctx, "Page.captureScreenshot", params, &got); err != nil {
			return err
		}
		p.result.Screenshot, got.Data = got.Data, nil
	}
	if p.req.PDF {
		if err := p.call(ctx, "Page.printToPDF", object{"printBackground": true}, &got); err != nil {
			return err
		}
		p.result.PDF = got.Data
	}
	return nil
}

// full makes a screenshot show the whole page.
func (p *page) full(ctx context.Context, params object) error {
	var layout struct {
		Content struct {
			Width  float64 `json:"width"`
			Height float64 `json:"height"`
		} `json:"cssContentSize"`
	}
	if err := p.call(ctx, "Page.getLayoutMetrics", nil, &layout); err != nil {
		return err
	}
	params["captureBeyondViewport"] = true
	params["clip"] = object{
		"x": 0, "y": 0, "scale": 1,
		"width": min(layout.Content.Width, maxHeight), "height": min(layout.Content.Height, maxHeight),
	}
	return nil
}
