"use strict";

// The regions of a live page are replaced by those of a fresh copy. What is outside of them stays.
const banner = document.getElementById("connection");
const every = Number(document.body.dataset.refresh || 0);
let fresh = new Date(); // when the page was last complete
let turn = 0;           // the newest request

function complain(text) {
  const at = fresh.toLocaleTimeString();
  banner.textContent = text + " This page shows what was there at " + at + " and retries by itself.";
  banner.hidden = false;
  document.body.classList.add("stale");
}

function recover() {
  fresh = new Date();
  banner.hidden = true;
  document.body.classList.remove("stale");
}

// keepOpen opens the details in next that are open in now.
function keepOpen(now, next) {
  for (const open of now.querySelectorAll("details[open][id]")) {
    const same = next.querySelector("#" + CSS.escape(open.id));
    if (same) { same.open = true; }
  }
}

function replace(now, next) {
  keepOpen(now, next);
  if (now.outerHTML === next.outerHTML) { return; }
  const focus = document.activeElement, held = now.contains(focus) && focus.id;
  now.replaceWith(next);
  if (held) { document.getElementById(held)?.focus({ preventScroll: true }); }
}

function show(copy) {
  const main = copy.querySelector("main");
  if (!main) { throw new Error("not a page of the dashboard"); }
  if (main.dataset.trouble) { return complain(main.dataset.trouble + "."); }
  const regions = [...document.querySelectorAll("main [data-live]")];
  const pairs = regions.map(now => [now, main.querySelector("#" + CSS.escape(now.id))]);
  if (regions.length === 0 || pairs.some(([, next]) => !next)) { // another page, such as that the job is gone
    return location.reload();
  }
  for (const [now, next] of pairs) {
    if (now.id !== "tail" || !streaming || refill) { replace(now, next); }
  }
  refill = false;
  document.title = copy.title;
  recover();
}

function selecting() {
  const selection = getSelection();
  return !selection.isCollapsed && selection.anchorNode?.parentElement?.closest("[data-live]");
}

async function renew() {
  const mine = ++turn;
  try {
    const answer = await fetch(location.href, { signal: AbortSignal.timeout(15000) });
    const text = await answer.text();
    if (mine === turn) { show(new DOMParser().parseFromString(text, "text/html")); }
  } catch {
    if (mine === turn) { complain("The dashboard does not respond."); }
  }
}

async function loop() {
  if (!document.hidden && !selecting()) { await renew(); }
  setTimeout(loop, streaming ? Math.max(every, 10000) : every);
}

// A stream of events tells at once what happens. While it works, the page itself is asked for less
// often. It ends while the page is hidden, because a browser opens few connections to a server.
const source = document.body.dataset.stream;
let stream = null;
let streaming = false;
let refill = false; // the next copy of the page replaces the recent pages
let state = null;   // of the job, as last told
let late = [];      // recent pages that wait until no text is selected

function listen() {
  if (!source || stream || document.hidden) { return; }
  const url = new URL(source, location.href);
  if (document.getElementById("tail")) {
    for (const [name, value] of new URLSearchParams(location.search)) { url.searchParams.append(name, value); }
  }
  stream = new EventSource(url);
  stream.addEventListener("open", () => { streaming = true; });
  stream.addEventListener("error", () => { // it connects again by itself
    if (streaming) { setTimeout(renew, 1000); }
    streaming = false;
  });
  stream.addEventListener("problem", renew);
  stream.addEventListener("figures", event => showFigures(JSON.parse(event.data)));
  stream.addEventListener("pages", event => showPages(JSON.parse(event.data).pages));
}

function hush() {
  stream?.close();
  stream = null;
  streaming = false;
}

function showFigures(now) {
  for (const cell of document.querySelectorAll("[data-figure]")) {
    const text = now.figures?.[cell.dataset.figure];
    if (text !== undefined && cell.textContent !== text) { cell.textContent = text; }
  }
  if (state !== null && state !== now.state || document.body.classList.contains("stale")) { renew(); }
  state = now.state;
}

const tones = {
  fetched: "go", not_modified: "go", retry: "hold", failed: "bad", gone: "bad", blocked: "bad", payment_required: "bad",
};
const units = ["B", "kB", "MB", "GB", "TB"];

function bytes(n) {
  let unit = 0;
  for (; n >= 999.95 && unit < units.length - 1; unit++) { n /= 1000; }
  return (unit ? n.toFixed(1) : n) + " " + units[unit];
}

// showPages adds recent pages, the oldest first, at the top of their list.
function showPages(rows) {
  const list = document.getElementById("tail"), blank = document.getElementById("tail-row");
  if (!list || !blank) { return; }
  late.push(...rows);
  if (selecting()) { late = late.slice(-100); return; }
  const known = new Set([...list.children].map(tr => tr.dataset.key)); // the first event repeats some
  for (const row of late) {
    const key = row.at + " " + row.worker + " " + row.url;
    if (known.has(key)) { continue; }
    known.add(key);
    const tr = blank.content.firstElementChild.cloneNode(true);
    tr.dataset.key = key;
    const cell = name => tr.querySelector("[data-cell=" + name + "]");
    cell("url").textContent = row.url;
    cell("url").href = list.closest("table").dataset.url + "?u=" + encodeURIComponent(row.url);
    cell("reason").textContent = row.reason || "";
    cell("outcome").textContent = row.outcome.replaceAll("_", " ");
    cell("outcome").className = "state " + (tones[row.outcome] || "off");
    cell("status").textContent = row.status || "–";
    cell("size").textContent = bytes(row.bytes);
    cell("took").textContent = row.status ? row.duration_ms + " ms" : "–";
    cell("worker").textContent = row.worker;
    cell("at").textContent = row.at.slice(11, 19);
    list.prepend(tr);
  }
  late = [];
  while (list.children.length > 100) { list.lastElementChild.remove(); }
}

document.addEventListener("visibilitychange", () => document.hidden ? hush() : listen());
addEventListener("pagehide", hush);
listen();

// A search shows its results as it is typed.
for (const form of document.querySelectorAll("form[data-search]")) {
  let soon;
  const search = () => {
    const query = new URLSearchParams(new FormData(form));
    for (const [name, value] of [...query]) { if (value === "") { query.delete(name); } }
    history.replaceState(null, "", location.pathname + (query.size ? "?" + query : ""));
    late = [];
    refill = true;
    hush();
    listen();
    renew();
  };
  form.addEventListener("input", () => { clearTimeout(soon); soon = setTimeout(search, 150); });
  form.addEventListener("submit", event => { event.preventDefault(); clearTimeout(soon); search(); });
}

// A form is sent once.
document.addEventListener("submit", event => {
  if (event.defaultPrevented || event.target.method !== "post") { return; }
  for (const button of event.target.querySelectorAll("button")) { setTimeout(() => { button.disabled = true; }); }
});
addEventListener("pageshow", () => {
  for (const button of document.querySelectorAll("form button")) { button.disabled = false; }
});

if (every > 0) { setTimeout(loop, every); }
