package visit_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// lead is an entry in short.
type lead struct {
	URL, Via               string
	Depth, Embeds, Sitemap int
}

func leadOf(e queue.Entry) lead {
	return lead{e.URL.String(), e.Referrer.String(), e.Depth, e.Embeds, e.Sitemap}
}

// read is a record as it comes from an output.
func read(t *testing.T, text string) (rec crawler.Record) {
	t.Helper()
	check(t, json.Unmarshal([]byte(text), &rec))
	return rec
}

func TestARecordLeadsToWhatItNames(t *testing.T) {
	t.Parallel()
	rec := read(t, `{"url":"http://a.test/","final_url":"http://a.test/home","redirects":["http://a.test/home"],"outcome":"fetched","depth":2,
		"links":["http://a.test/1","no URL","http://b.test/2"],"resources":["http://a.test/i.png"],"canonical":"http://a.test/c"}`)
	var got []lead
	for _, e := range queue.Leads(rec) {
		got = append(got, leadOf(e))
	}
	const via = "http://a.test/home"
	want := []lead{
		{"http://a.test/1", via, 3, 0, 0}, {"http://b.test/2", via, 3, 0, 0}, {"http://a.test/i.png", via, 3, 1, 0},
		{"http://a.test/c", via, 2, 0, 0}, {via, via, 2, 0, 0},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("leads (-want +got):\n%s", diff)
	}
	if queue.Unlisted(rec) {
		t.Error("all that it leads to is listed")
	}
}

func TestARecordThatOnlyCountsItsLinksSaysSo(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		`{"links":3}`: true, `{"links":0}`: false, `{"links":[]}`: false, `{"links":0,"resources":2}`: true,
		`{"links":["x"],"sitemap":1}`: true, `{}`: false,
	} {
		if got := queue.Unlisted(read(t, text)); got != want {
			t.Errorf("%s leads to what it does not list: %v, want %v", text, got, want)
		}
	}
	if made := (crawler.Record{Links: 2}); !queue.Unlisted(made) {
		t.Error("nor does one that was just made")
	}
}

func TestARecordKnowsItsParentAndWhatItHasOfOthers(t *testing.T) {
	t.Parallel()
	rec := read(t, `{"url":"http://a.test/1","redirects":["http://a.test/2","http://b.test/3"],"outcome":"redirected","depth":4,"via":"http://a.test/","embeds":1}`)
	parent, ok := queue.Parent(rec)
	if want := (lead{URL: "http://a.test/", Depth: 3}); !ok || leadOf(parent) != want {
		t.Errorf("its parent is %+v, want %+v", leadOf(parent), want)
	}
	if own, err := queue.Own(rec); err != nil || leadOf(own) != (lead{"http://a.test/1", "http://a.test/", 4, 1, 0}) {
		t.Errorf("it is of %+v, %v", leadOf(own), err)
	}
	if got := queue.Followed(rec); len(got) != 1 || got[0].String() != "http://a.test/2" {
		t.Errorf("it has what %v would have: the last has its own turn", got)
	}
	rec.Outcome = crawler.OutcomeFetched
	if got := queue.Followed(rec); len(got) != 2 {
		t.Errorf("it has what %v would have", got)
	}
	if _, ok := queue.Parent(read(t,
		`{"url":"http://a.test/map.xml","via":"http://a.test/robots.txt","sitemap":1}`)); ok {
		t.Error("what names a sitemap is no page")
	}
}
