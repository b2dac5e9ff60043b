package scripted

// Pattern is a way in which scripts make the text and the links of a page.
type Pattern struct {
	Name string
	// Body is the body of the page, and Files what else lies beneath the pattern's folder, by
	// name. The ending of a name tells its type.
	Body  string
	Files map[string]string
	// Links are the pages beneath the folder that only a browser finds.
	Links []string
	// Static says that the page needs no browser.
	Static bool
	// Never are names beneath the folder that must not be requested.
	Never []string
}

// link is a script that adds a link to the page.
const link = `const link = (to, parent = document.body) => {
  const a = document.createElement("a"); a.href = to; a.textContent = "to " + to; parent.append(a); return a };`

// script returns a script element that may use link.
func script(code string) string { return "<script>" + link + code + "</script>" }

// shell is the element that most patterns render into.
const shell = `<div id="root"></div>`

// Patterns are those of the site.
var Patterns = []Pattern{
	{Name: "links-by-script", Body: shell + script(`link("found")`), Links: []string{"found"}},
	{Name: "history-route", Body: shell + script(`history.pushState(null, "", "route")`), Links: []string{"route"}},
	{Name: "hash-route", Body: shell + script(`addEventListener("hashchange", () => link("found")); location.hash = "#/items"`),
		Links: []string{"found"}},
	{Name: "shadow-dom", Body: shell + script(`link("found", document.getElementById("root").attachShadow({mode: "open"}))`),
		Links: []string{"found"}},
	// The page itself needs no browser: its frame is a page of its own, which does.
	{Name: "frame", Static: true, Body: shell + `<iframe src="inner.html"></iframe>`,
		Files: map[string]string{"inner.html": "<title>inner</title><body>" + script(`link("found")`)},
		Links: []string{"found", "inner.html"}},
	{Name: "srcdoc-frame", Body: shell + script(`const f = document.createElement("iframe");
		f.srcdoc = "<a href=found>to found</a>"; document.body.append(f)`), Links: []string{"found"}},
	{Name: "infinite-scroll", Body: `<div id="root" style="height: 3000px"></div>` + script(`let n = 0;
		addEventListener("scroll", () => { if (n < 3 && innerHeight + scrollY >= document.body.scrollHeight - 50) {
			link("item-" + ++n).style.cssText = "display: block; height: 2000px" } })`),
		Links: []string{"item-1", "item-2", "item-3"}},
	{Name: "client-redirect", Body: shell + script(`location.replace("found")`), Links: []string{"found"}},
	{Name: "refresh-by-script", Body: shell + script(`const m = document.createElement("meta");
		m.httpEquiv = "refresh"; m.content = "0; url=found"; document.head.append(m)`), Links: []string{"found"}},
	{Name: "download", Body: shell + script(`const a = link("data.zip"); a.download = "data.zip"; a.click(); link("found")`),
		Files: map[string]string{"data.zip": "PK"}, Links: []string{"found", "data.zip"}},
	{Name: "dialogs", Body: shell + script(`alert("one"); confirm("two"); prompt("three"); link("found")`),
		Links: []string{"found"}},
	{Name: "before-unload", Body: shell + script(`addEventListener("beforeunload", e => { e.preventDefault(); return "stay" });
		link("found"); location.href = "elsewhere"`), Links: []string{"found", "elsewhere"}},
	{Name: "service-worker", Body: shell + script(`navigator.serviceWorker?.register("sw.js"); link("found")`),
		Files: map[string]string{"sw.js": `self.addEventListener("fetch", e => e.respondWith(new Response("trapped")))`},
		Links: []string{"found"}},
	{Name: "lazy-image", Body: shell + script(`const i = new Image(); i.loading = "lazy"; i.dataset.src = "i.png";
		document.body.append(i); new IntersectionObserver(() => link("found")).observe(i)`), Links: []string{"found"}},
	{Name: "late-xhr", Body: shell + script(`setTimeout(() => { const x = new XMLHttpRequest(); x.open("GET", "list.json");
		x.onload = () => JSON.parse(x.responseText).forEach(to => link(to)); x.send() }, 100)`),
		Files: map[string]string{"list.json": `["found-1", "found-2"]`}, Links: []string{"found-1", "found-2"}},
	{Name: "json-state", Body: shell + `<script type="application/json" id="state">{"to": "found"}</script>` +
		script(`link(JSON.parse(document.getElementById("state").textContent).to)`), Links: []string{"found"}},
	{Name: "websocket", Body: shell + script(`const s = new WebSocket("ws://" + location.host + "/websocket/socket");
		s.onerror = () => link("found")`), Links: []string{"found"}, Never: []string{"socket"}},
	{Name: "event-source", Body: shell + script(`const s = new EventSource("events");
		s.onerror = () => { s.close(); link("found") }`), Links: []string{"found"}, Never: []string{"events"}},
	{Name: "web-component", Body: `<my-app></my-app>` + script(`customElements.define("my-app", class extends HTMLElement {
		connectedCallback() { this.innerHTML = "<a href=found>to found</a>" } })`), Links: []string{"found"}},
	{Name: "module", Body: shell + `<script type="module" src="main.mjs"></script>`,
		Files: map[string]string{"main.mjs": `import { to } from "./part.mjs"; ` + link + ` link(to)`,
			"part.mjs": `export const to = "found"`}, Links: []string{"found"}},
	{Name: "dynamic-import", Body: shell + script(`import("./part.mjs").then(m => link(m.to))`),
		Files: map[string]string{"part.mjs": `export const to = "found"`}, Links: []string{"found"}},
	{Name: "post", Body: shell + script(`fetch("query", {method: "POST", body: "{}"}).then(() => link("answered"), () => link("found"))`),
		Links: []string{"found"}, Never: []string{"query", "answered"}},
	{Name: "form", Body: shell + `<form id="f" method="post" action="order"><input name="a"></form>` +
		script(`link("found"); document.getElementById("f").submit()`), Links: []string{"found"}, Never: []string{"order"}},
	{Name: "waits-for-service-worker", Body: shell + script(`(navigator.serviceWorker?.register("sw.js") ?? Promise.reject())
		.then(() => link("trapped"), () => link("found"))`), Links: []string{"found"}, Never: []string{"sw.js", "trapped"}},
	{Name: "cookies", Body: shell + script(`document.cookie = "seen=1"; if (document.cookie.includes("seen")) link("found")`),
		Links: []string{"found"}},
	{Name: "local-storage", Body: shell + script(`const was = localStorage.getItem("route"); localStorage.setItem("route", "found");
		link(was ? "trapped" : localStorage.getItem("route"))`), Links: []string{"found"}, Never: []string{"trapped"}},
	{Name: "template", Body: shell + `<template id="t"><a href="found">to found</a></template>` +
		script(`document.body.append(document.getElementById("t").content.cloneNode(true))`), Links: []string{"found"}},
	{Name: "mutation-observer", Body: shell + script(`new MutationObserver(() => link("found"))
		.observe(document.getElementById("root"), {childList: true}); document.getElementById("root").append("x")`),
		Links: []string{"found"}},
	{Name: "idle-callback", Body: shell + script(`requestIdleCallback(() => link("found"))`), Links: []string{"found"}},
	{Name: "animation-frame", Body: shell + script(`requestAnimationFrame(() => requestAnimationFrame(() => link("found")))`),
		Links: []string{"found"}},
	{Name: "intersection-list", Body: shell + `<p id="end">end</p>` + script(`let n = 0; new IntersectionObserver((all, o) => {
		if (all[0].isIntersecting && n++ < 1) link("found") }).observe(document.getElementById("end"))`), Links: []string{"found"}},
	{Name: "more-button", Body: shell + `<button class="more">more</button>` + script(`let n = 0;
		const more = document.querySelector(".more"); more.onclick = () => { link("found-" + ++n); if (n == 3) more.remove() }`),
		Links: []string{"found-1", "found-2", "found-3"}},
	{Name: "tabs", Body: shell + `<button class="tab">other</button>` +
		script(`document.querySelector(".tab").onclick = e => { e.target.remove(); link("found") }`), Links: []string{"found"}},
	{Name: "canvas", Body: `<canvas id="root"></canvas>` + script(`document.getElementById("root").getContext("2d").fillText("words", 9, 9)`)},
	{Name: "document-write", Body: shell + `<script>document.write("<a href=found>to found</a>")</script>`,
		Links: []string{"found"}},
	{Name: "base-by-script", Body: shell + script(`const b = document.createElement("base"); b.href = "deep/";
		document.head.append(b); link("found")`), Links: []string{"deep/found"}, Never: []string{"found"}},
	{Name: "window-open", Body: shell + script(`open("found")`), Links: []string{"found"}},
	{Name: "worker", Body: shell + script(`new Worker("worker.js").onmessage = e => link(e.data)`),
		Files: map[string]string{"worker.js": `fetch("to.txt").then(r => r.text()).then(t => postMessage(t))`, "to.txt": "found"},
		Links: []string{"found"}},
	{Name: "forbidden-data", Body: shell + script(`fetch("private/data.json").then(r => link("trapped"), () => link("found"))`),
		Files: map[string]string{"private/data.json": "{}"}, Links: []string{"found"},
		Never: []string{"private/data.json", "trapped"}},
	{Name: "forbidden-link", Body: shell + script(`link("private/page"); link("found")`), Links: []string{"found"},
		Never: []string{"private/page"}},
	{Name: "static", Body: static("static page"), Static: true},
	{Name: "static-with-scripts", Body: static("static page with scripts") + script(`window.x = 1`), Static: true},
}
