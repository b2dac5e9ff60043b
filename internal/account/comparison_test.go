package account_test

import (
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/account"
)

func TestMissingRecordsAreSaidWithWhatBringsThemAgain(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]account.Comparison{
		"settled 6,000, records 2,628: 3,372 missing; run `trawl job refetch news` to fetch them again": {
			Settled: 6000, Records: 2628,
		},
		"settled 1,234,567, records 0: 1,234,567 missing; run `trawl job refetch news` to fetch them again": {
			Settled: 1234567,
		},
		"": {Settled: 999, Records: 1000},
	} {
		if got := c.Alarm("news"); got != want {
			t.Errorf("got  %q\nwant %q", got, want)
		}
	}
	if got, want := (account.Comparison{Settled: 999, Records: 1000}).String(),
		"settled 999, records 1,000: nothing is missing"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestCountersSayHowManyRecordsThereShouldBe(t *testing.T) {
	t.Parallel()
	c := crawler.Counters{
		Seen: 20, Known: 23, Over: 2, Unshipped: 3, OnDisk: 1, Lost: 4,
		Outcomes: map[crawler.Outcome]int64{crawler.OutcomeFetched: 12, crawler.OutcomeGone: 1,
			crawler.OutcomeFollowed: 5, crawler.OutcomeSkipped: 2, crawler.OutcomeRetry: 7},
	}
	if got := account.Compare(c); got != (account.Comparison{Settled: 13, Records: 9}) {
		t.Errorf("they compare as %+v", got)
	}
	if got := account.Expected(c); got != 9 {
		t.Errorf("%d records are expected, want 9", got)
	}
	if got := account.Unfound(c); got != 3 {
		t.Errorf("%d URLs were not found again, want 3", got)
	}
	if c.Due = 1; account.Unfound(c) != 0 {
		t.Error("a job that goes on may still find them")
	}
}
