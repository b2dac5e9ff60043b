package testbrowser_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/internal/test/testbrowser"
)

func TestMisbehaviourOfAPageIsReported(t *testing.T) {
	t.Parallel()
	const page = `<!DOCTYPE html><h1>x</h1>
<table><tr><td>a<td>b</tr><tr><td>broken</tr></table>
<img src=x onerror=alert("dialog")>
<img src="http://127.0.0.2:1/elsewhere">
<script>nothing.there()</script>`
	b := testbrowser.New(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/":
			w.Header().Set("Content-Type", "text/html")
			_, _ = io.WriteString(w, page)
		case "/policy":
			w.Header().Set("Content-Type", "text/html")
			w.Header().Set("Content-Security-Policy", "script-src 'none'")
			_, _ = io.WriteString(w, "<h1>x</h1><script>alert(1)</script>")
		default:
			http.NotFound(w, r)
		}
	}))
	defer server.Close()
	b.Open(server.URL+"/", "h1")
	broken := strings.Join(b.Broken(), "\n")
	b.Open(server.URL+"/policy", "h1")
	alarms := strings.Join(b.Alarms(server.URL), "\n")
	for _, what := range []string{`broken at "broken"`, "onerror"} {
		if !strings.Contains(broken, what) {
			t.Errorf("%q is not reported, only\n%s", what, broken)
		}
	}
	for _, what := range []string{"a dialog opened: dialog", "a script failed: ReferenceError",
		"asked for http://127.0.0.2:1/elsewhere", "Content Security Policy"} {
		if !strings.Contains(alarms, what) {
			t.Errorf("%q is not reported, only\n%s", what, alarms)
		}
	}
}

func TestAGoodPageRaisesNoAlarm(t *testing.T) {
	t.Parallel()
	b := testbrowser.New(t)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = io.WriteString(w,
			`<!DOCTYPE html><link rel=icon href=data:,><table><tr><td colspan=2>a</tr><tr><td>b<td>c</tr></table><a href=/b>b</a><a href="/b">b</a>`)
	}))
	defer server.Close()
	b.Open(server.URL+"/", "table")
	b.Sound()
	b.Calm(server.URL)
	if links := b.Links(); len(links) != 1 || links[0] != server.URL+"/b" {
		t.Errorf("its links are %q", links)
	}
}
