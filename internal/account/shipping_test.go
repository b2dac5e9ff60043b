package account

import (
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
)

func TestAJobSaysWhereItsRecordsAre(t *testing.T) {
	t.Parallel()
	fetched := map[crawler.Outcome]int64{crawler.OutcomeFetched: 6000}
	for want, c := range map[string]crawler.Counters{
		"": {Outcomes: fetched},
		"5990 shipped, 10 on the way to the bucket": {Outcomes: fetched, Shipped: 5990, Unshipped: 10},
		"2628 shipped, 3372 requeued because their worker was lost": {
			Outcomes: fetched, Shipped: 2628, Reclaimed: 3372,
		},
		"2628 shipped": {Outcomes: fetched, Shipped: 2628, Lost: 3372},
	} {
		if got := Shipping(c); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
}
