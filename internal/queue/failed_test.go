package queue

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
)

func TestAURLThatFailedIsRememberedWithoutItsTries(t *testing.T) {
	t.Parallel()
	f := Failed{Entry: Entry{URL: mustURL(t, "https://a.test:8443/x?y=\u00e9"), Referrer: mustURL(t, "https://b.test/"),
		Depth: 3, Band: BandUrgent, Tries: 2, Spared: 1, Lost: 3, Passed: "a\nb"}, Outcome: crawler.OutcomeFailed,
		Reason: "it\nbroke", Segment: "w-20261130T000000-abcdef"}
	packed := "1700000000000 " + f.Pack()
	got, err := UnpackFailed("timeout", packed)
	if err != nil {
		t.Fatal(err)
	}
	want := f
	want.Entry.Tries, want.Entry.Spared, want.Entry.Lost = 0, 0, 0
	want.At, want.Cause, want.Reason, want.Packed = time.UnixMilli(1700000000000), "timeout", "it broke", packed
	if diff := cmp.Diff(want, got, cmp.Comparer(func(a, b crawler.URL) bool { return a == b })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	f.Reason = strings.Repeat("é", 1000)
	if got := f.Pack(); len(got) > 600 {
		t.Errorf("a long reason takes %d bytes", len(got))
	}
	f.Entry.Passed = strings.Repeat("x", maxFailedEntry)
	if got := f.Pack(); got != "" {
		t.Errorf("an entry with much passed data takes %d bytes, want none", len(got))
	}
}

func TestGarbageIsNoURLThatFailed(t *testing.T) {
	t.Parallel()
	whole := "1 " + Failed{Entry: Entry{URL: mustURL(t, "http://a.test/")}, Outcome: crawler.OutcomeGone}.Pack()
	if _, err := UnpackFailed("404", whole); err != nil {
		t.Fatal(err)
	}
	for _, garbage := range []string{"", "x", "1 gone - 1 a.test", "x" + whole, strings.Replace(whole, " 0 ", " 9 ", 1),
		whole[:len(whole)-2]} {
		if f, err := UnpackFailed("404", garbage); err == nil && f.Entry.URL.String() == "http://a.test/" {
			t.Errorf("%q is taken for %+v", garbage, f)
		}
	}
}

func TestAFilterMeansURLsByCauseAndHost(t *testing.T) {
	t.Parallel()
	f := Failed{Cause: "404", Entry: Entry{URL: mustURL(t, "http://a.test/")}}
	for want, filters := range map[bool][]FailedFilter{
		true:  {{}, {Cause: "404"}, {Cause: "http"}, {Host: "a.test"}, {Cause: "404", Host: "a.test"}},
		false: {{Cause: "500"}, {Cause: "timeout"}, {Host: "b.test"}, {Cause: "404", Host: "b.test"}},
	} {
		for _, filter := range filters {
			if filter.Admits(f) != want {
				t.Errorf("%+v admits it: %v, want %v", filter, !want, want)
			}
		}
	}
}
