package parse

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/fields"
	"github.com/trawlcrawler/trawl/internal/rules"
	"github.com/trawlcrawler/trawl/internal/test/race"
)

// product is a page of a shop, with the markup that shops commonly use.
const product = `<!doctype html><html lang=en><head><base href=/shop/>
<title>Green tea</title>
<meta property="og:title" content="Green tea, loose"><meta property="og:image" content="img/a.jpg"><meta property="og:image" content="img/b.jpg">
<meta name="Description" content="Tea  from Uji"><meta name="twitter:card" content="summary">
<script type="application/ld+json">{"@context": "https://schema.org", "@graph": [
  {"@type": "WebSite", "@id": "#site", "name": "The shop"},
  {"@type": ["Product", "Thing"], "name": "Green tea", "sku": 4711, "releaseDate": "2024-03-09T10:00:00+01:00",
   "isPartOf": {"@id": "#site"}, "image": {"@type": "ImageObject", "url": "img/ld.jpg"},
   "offers": [{"@type": "Offer", "price": "4.20", "priceCurrency": "EUR"}, {"@type": "Offer", "price": 8.00}],
   "review": [{"author": {"name": "Ann"}, "rating": 5}, {"author": {"name": "Bob"}}]}]}</script>
</head><body>
<h1>  Green
  <b>tea</b> </h1><p class=price data-cents=420>€ 1,234.50 a kilo</p><p class=old>sold out</p><p class=empty></p>
<p class=date>Published on <time datetime="2024-03-09">9 March 2024</time></p><p class=soon>soon</p>
<div class=review><span class=name>Ann</span><i class=stars data-value=5></i><ul><li>fresh<li>mild</ul></div>
<div class=review><span class=name>Bob</span><i class=stars></i></div>
<a class=more href="more?x=1#part">more</a><a class=mail href=mailto:tea@shop.example>write</a><a class=bad href="http://[">bad</a>
<script>var stock = 17, colour = "green";</script>
<div itemscope itemtype="https://schema.org/Book"><cite itemprop=name>The Book of Tea</cite><meta itemprop=isbn content=978>
<p itemprop=author itemscope itemtype="https://schema.org/Person"><a itemprop="url" href="/okakura"><span itemprop=name>Okakura</span></a></p>
<time itemprop=datePublished datetime=1906>last century</time></div>
</body></html>`

func extractFrom(t *testing.T, page string, fields crawler.Fields) *fetched.Document {
	t.Helper()
	cfg := Config{Extract: []crawler.Extraction{{Fields: fields}}}
	if err := checkConfig(cfg); err != nil {
		t.Fatal(err)
	}
	return parsePage(t, cfg, htmlPage("http://example.com/tea", page))
}

// checkConfig returns the error of a job with the configuration.
func checkConfig(cfg Config) error {
	job := crawler.DefaultJob()
	job.Name, job.Select, job.Extract, job.FollowRules = "test", cfg.Select, cfg.Extract, cfg.FollowRules
	if err := rules.Validate(job); err != nil {
		return err
	}
	return Check(job)
}

func TestAFieldIsReadFromItsSource(t *testing.T) {
	t.Parallel()
	type list = []any
	type object = map[string]any
	number := func(s string) any { return json.Number(s) }
	for name, c := range map[string]struct {
		field crawler.Field
		want  any
	}{
		"text": {crawler.Field{CSS: "h1"}, "Green tea"},
		"an attribute": {
			crawler.Field{CSS: ".price", Attr: "DATA-cents", Type: "number"}, number("420"),
		},
		"the first that has the attribute": {crawler.Field{CSS: ".stars, .price", Attr: "data-value"}, "5"},
		"markup":                           {crawler.Field{CSS: "h1", Type: "html"}, "Green\n  <b>tea</b>"},
		"a number":                         {crawler.Field{CSS: ".price", Type: "number"}, number("1234.50")},
		"the first that is a number":       {crawler.Field{CSS: "p", Type: "number"}, number("1234.50")},
		"a group of a regular expression":  {crawler.Field{CSS: ".price", Regex: `a (\w+)`}, "kilo"},
		"the whole match":                  {crawler.Field{CSS: ".price", Regex: `a \w+`}, "a kilo"},
		"a list of groups":                 {crawler.Field{CSS: "h1", Regex: `(\w)e`, List: true}, list{"r", "t"}},
		"the markup of the page":           {crawler.Field{Regex: `var stock = (\d+)`, Type: "number"}, number("17")},
		"a script":                         {crawler.Field{CSS: "script", Regex: `colour = "(.*?)"`}, "green"},
		"a date":                           {crawler.Field{CSS: "time", Type: "date"}, "2024-03-09"},
		"a date of an attribute":           {crawler.Field{CSS: "time", Attr: "datetime", Type: "date"}, "2024-03-09"},
		"a URL": {
			crawler.Field{CSS: ".more", Attr: "href", Type: "url"}, "http://example.com/shop/more?x=1",
		},
		"a URL that is not fetched": {
			crawler.Field{CSS: ".mail", Attr: "href", Type: "url"}, "mailto:tea@shop.example",
		},
		"an invalid URL": {crawler.Field{CSS: ".bad", Attr: "href", Type: "url"}, nil},
		"a list":         {crawler.Field{CSS: ".name", List: true}, list{"Ann", "Bob"}},
		"an empty list":  {crawler.Field{CSS: ".nobody", List: true}, list{}},
		"Open Graph":     {crawler.Field{OG: "title"}, "Green tea, loose"},
		"a list of Open Graph's": {
			crawler.Field{OG: "image", Type: "url", List: true},
			list{"http://example.com/shop/img/a.jpg", "http://example.com/shop/img/b.jpg"},
		},
		"a meta element in any case": {crawler.Field{Meta: "description", Type: "text"}, "Tea from Uji"},
		"another vocabulary of meta": {crawler.Field{Meta: "twitter:card"}, "summary"},
		"JSON-LD":                    {crawler.Field{JSONLD: "Product.name"}, "Green tea"},
		"a number unchanged":         {crawler.Field{JSONLD: "Product.sku"}, number("4711")},
		"a number of text": {
			crawler.Field{JSONLD: "Product.offers.price", Type: "number"}, number("4.20"),
		},
		"a list of nested lists": {
			crawler.Field{JSONLD: "Product.offers.price", List: true}, list{"4.20", number("8.00")},
		},
		"a date with its zone": {
			crawler.Field{JSONLD: "Product.releaseDate", Type: "date"}, "2024-03-09T10:00:00+01:00",
		},
		"by any of its types":        {crawler.Field{JSONLD: "Thing.name"}, "Green tea"},
		"a nested node":              {crawler.Field{JSONLD: "Offer.priceCurrency"}, "EUR"},
		"a node that is referred to": {crawler.Field{JSONLD: "Product.isPartOf.name"}, "The shop"},
		"a property at the top":      {crawler.Field{JSONLD: "name", List: true}, list{"The shop", "Green tea"}},
		"any type":                   {crawler.Field{JSONLD: "*.price"}, "4.20"},
		"the URL of an object": {
			crawler.Field{JSONLD: "Product.image", Type: "url"}, "http://example.com/shop/img/ld.jpg",
		},
		"an object unchanged": {
			crawler.Field{JSONLD: "Offer"}, object{"@type": "Offer", "price": "4.20", "priceCurrency": "EUR"},
		},
		"microdata":                   {crawler.Field{Microdata: "Book.name"}, "The Book of Tea"},
		"microdata of a content":      {crawler.Field{Microdata: "Book.isbn", Type: "number"}, number("978")},
		"microdata of an item within": {crawler.Field{Microdata: "Book.author.name"}, "Okakura"},
		"microdata of a link":         {crawler.Field{Microdata: "Person.url"}, "http://example.com/okakura"},
		"microdata of a time":         {crawler.Field{Microdata: "Book.datePublished"}, "1906"},
		"a list of objects": {crawler.Field{CSS: ".review", List: true, Fields: crawler.Fields{
			"author": {CSS: ".name"}, "stars": {CSS: ".stars", Attr: "data-value", Type: "number"},
			"tags[]": {CSS: "li"}, "class": {Attr: "class"}}},
			list{object{"author": "Ann", "stars": number("5"), "tags": list{"fresh", "mild"}, "class": "review"},
				object{"author": "Bob", "stars": nil, "tags": list{}, "class": "review"}}},
		"objects of JSON-LD": {crawler.Field{JSONLD: "Product.review", List: true, Fields: crawler.Fields{
			"author": {JSONLD: "author.name"}, "rating": {JSONLD: "rating"}}},
			list{object{"author": "Ann", "rating": number("5")}, object{"author": "Bob", "rating": nil}}},
		"an object without values": {
			crawler.Field{CSS: ".empty", Fields: crawler.Fields{"a": {CSS: "b"}}}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc := extractFrom(t, product, crawler.Fields{"x": c.field})
			if diff := cmp.Diff(c.want, doc.Fields["x"]); diff != "" {
				t.Errorf("the field differs (-want +got):\n%s", diff)
			}
			if doc.Trouble != "" || len(doc.Missing) > 0 {
				t.Errorf("trouble %q, missing %v, want none", doc.Trouble, doc.Missing)
			}
		})
	}
}

func TestAnEmptyFieldSaysWhy(t *testing.T) {
	t.Parallel()
	for want, f := range map[string]crawler.Field{
		"no element matches .nothing":                      {CSS: ".nothing"},
		"the attribute title is absent":                    {CSS: "h1", Attr: "title"},
		"it is empty":                                      {CSS: ".empty"},
		`the regular expression does not match "sold out"`: {CSS: ".old", Regex: "[0-9]"},
		`"soon" is not a number`:                           {CSS: ".soon", Type: "number"},
		`"soon" is not a date with day, month and year`:    {CSS: ".soon", Type: "date"},
		`"http://[" is not a URL`:                          {CSS: ".bad", Attr: "href", Type: "url"},
		"there is no <meta> og:video":                      {OG: "video"},
		"its JSON-LD has no Recipe, but WebSite, Product, Thing, ImageObject, Offer": {JSONLD: "Recipe.name"},
		"its JSON-LD has no Product.weight":                                          {JSONLD: "Product.weight"},
		"it is an object without name, @id": {
			JSONLD: "Product.offers", Type: "text",
		},
		"its microdata has no Product, but Book, Person": {Microdata: "Product.name"},
		"none of its fields has a value": {
			CSS: ".review", Fields: crawler.Fields{"x": {CSS: "table"}},
		},
		"its microdata has no Product.offers": {Microdata: "Product.offers"},
	} {
		if f.Microdata == "Product.offers" {
			continue // is reported as the missing type
		}
		t.Run(want, func(t *testing.T) {
			t.Parallel()
			f.Required = true
			doc := extractFrom(t, product, crawler.Fields{"x": f})
			if diff := cmp.Diff([]fetched.Missing{{Field: "x", Why: want}}, doc.Missing); diff != "" {
				t.Errorf("missing differs (-want +got):\n%s", diff)
			}
		})
	}
}

func TestEachKindOfPageHasItsFields(t *testing.T) {
	t.Parallel()
	cfg := Config{Select: []string{"title=title"}, Extract: []crawler.Extraction{
		{Match: "/tea$", Fields: crawler.Fields{"price": {CSS: ".nothing", Required: true},
			"stars": {CSS: ".stars", Attr: "data-value"}}},
		{Match: "/coffee", Fields: crawler.Fields{"roast": {CSS: ".roast"}}},
		{Fields: crawler.Fields{"price": {CSS: ".price", Attr: "data-cents"}, "stars": {CSS: "h1"}}},
	}}
	for url, want := range map[string]map[string]any{
		"http://example.com/tea":    {"title": "Green tea", "price": "420", "stars": "5"},
		"http://example.com/coffee": {"title": "Green tea", "price": "420", "stars": "Green tea", "roast": nil},
	} {
		doc := parsePage(t, cfg, htmlPage(url, product))
		if diff := cmp.Diff(want, doc.Fields); diff != "" || len(doc.Missing) > 0 {
			t.Errorf("%s: missing %v, fields differ (-want +got):\n%s", url, doc.Missing, diff)
		}
	}
}

func TestMissingRequiredFieldsOfAnItemAreListedByPath(t *testing.T) {
	t.Parallel()
	doc := extractFrom(t, product, crawler.Fields{"reviews": {CSS: ".review", List: true, Fields: crawler.Fields{
		"author": {CSS: ".name"}, "stars": {CSS: ".stars", Attr: "data-value", Required: true}}}})
	want := []fetched.Missing{{Field: "reviews.stars", Why: "the attribute data-value is absent"}}
	if diff := cmp.Diff(want, doc.Missing); diff != "" || len(doc.Fields["reviews"].([]any)) != 2 {
		t.Errorf("%v; missing differs (-want +got):\n%s", doc.Fields, diff)
	}
}

func TestRequiredFieldsOfAPageWithoutATreeAreMissing(t *testing.T) {
	t.Parallel()
	doc := extractFrom(t, strings.Repeat("<div>", 600)+"<h1>x", crawler.Fields{"x": {CSS: "h1", Required: true}})
	if len(doc.Missing) != 1 || !strings.Contains(doc.Missing[0].Why, "nested more than 512 deep") {
		t.Errorf("missing %v, want x, because of its depth", doc.Missing)
	}
}

func TestTheValuesOfAPageAreBounded(t *testing.T) {
	t.Parallel()
	page := "<!doctype html>" + strings.Repeat("<p><b>x</b>", fields.MaxValues)
	doc := extractFrom(t, page,
		crawler.Fields{"x": {CSS: "p", List: true, Fields: crawler.Fields{"y": {CSS: "b"}, "z": {CSS: "b"}}}})
	if n := len(doc.Fields["x"].([]any)); n == 0 || n > fields.MaxValues/2 ||
		!strings.Contains(doc.Trouble, "the others were left out") {
		t.Errorf("%d objects, and trouble %q, want fewer and a reason", n, doc.Trouble)
	}
}

func TestFindingsExplainTheValueOfAField(t *testing.T) {
	t.Parallel()
	p, err := New(Config{Extract: []crawler.Extraction{{Fields: crawler.Fields{
		"name": {CSS: ".name"},
		"reviews": {
			CSS: ".review", List: true,
			Fields: crawler.Fields{"stars": {CSS: ".stars", Attr: "data-value", Type: "number", Required: true}},
		},
	}}, {Fields: crawler.Fields{"name": {CSS: "h1"}}}}})
	if err != nil {
		t.Fatal(err)
	}
	doc, got, err := p.Explain(t.Context(), htmlPage("http://example.com/tea", product))
	if err != nil {
		t.Fatal(err)
	}
	want := []fields.Finding{
		{Field: "name", Place: "css .name", Tried: 1, Matches: 2, Text: "Ann", Value: "Ann"},
		{Field: "reviews", Place: "css .review", Tried: 1, Matches: 2, Value: doc.Fields["reviews"]},
		{Field: "reviews.stars", Place: "css .stars @data-value", Tried: 2, Matches: 2, Text: "5",
			Value: json.Number("5"), Empty: 1, Why: "the attribute data-value is absent", Required: true},
		{Field: "name", Place: "css h1", Why: "not looked for: an earlier rule has found it"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings differ (-want +got):\n%s", diff)
	}
}

func TestTheErrorForAnInvalidSelectorNamesItsField(t *testing.T) {
	t.Parallel()
	for want, cfg := range map[string]Config{
		`extract[1].fields.price.css: "h1[" is not a CSS selector`: {Extract: []crawler.Extraction{
			{Fields: crawler.Fields{"a": {CSS: "b"}}}, {Fields: crawler.Fields{"price": {CSS: "h1["}}}}},
		`extract[0].fields.'a.b'.fields.c.css: "::x" is not a CSS selector`: {Extract: []crawler.Extraction{
			{Fields: crawler.Fields{"a.b": {CSS: "b", Fields: crawler.Fields{"c": {CSS: "::x"}}}}}}},
		`follow_rules[0].links: "a >" is not a CSS selector`: {FollowRules: []crawler.FollowRule{{Links: "a >"}}},
		`extract[0].match: "(" is not a regular expression`: {
			Extract: []crawler.Extraction{{Match: "(", Fields: crawler.Fields{"a": {CSS: "b"}}}},
		},
		`extract[0].fields.a.regex: "(" is not a regular expr`: {
			Extract: []crawler.Extraction{{Fields: crawler.Fields{"a": {CSS: "b", Regex: "("}}}},
		},
		`select: "x[]=h1[": "h1[" is not a CSS selector`: {Select: []string{"a=b", "x[]=h1["}},
	} {
		if _, err := New(cfg); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

func TestRelativeDatesAreRelativeToTheFetch(t *testing.T) {
	t.Parallel()
	page := htmlPage("http://example.com/", "<p>2 days ago</p>")
	page.Started = time.Date(2024, 3, 11, 12, 0, 0, 0, time.UTC)
	doc := parsePage(t, Config{Extract: []crawler.Extraction{{Fields: crawler.Fields{"x": {CSS: "p", Type: "date"}}}}},
		page)
	if got := doc.Fields["x"]; got != "2024-03-09" {
		t.Errorf("date %v, want 2024-03-09", got)
	}
}

func TestSelectorsTakeBoundedWork(t *testing.T) {
	t.Parallel()
	race.Skip(t)
	nested := "<!DOCTYPE html>" + strings.Repeat("<div>", 400) + strings.Repeat("<i>x</i>", 2000)
	siblings := "<!DOCTYPE html>" + strings.Repeat("<i>x</i>", 60_000)
	for name, c := range map[string]struct {
		css, body string
		cut       bool
	}{
		"ancestors of ancestors":   {"b div div div div div div div i", nested, false},
		"siblings before siblings": {"b ~ i ~ i ~ i ~ i", siblings, false},
		"nested :has": {
			"div:has(i:has(b)), i:has(u)", nested + strings.Repeat("<i>x</i>", 200_000), true,
		},
		"ancestors in parentheses": {"i:not(b div div div div div i)", nested, true},
		"siblings of siblings":     {"i:nth-last-child(7n+2):nth-of-type(3)", siblings, true},
		"text in text": {
			"div:contains(y), div:matches(y+$)", nested + strings.Repeat("some text ", 100_000), false,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			doc := parsePage(t, Config{Select: []string{"x[]=" + c.css, "y[]=" + c.css}},
				htmlPage("http://example.com/", c.body))
			if cut := strings.Contains(doc.Trouble, "they take more work than a page may"); cut != c.cut {
				t.Errorf("the page is cut: %v (%q), want %v", cut, doc.Trouble, c.cut)
			}
		})
	}
}
