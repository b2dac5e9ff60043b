package visit_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// short is a queue entry in short form.
type short struct {
	URL, Via               string
	Depth, Embeds, Sitemap int
}

func shortOf(e queue.Entry) short {
	return short{e.URL.String(), e.Referrer.String(), e.Depth, e.Embeds, e.Sitemap}
}

// parseRecord parses a record of an output in JSON.
func parseRecord(t *testing.T, text string) (rec crawler.Record) {
	t.Helper()
	check(t, json.Unmarshal([]byte(text), &rec))
	return rec
}

func TestTheLinksOfARecord(t *testing.T) {
	t.Parallel()
	rec := parseRecord(t, `{"url":"http://a.test/","final_url":"http://a.test/home","redirects":["http://a.test/home"],"outcome":"fetched","depth":2,
		"links":["http://a.test/1","no URL","http://b.test/2"],"resources":["http://a.test/i.png"],"canonical":"http://a.test/c"}`)
	var got []short
	for _, e := range queue.LinksOf(rec) {
		got = append(got, shortOf(e))
	}
	const via = "http://a.test/home"
	want := []short{
		{"http://a.test/1", via, 3, 0, 0}, {"http://b.test/2", via, 3, 0, 0}, {"http://a.test/i.png", via, 3, 1, 0},
		{"http://a.test/c", via, 2, 0, 0}, {via, via, 2, 0, 0},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("links (-want +got):\n%s", diff)
	}
	if queue.Unlisted(rec) {
		t.Error("the links of the record count as listed")
	}
}

func TestARecordWithOnlyACountOfLinksIsUnlisted(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`{"links":3}`: true, `{"links":0}`: false, `{"links":[]}`: false, `{"links":0,"resources":2}`: true,
		`{"links":["x"],"sitemap":1}`: true, `{}`: false,
	} {
		if got := queue.Unlisted(parseRecord(t, text)); got != want {
			t.Errorf("%s: unlisted %v, want %v", text, got, want)
		}
	}
	if made := (crawler.Record{Links: 2}); !queue.Unlisted(made) {
		t.Error("a new record with a count of links is not unlisted")
	}
}

func TestTheParentAndTheRedirectsOfARecord(t *testing.T) {
	t.Parallel()
	rec := parseRecord(t, `{"url":"http://a.test/1","redirects":["http://a.test/2","http://b.test/3"],"outcome":"redirected","depth":4,"via":"http://a.test/","embeds":1}`)
	parent, ok := queue.Parent(rec)
	if want := (short{URL: "http://a.test/", Depth: 3}); !ok || shortOf(parent) != want {
		t.Errorf("parent: got %+v, want %+v", shortOf(parent), want)
	}
	if own, err := queue.Own(rec); err != nil || shortOf(own) != (short{"http://a.test/1", "http://a.test/", 4, 1, 0}) {
		t.Errorf("own entry: got %+v, %v", shortOf(own), err)
	}
	if got := queue.Followed(rec); len(got) != 1 || got[0].String() != "http://a.test/2" {
		t.Errorf("followed: got %v, want all redirects but the last", got)
	}
	rec.Outcome = crawler.OutcomeFetched
	if got := queue.Followed(rec); len(got) != 2 {
		t.Errorf("followed: got %v, want both redirects", got)
	}
	if _, ok := queue.Parent(parseRecord(t,
		`{"url":"http://a.test/map.xml","via":"http://a.test/robots.txt","sitemap":1}`)); ok {
		t.Error("a sitemap has a parent page")
	}
}
