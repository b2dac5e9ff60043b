package frontier

import (
	"fmt"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

func findsURLs(t *testing.T, b *testJob) {
	var urls []string
	for i := range 2500 {
		urls = append(urls, fmt.Sprintf("http://a.test/%d", i))
	}
	b.admit(2500, urls...)
	b.admitBand(queue.BandFirst, 2, "http://a.test/first", "http://a.test/again")
	lease := b.open("a.test")
	taken := b.take(lease, 3, "http://a.test/first", "http://a.test/again", "http://a.test/0")
	b.settle(lease, crawler.OutcomeFetched, taken[0])
	retry := taken[1].Entry
	retry.Tries++
	err := lease.Settle(t.Context(),
		[]queue.Settlement{{Ticket: taken[1].Ticket, Outcome: crawler.OutcomeRetry, Retry: retry, After: time.Hour}})
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]queue.Location{
		"http://a.test/never": {Place: queue.PlaceUnseen},
		"http://b.test/":      {Place: queue.PlaceUnseen},
		"http://a.test/first": {Place: queue.PlaceSettled},
		"http://a.test/again": {Place: queue.PlaceLater, Entry: retry},
		"http://a.test/0":     {Place: queue.PlaceFlight, Entry: taken[2].Entry},
		"http://a.test/1":     {Place: queue.PlaceQueue, Entry: b.entries(queue.BandNormal, "http://a.test/1")[0]},
		"http://a.test/2499": {
			Place: queue.PlaceQueue, Entry: b.entries(queue.BandNormal, "http://a.test/2499")[0], Before: 2498,
		},
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
