package hostile

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

var markup = []Misbehaviour{
	{
		Name: "deep-nesting", Does: "nests a million elements",
		Trawl: "finds links without a tree; builds none of such a page", Limit: limitTree, Fate: read,
		page: htmlPage(pageStart("deep-nesting") + strings.Repeat("<div>", 1_000_000)),
	}, {
		Name: "open-formatting", Does: "never closes formatting elements, which a tree then opens again and again",
		Trawl: "the same", Limit: limitTree, Fate: read,
		page: htmlPage(pageStart("open-formatting") + strings.Repeat("<p><b><i><a class=x>", 100_000)),
	}, {
		Name: "endless-tables", Does: "nests tables with misplaced content, which browsers move", Trawl: "the same",
		Limit: limitParse, Fate: read,
		page: htmlPage(pageStart("endless-tables") + strings.Repeat("<table><tr><b>", 200_000)),
	}, {
		Name:  "many-elements",
		Does:  "sends 700,000 elements of three bytes, each of which takes forty times that in a tree",
		Trawl: "estimates the size of the tree, and builds none that is too large", Limit: limitWeight, Fate: read,
		page: htmlPage(pageStart("many-elements") + strings.Repeat("<p>", 700_000)),
	}, {
		Name:  "many-attributes",
		Does:  "sends one tag with 400,000 attributes, each of which takes a hundred times its bytes in a tree",
		Trawl: "the same", Limit: limitWeight, Fate: read,
		page: htmlPage(pageStart("many-attributes") + "<a " + numbers(400_000) + ">"),
	}, {
		Name: "nested-lists", Does: "nests 50,000 lists",
		Trawl: "finds links without a tree; builds none of such a page", Limit: limitTree, Fate: read,
		page: htmlPage(pageStart("nested-lists") + strings.Repeat("<ul><li>x", 50_000)),
	}, {
		Name: "wide-table", Does: "sends a table of a million cells",
		Trawl: "estimates the size of the tree, and builds none that is too large", Limit: limitWeight, Fate: read,
		page: htmlPage(pageStart("wide-table") + "<table>" +
			strings.Repeat("<tr>"+strings.Repeat("<td>x", 1000), 1000)),
	}, {
		Name: "empty-marks",
		Does: "sends 150,000 elements of emphasis with nothing in them, whose marks Markdown checks " +
			"against each other",
		Trawl: "drops them as they are made, and stops looking for the main text when its time is over",
		Limit: limitText, Fate: read,
		page: htmlPage(pageStart("empty-marks") + "<main>" + strings.Repeat("<i></i><b> </b>", 75_000)),
	}, {
		Name: "spanning-cells",
		Does: "sends cells that span a thousand columns and all rows, so that a table of Markdown is far " +
			"larger than the page",
		Trawl: "keeps the beginning of the main text", Limit: limitMainText, Fate: read,
		page: htmlPage(pageStart("spanning-cells") + "<main><table>" +
			strings.Repeat("<tr>"+strings.Repeat("<td rowspan=65534 colspan=1000>x", 20), 500) + "</table>"),
	}, {
		Name:  "one-paragraph",
		Does:  "sends two megabytes of words, in several scripts and directions, as one paragraph",
		Trawl: "reads it like any other", Limit: limitText, Fate: read,
		page: htmlPage(pageStart("one-paragraph") + "<main dir=rtl><p>" +
			strings.Repeat("مكتب الميناء ledger 港 ", 50_000)),
	}, {
		Name: "endless-tag", Does: "sends one tag with endless attributes", Trawl: "parses what precedes it",
		Limit: limitBody, Fate: cut,
		page: endless(okHTML+"\r\n"+pageStart("endless-tag")+"<a ", "a b c d e f "),
	}, {
		Name: "endless-comment", Does: "sends an endless comment", Trawl: "the same", Limit: limitBody, Fate: cut,
		page: endless(okHTML+"\r\n"+pageStart("endless-comment")+"<!-- ", "x "),
	}, {
		Name: "endless-script", Does: "sends an endless script", Trawl: "the same", Limit: limitBody, Fate: cut,
		page: endless(okHTML+"\r\n"+pageStart("endless-script")+"<script>", "<!-- <script> x "),
	}, {
		Name: "endless-title", Does: "sends an endless title", Trawl: "keeps its beginning", Limit: limitTitle,
		Fate: Fate{Outcome: "fetched", Truncated: true},
		page: endless(okHTML+"\r\n<title>", "x &amp; "),
	}, {
		Name: "many-links", Does: "links to 300,000 URLs",
		Trawl: "accepts the first of them; does not follow paths with repeated segments", Limit: limitLinks, Fate: read,
		page: func(w http.ResponseWriter, r *http.Request) {
			htmlPage(pageStart("many-links"))(w, r)
			for i := range 300_000 {
				fmt.Fprintf(w, "<a href=/a/a/a/a/%d>x</a>", i)
			}
		},
	}, {
		Name: "many-entities", Does: "writes a page as character references", Trawl: "decodes each once",
		Limit: limitBody, Fate: read,
		page: htmlPage(pageStart("many-entities") + strings.Repeat("&#x3c;&NotEqualTilde;&amp;", 200_000)),
	}, {
		Name: "xml-bomb", Does: "sends XML whose entities expand to gigabytes",
		Trawl: "expands no entities that a page declares", Fate: fetched,
		page: text("application/xhtml+xml",
			entityBomb+`<html xmlns="http://www.w3.org/1999/xhtml"><head><title>x</title></head>`+
				`<body>&z;</body></html>`),
	}, {
		Name: "external-entity", Does: "sends XML with an entity that refers to a local file", Trawl: "the same",
		Fate: fetched,
		page: text("application/xml", `<!DOCTYPE x [<!ENTITY x SYSTEM "file:///etc/passwd">]><x>&x;</x>`),
	}, {
		Name: "no-charset", Does: "declares a charset that does not exist",
		Trawl: "reads it as UTF-8 or windows-1252, and notes it in the record", Fate: read,
		page: text("text/html; charset=evil", pageStart("no-charset")),
	}, {
		Name: "utf-7", Does: "declares UTF-7, which can hide markup", Trawl: "does not support it, like browsers",
		Fate: read,
		page: text("text/html; charset=utf-7", pageStart("utf-7")+"+ADw-script+AD4-alert(1)+ADw-/script+AD4-"),
	}, {
		Name: "lying-charset", Does: "declares UTF-16 and sends bytes that are not",
		Trawl: "replaces invalid characters", Fate: fetched,
		page: text("text/html; charset=utf-16le", string(randomBytes(10_001))),
	}, {
		Name: "nul", Does: "sends a NUL between all characters", Trawl: "parses it as the standard requires",
		Fate: fetched,
		page: htmlPage(strings.Join(strings.Split(pageStart("nul"), ""), "\x00")),
	}, {
		Name: "lying-type", Does: "declares HTML and sends an image", Trawl: "finds no links in it", Fate: fetched,
		page: text("text/html", "\x89PNG\r\n\x1a\n"+string(randomBytes(100_000))),
	}, {
		Name: "script-base", Does: "sets a javascript: URL as the base of its links",
		Trawl: "accepts only http and https as a base", Fate: read,
		page: htmlPage(`<base href="javascript:alert(1)//">` + pageStart("script-base")),
	}, {
		Name: "style-loop", Does: "imports endlessly new style sheets", Trawl: "follows five consecutive resources",
		Limit: limitEmbeds, Fate: read,
		page: htmlPage(pageStart("style-loop") + `<link rel=stylesheet href="/style/1">`),
		setup: func(h *Host) {
			h.pages["/style/"] = func(w http.ResponseWriter, r *http.Request) {
				text("text/css", fmt.Sprintf("@import url(%sx);", r.URL.Path))(w, r)
			}
			h.expect(h.current, h.URL("/style/"), Fate{MaxRequests: 5})
		},
	},
}

// numbers returns n different words, each followed by a space.
func numbers(n int) string {
	var b []byte
	for i := range n {
		b = append(strconv.AppendInt(b, int64(i), 36), ' ')
	}
	return string(b)
}

// entityBomb is a document type whose entity z expands to 10^9 copies of a word.
var entityBomb = func() string {
	b := new(strings.Builder)
	b.WriteString("<?xml version=\"1.0\"?>\n<!DOCTYPE x [\n<!ENTITY q \"ha\">\n")
	for c := 'r'; c <= 'z'; c++ {
		fmt.Fprintf(b, "<!ENTITY %c \"%s\">\n", c, strings.Repeat(fmt.Sprintf("&%c;", c-1), 10))
	}
	b.WriteString("]>\n")
	return b.String()
}()
