package hostile

import (
	"fmt"
	"net"
	"net/http"
	"strings"
)

// Script is text that a browser must never run. It breaks out of markup, attributes, JSON and
// scripts, and opens a dialog.
const Script = `"'` + "`" +
	`></td></tr></table></script></title></textarea><script>alert("hostile")</script><img src=x onerror=alert("hostile")>`

// Escapes is text that a terminal must never receive: sequences that set its title, clear
// it, and make it respond, in C0 and in C1; a carriage return; marks that change the
// direction of text; a line that imitates a log line.
const Escapes = "\x1b]0;hostile\x07\x1b[2J\x1b[6n\u009b2J\u009d0;hostile\u009c\rtrawl: done\u202egnp.exe\u2066\nlevel=ERROR msg=hostile\x00\x08\x7f"

var words = []Misbehaviour{
	{
		Name: "script-title", Does: "has script in its title",
		Trawl: "keeps it as text, and escapes it wherever it is shown", Fate: fetched,
		page: htmlPage("<title>" + strings.NewReplacer("<", "&lt;").Replace(Script) + "</title>"),
	}, {
		Name: "escape-title", Does: "has terminal escape sequences in its title",
		Trawl: "writes none to a terminal or a log", Fate: fetched,
		page: htmlPage("<title>" + Escapes + "</title>"),
	}, {
		Name: "script-type", Does: "has script in its headers", Trawl: "keeps them as text", Fate: fetched,
		page: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html; charset="+Script)
			w.Header().Set("Server", Script)
			_, _ = w.Write([]byte("<title>script</title>"))
		},
	}, {
		Name: "escape-headers", Does: "has terminal escape sequences in its headers",
		Trawl: "writes none to a terminal, a log or a field of WARC", Fate: failed(""),
		page: rawConn(func(conn net.Conn) {
			fmt.Fprintf(conn, "HTTP/1.1 500 \x1b[2J%s\r\nContent-Type: text/html;\u202e\u009b2J\r\nContent-Length: 0\r\n\r\n", Script)
		}),
	}, {
		Name: "script-status", Does: "has script in an invalid status line", Trawl: "quotes it", Fate: failed(""),
		page: rawResponse("HTTP/1.1 " + Script + " \x1b[2J\r\n\r\n"),
	}, {
		Name: "script-location", Does: "redirects to a URL with script in it", Trawl: "quotes it",
		Fate: failed("no URL to crawl"),
		page: redirectTo("http://" + Script + "/"),
	}, {
		Name: "long-title", Does: "has a title of a megabyte", Trawl: "keeps its beginning", Limit: limitTitle,
		Fate: fetched,
		page: htmlPage("<title>" + strings.Repeat("long ", 200_000) + "</title>"),
	}, {
		Name: "script-path", Does: "links to URLs full of script, quotes and escape sequences",
		Trawl: "percent-encodes them (WHATWG URL)",
		setup: func(h *Host) {
			h.pages["/words/"] = htmlPage("<title>words</title>")
			h.expectLink("/words/"+Script,
				h.URL("/words/")+`%22'%60%3E%3C/td%3E%3C/tr%3E%3C/table%3E%3C/script%3E%3C/title%3E%3C/textarea%3E%3Cscript%3Ealert(%22hostile%22)%3C/script%3E%3Cimg%20src=x%20onerror=alert(%22hostile%22)%3E`, fetched)
			h.expectLink("/words/\x1b[2J\u202e", h.URL("/words/%1B[2J%E2%80%AE"), fetched)
			h.expectLink("/words/%0d%0aWARC-Type:%20evil", h.URL("/words/%0d%0aWARC-Type:%20evil"), fetched)
		},
	}, {
		Name: "paths", Does: "links to paths that lead out of a folder, or that file systems do not allow",
		Trawl: "turns them into safe file names",
		setup: func(h *Host) {
			h.pages["/files/"] = htmlPage("<title>files</title>")
			for _, path := range []string{
				"..%2f..%2f..%2fetc%2fpasswd", "..%5c..%5cboot.ini", "%00", "con", "aux.txt", "a%3a%3a$DATA", ".",
				"-rf", "~", "%2e%2e%2f",
				strings.Repeat("x", 1000), "%e2%80%aecod.exe", ".trawl", "a/b%2f../%2e%2e", "name%20.", "name.",
			} {
				h.addLink("/files/" + path)
			}
			h.expect(h.current, h.URL("/files/..%2f..%2f..%2fetc%2fpasswd"), fetched)
			h.expect(h.current, h.URL("/files/%00"), fetched)
			h.expect(h.current, h.URL("/files/con"), fetched)
		},
	}, {
		Name: "script-host", Does: "links to hosts whose names are script", Trawl: "rejects the URLs", Fate: fetched,
		setup: func(h *Host) {
			h.addLink("http://<script>alert(1)</script>/")
			h.addLink("http://a'b\"c.hostile.test/")
			h.addLink("http://xn--<img src=x onerror=alert(1)>/")
		},
	}, {
		Name: "other-schemes", Does: "links to file:, javascript:, data:, gopher: and ftp: URLs",
		Trawl: "accepts only http and https", Fate: fetched,
		setup: func(h *Host) {
			for _, href := range []string{"file:///etc/passwd", "javascript:alert(1)",
				"data:text/html,<script>alert(1)</script>", "gopher://127.0.0.1:6379/_FLUSHALL", "ftp://127.0.0.1/",
				"unix:/run/docker.sock"} {
				h.addLink(href)
			}
		},
	}, {
		Name: "script-robots", Does: "has script and escape sequences in its robots.txt", Trawl: "keeps it as text",
		setup: robotsSite(text("text/plain", "User-agent: *\nDisallow: /"+Script+"\nDisallow: /"+
			strings.ReplaceAll(Escapes, "\n", " ")+"\nContent-Signal: "+Script+"=yes\n"), fetched),
	},
}
