package hostile

import (
	"fmt"
	"net/http"
	"strings"
)

var headers = []Misbehaviour{
	{
		Name: "endless-header", Does: "sends an endless header", Trawl: "rejects the response as malformed",
		Limit: limitHeader, Fate: failed(""),
		page: endless(ok+"A: ", "x"),
	}, {
		Name: "endless-headers", Does: "sends endless headers", Trawl: "the same", Limit: limitHeader, Fate: failed(""),
		page: endless(ok, "A: b\r\n"),
	}, {
		Name: "endless-fold", Does: "continues a header over endless lines", Trawl: "the same", Limit: limitHeader,
		Fate: failed(""),
		page: endless(ok+"A: b\r\n", " b\r\n"),
	}, {
		Name: "many-headers", Does: "sends 600 headers", Trawl: "keeps none of them and fails the page",
		Limit: limitHeaders, Fate: failed("at most 512"),
		page: rawResponse(okHTML + strings.Repeat("A: b\r\n", 600) + "\r\nhello"),
	}, {
		Name: "long-header", Does: "sends a header of 100 KiB", Trawl: "rejects the response as malformed",
		Limit: limitHeader, Fate: failed(""),
		page: rawResponse(okHTML + "A: " + strings.Repeat("x", 100<<10) + "\r\n\r\nhello"),
	}, {
		Name: "header-no-colon", Does: "sends a header without a colon",
		Trawl: "skips that line, and notes it in the record (repaired)", Fate: read,
		page: rawResponse(okHTML + "what is this\r\n\r\n" + pageStart("header-no-colon")),
	}, {
		Name: "header-nul", Does: "sends a NUL in a header",
		Trawl: "replaces it by a space (RFC 9110, 5.5), and notes it in the record", Fate: read,
		page: rawResponse(okHTML + "A: a\x00b\r\n\r\n" + pageStart("header-nul")),
	}, {
		Name: "header-no-name", Does: "sends headers without a name or with an invalid name",
		Trawl: "skips those lines, and notes it in the record", Fate: read,
		page: rawResponse(okHTML + ": a\r\nX\u2011Frame: b\r\n(c): d\r\n\x01: e\r\n\r\n" + pageStart("header-no-name")),
	}, {
		Name: "header-flood", Does: "sends 400 lines that are not headers",
		Trawl: "skips them, and names the first of them in the record", Limit: limitHeader, Fate: read,
		page: rawResponse(okHTML + strings.Repeat("no header\r\n(x): \x00\r\n", 200) + "\r\n" +
			pageStart("header-flood")),
	}, {
		Name: "identity", Does: "sends Transfer-Encoding: identity, which RFC 9112 does not define",
		Trawl: "ignores it, and notes it in the record", Fate: read,
		page: rawResponse(okHTML + "Transfer-Encoding: identity\r\n\r\n" + pageStart("identity")),
	}, {
		Name:  "identity-and-chunks",
		Does:  "sends identity in one Transfer-Encoding and chunked in another, as in request smuggling",
		Trawl: "rejects the response as malformed", Fate: failed("transfer encoding"),
		page: rawResponse(okHTML + "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n" +
			"5\r\nhello\r\n0\r\n\r\n"),
	}, {
		Name: "folded-coding", Does: "sends chunked on a folded line of Transfer-Encoding, as in request smuggling",
		Trawl: "the same", Fate: failed("transfer encoding"),
		page: rawResponse(okHTML + "Transfer-Encoding: identity,\r\n chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
	}, {
		Name: "lengths-differ", Does: "sends two different lengths in one Content-Length", Trawl: "the same",
		Fate: failed("Content-Length"),
		page: rawResponse(okHTML + "Content-Length: 5, 6\r\n\r\nhello!"),
	}, {
		Name: "lengths-agree", Does: "sends its length three times in one Content-Length",
		Trawl: "treats it as one (RFC 9110, 8.6), and notes it in the record", Fate: read,
		page: rawResponse(okHTML + fmt.Sprintf("Content-Length: %[1]d, %[1]d,%[1]d\r\n\r\n",
			len(pageStart("lengths-agree"))) + pageStart("lengths-agree") +
			"HTTP/1.1 200 OK\r\n\r\n<title>Poison</title>"),
	}, {
		Name: "header-space", Does: "sends a space before the colon of a header, as in request smuggling",
		Trawl: "does not treat it as a length; reads to the end of the connection and does not reuse it", Fate: read,
		page: rawResponse(okHTML + "Content-Length : 5\r\n\r\n" + pageStart("header-space")),
	}, {
		Name: "cookie-flood", Does: "sets 500 cookies",
		Trawl: "keeps the page, and no cookies unless the job asks for them", Limit: limitHeaders, Fate: read,
		page: func(w http.ResponseWriter, _ *http.Request) {
			for i := range 500 {
				w.Header().Add("Set-Cookie", fmt.Sprintf("c%d=%d; Path=/; Domain=.test", i, i))
			}
			htmlPage(pageStart("cookie-flood"))(w, nil)
		},
	}, {
		Name: "link-flood", Does: "sends a Link header with 2,500 links", Trawl: "uses the first of them",
		Limit: limitLinkHeader, Fate: Fate{Outcome: "fetched", Read: true, MaxRequests: 1},
		page: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", strings.Repeat("<a/a/a/a/a>; rel=next, ", 2500))
			htmlPage(pageStart("link-flood"))(w, nil)
		},
	}, {
		Name: "no-type", Does: "sends an invalid Content-Type", Trawl: "determines the type from the page itself",
		Fate: read,
		page: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", ";;;=\"")
			_, _ = w.Write([]byte(pageStart("no-type")))
		},
	},
}
