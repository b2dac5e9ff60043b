package render_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/internal/render"
)

func TestShadowTreesArePartOfTheDocument(t *testing.T) {
	t.Parallel()
	w := one(`<!DOCTYPE html><body>
<x-open><b slot=top>in the slot</b>rest<i>of it</i></x-open><x-closed></x-closed>
<x-declared><template shadowrootmode=closed><a href="/declared">declared</a></template></x-declared>
<details><summary>sum</summary>detail</details><script>
for (const [name, mode, markup] of [
	["x-open", "open", "<p>before <slot name=top>nothing</slot> then <slot></slot> and <slot name=none><u>fallback</u></slot></p>"],
	["x-closed", "closed", "<a href=/closed>closed</a>"],
]) customElements.define(name, class extends HTMLElement {
	constructor() { super(); this.attachShadow({mode}).innerHTML = markup; }
});
</script>`)
	res := show(t, pool(t), w.request("/"))
	has(t, res,
		`<x-open><p>before <b slot="top">in the slot</b> then rest<i>of it</i> and <u>fallback</u></p></x-open>`,
		`<x-closed><a href="/closed">closed</a></x-closed>`, `<a href="/declared">declared</a>`,
		`<details><summary>sum</summary>detail</details>`)
}

func TestFramesOfTheSameSiteArePartOfTheDocument(t *testing.T) {
	t.Parallel()
	w := one(`<!DOCTYPE html><iframe src="/frame/in"></iframe><iframe src="http://sub.site.test/"></iframe>
<iframe srcdoc="<a href='near'>by srcdoc</a>"></iframe><iframe src="http://other.test/"></iframe>`)
	w.pages[home+"/frame/in"] = `<p>framed <a href="next">next</a><iframe src="/inner"></iframe>`
	w.pages[home+"/inner"] = `<em>inner</em>`
	w.pages["http://sub.site.test/"] = `<a href="/far">far</a>`
	w.pages["http://other.test/"] = `<p>of another site`
	res := show(t, pool(t), w.request("/"))
	has(t, res, `<section data-frame="`+home+`/frame/in">`, `<a href="`+home+`/frame/next">next</a>`,
		`<em>inner</em>`, `<a href="http://sub.site.test/far">far</a>`, `<a href="`+home+`/near">by srcdoc</a>`)
	if strings.Contains(string(res.HTML), "of another site") {
		t.Errorf("a frame of another site is in the document:\n%s", res.HTML)
	}
}

func TestWherePagesLeadOtherThanByLinks(t *testing.T) {
	t.Parallel()
	w := one(`<!DOCTYPE html><body><button onclick="location.href = '/clicked'">go</button><script>
history.pushState(0, "", "/pushed"); history.replaceState(0, "", "/replaced"); location.hash = "part";
window.open("/opened");
addEventListener("beforeunload", e => { e.preventDefault(); e.returnValue = "stay"; });
alert("hello"); confirm("sure?"); prompt("name?");
document.body.append("past the dialogs");
const a = document.createElement("a"); a.href = "/file.zip"; document.body.append(a); a.click();
</script>`)
	w.pages[home+"/clicked"] = "<p>another page"
	w.pages[home+"/file.zip"] = "PK"
	req := w.request("/")
	req.Click = []render.Click{{Selector: "button"}}
	res := show(t, pool(t), req)
	has(t, res, "past the dialogs")
	for by, path := range map[render.LinkBy][]string{
		render.ByHistory: {"/pushed", "/replaced", "/replaced#part"}, render.ByWindow: {"/opened"},
		render.ByNavigation: {"/clicked"}, render.ByDownload: {"/file.zip"},
	} {
		for _, p := range path {
			leads(t, res, home+p, by)
		}
	}
	if res.Dialogs != 3 {
		t.Errorf("%d dialogs were closed", res.Dialogs)
	}
}

func TestAPageMayMoveWhileItLoads(t *testing.T) {
	t.Parallel()
	w := one(`<!DOCTYPE html><script>location.replace("/second")</script>`)
	w.pages[home+"/second"] = "-> /third"
	w.pages[home+"/third"] = `<!DOCTYPE html><p>the third page<script>document.body.append("!")</script>`
	res := show(t, pool(t), w.request("/"))
	has(t, res, "the third page", "!")
	leads(t, res, home+"/second", render.ByNavigation)
	if res.FinalURL != home+"/third" {
		t.Errorf("it is at %s", res.FinalURL)
	}
	moves := 0
	for _, s := range w.asked {
		if s.Navigation {
			moves++
		}
	}
	if moves != 2 || !w.asked[1].Redirected {
		t.Errorf("the page moved %d times: %+v", moves, w.asked)
	}
}

func TestAMoveThatIsRefusedLeavesThePageWhereItIs(t *testing.T) {
	t.Parallel()
	w := one(`<!DOCTYPE html><p>the first page<script>location.href = "http://10.0.0.1/secret"</script>`)
	req := w.request("/")
	req.Transport = func(context.Context, render.Subrequest) (render.Answer, error) {
		return render.Answer{}, &render.Refusal{Why: "address"}
	}
	res := show(t, pool(t), req)
	has(t, res, "the first page")
	leads(t, res, "http://10.0.0.1/secret", render.ByNavigation)
	want := []render.Blocked{{URL: "http://10.0.0.1/secret", Kind: render.KindDocument, Why: "address"}}
	if diff := cmp.Diff(want, res.Blocked); diff != "" {
		t.Errorf("what was blocked (-want +got):\n%s", diff)
	}
}

func TestAPageThatMovesForEverIsStopped(t *testing.T) {
	t.Parallel()
	w := one(`<!DOCTYPE html><script>location.href = "/?" + Math.random()</script>`)
	req := w.request("/")
	req.Limits.Redirects = 3
	moves := 0 // calls of moves come one after the other
	req.Transport = func(_ context.Context, s render.Subrequest) (render.Answer, error) {
		moves++
		return w.answer(home + "/"), nil
	}
	res := show(t, pool(t), req)
	if moves != 3 || !slices.Contains(res.Hit, "redirects") {
		t.Errorf("it moved %d times, and hit %v", moves, res.Hit)
	}
}

func TestWhatIsBlockedIsNotRequested(t *testing.T) {
	t.Parallel()
	w := one(`<!DOCTYPE html><img src="/i.png"><video src="/v.mp4"></video><link rel=stylesheet href="/s.css">
<script src="http://www.google-analytics.com/a.js"></script><script>
navigator.sendBeacon("/beacon"); navigator.serviceWorker?.register("/sw.js");
new EventSource("/events");</script><p class=f>x`)
	w.pages[home+"/s.css"] = `@font-face { font-family: f; src: url(/f.woff2) } .f { font-family: f }`
	res := show(t, pool(t), w.request("/"))
	if got, want := w.urls(), []string{home + "/s.css"}; !slices.Equal(got, want) {
		t.Errorf("%v were requested, not %v", got, want)
	}
	why := map[string]string{}
	for _, b := range res.Blocked {
		why[strings.TrimPrefix(b.URL, home)] = b.Why
	}
	for url, want := range map[string]string{
		"/i.png": "image", "/v.mp4": "media", "/f.woff2": "font", "/beacon": "ping",
		"http://www.google-analytics.com/a.js": "tracker", "/events": "eventsource",
	} {
		if why[url] != want {
			t.Errorf("%s was blocked because of %q, not %q", url, why[url], want)
		}
	}
}

func TestAPageThatWaitsForItsServiceWorkerGoesOn(t *testing.T) {
	t.Parallel()
	w := one(`<!DOCTYPE html><body><iframe src="/frame"></iframe><script>
		(navigator.serviceWorker?.register("/sw.js") ?? Promise.reject()).then(
			() => document.body.append("registered"), () => document.body.append("refused"))</script>`)
	w.pages[home+"/frame"] = `<body><script>navigator.serviceWorker?.register("/sw.js").then(
		() => document.body.append("registered"), () => document.body.append("refused too"))</script>`
	w.pages[home+"/sw.js"] = `onfetch = e => e.respondWith(new Response("trapped"))`
	req := w.request("/")
	req.URL = "https://www.site.test/" // service workers need a secure context
	for url, body := range w.pages {
		w.pages[strings.Replace(url, "http:", "https:", 1)] = body
	}
	res := show(t, pool(t), req)
	has(t, res, "refused", "refused too")
	if strings.Contains(string(res.HTML), "</script>registered") || slices.ContainsFunc(w.urls(),
		func(url string) bool { return strings.HasSuffix(url, "/sw.js") }) {
		t.Errorf("a service worker was registered: %s", res.HTML)
	}
}

func TestAFormThatIsPostedLeadsNowhere(t *testing.T) {
	t.Parallel()
	w := one(`<!DOCTYPE html><body><form id=f method=post action="/order"><input name=a value=b></form>
		<script>f.submit()</script>`)
	var methods []string
	req := w.request("/")
	req.Transport = func(_ context.Context, s render.Subrequest) (render.Answer, error) {
		methods = append(methods, s.Method+" "+string(s.Body)) // one request, so one call
		return render.Answer{}, &render.Refusal{Why: "method"}
	}
	res := show(t, pool(t), req)
	if len(res.Links) > 0 || !slices.Equal(methods, []string{"POST a=b"}) {
		t.Errorf("after %q the page leads to %v", methods, res.Links)
	}
}

func TestCookiesOfScriptsAreInRequestsAndKept(t *testing.T) {
	t.Parallel()
	w := one(`<!DOCTYPE html><body><script>
		document.cookie = "theirs=changed"; document.cookie = "gone=; max-age=0";
		document.cookie = "own=1; path=/app; max-age=600";
		fetch("/app/data").then(() => document.body.append(document.cookie))</script>`)
	req := w.request("/")
	req.Cookies = []*http.Cookie{{Name: "theirs", Value: "1"}, {Name: "gone", Value: "1"}}
	res := show(t, pool(t), req)
	has(t, res, "theirs=changed")
	asked := w.asked[0].Header.Get("Cookie")
	if !strings.Contains(asked, "theirs=changed") || !strings.Contains(asked, "own=1") || strings.Contains(asked, "gone") {
		t.Errorf("the request has the cookies %q", asked)
	}
	left := make(map[string]string)
	for _, c := range res.Cookies {
		left[c.Name] = fmt.Sprint(c.Value, " ", c.Path, " ", c.Domain, " ", !c.Expires.IsZero())
	}
	want := map[string]string{"theirs": "changed / www.site.test false", "own": "1 /app www.site.test true"}
	if !maps.Equal(left, want) {
		t.Errorf("the page leaves the cookies %q, want %q", left, want)
	}
}

func TestPagesShareNothing(t *testing.T) {
	t.Parallel()
	w := one(`<!DOCTYPE html><body><script>
document.body.append("[" + document.cookie + "|" + (localStorage.getItem("k") ?? "") + "]");
document.cookie = "left=behind"; localStorage.setItem("k", "v");</script>`)
	req := w.request("/")
	req.Cookies = []*http.Cookie{{Name: "given", Value: "1"}}
	first := show(t, pool(t), req)
	has(t, first, "[given=1|]")
	names := map[string]string{}
	for _, c := range first.Cookies {
		names[c.Name] = c.Value
	}
	if diff := cmp.Diff(map[string]string{"given": "1", "left": "behind"}, names); diff != "" {
		t.Errorf("the cookies it left (-want +got):\n%s", diff)
	}
	has(t, show(t, pool(t), w.request("/")), "[|]")
}

func TestSubrequestsHaveWhatTheBrowserWouldSend(t *testing.T) {
	t.Parallel()
	w := one(`<!DOCTYPE html><script>document.cookie = "c=1";
fetch("/post#fragment", {method: "POST", headers: {"X-Own": "y"}, body: "said"})</script>`)
	req := w.request("/")
	req.UserAgent, req.AcceptLanguage = "Trawl/1", "de"
	show(t, pool(t), req)
	if len(w.asked) != 1 {
		t.Fatalf("the requests are %+v", w.asked)
	}
	s := w.asked[0]
	if s.URL != home+"/post" || s.Method != "POST" || string(s.Body) != "said" || s.Navigation {
		t.Errorf("the request is %+v", s)
	}
	for name, want := range map[string]string{
		"X-Own": "y", "User-Agent": "Trawl/1", "Cookie": "c=1", "Referer": home + "/",
	} {
		if got := s.Header.Get(name); got != want {
			t.Errorf("%s is %q, not %q", name, got, want)
		}
	}
}

// steps is a page that grows when it is scrolled and clicked.
const steps = `<!DOCTYPE html><style>p { height: 2000px }</style><div id=list><p>1</div><button>more</button><script>
let n = 1, clicks = 0;
addEventListener("scroll", () => { if (n < 4) fetch("/more").then(() => { list.insertAdjacentHTML("beforeend", "<p>scrolled " + ++n); }); });
document.querySelector("button").onclick = e => { document.body.append("click " + ++clicks); if (clicks === 3) e.target.remove(); };
setTimeout(() => { document.body.insertAdjacentHTML("beforeend", "<i id=late>late</i>"); }, 300);
</script>`

func TestStepsOfTheRequest(t *testing.T) {
	t.Parallel()
	w := one(steps)
	req := w.request("/")
	req.Wait = render.Wait{Until: render.UntilSelector, Selector: "#late", Max: patient}
	req.Script = []string{`document.body.append("by script"); return {n, where: location.pathname}`, `throw "it"`}
	req.Click = []render.Click{{Selector: "button", Max: 10}, {Selector: "#none"}}
	req.Scroll = 20
	res := show(t, pool(t), req)
	has(t, res, "late", "by script", "click 3", "scrolled 4")
	want := []json.RawMessage{json.RawMessage(`{"n":1,"where":"/"}`), json.RawMessage("null")}
	if diff := cmp.Diff(want, res.Values); diff != "" {
		t.Errorf("what the scripts returned (-want +got):\n%s", diff)
	}
}

func TestAPageIsNotWaitedForLongerThanAsked(t *testing.T) {
	t.Parallel()
	w := one(`<!DOCTYPE html><p>here`)
	req := w.request("/")
	req.Wait = render.Wait{Until: render.UntilSelector, Selector: "#never", Max: 3 * time.Second}
	res := show(t, pool(t), req)
	has(t, res, "here")
	if !slices.Equal(res.Hit, []string{"wait"}) {
		t.Errorf("it hit %v", res.Hit)
	}
}

func TestPictures(t *testing.T) {
	t.Parallel()
	w := one(`<!DOCTYPE html><body style="background: red; height: 3000px">red`)
	for format, magic := range map[string]string{"png": "\x89PNG", "webp": "RIFF"} {
		req := w.request("/")
		req.Screenshot, req.PDF = &render.Screenshot{Format: format, FullPage: format == "png"}, format == "png"
		res := show(t, pool(t), req)
		if !bytes.HasPrefix(res.Screenshot, []byte(magic)) {
			t.Errorf("the screenshot is no %s: %.20q", format, res.Screenshot)
		}
		if req.PDF != bytes.HasPrefix(res.PDF, []byte("%PDF-")) {
			t.Errorf("the PDF begins with %.20q", res.PDF)
		}
	}
}

func TestRequestsBeyondTheLimitAreRefused(t *testing.T) {
	t.Parallel()
	w := one(`<!DOCTYPE html><p>here<script>for (let i = 0; i < 20; i++) fetch("/" + i)</script>`)
	req := w.request("/")
	req.Limits.Requests = 5
	res := show(t, pool(t), req)
	has(t, res, "here")
	if len(w.urls()) != 5 || len(res.Blocked) < 15 || !slices.Contains(res.Hit, "requests") {
		t.Errorf("%d requests, %d blocked, hit %v", len(w.urls()), len(res.Blocked), res.Hit)
	}
}

func TestBytesBeyondTheLimitAreNotPassedOn(t *testing.T) {
	t.Parallel()
	w := one(`<!DOCTYPE html><body><script>fetch("/large.json").then(() => document.body.append("large"), () => document.body.append("failed"))</script>`)
	w.pages[home+"/large.json"] = strings.Repeat("x", 4000)
	req := w.request("/")
	req.Limits.Bytes = 3000
	res := show(t, pool(t), req)
	has(t, res, "failed")
	if !slices.Contains(res.Hit, "bytes") {
		t.Errorf("it hit %v", res.Hit)
	}
}

func TestRequestsThatCannotBeAreRefused(t *testing.T) {
	t.Parallel()
	for want, req := range map[string]render.Request{
		"neither http nor":    {URL: "file:///etc/passwd"},
		"has no Transport":    {URL: home},
		`format "bmp"`:        {URL: home, Transport: one("").transport, Screenshot: &render.Screenshot{Format: "bmp"}},
		`until "bored": want`: {URL: home, Transport: one("").transport, Wait: render.Wait{Until: "bored"}},
	} {
		if _, err := new(render.Pool).Render(t.Context(), req); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, without %q", err, want)
		}
	}
}
