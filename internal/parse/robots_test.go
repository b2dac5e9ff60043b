package parse

import (
	"net/http"
	"reflect"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
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
		want       crawler.Rights
	}{
		{"no directives", "<meta name=robots content=noindex><meta name=tdm content=1>", nil, crawler.Rights{}},
		{"noai for everyone", "<meta name=robots content='NoAI, noimageai'>", nil,
			crawler.Rights{NoAI: true, NoImageAI: true}},
		{"noai for us", "<meta name=trawl content=noai>", nil, crawler.Rights{NoAI: true}},
		{"noai for another", "<meta name=otherbot content=noai>", http.Header{"X-Robots-Tag": {"otherbot: noai"}},
			crawler.Rights{}},
		{"noai in a header", "", http.Header{"X-Robots-Tag": {"noai", "noimageai"}},
			crawler.Rights{NoAI: true, NoImageAI: true}},
		{"reserved by a meta element", "<meta name=TDM-Reservation content=' 1 '><meta name=tdm-policy content=/tdm>",
			nil,
			crawler.Rights{TDMReservation: "1", TDMPolicy: policy}},
		{"reserved by headers", "", http.Header{"Tdm-Reservation": {"1"}, "Tdm-Policy": {policy}},
			crawler.Rights{TDMReservation: "1", TDMPolicy: policy}},
		{"declared as not reserved", "<meta name=tdm-reservation content=0>", nil, crawler.Rights{TDMReservation: "0"}},
		{"reserved by the header only", "<meta name=tdm-reservation content=0>", http.Header{"Tdm-Reservation": {"1"}},
			crawler.Rights{TDMReservation: "1"}},
		{"invalid values", "<meta name=tdm-reservation content=yes><meta name=tdm-policy content='http://['>", nil,
			crawler.Rights{}},
		{"an empty policy", "<meta name=tdm-policy content=''><meta name=tdm-policy content=/tdm>", nil,
			crawler.Rights{TDMPolicy: policy}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			page := htmlPage("http://example.com/", c.body)
			for name, values := range c.header {
				page.Header[name] = values
			}
			if got := parsePage(t, Config{ProductToken: "Trawl"}, page).Rights; !reflect.DeepEqual(got, c.want) {
				t.Errorf("rights %+v, want %+v", got, c.want)
			}
		})
	}
}
