package hostile

import (
	"fmt"
	"net/http"
	"strings"
)

var headers = []Misbehaviour{
	{
		Name: "endless-header", Does: "sends one header without end", Trawl: "takes it for no HTTP", Limit: limitHeader, Fate: failed(""),
		page: forever(ok+"A: ", "x"),
	}, {
		Name: "endless-headers", Does: "sends headers without end", Trawl: "the same", Limit: limitHeader, Fate: failed(""),
		page: forever(ok, "A: b\r\n"),
	}, {
		Name: "endless-fold", Does: "continues a header from line to line without end", Trawl: "the same", Limit: limitHeader, Fate: failed(""),
		page: forever(ok+"A: b\r\n", " b\r\n"),
	}, {
		Name: "many-headers", Does: "sends 600 headers", Trawl: "keeps none of them, and fails the page", Limit: limitHeaders, Fate: failed("at most 512"),
		page: says(okHTML + strings.Repeat("A: b\r\n", 600) + "\r\nhello"),
	}, {
		Name: "long-header", Does: "sends a header of 100 KiB", Trawl: "takes it for no HTTP", Limit: limitHeader, Fate: failed(""),
		page: says(okHTML + "A: " + strings.Repeat("x", 100<<10) + "\r\n\r\nhello"),
	}, {
		Name: "header-no-colon", Does: "sends a header without a colon", Trawl: "the same", Fate: failed("malformed"),
		page: says(okHTML + "what is this\r\n\r\nhello"),
	}, {
		Name: "header-nul", Does: "sends NUL in a header", Trawl: "the same", Fate: failed(""),
		page: says(okHTML + "A: a\x00b\r\n\r\nhello"),
	}, {
		Name: "header-space", Does: "sends a space before the colon of a header, as smugglers do", Trawl: "does not take it for a length; reads to the end of the connection, and uses that no more", Fate: read,
		page: says(okHTML + "Content-Length : 5\r\n\r\n" + hello("header-space")),
	}, {
		Name: "cookie-flood", Does: "sets 500 cookies", Trawl: "keeps the page, and no cookie unless the job asks for it", Limit: limitHeaders, Fate: read,
		page: func(w http.ResponseWriter, _ *http.Request) {
			for i := range 500 {
				w.Header().Add("Set-Cookie", fmt.Sprintf("c%d=%d; Path=/; Domain=.test", i, i))
			}
			markupOf(hello("cookie-flood"))(w, nil)
		},
	}, {
		Name: "link-flood", Does: "sends a Link header with 2,500 links", Trawl: "reads the first of them", Limit: limitLinkHeader, Fate: Fate{Outcome: "fetched", Read: true, Most: 1},
		page: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", strings.Repeat("<a/a/a/a/a>; rel=next, ", 2500))
			markupOf(hello("link-flood"))(w, nil)
		},
	}, {
		Name: "no-type", Does: "sends a Content-Type that is none", Trawl: "looks at the page itself", Fate: read,
		page: func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", ";;;=\"")
			_, _ = w.Write([]byte(hello("no-type")))
		},
	},
}
