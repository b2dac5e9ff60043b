package visit_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/rules"
)

const extraction = `
match: /product/
fields:
  title: h1
  image: img.main @src
  tags[]: .tag
  mail: a[href*="@"]
  price: {css: .price, type: number, regex: '([0-9.]+)', required: true}
  reviews: {css: .review, list: true, fields: {author: .name, id: {attr: data-id}}}
`

func TestAnExtractionHasTheSameFormInYAMLAndJSON(t *testing.T) {
	t.Parallel()
	want := crawler.Extraction{Match: "/product/", Fields: crawler.Fields{
		"title": {CSS: "h1"}, "image": {CSS: "img.main", Attr: "src"}, "tags[]": {CSS: ".tag"},
		"mail":  {CSS: `a[href*="@"]`},
		"price": {CSS: ".price", Type: crawler.TypeNumber, Regex: "([0-9.]+)", Required: true},
		"reviews": {
			CSS: ".review", List: true, Fields: crawler.Fields{"author": {CSS: ".name"}, "id": {Attr: "data-id"}},
		},
	}}
	var got crawler.Extraction
	check(t, yaml.UnmarshalWithOptions([]byte(extraction), &got, yaml.Strict()))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("YAML (-want +got):\n%s", diff)
	}
	text, err := yaml.YAMLToJSON([]byte(extraction))
	check(t, err)
	for range 2 { // the original form, and the form stored in Redis
		var got crawler.Extraction
		check(t, json.Unmarshal(text, &got))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("JSON %s (-want +got):\n%s", text, diff)
		}
		text, err = json.Marshal(got)
		check(t, err)
	}
}

func TestAnUnknownKeyOfAFieldIsRefusedInJSON(t *testing.T) {
	t.Parallel()
	var x crawler.Extraction
	err := json.Unmarshal([]byte(`{"fields":{"price":{"css":"p","typ":"number"}}}`), &x)
	if err == nil || !strings.Contains(err.Error(), `"typ"`) {
		t.Errorf("error %v, want one that names typ", err)
	}
}

func TestTheErrorOfAnInvalidExtractionNamesItsFieldAndReason(t *testing.T) {
	t.Parallel()
	nested := crawler.Field{CSS: "a", Fields: crawler.Fields{"x": {CSS: "b"}}}
	for range 8 {
		nested = crawler.Field{CSS: "a", Fields: crawler.Fields{"x": nested}}
	}
	for want, f := range map[string]crawler.Field{
		": it does not say where to look":                                       {},
		".attr: an attribute belongs to an element":                             {Attr: "href", Regex: "x"},
		": it uses both css and og":                                             {CSS: "h1", OG: "title"},
		`.attr: "a b" is not the name of an attribute`:                          {CSS: "h1", Attr: "a b"},
		".attr: only elements have attributes, and meta does not find elements": {Meta: "x", Attr: "content"},
		`.jsonld: "Product." is not a path`:                                     {JSONLD: "Product."},
		`.microdata: ".name" is not a path`:                                     {Microdata: ".name"},
		`.regex: "(" is not a regular expression`:                               {CSS: "h1", Regex: "("},
		`.type: "money" is not a type`:                                          {CSS: "h1", Type: "money"},
		`.decimal: ";" is not a decimal separator`: {
			CSS: "h1", Type: "number", Decimal: ";",
		},
		".decimal: only numbers have a decimal separator": {CSS: "h1", Decimal: ","},
		`.order: "ydm" is not an order`: {
			CSS: "h1", Type: "date", Order: "ydm",
		},
		".order: only dates have an order": {CSS: "h1", Order: "dmy"},
		".type: only elements have markup": {JSONLD: "A.b", Type: "html"},
		".fields: the list is empty":       {CSS: "h1", Fields: crawler.Fields{}},
		": a field with fields is an object": {
			CSS: "h1", Type: "text", Fields: crawler.Fields{"a": {CSS: "b"}},
		},
		".fields: og and meta are text": {
			OG: "x", Fields: crawler.Fields{"a": {CSS: "b"}},
		},
		".fields.a.jsonld: a field nested in one that uses css can only use css": {
			CSS: "h1", Fields: crawler.Fields{"a": {JSONLD: "A.b"}},
		},
		".fields.a: it does not say where to look: set jsonld": {
			JSONLD: "A", Fields: crawler.Fields{"a": {}},
		},
		".fields.'a b': \"a b\" is not a valid name": {
			CSS: "h1", Fields: crawler.Fields{"a b": {CSS: "b"}},
		},
		".fields.'a[]': there is already a field \"a\"": {
			CSS: "h1", Fields: crawler.Fields{"a": {CSS: "b"}, "a[]": {CSS: "b"}},
		},
		".fields.x.fields.x.fields.x.fields.x.fields.x.fields.x.fields.x.fields: fields are nested more than 8 deep": nested,
	} {
		job := crawler.DefaultJob()
		job.Name, job.Extract = "job", []crawler.Extraction{{Fields: crawler.Fields{"ok": {CSS: "p"}, "f": f}}}
		err := rules.Validate(job)
		var setting *crawler.SettingError
		if !errors.As(err, &setting) || !strings.HasPrefix(err.Error(), "extract[0].fields.f"+want) {
			t.Errorf("error %v, want extract[0].fields.f%s", err, want)
		}
	}
}

func TestAnExtractionWithoutFieldsOrWithTooManyIsRefused(t *testing.T) {
	t.Parallel()
	many := crawler.Fields{}
	for i := range 1001 {
		many["f"+strings.Repeat("x", i)] = crawler.Field{CSS: "p"}
	}
	for want, fields := range map[string]crawler.Fields{"extract[0]: it has no fields": nil,
		"extract[0].fields: there are more than 1000 fields": many} {
		job := crawler.DefaultJob()
		job.Name, job.Extract = "job", []crawler.Extraction{{Fields: fields}}
		if err := rules.Validate(job); err == nil || err.Error() != want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

func FuzzField(f *testing.F) {
	for _, seed := range []string{"h1", "a[href='@x']@href", `a\@b@c`, "@x", "x@y z", "''", "(@)@a"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, short string) {
		var field crawler.Field
		field.Set(short)
		if !strings.HasPrefix(short, field.CSS) && !strings.Contains(short, field.CSS) ||
			field.Attr != strings.ToLower(field.Attr) {
			t.Errorf("%q is parsed as %+v", short, field)
		}
	})
}
