package parse

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/rights"
)

func TestRobotsDirectives(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, body        string
		header            []string
		noIndex, noFollow bool
	}{
		{"nothing is allowed", "", nil, false, false},
		{"rules for everyone", "<meta name=ROBOTS content=' NoIndex ,follow'>", nil, true, false},
		{"none means noindex and nofollow", "<meta name=robots content=none>", nil, true, true},
		{"rules for us", "<meta name=Trawl content=nofollow>", nil, false, true},
		{"rules for another", "<meta name=otherbot content=none>", nil, false, false},
		{"combined rules", "<meta name=robots content=noindex><meta name=trawl content='index, nofollow'>", nil, true,
			true},
		{"rules without commas", "<meta name=robots content='noindex nofollow'>", nil, true, true},
		{"rules between semicolons", "<meta name=robots content='noindex;max-snippet:3;nofollow'>", nil, true, true},
		{"none as the value of a rule", "<meta name=robots content='max-image-preview: none'>", nil, false, false},
		{"in a comment or template",
			"<!--<meta name=robots content=none>--><template><meta name=robots content=none></template>", nil, false,
			false},
		{"in noscript and in the body",
			"<noscript><meta name=robots content=noindex></noscript><p><meta name=robots content=nofollow>", nil, true,
			true},
		{"header", "", []string{"noindex", "nofollow"}, true, true},
		{"header for us", "", []string{"TRAWL: noindex, nofollow"}, true, true},
		{"header for another", "", []string{"otherbot: noindex, nofollow"}, false, false},
		{"header for several", "", []string{"otherbot: noindex, trawl: nofollow"}, false, true},
		{"header with values", "", []string{"unavailable_after: 25 Jun 2030 15:00:00 PST, max-snippet:20, noindex"},
			true, false},
		{"header for us with values", "", []string{"trawl: max-image-preview: none, nofollow"}, false, true},
		{"header plus meta", "<meta name=robots content=index,nofollow>", []string{"noindex,follow"}, true, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			page := htmlPage("http://example.com/", c.body)
			page.Header["X-Robots-Tag"] = c.header
			doc := parsePage(t, Config{ProductToken: "Trawl"}, page)
			if doc.NoIndex != c.noIndex || doc.NoFollow != c.noFollow {
				t.Errorf("noindex %v, nofollow %v, want %v, %v", doc.NoIndex, doc.NoFollow, c.noIndex, c.noFollow)
			}
		})
	}
}

func TestRights(t *testing.T) {
	t.Parallel()
	const policy = "http://example.com/tdm"
	for _, c := range []struct {
		name, body string
		header     http.Header
		want       crawler.Usage
	}{
		{"no directives", "<meta name=robots content=noindex><meta name=tdm content=1>", nil, crawler.Usage{}},
		{"noai for everyone", "<meta name=robots content='NoAI, noimageai'>", nil,
			crawler.Usage{NoAI: true, NoImageAI: true}},
		{"noai for us", "<meta name=trawl content=noai>", nil, crawler.Usage{NoAI: true}},
		{"noai for another", "<meta name=otherbot content=noai>", http.Header{"X-Robots-Tag": {"otherbot: noai"}},
			crawler.Usage{}},
		{"noai in a header", "", http.Header{"X-Robots-Tag": {"noai", "noimageai"}},
			crawler.Usage{NoAI: true, NoImageAI: true}},
		{"reserved by a meta element", "<meta name=TDM-Reservation content=' 1 '><meta name=tdm-policy content=/tdm>",
			nil,
			crawler.Usage{TDMReservation: "1", TDMPolicy: policy}},
		{"reserved by headers", "", http.Header{"Tdm-Reservation": {"1"}, "Tdm-Policy": {policy}},
			crawler.Usage{TDMReservation: "1", TDMPolicy: policy}},
		{"declared as not reserved", "<meta name=tdm-reservation content=0>", nil, crawler.Usage{TDMReservation: "0"}},
		{"reserved by the header only", "<meta name=tdm-reservation content=0>", http.Header{"Tdm-Reservation": {"1"}},
			crawler.Usage{TDMReservation: "1"}},
		{"invalid values", "<meta name=tdm-reservation content=yes><meta name=tdm-policy content='http://['>", nil,
			crawler.Usage{}},
		{"an empty policy", "<meta name=tdm-policy content=''><meta name=tdm-policy content=/tdm>", nil,
			crawler.Usage{TDMPolicy: policy}},
		{"preferences in headers", "", http.Header{"Content-Usage": {"train-ai=n", "search=y;why=\"x\""}},
			crawler.Usage{ContentUsage: map[string]string{"train-ai": "n", "search": "y"}}},
		{"preferences that cannot be read", "", http.Header{"Content-Usage": {"Train-AI=n"}}, crawler.Usage{}},
		{"signals in headers", "", http.Header{"Content-Signal": {"search=yes, ai-train=no", "search=no"}},
			crawler.Usage{ContentSignal: map[string]string{"search": "no", "ai-train": "no"}}},
		{"licences", "<link rel=license type=application/rsl+xml href=/l.xml><link rel=license href=http://10.0.0.1/cc>",
			http.Header{"Link": {`</h.xml>; rel="license"; type="application/rsl+xml"`}},
			crawler.Usage{License: []string{"http://example.com/l.xml", "http://10.0.0.1/cc", "http://example.com/h.xml"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			page := htmlPage("http://example.com/", c.body)
			for name, values := range c.header {
				page.Header[name] = values
			}
			got := rights.Of(parsePage(t, Config{ProductToken: "Trawl"}, page).Rights)
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("usage (-want +got):\n%s", diff)
			}
		})
	}
}

func TestStatementsHaveTheirSource(t *testing.T) {
	t.Parallel()
	page := htmlPage("http://example.com/a", "<base href=/b/><meta name=robots content=noai><meta name=tdm-policy content=p>"+
		"<a href=/llms.txt><a href=http://elsewhere.example/llms.txt><link rel=license href=l>")
	page.Started = time.UnixMilli(1_700_000_000_000)
	page.Header["Content-Usage"] = []string{"train-ai=n"}
	page.Header["Link"] = []string{"<l>; rel=license; type=application/rsl+xml"}
	at := func(v string, what, value string, source string) crawler.Statement {
		return crawler.Statement{Vocabulary: v, Statement: what, Value: value, Source: source,
			Where: "http://example.com/a", At: "2023-11-14T22:13:20.000Z"}
	}
	want := []crawler.Statement{
		at(rights.VocabularyRobots, "noai", "", rights.InMeta),
		at(rights.VocabularyTDMRep, "policy", "http://example.com/b/p", rights.InMeta),
		at(rights.VocabularyLLMs, "llms.txt", "http://example.com/llms.txt", rights.InLink),
		at(rights.VocabularyLicense, "license", "http://example.com/b/l", rights.InLink),
		at(rights.VocabularyAIPref, "train-ai", "n", rights.InHeader),
		at(rights.VocabularyRSL, "license", "http://example.com/l", rights.InHeader),
	}
	if diff := cmp.Diff(want, parsePage(t, Config{}, page).Rights); diff != "" {
		t.Errorf("statements (-want +got):\n%s", diff)
	}
}

func TestAHeaderThatCannotBeReadIsNoted(t *testing.T) {
	t.Parallel()
	page := htmlPage("http://example.com/a", "")
	page.Header["Content-Usage"] = []string{"train-ai=n, Search=n\x1b"}
	all := parsePage(t, Config{}, page).Rights
	if len(all) != 1 || all[0].Error == "" || !strings.HasPrefix(all[0].Value, "train-ai=n, Search=n") {
		t.Fatalf("statements %+v, want one with an error", all)
	}
}

func TestAddressesOfLicencesAreBounded(t *testing.T) {
	t.Parallel()
	var links strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&links, "<link rel=license href=/%d><a href=/%d/llms.txt>", i, i)
	}
	all := parsePage(t, Config{}, htmlPage("http://example.com/a", links.String()+
		"<meta name=robots content=noai>")).Rights
	if len(all) != rights.MaxAddresses+1 || all[len(all)-1].Statement != rights.NoAI {
		t.Errorf("%d statements, the last %+v", len(all), all[len(all)-1])
	}
}
