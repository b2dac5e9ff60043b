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

// hello returns the beginning of a page that links to another page.
func hello(name string) string {
	return fmt.Sprintf("<!DOCTYPE html><title>%s</title><a href=\"/behind/%s\">behind</a>\n", name, name)
}

// wire takes over the connection of a request from net/http, so that do can write raw
// bytes to it.
func wire(do func(conn net.Conn)) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		do(conn)
	}
}

// says writes a text and closes the connection normally.
func says(text string) http.HandlerFunc {
	return wire(func(conn net.Conn) { _, _ = io.WriteString(conn, text) })
}

// forever writes a beginning, and then a text over and over again.
func forever(begin, text string) http.HandlerFunc {
	return wire(func(conn net.Conn) {
		_, err := io.WriteString(conn, begin)
		for block := []byte(strings.Repeat(text, 1+(64<<10)/len(text))); err == nil; {
			_, err = conn.Write(block)
		}
	})
}

// waits writes a beginning, and keeps the connection open until the other side closes it.
func waits(begin string) http.HandlerFunc {
	return wire(func(conn net.Conn) {
		_, _ = io.WriteString(conn, begin)
		silent(conn)
	})
}

// silent waits until the other side closes the connection.
func silent(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) }

// trickle writes a beginning, and then this many bytes every tenth of a second.
func trickle(begin string, bytes int) http.HandlerFunc {
	return wire(func(conn net.Conn) { drip(conn, begin, bytes) })
}

func drip(conn net.Conn, begin string, bytes int) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	_, err := io.WriteString(conn, begin)
	for more := strings.Repeat("x", bytes); err == nil; _, err = io.WriteString(conn, more) {
		<-tick.C
	}
}

// markupOf serves an HTML page with this body.
func markupOf(body string) http.HandlerFunc {
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

// moved redirects.
func moved(to string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Location"] = []string{to}
		w.WriteHeader(http.StatusFound)
	}
}
