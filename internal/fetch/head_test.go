package fetch

import (
	"bufio"
	"io"
	"net"
	"net/http"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
)

// TestTheConnectionOfAHEADIsReused answers HEAD with headers that announce a body. A fetcher that
// waits for the body, or takes the next response for it, fails the test.
func TestTheConnectionOfAHEADIsReused(t *testing.T) {
	t.Parallel()
	answers := []string{
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nno colon\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 500\r\n\r\n",
		"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 9\r\n\r\n",
		"HTTP/1.1 301 Moved Permanently\r\nLocation: /new\r\nContent-Length: 9\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nno colon\r\n\r\n5\nhello\n0\n\n",
	}
	connections := 0
	origin := listen(t, func(conn net.Conn) {
		connections++
		in := bufio.NewReader(conn)
		for _, answer := range answers {
			if _, err := http.ReadRequest(in); err != nil {
				return
			}
			io.WriteString(conn, answer)
		}
	})
	f := newFetcher(t, Config{AllowPrivate: true})
	for i, want := range []int{200, 200, 405, 301, 200} {
		req := request(t, origin+"/")
		req.Head = i < len(answers)-1
		page := get(t, f, req)
		if wantNoFault(t, page); page.Status != want {
			t.Errorf("response %d has status %d, want %d", i+1, page.Status, want)
		}
		if req.Head && page.Body != nil {
			t.Errorf("response %d to a HEAD has a body", i+1)
		}
		if want == 301 && page.Location != parse(t, origin+"/new") {
			t.Errorf("the redirect leads to %q", page.Location)
		}
		if !req.Head && string(content(t, page)) != "hello" {
			t.Errorf("the body of the GET is %q, want hello", content(t, page))
		}
	}
	if connections != 1 {
		t.Errorf("%d connections were made, want 1", connections)
	}
}

func TestAHEADIsRecordedWithoutABody(t *testing.T) {
	t.Parallel()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Method) })
	req := request(t, server.URL+"/")
	req.Head, req.Record, req.TLS = true, true, crawler.TLSModern
	page := get(t, newFetcher(t, Config{AllowPrivate: true}), req)
	wantNoFault(t, page)
	if page.Status != 200 || page.Recording == nil || page.Recording.Tail != nil || page.Recording.Cut != "" {
		t.Errorf("the page has status %d and the recording %+v, want 200 and only a head", page.Status, page.Recording)
	}
}
