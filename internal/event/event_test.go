package event

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
)

func TestAnEventIsReadAsItIsKept(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]Event{
		"1 1700000000123 began ": {Number: 1, Name: crawler.EventBegan, Time: time.UnixMilli(1700000000123)},
		"12 5 done budget of pages": {Number: 12, Name: crawler.EventDone, Time: time.UnixMilli(5),
			Reason: "budget of pages"},
		`3 5 host_given_up {"count":1,"hosts":[{"host":"a.test","reason":"refused"}]}`: {Number: 3,
			Name: crawler.EventHostGivenUp, Time: time.UnixMilli(5), Reason: "a.test (refused)",
			GivenUp: &GivenUp{Count: 1, Hosts: []LostHost{{Host: "a.test", Reason: "refused"}}}},
	} {
		got, err := Parse(text)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%q: %v (-want +got):\n%s", text, err, diff)
		}
	}
	for _, text := range []string{"", "1", "1 2", "x 2 done ", "0 2 done ", "1 y done ", "1 5 host_given_up a.test"} {
		if got, err := Parse(text); err == nil {
			t.Errorf("%q: got %+v, want an error", text, got)
		}
	}
}

func TestAnIDDistinguishesJobsOfTheSameName(t *testing.T) {
	t.Parallel()
	e := Event{Number: 3}
	one, other := e.ID("news", time.UnixMilli(1000)), e.ID("news", time.UnixMilli(1001))
	if one != "news-rs-3" || other == one {
		t.Errorf("got %q and %q", one, other)
	}
}
