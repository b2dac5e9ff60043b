package render_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/internal/render"
)

// misbehaviour is something that a page may do to a browser, and its expected outcome.
type misbehaviour struct {
	name   string
	script string            // in a page that says "honest text" first
	pages  map[string]string // pages that the script needs, by path
	limits render.Limits     // Time is set for all
	wait   time.Duration     // for pages that never rest; 0 waits until they do
	hit    string            // a limit that cut it short; "" expects nothing about limits
	limit  string            // the limit of the LimitError that it fails with
	err    error             // or another error
	say    string            // what the document also says
}

// How long pages that never rest are waited for.
const (
	short = 3 * time.Second
	long  = 10 * short
)

var misbehaviours = []misbehaviour{
	{name: "a script that never ends", wait: short, script: `for (;;);`, hit: "scripts"},
	{name: "a timer that never ends", wait: short, script: `
		setInterval(() => { for (;;); }, 1)`, hit: "scripts"},
	{name: "promises without end", wait: short, script: `
		(function again() { Promise.resolve().then(again); })()`, hit: "scripts"},
	{name: "a regular expression that never ends", wait: short, script: `
		/^(a+)+$/.test("a".repeat(50) + "b")`, hit: "scripts"},
	{name: "alerts without end", wait: short, script: `for (;;) alert("again")`, hit: "scripts"},
	{name: "windows without end", wait: short, script: `
		setInterval(() => { for (let i = 0; i < 100; i++) open("/w" + Math.random()); }, 1)`},
	{name: "a dialog that keeps the visitor", script: `
		onbeforeunload = e => { e.preventDefault(); return "stay"; };
		location.href = "http://10.0.0.1/"`},
	{name: "more elements than are read", script: `
		document.body.innerHTML += "<p hidden>" + "<i></i>".repeat(320000)`, limit: "nodes"},
	{name: "a text without end", script: `
		let s = "x".repeat(1 << 20); for (let i = 0; i < 5; i++) document.body.append(s)`,
		limits: render.Limits{Bytes: 4 << 20}, limit: "bytes"},
	{name: "elements in one another", wait: short, script: `let e = document.body; for (let i = 0; i < 5000; i++) e = e.appendChild(document.createElement("i")); e.append("deep")`},
	{name: "frames in one another", script: `
		const f = document.createElement("iframe"); f.src = "/?" + Math.random(); document.body.append(f)`,
		limits: render.Limits{Requests: 10}},
	{name: "more requests than are made", script: `
		for (let i = 0; i < 500; i++) fetch("/" + i).catch(() => 0)`,
		limits: render.Limits{Requests: 10}, hit: "requests"},
	{name: "requests that are repeated forever", wait: long, script: `
		(function again() { fetch("/r").then(again, again); })()`,
		limits: render.Limits{Requests: 10}},
	{name: "a script of many bytes", script: `document.write("<script src=/huge.js></" + "script>")`,
		pages:  map[string]string{"/huge.js": strings.Repeat("x", 1<<20)},
		limits: render.Limits{Bytes: 1 << 19}, hit: "bytes"},
	{name: "moves without end", script: `location.href = "/?" + Math.random()`,
		limits: render.Limits{Redirects: 3}, hit: "redirects"},
	{name: "a move to a private address", script: `location.href = "http://169.254.169.254/latest/meta-data"`},
	{name: "a WebSocket to this machine", script: `const s = new WebSocket("ws://127.0.0.1:6379"); s.onerror = () => document.body.append("no socket"); s.onopen = () => document.body.append("a socket")`, say: "no socket"},
	{name: "a miner", wait: short, script: `
		for (let i = 0; i < 4; i++) new Worker(URL.createObjectURL(new Blob(["for (;;);"])))`},
	{name: "a service worker that answers everything", script: `navigator.serviceWorker?.register("/sw.js")`,
		pages: map[string]string{"/sw.js": `onfetch = e => e.respondWith(new Response("trapped"))`}},
	{name: "routes without end", wait: short, script: `setInterval(() => { for (let i = 0; i < 50; i++) history.pushState(0, "", "/" + Math.random()); }, 1)`},
	{name: "downloads without end", wait: short, script: `setInterval(() => { const a = document.createElement("a"); a.href = URL.createObjectURL(new Blob(["x"])); a.download = "x"; a.click(); }, 1)`},
	{name: "a file of this machine", script: `fetch("file:///etc/passwd").catch(() => document.body.append("no file")); location.href = "file:///etc/passwd"`, say: "no file"},
	{name: "names that mean something else", script: `document.querySelector = Element.prototype.click = JSON.stringify = () => { throw "no" }; Object.prototype.toJSON = () => "trapped"`},
	{name: "a document of nothing", script: `setTimeout(() => document.body.append(" later"), 1); window.stop()`},
	{name: "a heap without end", script: `const all = []; for (;;) all.push({a: [all.length]})`, err: render.ErrCrashed},
}

func TestMisbehaviourCostsThePageAlone(t *testing.T) {
	t.Parallel()
	pool := pool(t)
	for _, m := range misbehaviours {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			res, err := pool.Render(t.Context(), m.request())
			m.judge(t, res, err)
			honest := one(`<!DOCTYPE html><body><script>fetch("/d").then(() => document.body.append("honest"))</script>`)
			has(t, show(t, pool, honest.request("/")), "honest")
		})
	}
}

// request asks for the page, whose subrequests to other sites are refused.
func (m misbehaviour) request() render.Request {
	w := one(`<!DOCTYPE html><body>honest text<script>` + m.script + `</script>`)
	for path, body := range m.pages {
		w.pages[home+path] = body
	}
	req := w.request("/")
	req.Limits = m.limits
	req.Limits.Time, req.Limits.Stuck = patient, time.Second
	if m.wait > 0 {
		req.Wait.Max = m.wait
	}
	req.Transport = func(ctx context.Context, s render.Subrequest) (render.Answer, error) {
		if !strings.HasPrefix(s.URL, home+"/") {
			return render.Answer{}, &render.Refusal{Why: "address"}
		}
		if path := strings.TrimPrefix(s.URL, home); strings.HasPrefix(path, "/?") {
			return w.answer(home + "/"), nil
		}
		return w.transport(ctx, s)
	}
	return req
}

// judge compares the outcome of the page with the expected one.
func (m misbehaviour) judge(t *testing.T, res *render.Result, err error) {
	t.Helper()
	if m.limit != "" {
		var limit *render.LimitError
		if !errors.As(err, &limit) || limit.Limit != m.limit {
			t.Errorf("the error is %v, not the limit of %s", err, m.limit)
		}
		return
	}
	if !errors.Is(err, m.err) {
		t.Fatalf("the error is %v, not %v", err, m.err)
	}
	if m.err != nil {
		return
	}
	has(t, res, "honest text", m.say)
	if m.hit != "" && !slices.Contains(res.Hit, m.hit) {
		t.Errorf("it hit %v, not %s", res.Hit, m.hit)
	}
	for _, r := range res.Requests {
		if !strings.HasPrefix(r.URL, home+"/") {
			t.Errorf("%s was requested", r.URL)
		}
	}
}
