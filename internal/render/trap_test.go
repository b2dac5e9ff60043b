package render_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/internal/render"
)

// trap listens on this machine, for TCP and UDP, and counts what arrives.
type trap struct {
	tcp     net.Listener
	udp     net.PacketConn
	arrived atomic.Int64
	sprung  chan struct{} // gets a value for each arrival that is waited for
}

func newTrap(t *testing.T) *trap {
	t.Helper()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	udp, err := net.ListenPacket("udp", tcp.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	tr := &trap{tcp: tcp, udp: udp, sprung: make(chan struct{}, 100)}
	go func() {
		for {
			conn, err := tcp.Accept()
			if err != nil {
				return
			}
			tr.arrived.Add(1)
			conn.Close()
			tr.sprung <- struct{}{}
		}
	}()
	go func() {
		for b := make([]byte, 2048); ; {
			if _, _, err := udp.ReadFrom(b); err != nil {
				return
			}
			tr.arrived.Add(1)
			tr.sprung <- struct{}{}
		}
	}()
	t.Cleanup(func() {
		tcp.Close()
		udp.Close()
	})
	return tr
}

// works fails the test if the trap does not notice arrivals.
func (tr *trap) works(t *testing.T) {
	t.Helper()
	for _, network := range []string{"tcp", "udp"} {
		conn, err := net.Dial(network, tr.tcp.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if network == "udp" {
			if _, err := conn.Write([]byte("x")); err != nil {
				t.Fatal(err)
			}
		}
		<-tr.sprung
		conn.Close()
	}
}

// escapes is a page that tries to reach TRAP in all ways that we know. Each way has a path.
const escapes = `<!DOCTYPE html>
<meta http-equiv="Content-Security-Policy-Report-Only" content="img-src 'none'; report-uri http://TRAP/report">
<link rel=preconnect href="http://TRAP"><link rel=dns-prefetch href="http://TRAP">
<link rel=prefetch href="http://TRAP/prefetch"><link rel=preload as=script href="http://TRAP/preload">
<link rel=prerender href="http://TRAP/prerender"><link rel=icon href="http://TRAP/icon">
<link rel=manifest href="http://TRAP/manifest"><link rel=stylesheet href="http://TRAP/style">
<link rel=modulepreload href="http://TRAP/modulepreload">
<style>@import "http://TRAP/import"; @font-face { font-family: f; src: url(http://TRAP/font) }
body { font-family: f; background: url(http://TRAP/background) }</style>
<script type=speculationrules>{"prefetch": [{"urls": ["http://TRAP/speculation"]}], "prerender": [{"urls": ["/spec"]}]}</script>
<script src="http://TRAP/script"></script><script type=module src="http://TRAP/module"></script>
<img src="http://TRAP/img"><img srcset="http://TRAP/srcset 2x"><picture><source srcset="http://TRAP/source"><img></picture>
<video src="http://TRAP/video" poster="http://TRAP/poster" autoplay><track default src="http://TRAP/track"></video>
<audio src="http://TRAP/audio" autoplay></audio><embed src="http://TRAP/embed"><object data="http://TRAP/object"></object>
<iframe src="http://TRAP/iframe"></iframe><svg><image href="http://TRAP/svgimage"/><use href="http://TRAP/svguse#a"/></svg>
<form id=f method=post action="http://TRAP/form" target=other><input name=a value=b></form><iframe name=other></iframe>
<a id=ping ping="http://TRAP/ping" href="#x">x</a>
<p id=done>x<script>
const at = "http://TRAP/", tries = {
	fetch: () => fetch(at + "fetch"), keepalive: () => fetch(at + "keepalive", {keepalive: true}),
	later: () => fetchLater(at + "later", {activateAfter: 0}),
	xhr: () => { const x = new XMLHttpRequest(); x.open("PUT", at + "xhr"); x.send("x"); },
	events: () => new EventSource(at + "events"), beacon: () => navigator.sendBeacon(at + "beacon", "x"),
	socket: () => new WebSocket("ws://TRAP/socket"), secure: () => new WebSocket("wss://TRAP/secure"),
	stream: () => new WebSocketStream("ws://TRAP/stream"),
	transport: () => new WebTransport("https://TRAP/transport"),
	worker: () => new Worker(URL.createObjectURL(new Blob(
		["fetch('" + at + "worker'); new WebSocket('ws://TRAP/workersocket'); importScripts('" + at + "imported')"]))),
	shared: () => new SharedWorker(URL.createObjectURL(new Blob(["fetch('" + at + "shared'); new WebSocket('ws://TRAP/sharedsocket')"]))),
	service: () => navigator.serviceWorker.register("/service.js"),
	rtc: () => {
		const c = new RTCPeerConnection({iceServers: [{urls: "stun:TRAP"}, {urls: "turn:TRAP", username: "u", credential: "c"},
			{urls: "turn:TRAP?transport=tcp", username: "u", credential: "c"}], iceCandidatePoolSize: 4});
		c.createDataChannel("x");
		c.createOffer().then(o => c.setLocalDescription(o));
	},
	open: () => window.open(at + "open"), form: () => f.submit(), click: () => ping.click(),
	dynamic: () => import(at + "dynamic"), anchor: () => { const a = document.createElement("a"); a.href = at + "anchor"; a.target = "_blank"; a.click(); },
	cache: () => caches.open("c").then(c => c.add(at + "cache")),
	background: () => navigator.serviceWorker.ready.then(r => r.sync.register("x")),
	protocol: () => { document.createElement("img").src = "ftp://TRAP/ftp"; fetch("file:///etc/passwd"); },
	frame: () => { const i = document.createElement("iframe"); i.srcdoc = "<script>fetch('" + at + "srcdoc')<\/script>"; document.body.append(i); },
	blob: () => { const i = document.createElement("iframe"); i.src = URL.createObjectURL(new Blob(["<img src='" + at + "blob'>"], {type: "text/html"})); document.body.append(i); },
	write: () => { const w = document.createElement("iframe"); document.body.append(w); w.contentDocument.write("<script src='" + at + "written'><\/script>"); },
	xslt: () => fetch("/x.json"),
};
for (const name in tries) try { tries[name]()?.catch?.(() => 0); } catch { }
setTimeout(() => done.append(" tried"), 1000);
</script>`

// waysOut are the ways to the network in escapes: a path of TRAP each, or a connection without one.
func waysOut() int {
	ways := make(map[string]bool)
	for _, match := range regexp.MustCompile(
		`TRAP/(\w+)|at \+ "(\w+)|(rel=\S+) href="http://TRAP"|((?:stun|turn):TRAP(?:\?\w+=\w+)?)`,
	).FindAllStringSubmatch(escapes, -1) {
		ways[strings.Join(match[1:], "")] = true
	}
	return len(ways)
}

func TestTheManualCountsTheWaysOut(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../docs/browser.md")
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("A test lets a page try %d ways", waysOut()); !strings.Contains(string(text), want) {
		t.Errorf("docs/browser.md does not say %q", want)
	}
}

// caught are paths of escapes that have to be seen by the interception. Others may be refused by
// the browser itself.
var caught = []string{"preload", "style", "script", "module", "img", "iframe", "fetch", "xhr", "beacon", "events",
	"worker", "imported", "shared", "dynamic", "srcdoc", "blob", "written", "form", "embed", "object", "font", "import"}

func testNothingArrives(t *testing.T, pool *render.Pool) {
	t.Helper()
	tr := newTrap(t)
	tr.works(t)
	before := tr.arrived.Load()
	w := one(strings.ReplaceAll(escapes, "TRAP", tr.tcp.Addr().String()))
	w.pages[home+"/x.json"] = "{}"
	req := w.request("/")
	req.Block = render.Block{}
	// Refused requests may keep the page from loading; its script says when it has tried all ways.
	req.Wait = render.Wait{Until: render.UntilLoad, Max: time.Second}
	req.Script = []string{`while (!done.textContent.includes("tried")) await new Promise(r => setTimeout(r, 50))`,
		`await fetch("/late")`}
	shared := make(chan struct{}) // the last one: a worker of its own has to start
	var once sync.Once
	req.Transport = func(ctx context.Context, s render.Subrequest) (render.Answer, error) {
		switch {
		case s.URL == home+"/late":
			select {
			case <-shared:
			case <-ctx.Done():
			}
			return render.Answer{Status: http.StatusNoContent, Header: http.Header{}}, nil
		case strings.HasPrefix(s.URL, home):
			return w.transport(ctx, s)
		case strings.HasSuffix(s.URL, "/shared"):
			once.Do(func() { close(shared) })
		}
		return render.Answer{}, &render.Refusal{Why: "address"}
	}
	res := show(t, pool, req)
	has(t, res, "tried")
	seen := map[string]bool{}
	for _, b := range res.Blocked {
		seen[b.URL[strings.LastIndexByte(b.URL, '/')+1:]] = true
	}
	for _, path := range caught {
		if !seen[path] && path != "shared" { // it starts late, and may be noted too late
			t.Errorf("the request of %q was not intercepted", path)
		}
	}
	if n := tr.arrived.Load(); n != before {
		t.Errorf("%d connections or packets arrived", n-before)
	}
}

func TestNothingOfAPageArrivesAnywhere(t *testing.T) {
	t.Parallel()
	testNothingArrives(t, pool(t))
}

// Only the command line and the interception protect here, as in a container whose browser gets no
// namespaces.
func TestNothingArrivesWithoutNamespacesEither(t *testing.T) {
	t.Parallel()
	testNothingArrives(t, opened(t, render.OpenBare, render.Config{}))
}
