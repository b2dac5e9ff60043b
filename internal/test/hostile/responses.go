package hostile

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"
)

const (
	ok     = "HTTP/1.1 200 OK\r\n"
	okHTML = ok + "Content-Type: text/html; charset=utf-8\r\n"
)

// pageStart returns the beginning of a page, with a link to another page.
func pageStart(name string) string {
	return fmt.Sprintf("<!DOCTYPE html><title>%s</title><a href=\"/behind/%s\">behind</a>\n", name, name)
}

// rawConn takes over the connection of a request from net/http, so that do can write raw
// bytes to it.
func rawConn(do func(conn net.Conn)) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		do(conn)
	}
}

// rawResponse writes a text and closes the connection normally.
func rawResponse(text string) http.HandlerFunc {
	return rawConn(func(conn net.Conn) { _, _ = io.WriteString(conn, text) })
}

// endless writes a beginning, and then repeats a text endlessly.
func endless(begin, text string) http.HandlerFunc {
	return rawConn(func(conn net.Conn) {
		_, err := io.WriteString(conn, begin)
		for block := []byte(strings.Repeat(text, 1+(64<<10)/len(text))); err == nil; {
			_, err = conn.Write(block)
		}
	})
}

// hangAfter writes a beginning, and keeps the connection open until the other side closes it.
func hangAfter(begin string) http.HandlerFunc {
	return rawConn(func(conn net.Conn) {
		_, _ = io.WriteString(conn, begin)
		waitForClose(conn)
	})
}

// waitForClose waits until the other side closes the connection.
func waitForClose(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

// trickle writes a beginning, and then a number of bytes every tenth of a second.
func trickle(begin string, bytes int) http.HandlerFunc {
	return rawConn(func(conn net.Conn) { drip(conn, begin, bytes) })
}

func drip(conn net.Conn, begin string, bytes int) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	_, err := io.WriteString(conn, begin)
	for more := strings.Repeat("x", bytes); err == nil; _, err = io.WriteString(conn, more) {
		<-tick.C
	}
}

// htmlPage serves an HTML page with this body.
func htmlPage(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, body)
	}
}

// text serves a response with a media type.
func text(kind, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", kind)
		_, _ = io.WriteString(w, body)
	}
}

// redirectTo redirects to a URL with status 302.
func redirectTo(to string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Location"] = []string{to}
		w.WriteHeader(http.StatusFound)
	}
}
