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
  for (const [now, next] of pairs) { replace(now, next); }
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
  setTimeout(loop, every);
}

// A search shows its results as it is typed.
for (const form of document.querySelectorAll("form[data-search]")) {
  let soon;
  const search = () => {
    const query = new URLSearchParams(new FormData(form));
    for (const [name, value] of [...query]) { if (value === "") { query.delete(name); } }
    history.replaceState(null, "", location.pathname + (query.size ? "?" + query : ""));
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
