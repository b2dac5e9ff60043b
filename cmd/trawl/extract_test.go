package main_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/minhash"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// shop is a site with category and product pages.
func shop() fileServer {
	product := func(name, price string) string {
		return `<!doctype html><title>` + name + `</title><meta property="og:image" content="/img/` + name + `.jpg">
<script type="application/ld+json">{"@context":"https://schema.org","@type":"Product","name":"` + name + `","releaseDate":"2024-03-09"}</script>
<h1>` + name + `</h1><p class=price>` + price + `</p>
<div class=review><b class=name>Ann</b><i data-stars=5></i></div><div class=review><b class=name>Bob</b><i></i></div>
<a href="/basket/">basket</a> <a href="/product/ghost/">see also</a>`
	}
	category := func(products, next string) string {
		return `<!doctype html><nav><a href="/about/">about</a></nav><div class=list>` + products + `</div>` + next
	}
	return fileServer{
		"/": category(`<a href="/category/1/">all</a>`, ""),
		"/category/1/": category(`<a href="/product/tea/">tea</a> <a href="/product/cocoa/">cocoa</a>`,
			`<a class=next href="/category/2/">next</a>`),
		"/category/2/":  category(`<a href="/product/coffee/">coffee</a>`, ""),
		"/product/tea/": product("tea", "€ 1.234,50"), "/product/coffee/": product("coffee", "8.00"),
		"/product/cocoa/": product("cocoa", "soon"),
		"/product/ghost/": product("ghost", "1"), "/about/": "about", "/basket/": "basket",
	}
}

const shopJob = `extract:
  - match: /product/
    fields:
      title: h1
      price: {css: .price, type: number, required: true}
      released: {jsonld: Product.releaseDate, type: date}
      image: {og: image, type: url}
      reviews: {css: .review, list: true, fields: {author: .name, stars: {css: i, attr: data-stars, type: number}}}
follow_rules:
  - {match: /$, links: .list, to: /category/}
  - {match: /category/, links: "a.next, .list a"}
`

// extractOutput is the output of trawl extract.
type extractOutput struct {
	URL     string
	Title   string
	Fields  map[string]any
	Missing []string
	Follow  []string
}

func readExtractOutput(t testing.TB, text string) (got extractOutput) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	return got
}

func teaFields(site *testsite.Site) map[string]any {
	return map[string]any{
		"title": "tea", "price": 1234.5, "released": "2024-03-09", "image": site.URL(0, "/img/tea.jpg"),
		"reviews": []any{map[string]any{"author": "Ann", "stars": 5.}, map[string]any{"author": "Bob", "stars": nil}},
	}
}

func TestExtractTriesAJobFileOnAPage(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, shop())
	s := newShell(t)
	s.write("shop.yaml", shopJob)
	end := s.run("extract", "-f", "shop.yaml", site.URL(0, "/product/tea/")).exits(done,
		"extract[0], for pages that match /product/: applies", "css i @data-stars",
		"empty in 1 of 2 cases: the attribute data-stars is absent",
		"follow_rules[1], links in a.next, .list a of pages that match /category/: does not apply")
	want := extractOutput{URL: site.URL(0, "/product/tea/"), Title: "tea", Fields: teaFields(site), Missing: []string{},
		Follow: []string{}}
	if diff := cmp.Diff(want, readExtractOutput(t, end.stdout)); diff != "" {
		t.Errorf("the output differs (-want +got):\n%s", diff)
	}
	if n := site.Count("/robots.txt"); n != 1 || site.Len() != 2 {
		t.Errorf("%d requests, %d for robots.txt, want that and the page", site.Len(), n)
	}
	if left, _ := os.ReadDir(s.dir); len(left) > 1 {
		t.Errorf("trawl leaves %v in the working folder", left)
	}
}

func TestExtractSaysWhichLinksAreFollowed(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, shop())
	s := newShell(t)
	s.write("shop.yaml", shopJob+"exclude: [cocoa]\n")
	end := s.run("extract", "-f", "shop.yaml", site.URL(0, "/category/1/")).exits(done,
		"the job extracts nothing from this page", "applies, and selects 3 of 4 links", "left out", "/product/cocoa/",
		"excluded")
	want := []string{site.URL(0, "/product/tea/"), site.URL(0, "/category/2/")}
	if diff := cmp.Diff(want, readExtractOutput(t, end.stdout).Follow); diff != "" {
		t.Errorf("the links differ (-want +got):\n%s", diff)
	}
}

func TestExtractSaysWhyARequiredFieldIsEmpty(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.write("shop.yaml", shopJob)
	s.write("cocoa.html", shop()["/product/cocoa/"])
	end := s.run("extract", "-f", "shop.yaml", "cocoa.html", "--url",
		"https://shop.example/product/cocoa/").exits(nothing,
		"price (required)", `"soon" is not a number`, "required fields are missing: price")
	got := readExtractOutput(t, end.stdout)
	if !slices.Equal(got.Missing, []string{"price"}) || got.Fields["price"] != nil ||
		got.Fields["image"] != "https://shop.example/img/cocoa.jpg" {
		t.Errorf("trawl prints %+v", got)
	}
}

func TestExtractSaysHowTheMainTextWasFound(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	text := strings.Repeat("Der Hund und die Katze sind nicht in dem Haus, aber sie haben mit den Kindern gespielt. ",
		4)
	s.write("page.html", "<html lang=de-AT><title>Haus</title><nav><a href=/x>menu</a></nav><main><p>"+text+"</main>")
	s.write("job.yaml", "text: true\nminhash: true\nfollow_rules:\n  - {where: language = deu and quality.words > 20}\n  - {where: language = eng}\n")
	end := s.run("extract", "-f", "job.yaml", "page.html").exits(done,
		"main text: found by auto/main, 68 words, 99 % of those that the page shows",
		"language: deu by its words, de-AT by the page",
		"follow_rules[0], links where language = deu and quality.words > 20: applies, and selects 1 of 1 link",
		"follow_rules[1], links where language = eng: does not apply")
	var got crawler.Record
	if err := json.Unmarshal([]byte(end.stdout), &got); err != nil {
		t.Fatal(err)
	}
	if got.Extractor != "auto/main" || got.Language != "deu" || got.DeclaredLanguage != "de-AT" || got.Quality == nil ||
		got.Quality.Words != 68 ||
		got.TextShare == nil || len(got.MinHash) != minhash.Bands || !got.CharsetGuessed ||
		!strings.HasPrefix(got.Text, "Der Hund") {
		t.Errorf("trawl prints %s", end.stdout)
	}
	s.write("job.yaml", "follow_rules:\n  - {where: language = deu}\n")
	s.run("extract", "-f", "job.yaml", "page.html").exits(usage,
		"follow_rules[0].where: the pages of this job have no language: set text: true")
}

func TestExtractReadsStandardInputAndSelectors(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.write("page", "<p>a<p>b")
	s.stdin, _ = os.Open(s.path("page"))
	defer s.stdin.Close()
	end := s.run("extract", "-", "--select", "all[]=p", "--explain=false").exits(done,
		"reading the page as http://localhost/ (choose another URL with --url)")
	if got := readExtractOutput(t, end.stdout).Fields["all"]; !cmp.Equal(got, []any{"a", "b"}) {
		t.Errorf("the field is %v", got)
	}
	if strings.Contains(end.stderr, "MATCHES") {
		t.Errorf("trawl explains despite --explain=false:\n%s", end.stderr)
	}
}

func TestExtractObeysRobotsAndAddressRules(t *testing.T) {
	t.Parallel()
	elsewhere := testsite.Serve(t, fileServer{"/": "<p>private"})
	site := testsite.Serve(t, fileServer{"/closed/": "<p>closed", "/": "<p>open", "/new": "moved", "/data": "\x00\x01"})
	site.Robots("User-agent: *\nDisallow: /closed\n")
	site.Handle("/away", http.RedirectHandler(strings.Replace(elsewhere.URL(0, "/"), "127.0.0.1", "127.0.0.77", 1),
		http.StatusFound))
	s := newShell(t)
	for _, c := range []struct {
		arg  string
		code int
		says []string
	}{
		{site.URL(0, "/closed/"), nothing, []string{"disallowed", "robots.txt forbids it"}},
		{site.URL(0, "/missing/"), nothing, []string{"gone", "404"}},
		{site.URL(0, "/away"), nothing, []string{"127.0.0.77"}},
		{site.URL(0, "/data"), nothing, []string{"is not HTML"}},
		{"nothing.html", usage, []string{`"nothing.html" is neither a URL`}},
		{"http://[/", usage, []string{"http://["}},
	} {
		s.run("extract", c.arg, "--select", "x=p").exits(c.code, c.says...)
	}
	if n := site.Count("/closed/"); n > 0 {
		t.Errorf("a disallowed page was requested %d times", n)
	}
	s.run("extract", site.URL(0, "/"), "--url", "http://example.com/").exits(usage, "url")
	s.run("extract").exits(usage)
}

func TestAnInvalidJobFileIsRefusedWithTheLine(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	for text, says := range map[string][]string{
		"extract:\n  - fields:\n      title: h1\n      price: {css: \"p[\"}\n": {
			"[4:20]", "price", `"p["`, "not a CSS selector",
		},
		"extract:\n  - fields:\n      title: 'h1['\n": {"[3:14]", "title", `"h1["`},
		"extract:\n  - fields:\n      price:\n        css: p\n        regex: '('\n": {
			"[5:16]", "price", `"("`, "not a regular expression",
		},
		"extract:\n  - fields:\n      price:\n        css: p\n        type: money\n": {
			"[5:15]", "price", `"money"`, "text html number date url",
		},
		"extract:\n  - fields:\n      price: {css: p, typ: number}\n": {"[3:23]", "typ"},
		"extract:\n  - fields:\n      price: [p]\n":                   {"[3:14]"},
		"extract:\n  - match: /x\n":                                   {"[2:", "it has no fields"},
		"follow_rules:\n  - links: a\n  - {links: 'a >'}\n": {
			"[3:13]", "follow_rules[1].links", `"a >"`,
		},
		"follow_rules:\n  - {match: '['}\n": {
			"[2:13]", "follow_rules[0].match",
		},
		"follow_rules:\n  - {depth: -1}\n": {"[2:", "-1 is out of range"},
	} {
		s.write("job.yaml", "name: job\nseeds: [http://127.0.0.1:1/]\n"+text)
		shifted := slices.Clone(says)
		if rest, ok := strings.CutPrefix(says[0], "["); ok { // the file has two more lines before the text
			line, rest, _ := strings.Cut(rest, ":")
			shifted[0] = "[" + string(line[0]+2) + ":" + rest
		}
		for _, command := range [][]string{{"crawl", "-f", "job.yaml"}, {"job", "create", "job.yaml"},
			{"extract", "-f", "job.yaml", "x"}} {
			s.run(command...).exits(usage, append(shifted, "job.yaml")...)
		}
	}
}

func TestAFleetExtractsAndFollowsByAJobFile(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, shop())
	ft := newFleetTest(t)
	ft.Scheduler()
	ft.Workers(2)
	ft.write("shop.yaml", "name: shop\ndelay: 0s\nseeds: ["+site.URL(0, "/")+"]\n"+shopJob)
	ft.run("job", "create", "shop.yaml").exits(done)
	if numbers := ft.Done("shop"); numbers.Incomplete != 1 {
		t.Errorf("%d pages are counted as incomplete, want the one of cocoa", numbers.Incomplete)
	}
	if shown := ft.run("job", "show", "shop").exits(done).stdout; !strings.Contains(shown,
		"pages that lack a required field: 1") {
		t.Errorf("the job is shown as\n%s", shown)
	}
	records := make(map[string]crawler.Record)
	for _, r := range ft.Kept("shop") {
		records[strings.TrimPrefix(r.URL, site.URL(0, ""))] = r
	}
	var paths []string
	for path := range records {
		paths = append(paths, path)
	}
	slices.Sort(paths)
	want := []string{"/", "/category/1/", "/category/2/", "/product/cocoa/", "/product/coffee/", "/product/tea/"}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Errorf("the pages differ (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(teaFields(site), records["/product/tea/"].Fields); diff != "" {
		t.Errorf("the fields of tea differ (-want +got):\n%s", diff)
	}
	if r := records["/product/cocoa/"]; !slices.Equal(r.Missing, []string{"price"}) ||
		!strings.Contains(r.Error, `price: "soon" is not a number`) || r.Fields["title"] != "cocoa" {
		t.Errorf("the record of cocoa is %+v", r)
	}
	if r := records["/category/1/"]; r.Fields != nil || r.Missing != nil || r.Error != "" {
		t.Errorf("the record of a page without extraction rules is %+v", r)
	}
}

func TestTheAPIRefusesAnInvalidSelector(t *testing.T) {
	t.Parallel()
	ft := newFleetTest(t)
	_, at := ft.Dashboard()
	answer, err := http.Post(at+"/api/v1/jobs", "application/json",
		strings.NewReader(`{"name":"bad","extract":[{"fields":{"price":{"css":"p["}}}]}`))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(answer.Body)
	if answer.StatusCode != http.StatusBadRequest || !strings.Contains(string(text), `extract[0].fields.price.css`) {
		t.Errorf("the API answers %s: %s", answer.Status, text)
	}
	if _, err := ft.Client.Status(testfleet.Soon(t), "bad"); err == nil {
		t.Error("the job was created")
	}
}

// The Python manual and the Debian handbook are real pages, not written for tests.
func TestItemsOfRealPagesAreExtracted(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		glob, job string
		want      map[string]any
	}{
		"python": {"/usr/share/doc/python3*-doc/html/library/json.html", `extract:
  - fields:
      module: {css: h1 .pre, required: true}
      source: {css: 'p a.reference.external[href*="/Lib/"]', attr: href, type: url}
      functions: {css: dl.py.function, list: true, fields: {name: dt@id, "changed[]": {css: .versionchanged, regex: 'version ([0-9.]+)', type: number}}}
`, map[string]any{
			"module": "json", "source": "https://github.com/python/cpython/tree/3.11/Lib/json/__init__.py",
			"functions": []any{
				map[string]any{"name": "json.dump", "changed": []any{3.2, 3.4, 3.6}},
				map[string]any{"name": "json.dumps", "changed": []any{}},
				map[string]any{"name": "json.load", "changed": []any{3.1, 3.11, 3.1, 3.6, 3.6}},
				map[string]any{"name": "json.loads", "changed": []any{3.6, 3.9}},
			},
		}},
		"debian": {"/usr/share/doc/debian-handbook/html/en-US/apt.html", `extract:
  - fields:
      chapter: {css: title, regex: 'Chapter\p{Z}([0-9]+)\.', type: number, required: true}
      language: div.chapter@lang
      flattr: {meta: "flattr:id"}
      next: {css: li.next a, attr: href, type: url}
`, map[string]any{"chapter": 6., "language": "en-US", "flattr": "4pz9jq", "next": "http://localhost/sect.apt-get.html"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			found, _ := filepath.Glob(c.glob)
			if len(found) == 0 {
				t.Skipf("no page %s: install python3-doc and debian-handbook", c.glob)
			}
			s := newShell(t)
			s.write("job.yaml", c.job)
			end := s.run("extract", "-f", "job.yaml", found[len(found)-1]).exits(done)
			if diff := cmp.Diff(c.want, readExtractOutput(t, end.stdout).Fields); diff != "" {
				t.Errorf("the fields differ (-want +got):\n%s", diff)
			}
		})
	}
}
