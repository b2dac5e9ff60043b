package hostile

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

var markup = []Misbehaviour{
	{
		Name: "deep-nesting", Does: "opens a million elements in one another", Trawl: "reads links without a tree; makes none of such a page", Limit: limitTree, Fate: read,
		page: markupOf(hello("deep-nesting") + strings.Repeat("<div>", 1_000_000)),
	}, {
		Name: "open-formatting", Does: "opens formatting elements that are never closed, which a tree opens again and again", Trawl: "the same", Limit: limitTree, Fate: read,
		page: markupOf(hello("open-formatting") + strings.Repeat("<p><b><i><a class=x>", 100_000)),
	}, {
		Name: "endless-tables", Does: "puts tables in tables, whose contents browsers move", Trawl: "the same", Limit: limitParse, Fate: read,
		page: markupOf(hello("endless-tables") + strings.Repeat("<table><tr><b>", 200_000)),
	}, {
		Name: "many-elements", Does: "sends 700,000 elements of three bytes, each of which takes forty times that in a tree", Trawl: "estimates the tree, and makes none that is too heavy", Limit: limitWeight, Fate: read,
		page: markupOf(hello("many-elements") + strings.Repeat("<p>", 700_000)),
	}, {
		Name: "many-attributes", Does: "sends one tag with 400,000 attributes, each of which takes a hundred times its bytes", Trawl: "the same", Limit: limitWeight, Fate: read,
		page: markupOf(hello("many-attributes") + "<a " + numbers(400_000) + ">"),
	}, {
		Name: "endless-tag", Does: "sends one tag with attributes without end", Trawl: "reads what is before it", Limit: limitBody, Fate: cut,
		page: forever(okHTML+"\r\n"+hello("endless-tag")+"<a ", "a b c d e f "),
	}, {
		Name: "endless-comment", Does: "sends a comment without end", Trawl: "the same", Limit: limitBody, Fate: cut,
		page: forever(okHTML+"\r\n"+hello("endless-comment")+"<!-- ", "x "),
	}, {
		Name: "endless-script", Does: "sends a script without end", Trawl: "the same", Limit: limitBody, Fate: cut,
		page: forever(okHTML+"\r\n"+hello("endless-script")+"<script>", "<!-- <script> x "),
	}, {
		Name: "endless-title", Does: "sends a title without end", Trawl: "keeps its beginning", Limit: limitTitle, Fate: Fate{Outcome: "fetched", Truncated: true},
		page: forever(okHTML+"\r\n<title>", "x &amp; "),
	}, {
		Name: "many-links", Does: "links to 300,000 URLs", Trawl: "takes the first of them; those that repeat themselves are not followed", Limit: limitLinks, Fate: read,
		page: func(w http.ResponseWriter, r *http.Request) {
			markupOf(hello("many-links"))(w, r)
			for i := range 300_000 {
				fmt.Fprintf(w, "<a href=/a/a/a/a/%d>x</a>", i)
			}
		},
	}, {
		Name: "many-entities", Does: "writes a page in character references", Trawl: "decodes each once", Limit: limitBody, Fate: read,
		page: markupOf(hello("many-entities") + strings.Repeat("&#x3c;&NotEqualTilde;&amp;", 200_000)),
	}, {
		Name: "xml-bomb", Does: "sends XML whose entities unfold to gigabytes", Trawl: "knows no entities that a page declares", Fate: fetched,
		page: text("application/xhtml+xml", laughs+`<html xmlns="http://www.w3.org/1999/xhtml"><head><title>x</title></head><body>&z;</body></html>`),
	}, {
		Name: "external-entity", Does: "sends XML with an entity that is a file of the crawler", Trawl: "the same", Fate: fetched,
		page: text("application/xml", `<!DOCTYPE x [<!ENTITY x SYSTEM "file:///etc/passwd">]><x>&x;</x>`),
	}, {
		Name: "no-charset", Does: "names a charset that there is not", Trawl: "reads it as UTF-8 or windows-1252, and says so", Fate: read,
		page: text("text/html; charset=evil", hello("no-charset")),
	}, {
		Name: "utf-7", Does: "names UTF-7, in which markup hides", Trawl: "does not know it, as browsers do not", Fate: read,
		page: text("text/html; charset=utf-7", hello("utf-7")+"+ADw-script+AD4-alert(1)+ADw-/script+AD4-"),
	}, {
		Name: "lying-charset", Does: "says UTF-16, and sends bytes that are none", Trawl: "replaces what is no character", Fate: fetched,
		page: text("text/html; charset=utf-16le", string(noise(10_001))),
	}, {
		Name: "nul", Does: "sends NUL between all characters", Trawl: "reads it as the standard has it", Fate: fetched,
		page: markupOf(strings.Join(strings.Split(hello("nul"), ""), "\x00")),
	}, {
		Name: "lying-type", Does: "says HTML, and sends an image", Trawl: "finds no link in it", Fate: fetched,
		page: text("text/html", "\x89PNG\r\n\x1a\n"+string(noise(100_000))),
	}, {
		Name: "script-base", Does: "names javascript: as the base of its links", Trawl: "takes no base but http and https", Fate: read,
		page: markupOf(`<base href="javascript:alert(1)//">` + hello("script-base")),
	}, {
		Name: "style-loop", Does: "imports ever new style sheets", Trawl: "follows five resources in a row", Limit: limitEmbeds, Fate: read,
		page: markupOf(hello("style-loop") + `<link rel=stylesheet href="/style/1">`),
		rig: func(h *Host) {
			h.pages["/style/"] = func(w http.ResponseWriter, r *http.Request) {
				text("text/css", fmt.Sprintf("@import url(%sx);", r.URL.Path))(w, r)
			}
			h.expect(h.of, h.URL("/style/"), Fate{Most: 5})
		},
	},
}

// numbers are so many words that differ, each with a space behind it.
func numbers(n int) string {
	b := new(strings.Builder)
	for i := range n {
		b.WriteString(strconv.FormatInt(int64(i), 36) + " ")
	}
	return b.String()
}

// laughs is a document type whose entity z unfolds to ten to the tenth.
var laughs = func() string {
	b := new(strings.Builder)
	b.WriteString("<?xml version=\"1.0\"?>\n<!DOCTYPE x [\n<!ENTITY q \"ha\">\n")
	for c := 'r'; c <= 'z'; c++ {
		fmt.Fprintf(b, "<!ENTITY %c \"%s\">\n", c, strings.Repeat(fmt.Sprintf("&%c;", c-1), 10))
	}
	b.WriteString("]>\n")
	return b.String()
}()
