package hostile

import (
	"fmt"
	"net"
	"net/http"
	"strings"
)

var bodies = []Misbehaviour{
	{
		Name: "endless-body", Does: "sends endless HTML",
		Trawl: "keeps what fits, marks it as truncated, and parses it", Limit: limitBody, Fate: cut,
		page: endless(okHTML+"\r\n"+pageStart("endless-body"), "<p>and so on "),
	}, {
		Name: "endless-chunks", Does: "sends endless chunks of one byte",
		Trawl: "the same", Limit: limitBody, Fate: cut,
		page: endless(okHTML+"Transfer-Encoding: chunked\r\n\r\n"+chunk(pageStart("endless-chunks")), chunk("x")),
	}, {
		Name: "endless-large-chunks", Does: "sends endless chunks of a megabyte",
		Trawl: "the same", Limit: limitBody, Fate: cut,
		page: endless(okHTML+"Transfer-Encoding: chunked\r\n\r\n"+chunk(pageStart("endless-large-chunks")),
			chunk(strings.Repeat("<p>more ", 1<<17))),
	}, {
		Name: "endless-octets", Does: "sends endless zero bytes as application/octet-stream",
		Trawl: "keeps what fits; there is nothing to parse", Limit: limitBody,
		Fate: Fate{Outcome: "fetched", Truncated: true},
		page: endless(ok+"Content-Type: application/octet-stream\r\n\r\n", strings.Repeat("\x00", 4096)),
	}, {
		Name: "huge-length", Does: "announces 8 EiB and closes after a few bytes",
		Trawl: "allocates nothing in advance; retries, then keeps and parses what came", Limit: limitRetries, Fate: cut,
		page: rawResponse(okHTML + "Content-Length: 9223372036854775807\r\n\r\n" + pageStart("huge-length")),
	}, {
		Name: "length-too-long", Does: "announces a megabyte and closes early",
		Trawl: "the same", Limit: limitRetries, Fate: cut,
		page: rawResponse(okHTML + "Content-Length: 1048576\r\n\r\n" + pageStart("length-too-long")),
	}, {
		Name: "length-too-short", Does: "sends more than its Content-Length",
		Trawl: "reads up to that length and does not reuse the connection", Fate: read,
		page: rawResponse(okHTML + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(pageStart("length-too-short"))) +
			pageStart("length-too-short") + strings.Repeat("<p>more", 1000)),
	}, {
		Name: "two-lengths", Does: "sends two different Content-Length headers",
		Trawl: "rejects the response as malformed", Fate: failed("Content-Length"),
		page: rawResponse(okHTML + "Content-Length: 5\r\nContent-Length: 7\r\n\r\nhello"),
	}, {
		Name: "negative-length", Does: "sends a Content-Length of -1",
		Trawl: "rejects the response as malformed", Fate: failed("Content-Length"),
		page: rawResponse(okHTML + "Content-Length: -1\r\n\r\nhello"),
	}, {
		Name: "length-and-chunks", Does: "sends both a Content-Length and chunks, as in request smuggling",
		Trawl: "uses the chunks (RFC 9112, 6.3)", Fate: read,
		page: rawResponse(okHTML + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n" +
			chunk(pageStart("length-and-chunks")) + "0\r\n\r\n"),
	}, {
		Name: "second-answer", Does: "sends a second response after the first, without a request",
		Trawl: "does not reuse the connection, so that the second response is not taken for another page", Fate: read,
		page: rawConn(func(conn net.Conn) {
			body := pageStart("second-answer")
			fmt.Fprintf(conn, "%sContent-Length: %d\r\n\r\n%s", okHTML, len(body), body)
			fmt.Fprintf(conn, "%sContent-Length: 21\r\n\r\n<title>Poison</title>", okHTML)
			waitForClose(conn)
		}),
	}, {
		Name: "chunk-overflow", Does: "sends a chunk size that overflows",
		Trawl: "rejects the body as malformed", Fate: failed("chunk"),
		page: rawResponse(okHTML + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffffff\r\nhello"),
	}, {
		Name: "chunk-negative", Does: "sends a negative chunk size",
		Trawl: "rejects the body as malformed", Fate: failed("chunk"),
		page: rawResponse(okHTML + "Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n"),
	}, {
		Name: "chunk-newlines", Does: "ends the lines of its chunks with a bare LF",
		Trawl: "accepts them, and notes it in the record", Fate: read,
		page: rawResponse(okHTML + fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\n%s\n0\n\n",
			len(pageStart("chunk-newlines")), pageStart("chunk-newlines"))),
	}, {
		Name: "chunk-cut", Does: "closes in the middle of a chunk",
		Trawl: "retries, then keeps and parses what came", Limit: limitRetries, Fate: cut,
		page: rawResponse(okHTML + "Transfer-Encoding: chunked\r\n\r\n" + chunk(pageStart("chunk-cut")) + "ff\r\nx"),
	}, {
		Name: "no-last-chunk", Does: "closes before the last chunk",
		Trawl: "the same", Limit: limitRetries, Fate: cut,
		page: rawResponse(okHTML + "Transfer-Encoding: chunked\r\n\r\n" + chunk(pageStart("no-last-chunk"))),
	}, {
		Name: "chunk-extension", Does: "sends an endless chunk extension",
		Trawl: "rejects the body as malformed", Limit: Limit{"bytes of a chunk size line", "4KiB", ""},
		Fate: failed(""),
		page: endless(okHTML+"Transfer-Encoding: chunked\r\n\r\n1;", "x"),
	}, {
		Name: "endless-trailer", Does: "sends endless headers after the last chunk",
		Trawl: "rejects the body as malformed", Limit: limitHeader, Fate: failed(""),
		page: endless(okHTML+"Transfer-Encoding: chunked\r\n\r\n"+chunk("hello")+"0\r\n", "A: b\r\n"),
	}, {
		Name: "unknown-transfer-coding", Does: "sends an unknown Transfer-Encoding",
		Trawl: "rejects the response as malformed", Fate: failed("transfer encoding"),
		page: rawResponse(okHTML + "Transfer-Encoding: evil\r\n\r\nhello"),
	}, {
		Name: "reset", Does: "resets the connection in the middle of the body",
		// Data before a reset may be lost.
		Trawl: "retries, then keeps and parses what came", Limit: limitRetries,
		Fate: Fate{Outcome: "fetched or failed"},
		page: rawConn(func(conn net.Conn) {
			fmt.Fprintf(conn, "%sContent-Length: 1000000\r\n\r\n%s", okHTML, pageStart("reset"))
			_ = conn.(*net.TCPConn).SetLinger(0) // so that closing sends a reset
		}),
	}, {
		Name: "no-content", Does: "sends a body with a status that does not allow one",
		Trawl: "reads no body and does not reuse the connection", Fate: fetched,
		page: rawResponse("HTTP/1.1 204 No Content\r\nContent-Type: text/html\r\n\r\n<title>Poison</title>"),
	}, {
		Name: "unasked-304", Does: "responds with 304 to an unconditional request",
		Trawl: "asks again past caches, and gives the page up as failed",
		Fate:  Fate{Outcome: "failed", Error: "not conditional"},
		page:  rawResponse("HTTP/1.1 304 Not Modified\r\n\r\n"),
	}, {
		Name: "unasked-range", Does: "responds with 206 to a request without a range",
		Trawl: "treats the part as the page", Fate: read,
		page: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.Header().Set("Content-Range", "bytes 0-99/100000000000")
			w.WriteHeader(http.StatusPartialContent)
			fmt.Fprint(w, pageStart("unasked-range"))
		},
	},
}

// chunk returns one chunk of a body.
func chunk(text string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(text), text) }
