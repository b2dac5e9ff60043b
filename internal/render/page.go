package render

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"sync"
	"time"
)

// page is a page that is being rendered, in a browser context of its own.
type page struct {
	b       *browser
	req     Request
	block   blocker
	ctx     context.Context // for its requests
	cancel  context.CancelFunc
	life    context.Context // ends when the page dies, before its time
	kill    context.CancelFunc
	began   time.Time
	context string
	target  string // which is also the ID of its main frame
	tasks   sync.WaitGroup
	lanes   chan struct{} // full when the most calls of the Transport are under way

	mu       sync.Mutex
	changed  chan struct{} // closed at the next change of the fields below
	session  string        // of the page itself
	children map[string]attachment
	served   bool            // the document was given the first answer
	loaded   bool            // the current document
	stay     bool            // the page must not move any more
	flying   int             // requests without an answer
	last     time.Time       // when something was requested or answered
	asked    int             // requests passed to the Transport
	moves    int             // navigations after the first
	windows  map[string]bool // the sessions of the windows that it opened
	dead     error           // why the page cannot continue
	result   Result
}

// check returns what is wrong with a request.
func (r Request) check() error {
	u, err := url.Parse(r.URL)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("render %q: the URL is neither http nor https", r.URL)
	}
	if r.Transport == nil {
		return fmt.Errorf("render %q: the request has no Transport", r.URL)
	}
	if s := r.Screenshot; s != nil && !slices.Contains([]string{"", "png", "webp", "jpeg"}, s.Format) {
		return fmt.Errorf("render %q: format %q of the screenshot: want png, webp or jpeg", r.URL, s.Format)
	}
	if !slices.Contains([]Until{"", UntilIdle, UntilLoad, UntilSelector, UntilTime}, r.Wait.Until) {
		return fmt.Errorf("render %q: wait until %q: want idle, load, selector or time", r.URL, r.Wait.Until)
	}
	return nil
}

// render renders a page, and then removes all of it from the browser.
func (b *browser) render(ctx context.Context, req Request) (*Result, error) {
	req.Limits = req.Limits.withDefaults()
	req.Wait = req.Wait.withDefaults(req.Limits.Time)
	if req.Width <= 0 || req.Height <= 0 {
		req.Width, req.Height = defaultWidth, defaultHeight
	}
	within, cancel := context.WithTimeout(ctx, req.Limits.Time)
	defer cancel()
	p := &page{
		b: b, req: req, block: newBlocker(req.Block), began: time.Now(), last: time.Now(),
		changed: make(chan struct{}), children: map[string]attachment{}, windows: map[string]bool{},
		lanes: make(chan struct{}, req.Limits.Parallel),
	}
	p.ctx, p.cancel = context.WithCancel(within)
	p.life, p.kill = context.WithCancel(context.WithoutCancel(ctx))
	defer p.kill()
	err := p.open(within)
	if err == nil {
		err = p.live(within)
	}
	p.close(ctx)
	switch {
	case err == nil:
		p.result.Took = time.Since(p.began)
		return &p.result, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, ErrBrowserLost):
		return nil, &LimitError{Limit: "time", Most: req.Limits.Time.String()}
	}
	return nil, fmt.Errorf("render %q: %w", req.URL, err)
}

// call sends a command to the page. It fails as soon as the page dies.
func (p *page) call(ctx context.Context, method string, params, result any) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p.mu.Lock()
	session, dead := p.session, p.dead
	p.mu.Unlock()
	if dead != nil {
		return dead
	}
	stop := context.AfterFunc(p.life, cancel)
	defer stop()
	err := p.b.conn.call(ctx, session, method, params, result)
	p.mu.Lock()
	defer p.mu.Unlock()
	if err != nil && p.dead != nil {
		return p.dead
	}
	return err
}

// root sends a command to the browser for the page's context.
func (p *page) root(ctx context.Context, method string, params object, result any) error {
	params["browserContextId"] = p.context
	return p.b.conn.call(ctx, "", method, params, result)
}

// open creates the page, and prepares it.
func (p *page) open(ctx context.Context) error {
	var made struct {
		Context string `json:"browserContextId"`
		Target  string `json:"targetId"`
	}
	conn := p.b.conn
	err := conn.call(ctx, "", "Target.createBrowserContext",
		object{"disposeOnDetach": true, "proxyServer": nowhere, "proxyBypassList": noBypass}, &made)
	if err != nil {
		return err
	}
	p.context = made.Context
	p.b.adopt(p)
	if err := p.root(ctx, "Browser.setDownloadBehavior", object{"behavior": "deny"}, nil); err != nil {
		return err
	}
	if cookies := outgoingCookies(p.req.URL, p.req.Cookies); len(cookies) > 0 {
		if err := p.root(ctx, "Storage.setCookies", object{"cookies": cookies}, nil); err != nil {
			return err
		}
	}
	if err := p.root(ctx, "Target.createTarget", object{"url": "about:blank"}, &made); err != nil {
		return err
	}
	p.mu.Lock()
	p.target = made.Target
	p.mu.Unlock()
	if err := p.until(ctx, func() bool { return p.session != "" }); err != nil {
		return err
	}
	return p.prepare(ctx)
}

// prepare sets the page up before it runs.
func (p *page) prepare(ctx context.Context) error {
	type command struct {
		method string
		params object
	}
	commands := []command{
		{"Emulation.setDeviceMetricsOverride", object{
			"width": p.req.Width, "height": p.req.Height, "deviceScaleFactor": 1, "mobile": false}},
		{"Emulation.setFocusEmulationEnabled", object{"enabled": true}},
	}
	if p.req.UserAgent != "" {
		agent := object{"userAgent": p.req.UserAgent}
		if p.req.AcceptLanguage != "" {
			agent["acceptLanguage"] = p.req.AcceptLanguage
		}
		commands = append(commands, command{"Emulation.setUserAgentOverride", agent})
	}
	for _, c := range commands {
		if err := p.call(ctx, c.method, c.params, nil); err != nil {
			return err
		}
	}
	return nil
}

// attached receives a new target of the page's context: the page itself, a frame in another
// process, a worker, or a popup. Each waits until it is told to run. It is called by the reader.
func (p *page) attached(a attachment) {
	conn := p.b.conn
	p.mu.Lock()
	defer p.mu.Unlock()
	if a.Target.Type == "service_worker" { // first visits work without one
		conn.post("", "Target.closeTarget", object{"targetId": a.Target.ID})
		return
	}
	conn.post(a.Session, "Fetch.enable", object{"patterns": []object{{"urlPattern": "*"}}})
	conn.post(a.Session, "Target.setAutoAttach", attachAll)
	switch {
	case a.Target.Type == "page" && p.session != "":
		p.window(a)
	case a.Target.Type == "page":
		p.session = a.Session
		p.begin(a.Session)
		conn.post(a.Session, "Inspector.enable", nil)
	case a.Target.Type == "iframe":
		p.children[a.Target.ID] = a
		p.begin(a.Session)
	}
	conn.post(a.Session, "Runtime.runIfWaitingForDebugger", nil)
	p.change()
}

// noServiceWorkers makes the registration of service workers fail at once, as in a browser that has
// them turned off. Otherwise the registration would never end, because workers are closed before
// they run, and a page might wait for it.
const noServiceWorkers = `if (globalThis.ServiceWorkerContainer) ServiceWorkerContainer.prototype.register =
	function register() { return Promise.reject(new DOMException("Service workers are not available.", "SecurityError")) }`

// begin prepares a target that shows documents, before its first one. The caller holds the lock.
func (p *page) begin(session string) {
	p.b.conn.post(session, "Page.enable", nil)
	p.b.conn.post(session, "Page.addScriptToEvaluateOnNewDocument", object{"source": noServiceWorkers})
}

// maxPopups is how many windows or dialogs a page may open before its scripts are stopped.
const maxPopups = 20

// window closes a window that the page opened. Its requests are refused. The window must run before
// it is closed, because the page shares its process and would wait with it. The caller holds the
// lock.
func (p *page) window(a attachment) {
	p.windows[a.Session] = true
	p.link(a.Target.URL, ByWindow)
	p.b.conn.post(a.Session, "Runtime.runIfWaitingForDebugger", nil)
	p.b.conn.post("", "Target.closeTarget", object{"targetId": a.Target.ID})
	if len(p.windows) == maxPopups {
		p.halt()
	}
}

// halt stops all scripts of the page. The caller holds the lock.
func (p *page) halt() {
	p.hit("scripts")
	p.b.conn.post(p.session, "Emulation.setScriptExecutionDisabled", object{"value": true})
	p.b.conn.post(p.session, "Runtime.terminateExecution", nil)
}

// hit notes that a limit cut the page short. The caller holds the lock.
func (p *page) hit(limit string) {
	if !slices.Contains(p.result.Hit, limit) {
		p.result.Hit = append(p.result.Hit, limit)
	}
}

// maxLinks is the most links outside of the HTML that are kept.
const maxLinks = 1000

// link notes where the page would lead. The caller holds the lock.
func (p *page) link(to string, by LinkBy) {
	if i := slices.IndexFunc(p.result.Links, func(l Link) bool { return l.URL == to }); i >= 0 {
		if by == ByDownload { // only its answer tells it from a navigation
			p.result.Links[i].By = by
		}
		return
	}
	u, err := url.Parse(to)
	if err == nil && (u.Scheme == "http" || u.Scheme == "https") && to != p.req.URL && len(p.result.Links) < maxLinks {
		p.result.Links = append(p.result.Links, Link{URL: to, By: by})
	}
}

// change wakes the goroutines that wait for a change. The caller holds the lock.
func (p *page) change() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// die ends the page. The caller holds the lock.
func (p *page) die(why error) {
	if p.dead == nil {
		p.dead = why
		p.cancel()
		p.kill()
		p.change()
	}
}

// until waits until a condition holds. It calls holds with the lock held.
func (p *page) until(ctx context.Context, holds func() bool) error {
	for {
		p.mu.Lock()
		done, dead, changed := holds(), p.dead, p.changed
		p.mu.Unlock()
		switch {
		case dead != nil:
			return dead
		case done:
			return nil
		}
		select {
		case <-changed:
		case <-p.b.conn.lost:
			return ErrBrowserLost
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// close removes the page from the browser, and waits for its requests. A browser that cannot remove
// the page is given up.
func (p *page) close(ctx context.Context) {
	p.cancel()
	if p.context != "" {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.b.pool.cfg.Patience)
		defer cancel()
		if err := p.root(ctx, "Target.disposeBrowserContext", object{}, nil); err != nil {
			p.b.conn.end(fmt.Errorf("it did not close a page: %w", err))
		}
		p.b.disown(p)
	}
	p.tasks.Wait()
}

// hear receives an event of one of the page's targets. It is called by the reader.
func (p *page) hear(e event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e.Method {
	case "Fetch.requestPaused":
		var paused pausedRequest
		if json.Unmarshal(e.Params, &paused) == nil {
			p.paused(e.Session, paused)
		}
	case "Page.javascriptDialogOpening":
		p.b.conn.post(e.Session, "Page.handleJavaScriptDialog", object{"accept": true})
		if p.result.Dialogs++; p.result.Dialogs == maxPopups {
			p.halt()
		}
	case "Inspector.targetCrashed":
		if e.Session == p.session {
			p.die(ErrCrashed)
		}
	default:
		p.moved(e)
	}
	p.change()
}

// movement has the fields of the events that say where a page or a frame goes.
type movement struct {
	Frame json.RawMessage `json:"frame"`
	ID    string          `json:"frameId"`
	URL   string          `json:"url"`
}

// moved receives the events that say where a page goes. The caller holds the lock.
func (p *page) moved(e event) {
	var m movement
	if e.Session != p.session || json.Unmarshal(e.Params, &m) != nil {
		return
	}
	switch e.Method {
	case "Page.loadEventFired":
		p.loaded, p.last = true, time.Now()
	case "Page.frameStoppedLoading": // there is no load event if a navigation interrupted it
		if m.ID == p.target {
			p.loaded, p.last = true, time.Now()
		}
	case "Page.frameNavigated":
		var frame struct {
			ID     string `json:"id"`
			Parent string `json:"parentId"`
		}
		if json.Unmarshal(m.Frame, &frame) == nil && frame.Parent == "" {
			p.loaded, p.last = false, time.Now()
		}
	case "Page.navigatedWithinDocument":
		p.link(m.URL, ByHistory)
	case "Page.windowOpen":
		p.link(m.URL, ByWindow)
	case "Page.downloadWillBegin":
		p.link(m.URL, ByDownload)
	}
}
