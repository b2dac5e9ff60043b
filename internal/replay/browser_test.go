package replay

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/internal/test/testbrowser"
)

// trap starts a server of another host, and fails the test if it is asked for anything.
func trap(t *testing.T) (address string) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.2:0")
	if err != nil {
		t.Skipf("there is no second loopback address: %v", err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		t.Errorf("the browser made a request to another host: %s %s", r.Method, r.URL)
	}))
	server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	return listener.Addr().String()
}

// hostilePage tries to make requests to another host in every way that needs no click, and to
// run scripts.
const hostilePage = `<!DOCTYPE html><title>hostile</title>
<meta http-equiv="refresh" content="0;url=http://127.0.0.2:9/refresh">
<link rel=preload as=image href="//127.0.0.2:9/preload"><link rel=prefetch href="http://127.0.0.2:9/prefetch">
<link rel=dns-prefetch href="//evil.example"><link rel=preconnect href="http://127.0.0.2:9/">
<link rel=stylesheet href="http://127.0.0.2:9/s.css"><link rel=manifest href="http://127.0.0.2:9/m">
<style>@import url(http://127.0.0.2:9/i.css); body{background:url("\68ttp://127.0.0.2:9/escaped.png")}
@font-face{font-family:x;src:url(http://127.0.0.2:9/f.woff)} p{font-family:x}</style>
<body onload="alert(1)" background="http://127.0.0.2:9/b.png">
<img src="http://127.0.0.2:9/1.png" srcset="http://127.0.0.2:9/2.png 2x" onerror="alert(2)">
<iframe src="http://127.0.0.2:9/frame"></iframe><iframe srcdoc="<img src=http://127.0.0.2:9/srcdoc.png><script>alert(3)</script>"></iframe>
<object data="http://127.0.0.2:9/o"></object><embed src="http://127.0.0.2:9/e">
<video poster="http://127.0.0.2:9/p.png" src="http://127.0.0.2:9/v.mp4" autoplay></video><audio src="http://127.0.0.2:9/a.mp3" autoplay></audio>
<svg><image href="http://127.0.0.2:9/svg.png"/><use href="http://127.0.0.2:9/u.svg#x"/><script>alert(4)</script></svg>
<script src="http://127.0.0.2:9/s.js"></script><script>new Image().src = "http://127.0.0.2:9/script.png"; location = "http://127.0.0.2:9/away"</script>
<p id=end>the end</p>`

func TestAHostilePageMakesNoRequestToTheWeb(t *testing.T) {
	t.Parallel()
	hostile := strings.ReplaceAll(hostilePage, "127.0.0.2:9", trap(t))
	at := served(t, Config{}, page("http://x.example/", first, hostile), page("http://x.example/2", first, "<p id=two>"))
	browser := testbrowser.New(t)
	browser.Open(at+"/web/"+first+"/http://x.example/", "#end")
	browser.Open(at+"/web/"+first+"/http://x.example/2", "#two")
	for _, alarm := range browser.Alarms(at) {
		if strings.Contains(alarm, "dialog") || strings.Contains(alarm, "script failed") {
			t.Error(alarm)
		}
	}
	if len(browser.Asked()) < 5 {
		t.Errorf("the browser only asked for %q", browser.Asked())
	}
}

func TestScriptsThatAreAllowedStillCannotReachTheWeb(t *testing.T) {
	t.Parallel()
	at := served(t, Config{Scripts: true}, page("http://x.example/", first, strings.ReplaceAll(`<p id=end>the end<script>
		new Image().src = "http://ADDRESS/script.png"; navigator.sendBeacon("http://ADDRESS/beacon");
		fetch("http://ADDRESS/fetch").catch(() => { document.getElementById("end").className = "refused" })</script>`, "ADDRESS", trap(t))))
	browser := testbrowser.New(t)
	browser.Open(at+"/web/"+first+"/http://x.example/", "#end.refused")
}
