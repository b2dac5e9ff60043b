package fetch

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/internal/fetched"
)

// recorded fetches a page and records the exchange.
func recorded(t testing.TB, f *Fetcher, url string) *fetched.Page {
	t.Helper()
	req := request(t, url)
	req.Record = true
	page := get(t, f, req)
	if page.Recording == nil {
		t.Fatalf("%s: no exchange; fault: %s", url, faultText(page))
	}
	return page
}

// octets returns the recorded head of a response, and the bytes after it.
func octets(t testing.TB, page *fetched.Page) (head, tail string) {
	t.Helper()
	x := page.Recording
	body := x.Tail
	if body == nil {
		body = page.Body
	}
	if body == nil {
		return string(x.Head), ""
	}
	b, err := io.ReadAll(body.Reader())
	if err != nil || int64(len(b)) != body.Size {
		t.Fatalf("read %d of %d octets: %v", len(b), body.Size, err)
	}
	return string(x.Head), string(b)
}

func TestAnExchangeIsRecordedAsSent(t *testing.T) {
	t.Parallel()
	zipped := string(encode(t, "gzip", prose(1000)))
	length := func(s string) string { return "Content-Length: " + strconv.Itoa(len(s)) + "\r\n" }
	chunked := "5;ext=\"1\"\r\nhello\r\n0006\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n"
	for _, c := range []struct {
		name       string
		head, tail string
		before     string // on the wire before the head
		after      string // on the wire after the tail
		same       bool   // the tail is the page's body
		chunked    bool
		cut        fetched.Cut
	}{
		{name: "a plain page", head: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", tail: "hello", same: true},
		{name: "header lines in their order and spelling",
			head: "HTTP/1.1 200 All is  well\r\nx-B:  2 \r\nX-a:1\r\nSET-Cookie: b=\xff\r\nset-cookie: a\r\ncontent-LENGTH: 2\r\n\r\n", tail: "ok", same: true},
		{name: "no reason", head: "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\n", tail: "ok", same: true},
		{name: "lines that end in LF alone", head: "HTTP/1.1 200 OK\nContent-Length: 2\n\n", tail: "ok", same: true},
		{name: "a folded line", head: "HTTP/1.1 200 OK\r\nX-A: 1\r\n  2\r\nContent-Length: 2\r\n\r\n", tail: "ok",
			same: true},
		{name: "until the connection closes", head: "HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n", tail: "hello",
			same: true},
		{name: "an empty body", head: "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", same: true},
		{name: "chunks", head: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n", tail: chunked,
			chunked: true},
		{name: "gzip", head: "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n" + length(zipped) + "\r\n", tail: zipped},
		{name: "gzip until the connection closes",
			head: "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nConnection: close\r\n\r\n", tail: zipped},
		{name: "gzip in chunks",
			head: "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n",
			tail: fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", len(zipped), zipped), chunked: true},
		{name: "gzip that is corrupt, but whole", head: "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n" +
			length(zipped) + "\r\n",
			tail: zipped[:len(zipped)-9] + "corrupted"},
		{name: "a body without gzip", head: "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\n\r\n",
			tail: "hello"},
		{name: "interim answers", before: "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n",
			head: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", tail: "hello", same: true},
		{name: "a redirect", head: "HTTP/1.1 302 Over there\r\nLocation: /b\r\nContent-Length: 5\r\n\r\n",
			tail: "there"},
		{name: "a redirect without a body", head: "HTTP/1.1 301 x\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n"},
		{name: "not modified", head: "HTTP/1.1 304 Not Modified\r\nETag: \"a\"\r\nContent-Length: 500\r\n\r\n"},
		{name: "no content", head: "HTTP/1.1 204 No Content\r\n\r\n", same: true},
		{name: "not found", head: "HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\n", tail: "hello", same: true},
		{name: "more than Content-Length", head: "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", tail: "hello",
			after: "HTTP/1.1 200 OK\r\n", same: true},
		{name: "more than Content-Length, gzip", head: "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n" +
			length(zipped) + "\r\n", tail: zipped, after: "more"},
		{name: "a connection that breaks", head: "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n", tail: "hello",
			same: true, cut: fetched.CutDisconnect},
		{name: "chunks that break off", head: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
			tail: "5\r\nhello\r\n6\r\n wo", chunked: true, cut: fetched.CutDisconnect},
		{name: "invalid chunks", head: "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
			tail: "5\r\nhello\r\nxyz\r\n", chunked: true, cut: fetched.CutUnspecified},
		{name: "gzip that breaks off", head: "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n" + length(zipped) + "\r\n",
			tail: zipped[:len(zipped)/2], cut: fetched.CutDisconnect},
		{name: "a redirect that breaks off", head: "HTTP/1.1 302 x\r\nLocation: /b\r\nContent-Length: 50\r\n\r\n",
			tail: "there", cut: fetched.CutDisconnect},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			origin := serveRaw(t, func(conn net.Conn, _ string) {
				io.WriteString(conn, c.before+c.head+c.tail+c.after)
			})
			page := recorded(t, newFetcher(t, Config{}), origin+"/a?b")
			head, tail := octets(t, page)
			if head != c.head || tail != c.tail {
				t.Errorf("got\n%q\n%q, want\n%q\n%q", head, tail, c.head, c.tail)
			}
			x := page.Recording
			if same := x.Tail == nil && page.Body != nil; same != c.same || x.Chunked != c.chunked || x.Cut != c.cut {
				t.Errorf("same %t, chunked %t, cut %q; want %t, %t, %q", same, x.Chunked, x.Cut, c.same, c.chunked,
					c.cut)
			}
			first, rest, _ := strings.Cut(string(x.Request), "\r\n")
			if first != "GET /a?b HTTP/1.1" || !strings.HasSuffix(rest, "\r\n\r\n") ||
				!strings.Contains(rest, "User-Agent: Trawl/test\r\n") ||
				!strings.Contains(rest, "Host: "+origin[len("http://"):]+"\r\n") {
				t.Errorf("the request was recorded as %q", x.Request)
			}
		})
	}
}

func TestExchangesOnOneConnectionAreRecordedSeparately(t *testing.T) {
	t.Parallel()
	const n = 60
	answer := func(i int) string {
		body := string(prose(1 + i*997))
		switch i % 4 {
		case 0:
			return fmt.Sprintf("HTTP/1.1 200 OK\r\nI: %d\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", i,
				len(body), body)
		case 1:
			body = string(encode(t, "gzip", prose(1+i*997)))
			return fmt.Sprintf("HTTP/1.1 200 OK\r\nI: %d\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", i,
				len(body), body)
		case 2:
			return fmt.Sprintf("HTTP/1.1 304 Not Modified\r\nI: %d\r\n\r\n", i)
		}
		return fmt.Sprintf("HTTP/1.1 200 OK\r\nI: %d\r\nContent-Length: %d\r\n\r\n%s", i, len(body), body)
	}
	var connections sync.Map
	origin := listen(t, func(conn net.Conn) {
		connections.Store(conn.RemoteAddr().String(), true)
		in := bufio.NewReader(conn)
		for {
			req, err := http.ReadRequest(in)
			if err != nil {
				return
			}
			i, _ := strconv.Atoi(req.URL.Path[1:])
			io.WriteString(conn, answer(i))
		}
	})
	f := newFetcher(t, Config{})
	for i := range n {
		page := recorded(t, f, fmt.Sprintf("%s/%d", origin, i))
		if head, tail := octets(t, page); head+tail != answer(i) {
			t.Errorf("%d: got %.200q, want %.200q", i, head+tail, answer(i))
		}
		if !strings.HasPrefix(string(page.Recording.Request), fmt.Sprintf("GET /%d HTTP/1.1\r\n", i)) {
			t.Errorf("%d: the request was %q", i, page.Recording.Request)
		}
	}
	used := 0
	connections.Range(func(any, any) bool { used++; return true })
	// On a busy machine, net/http does not use a connection again whose writer is slow to report.
	if used == n {
		t.Error("each request had a connection of its own")
	}
	f.Close() // closes the connection, so that the server ends
}

func TestARepeatedRequestIsRecordedOnce(t *testing.T) {
	t.Parallel()
	const once = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
	closed := make(chan struct{}, 2)
	origin := listen(t, func(conn net.Conn) { // closes after one response without announcing it
		if _, err := http.ReadRequest(bufio.NewReader(conn)); err == nil {
			io.WriteString(conn, once)
		}
		conn.Close()
		closed <- struct{}{}
	})
	f := newFetcher(t, Config{})
	for range 2 {
		page := recorded(t, f, origin)
		<-closed
		if head, tail := octets(t, page); head+tail != once ||
			bytes.Count(page.Recording.Request, []byte("GET ")) != 1 {
			t.Errorf("got %q, %q", page.Recording.Request, head+tail)
		}
	}
}

func TestARecordedRequestSpeaksHTTP1BehindTLS(t *testing.T) {
	t.Parallel()
	server, pool := serveTLS(t, func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Proto) })
	f := newFetcher(t, Config{rootCAs: pool})
	page := recorded(t, f, server.URL)
	head, tail := octets(t, page)
	if !strings.HasPrefix(head, "HTTP/1.1 200 OK\r\n") || tail != "HTTP/1.1" || page.Proto != "HTTP/1.1" {
		t.Errorf("got %q %q over %s", head, tail, page.Proto)
	}
	if page := get(t, f, request(t, server.URL)); page.Proto != "HTTP/2.0" || page.Recording != nil {
		t.Errorf("without a record: got %s, exchange %v, want HTTP/2.0", page.Proto, page.Recording)
	}
}

func TestARecordedExchangeTakesNoMemoryOfBodies(t *testing.T) {
	t.Parallel()
	const size = 5 << 20
	dir := t.TempDir()
	f := newFetcher(t, Config{TempDir: dir, Memory: 1 << 20})
	random := encode(t, "gzip", noise(size))
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Encoding", "gzip")
		w.Write(random) // in chunks
	})
	page := recorded(t, f, server.URL)
	if peak := f.memory.peak.Load(); peak > 1<<20 {
		t.Errorf("at most %d bytes were held", peak)
	}
	if _, tail := octets(t, page); !strings.Contains(tail, string(random[size/2:size/2+1000])) ||
		len(tail) < len(random) {
		t.Errorf("got %d octets, want more than %d", len(tail), len(random))
	}
	page.Release()
	if held := f.memory.held.Load(); held != 0 || page.Recording != nil {
		t.Errorf("still held: %d bytes, exchange %v", held, page.Recording)
	}
	if names, _ := os.ReadDir(dir); len(names) != 0 {
		t.Errorf("files left in the folder: %v", names)
	}
}

func TestARecordedResponseIsCutAtItsLimits(t *testing.T) {
	t.Parallel()
	endless := func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(prose(10_000)); err != nil {
				return
			}
		}
	}
	hang := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "100000")
		w.Write(prose(5000))
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
	for _, c := range []struct {
		name   string
		serve  http.HandlerFunc
		coding string
		most   int
		cut    fetched.Cut
	}{
		{"a page that is a byte too long", func(w http.ResponseWriter, _ *http.Request) { w.Write(prose(100_001)) }, "",
			100_000, fetched.CutLength},
		{"a page as long as the limit", func(w http.ResponseWriter, _ *http.Request) { w.Write(prose(100_000)) }, "",
			100_000, ""},
		{"chunks without an end", endless, "", 200_000, fetched.CutLength},
		{"a redirect without an end", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "/b")
			w.WriteHeader(http.StatusFound)
			endless(w, r)
		}, "", 200_000, fetched.CutLength},
		{"a page that stalls", hang, "", 5000, fetched.CutTime},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if !strings.Contains(c.name, "end") {
					w.Header().Set("Content-Length", strconv.Itoa(100_000+strings.Count(c.name, "too long")))
				}
				c.serve(w, r)
			})
			req := request(t, server.URL)
			req.Record, req.BodyLimit = true, 100_000
			if c.cut == fetched.CutTime {
				req.Timeout = 3 * time.Second
			}
			page := get(t, newFetcher(t, Config{}), req)
			if page.Recording == nil || page.Recording.Cut != c.cut {
				t.Fatalf("got %+v, want cut %q; fault %s", page.Recording, c.cut, faultText(page))
			}
			if _, tail := octets(t, page); len(tail) > c.most || len(tail) < min(c.most, 100_000) {
				t.Errorf("recorded %d octets, want at most %d", len(tail), c.most)
			}
		})
	}
}

func TestFailingToStoreAnExchangeIsAnError(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := newFetcher(t, Config{TempDir: dir})
	replaceByFile(t, dir)
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Write(prose(500_000)) })
	req := request(t, server.URL)
	req.Record = true
	if page, err := f.Fetch(t.Context(), req); page != nil || err == nil {
		t.Errorf("got %+v, %v, want an error", page, err)
	}
}

func TestNoExchangeIsRecordedWithoutAResponse(t *testing.T) {
	t.Parallel()
	for name, sent := range map[string]string{"silence": "", "not HTTP": "SSH-2.0-x\r\n",
		"half a head": "HTTP/1.1 200 OK\r\nA"} {
		origin := serveRaw(t, func(conn net.Conn, _ string) { io.WriteString(conn, sent) })
		req := request(t, origin)
		req.Record = true
		if page := get(t, newFetcher(t, Config{}), req); page.Recording != nil || page.Fault == nil {
			t.Errorf("%s: got exchange %v, fault %s", name, page.Recording, faultText(page))
		}
	}
}
