package hostile

import (
	"fmt"
	"net/http"
	"strings"
)

// Scripts returns the misbehaviours of pages in a browser. To a crawl without a browser they are
// plain pages.
func Scripts() []Misbehaviour { return scripts }

var scripts = []Misbehaviour{
	scripted("endless-loop", "runs a script that never ends", "stops the scripts of the page", limitStuck,
		`for (;;);`),
	scripted("endless-timer", "runs a timer that never ends", "the same", limitStuck,
		`setInterval(() => { for (;;); }, 1)`),
	scripted("endless-promises", "resolves promises without end", "the same", limitStuck,
		`onload = function again() { Promise.resolve().then(again); }`),
	scripted("endless-pattern", "matches a regular expression that takes years", "the same", limitStuck,
		`onload = () => /^(a+)+$/.test("a".repeat(50) + "b")`),
	scripted("dialogs", "opens alerts without end", "closes them, and stops the scripts of the page", limitPopups,
		`for (;;) alert("again")`),
	scripted("windows", "opens windows without end", "opens none, and follows their URLs as links", limitPopups,
		`setInterval(() => { for (let i = 0; i < 100; i++) open("/window/" + Math.random()); }, 1)`),
	scripted("dialog-that-keeps", "asks visitors to stay when they leave", "leaves", Limit{},
		`onbeforeunload = e => { e.preventDefault(); return "stay"; }; location.href = "http://FORBIDDEN/stay"`),
	scripted("elements", "has more elements than anyone reads", "keeps what the server sent", limitNodes,
		`document.body.innerHTML += "<i></i>".repeat(320000)`),
	scripted("nested-elements", "nests thousands of elements", "reads them", Limit{},
		`let e = document.body; for (let i = 0; i < 5000; i++) e = e.appendChild(document.createElement("i"))`),
	scripted("long-text", "grows by megabytes", "keeps what the server sent", limitBody,
		`const s = "x".repeat(1 << 20); for (let i = 0; i < 40; i++) document.body.append(s)`),
	scripted("nested-frames", "has frames in one another without end", "makes no more requests", limitRequests,
		`const f = document.createElement("iframe"); f.src = "/nested-frames/" + Math.random(); document.body.append(f)`),
	scripted("many-requests", "makes more requests than there are parts of a page", "makes no more requests",
		limitRequests, `for (let i = 0; i < 500; i++) fetch("/nothing/" + i).catch(() => 0)`),
	scripted("endless-requests", "repeats a request without end", "stops the scripts of the page", limitRequests,
		`(function again() { fetch("/nothing/again").then(again, again); })()`),
	scripted("endless-moves", "moves to other pages without end", "follows them as links", Limit{},
		`location.href = "/endless-moves/" + Math.random()`),
	scripted("endless-reloads", "loads itself again without end", "does not load it again", Limit{},
		`location.reload()`),
	scripted("move-inside", "moves to a forbidden address", "refuses to connect", limitAddresses,
		`location.href = "http://FORBIDDEN/move"`),
	scripted("requests-inside", "requests from a forbidden address in many ways", "refuses to connect", limitAddresses,
		`const at = "http://FORBIDDEN/"; fetch(at + "fetch").catch(() => 0); navigator.sendBeacon(at + "beacon", "x");
		const x = new XMLHttpRequest(); x.open("PUT", at + "put"); x.send("x"); new Image().src = at + "image";
		new EventSource(at + "events"); import(at + "module").catch(() => 0);
		const f = document.createElement("form"); f.method = "post"; f.action = at + "form"; f.target = "frame";
		document.body.innerHTML += "<iframe name=frame></iframe>"; document.body.append(f); f.submit();`),
	scripted("sockets-inside", "opens sockets to a forbidden address and to this machine", "opens none", limitAddresses,
		`for (const at of ["FORBIDDEN", "127.0.0.1:6379", "localhost:9222"]) { new WebSocket("ws://" + at + "/socket");
		const c = new RTCPeerConnection({iceServers: [{urls: "stun:" + at}]}); c.createDataChannel("x");
		c.createOffer().then(o => c.setLocalDescription(o)); }`),
	scripted("rebound-name", "requests from a name of the forbidden address", "refuses to connect", limitAddresses,
		`fetch("http://localhost:PORT/name").catch(() => 0); fetch("http://[::ffff:127.66.6.6]:PORT/mapped").catch(() => 0)`),
	scripted("miner", "computes in many workers", "ends them with the page", limitRender,
		`for (let i = 0; i < 4; i++) new Worker(URL.createObjectURL(new Blob(["for (;;);"])))`),
	scripted("service-worker", "answers all its requests by a service worker", "starts none", Limit{},
		`navigator.serviceWorker?.register("/service-worker.js").then(() => location.reload())`),
	scripted("routes", "goes through routes without end", "follows a thousand of them as links", Limit{},
		`setInterval(() => { for (let i = 0; i < 50; i++) history.pushState(0, "", "/route/" + Math.random()); }, 1)`),
	scripted("downloads", "saves files without end", "saves none", Limit{},
		`setInterval(() => { const a = document.createElement("a"); a.href = URL.createObjectURL(new Blob(["x"]));
		a.download = "x"; a.click(); }, 1)`),
	scripted("local-files", "reads files of this machine", "refuses", Limit{},
		`fetch("file:///etc/passwd").catch(() => 0); location.href = "file:///etc/passwd"`),
	scripted("changed-names", "changes what the names of the language mean", "uses names of its own", Limit{},
		`document.querySelector = Element.prototype.click = JSON.stringify = () => { throw "no" };
		Object.prototype.toJSON = () => "trapped"`),
	scripted("storage", "fills the storage of the browser", "keeps nothing of it", limitPage,
		`caches.open("c").then(async c => { for (let i = 0;; i++)
		await c.put("/" + i, new Response(new Uint8Array(1 << 20))); }).catch(() => 0)`),
	scripted("heap", "fills the heap of its scripts", "ends the page; what the server sent is kept", limitPage,
		`const all = []; for (;;) all.push({a: [all.length]})`),
	scripted("buffers", "fills the memory of its process", "ends the page; what the server sent is kept", limitPage,
		`const all = []; setInterval(() => all.push(new Uint8Array(64 << 20).fill(1)), 1)`),
	{
		Name: "waits-for-answer", Does: "waits in its script for an answer that does not come",
		Trawl: "keeps what the server sent", Limit: limitRender,
		setup: func(h *Host) {
			h.pages["/silent"] = func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
			h.addScript("waits-for-answer", `const x = new XMLHttpRequest(); x.open("GET", "/silent", false); x.send()`)
		},
	},
}

// scripted returns a page with a script. In the script, FORBIDDEN stands for the forbidden address
// with its port, and PORT for the port.
func scripted(name, does, trawl string, limit Limit, script string) Misbehaviour {
	return Misbehaviour{
		Name: name, Does: does, Trawl: trawl, Limit: limit, setup: func(h *Host) { h.addScript(name, script) },
	}
}

// addScript adds a page with a script, and with a link to an honest page. Pages beneath it, to
// which the script may lead, have the same script; their links are not followed.
func (h *Host) addScript(name, script string) {
	script = strings.NewReplacer("FORBIDDEN", h.web.Forbidden(), "PORT", h.web.forbiddenPort()).Replace(script)
	page := func(head string) http.HandlerFunc {
		return htmlPage(fmt.Sprintf("<!DOCTYPE html>\n<title>%s</title>%s\n<p>honest text</p><script>%s</script>\n",
			name, head, script))
	}
	h.pages["/"+name] = page(`<a href="/behind/` + name + `">on</a>`)
	h.pages["/"+name+"/"] = page(`<meta name="robots" content="nofollow">`)
	h.pages["/service-worker.js"] = text("text/javascript", `onfetch = e => e.respondWith(new Response("trapped"))`)
	h.addHonestPage("/behind/"+name, "Behind "+name, nil)
	h.expectLink("/"+name, h.URL("/"+name), fetched)
}
