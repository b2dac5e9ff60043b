package parse

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fields"
	"github.com/trawlcrawler/trawl/internal/test/race"
)

func linked(blocks ...string) string {
	var b strings.Builder
	b.WriteString("<!doctype html>")
	for _, block := range blocks {
		b.WriteString(`<script type="application/ld+json; charset=utf-8">` + block + "</script>")
	}
	return b.String()
}

func TestJSONLDIsReadAsPagesWriteIt(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		page, path string
		want       any
	}{
		"in several blocks": {
			linked(`{"@type":"A","x":1}`, `{"@type":"B","x":2}`), "B.x", json.Number("2"),
		},
		"in a list": {
			linked(`[{"@type":"A"},{"@type":"B","x":2}]`), "B.x", json.Number("2"),
		},
		"next to an invalid block": {linked(`{"@type":`, `{"@type":"A","x":true}`), "A.x", true},
		"in a comment": {
			linked("<!--\n" + `{"@type":"A","x":"y"}` + "\n//-->"), "A.x", "y",
		},
		"in CDATA": {
			linked("//<![CDATA[\n" + `{"@type":"A","x":"y"}` + "\n//]]>"), "A.x", "y",
		},
		"with a semicolon": {linked(`{"@type":"A","x":"y"};`), "A.x", "y"},
		"with line ends in text": {
			linked("{\"@type\":\"A\",\"x\":\"y\n\tz\\\"\"}"), "A.x", "y\n\tz\"",
		},
		"in CDATA, and its end as an entity": {
			linked("/* &lt;![cdata[ */" + `{"@type":"A","x":"y"}` + "/* ]]&gt; */"), "A.x", "y",
		},
		"in CDATA in one line":              {linked(`//<![CDATA[{"@type":"A","x":[["y"]]}// ]]>`), "A.x", "y"},
		"in CDATA that ends after brackets": {linked(`<![CDATA[[{"@type":"A","x":[["y"]]}]]]>`), "A.x", "y"},
		"next to comments": {
			linked("/* a, { */ {\"@type\": \"A\", // kind\r\n\"x\":/**/\"y\"} // end"), "A.x", "y",
		},
		"after an HTML comment": {linked(`<!-- made by "X" -->{"@type":"A","x":"y"}`), "A.x", "y"},
		"with comment markers in strings": {
			linked(`{"@type":"A","x":"//y /* <!-- ]]> ;, ]",}`), "A.x", "//y /* <!-- ]]> ;, ]",
		},
		"with superfluous commas": {
			linked(`[,{"@type":"A",,"y":[1,2,],"x":["y" , ],},],`), "A.x", "y",
		},
		"with an escaped quote and a trailing comma": {linked(`{"@type":"A","x":"a\",}",}`), "A.x", `a",}`},
		"as a comment": {linked("// nothing", "/* {}"), "A.x", nil},
		"by its IRI": {
			linked(`{"@type":"http://schema.org/A","schema:x":"y"}`), "A.x", "y",
		},
		"as a value": {
			linked(`{"@type":"A","x":{"@value":"y","@language":"en"}}`), "A.x", "y",
		},
		"as a list of JSON-LD": {linked(`{"@type":"A","x":{"@list":["y","z"]}}`), "A.x", "y"},
		"as null":              {linked(`{"@type":"A","x":null}`), "A.x", nil},
		"in a cycle": {
			linked(`{"@id":"a","@type":"A","x":{"@id":"a"}}`), "A.x.x.x.x.@id", "a",
		},
		"referring to itself":       {linked(`{"@type":"A","x":{"@id":"b"}}`), "A.x.y", nil},
		"as empty or scalar blocks": {linked("", "  ", "null", "1"), "A.x", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc := extractFrom(t, c.page, crawler.Fields{"x": {JSONLD: c.path}})
			if diff := cmp.Diff(c.want, doc.Fields["x"]); diff != "" {
				t.Errorf("the field differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestInvalidJSONLDIsTheReasonOfAMissingField(t *testing.T) {
	t.Parallel()
	doc := extractFrom(t, linked(`{"@type":"A",}}`), crawler.Fields{"x": {JSONLD: "A.x", Required: true}})
	if len(doc.Missing) != 1 || !strings.Contains(doc.Missing[0].Why, "can be read: invalid character '}'") {
		t.Errorf("missing %v, want the error of JSON", doc.Missing)
	}
}

func TestDeeplyNestedDataIsLeftOut(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"x":`, 500) + "1" + strings.Repeat("}", 500)
	doc := extractFrom(t, linked(`{"@type":"A","x":`+deep+`}`), crawler.Fields{"x": {JSONLD: "A", Required: true}})
	if doc.Fields["x"] != nil || len(doc.Missing) != 1 {
		t.Errorf("fields %v, missing %v, want nothing", doc.Fields, doc.Missing)
	}
}

func FuzzData(f *testing.F) {
	for _, seed := range []string{
		product, linked(`{"@graph":[{"@graph":[{"@id":"a","@type":["A",1]}]}]}`),
		linked(`{"@type":"A","x":{"@id":"a"},"@id":"a"}`),
		`<div itemscope itemtype=A itemref="i i j"><b id=i itemprop="x y">1</b></div><p id=j itemscope itemprop=z itemref=j>`,
		`<meta property=og:x content=1><meta name="OG:X " content>`,
	} {
		f.Add([]byte(seed), "A.x.y")
		f.Add([]byte(seed), "name")
	}
	f.Fuzz(func(t *testing.T, body []byte, path string) {
		spec := crawler.Fields{
			"l": {JSONLD: path}, "ls": {JSONLD: path, List: true}, "m": {Microdata: path},
			"ms":  {Microdata: path, Type: "url", List: true},
			"any": {JSONLD: "*", List: true, Fields: crawler.Fields{"x": {JSONLD: "@type"}}}, "og": {OG: "x"},
			"w": {Regex: "(?s).+"},
			"t": {CSS: "*", Type: "html", List: true}, "n": {CSS: "*", Type: "number"},
		}
		cfg := Config{Extract: []crawler.Extraction{{Fields: spec}}, FollowRules: []crawler.FollowRule{{Links: "b *"}}}
		if checkConfig(cfg) != nil {
			return
		}
		doc := parsePage(t, cfg, htmlPage("http://example.com/", string(body)))
		if doc == nil {
			return
		}
		text, err := json.Marshal(doc.Fields)
		if err != nil || len(text) > 8*fields.MaxBytes {
			t.Errorf("%d bytes of fields, %v", len(text), err)
		}
	})
}

func TestSelfReferencingDataTakesBoundedWork(t *testing.T) {
	t.Parallel()
	race.Skip(t)
	ref := strings.TrimSuffix(strings.Repeat(`{"@id":"a"},`, 300), ",")
	body := `<script type="application/ld+json">{"@id":"a","@type":"A","x":[` + ref + `]}</script>`
	doc := parsePage(t, Config{Extract: []crawler.Extraction{{Fields: crawler.Fields{"n": {JSONLD: "A.x.x.x.x.x.x.y"}}}}},
		htmlPage("http://example.com/", body))
	if !strings.Contains(doc.Trouble, "they take more work than a page may") {
		t.Errorf("trouble %q, want that it takes too much work", doc.Trouble)
	}
}
