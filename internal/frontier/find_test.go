package frontier

import (
	"fmt"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

func findsURLs(t *testing.T, b *bench) {
	var urls []string
	for i := range 2500 {
		urls = append(urls, fmt.Sprintf("http://a.test/%d", i))
	}
	b.admit(2500, urls...)
	b.admitBand(crawler.BandFirst, 2, "http://a.test/first", "http://a.test/again")
	lease := b.open("a.test")
	taken := b.take(lease, 3, "http://a.test/first", "http://a.test/again", "http://a.test/0")
	b.settle(lease, crawler.OutcomeFetched, taken[0])
	retry := taken[1].Entry
	retry.Tries++
	err := lease.Settle(t.Context(), []crawler.Settlement{{Ticket: taken[1].Ticket, Outcome: crawler.OutcomeRetry, Retry: retry, After: time.Hour}})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]crawler.Whereabouts{
		"http://a.test/never": {Place: crawler.PlaceUnseen},
		"http://b.test/":      {Place: crawler.PlaceUnseen},
		"http://a.test/first": {Place: crawler.PlaceSettled},
		"http://a.test/again": {Place: crawler.PlaceLater, Entry: retry},
		"http://a.test/0":     {Place: crawler.PlaceFlight, Entry: taken[2].Entry},
		"http://a.test/1":     {Place: crawler.PlaceQueue, Entry: b.entries(crawler.BandNormal, "http://a.test/1")[0]},
		"http://a.test/2499":  {Place: crawler.PlaceQueue, Entry: b.entries(crawler.BandNormal, "http://a.test/2499")[0], Before: 2498},
	} {
		got, err := b.Find(t.Context(), url(t, text))
		if err != nil {
			t.Fatal(err)
		}
		if got.Due > 59*time.Minute {
			got.Due = 0
		}
		if got != want {
			t.Errorf("%s: %+v, want %+v", text, got, want)
		}
	}
}
