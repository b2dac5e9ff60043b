package hostile

import (
	"fmt"
	"net"
	"net/http"
	"strings"
)

var bodies = []Misbehaviour{
	{
		Name: "endless-body", Does: "sends HTML without end",
		Trawl: "keeps what fits, marks it as truncated, and reads it", Limit: limitBody, Fate: cut,
		page: forever(okHTML+"\r\n"+hello("endless-body"), "<p>and so on "),
	}, {
		Name: "endless-chunks", Does: "sends chunks of one byte without end",
		Trawl: "the same", Limit: limitBody, Fate: cut,
		page: forever(okHTML+"Transfer-Encoding: chunked\r\n\r\n"+chunk(hello("endless-chunks")), chunk("x")),
	}, {
		Name: "endless-large-chunks", Does: "sends chunks of a megabyte without end",
		Trawl: "the same", Limit: limitBody, Fate: cut,
		page: forever(okHTML+"Transfer-Encoding: chunked\r\n\r\n"+chunk(hello("endless-large-chunks")), chunk(strings.Repeat("<p>more ", 1<<17))),
	}, {
		Name: "endless-octets", Does: "sends zeros without end, of no type",
		Trawl: "keeps what fits; there is nothing to read in it", Limit: limitBody, Fate: Fate{Outcome: "fetched", Truncated: true},
		page: forever(ok+"Content-Type: application/octet-stream\r\n\r\n", strings.Repeat("\x00", 4096)),
	}, {
		Name: "huge-length", Does: "promises 8 EiB, and closes after a few bytes",
		Trawl: "reserves nothing for a promise; tries again, then keeps and reads what came", Limit: limitRetries, Fate: cut,
		page: says(okHTML + "Content-Length: 9223372036854775807\r\n\r\n" + hello("huge-length")),
	}, {
		Name: "length-too-long", Does: "promises a megabyte, and closes early",
		Trawl: "the same", Limit: limitRetries, Fate: cut,
		page: says(okHTML + "Content-Length: 1048576\r\n\r\n" + hello("length-too-long")),
	}, {
		Name: "length-too-short", Does: "sends more than the length that it says",
		Trawl: "reads up to the length, and uses the connection no more", Fate: read,
		page: says(okHTML + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(hello("length-too-short"))) + hello("length-too-short") + strings.Repeat("<p>more", 1000)),
	}, {
		Name: "two-lengths", Does: "says two lengths that differ",
		Trawl: "takes it for no HTTP", Fate: failed("Content-Length"),
		page: says(okHTML + "Content-Length: 5\r\nContent-Length: 7\r\n\r\nhello"),
	}, {
		Name: "negative-length", Does: "says a length of -1",
		Trawl: "takes it for no HTTP", Fate: failed("Content-Length"),
		page: says(okHTML + "Content-Length: -1\r\n\r\nhello"),
	}, {
		Name: "length-and-chunks", Does: "says both a length and chunks, as smugglers do",
		Trawl: "believes the chunks (RFC 9112, 6.3)", Fate: read,
		page: says(okHTML + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk(hello("length-and-chunks")) + "0\r\n\r\n"),
	}, {
		Name: "second-answer", Does: "sends a second answer behind the first, for a request that was not made",
		Trawl: "uses the connection no more, so that it is taken for no other page's", Fate: read,
		page: wire(func(conn net.Conn) {
			body := hello("second-answer")
			fmt.Fprintf(conn, "%sContent-Length: %d\r\n\r\n%s", okHTML, len(body), body)
			fmt.Fprintf(conn, "%sContent-Length: 21\r\n\r\n<title>Poison</title>", okHTML)
			silent(conn)
		}),
	}, {
		Name: "chunk-overflow", Does: "says a chunk of more bytes than there are numbers for",
		Trawl: "takes the body for broken", Fate: failed("chunk"),
		page: says(okHTML + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffffff\r\nhello"),
	}, {
		Name: "chunk-negative", Does: "says a chunk of a negative length",
		Trawl: "takes the body for broken", Fate: failed("chunk"),
		page: says(okHTML + "Transfer-Encoding: chunked\r\n\r\n-5\r\nhello\r\n0\r\n\r\n"),
	}, {
		Name: "chunk-cut", Does: "closes within a chunk",
		Trawl: "tries again, then keeps and reads what came", Limit: limitRetries, Fate: cut,
		page: says(okHTML + "Transfer-Encoding: chunked\r\n\r\n" + chunk(hello("chunk-cut")) + "ff\r\nx"),
	}, {
		Name: "no-last-chunk", Does: "closes before the last chunk",
		Trawl: "the same", Limit: limitRetries, Fate: cut,
		page: says(okHTML + "Transfer-Encoding: chunked\r\n\r\n" + chunk(hello("no-last-chunk"))),
	}, {
		Name: "chunk-extension", Does: "sends an extension of a chunk without end",
		Trawl: "takes the body for broken", Limit: Limit{"bytes of a chunk's line", "4KiB", ""}, Fate: failed(""),
		page: forever(okHTML+"Transfer-Encoding: chunked\r\n\r\n1;", "x"),
	}, {
		Name: "endless-trailer", Does: "sends headers without end behind the last chunk",
		Trawl: "takes the body for broken", Limit: limitHeader, Fate: failed(""),
		page: forever(okHTML+"Transfer-Encoding: chunked\r\n\r\n"+chunk("hello")+"0\r\n", "A: b\r\n"),
	}, {
		Name: "unknown-transfer-coding", Does: "sends a Transfer-Encoding that nobody knows",
		Trawl: "takes it for no HTTP", Fate: failed("transfer encoding"),
		page: says(okHTML + "Transfer-Encoding: evil\r\n\r\nhello"),
	}, {
		Name: "reset", Does: "resets the connection within the body",
		Trawl: "tries again, then keeps and reads what came", Limit: limitRetries, Fate: Fate{Outcome: "fetched or failed"}, // what came before a reset may be lost
		page: wire(func(conn net.Conn) {
			fmt.Fprintf(conn, "%sContent-Length: 1000000\r\n\r\n%s", okHTML, hello("reset"))
			_ = conn.(*net.TCPConn).SetLinger(0) // so that closing resets
		}),
	}, {
		Name: "no-content", Does: "sends a body with a status that has none",
		Trawl: "reads none, and uses the connection no more", Fate: fetched,
		page: says("HTTP/1.1 204 No Content\r\nContent-Type: text/html\r\n\r\n<title>Poison</title>"),
	}, {
		Name: "unasked-304", Does: "answers 304 to a request without a condition",
		Trawl: "records it as not modified", Fate: Fate{Outcome: "not_modified"},
		page: says("HTTP/1.1 304 Not Modified\r\n\r\n"),
	}, {
		Name: "unasked-range", Does: "answers 206 with a part that nobody asked for",
		Trawl: "takes what came for the page", Fate: read,
		page: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.Header().Set("Content-Range", "bytes 0-99/100000000000")
			w.WriteHeader(http.StatusPartialContent)
			fmt.Fprint(w, hello("unasked-range"))
		},
	},
}

// chunk is one chunk of a body.
func chunk(text string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(text), text) }
