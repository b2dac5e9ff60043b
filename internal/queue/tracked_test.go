package queue

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/recrawl"
)

var state = string(recrawl.State{
	Last: 1_800_000_000, Rate: -3, Knowledge: 7, Importance: 2, Content: 0xdeadbeef,
}.Append(nil))

func TestAnEntryOfATrackedPageIsReadBack(t *testing.T) {
	t.Parallel()
	for _, page := range []Tracked{
		{State: state}, {Block: 70_000, At: 511, State: state, Fetches: mostFetches, Follows: true},
		{State: state, Seed: true},
	} {
		want := Entry{URL: mustURL(t, "https://a.test/b?c"), Depth: 3, Lost: 2, Tries: 1, Page: page}
		if diff := cmp.Diff(want, unpacked(t, want), compareURLs); diff != "" {
			t.Errorf("read back (-want +got):\n%s", diff)
		}
	}
	packed := Entry{URL: mustURL(t, "https://a.test/b"), Page: Tracked{State: state}}.Pack()
	for cut := range trackedSize {
		if e, err := UnpackEntry("a.test", BandLow, packed[:1+cut]); err == nil {
			t.Errorf("an entry that ends after %d bytes is read as %+v", 1+cut, e)
		}
	}
}

func TestAnEntryThatIsFetchedAgainIsNoSeed(t *testing.T) {
	t.Parallel()
	e := Entry{URL: mustURL(t, "https://a.test/")}
	if !e.IsSeed() {
		t.Error("a seed does not count as one")
	}
	if e.Page.State = state; e.IsSeed() {
		t.Error("a page that is fetched again is a seed")
	}
	unseen := string(recrawl.State{Last: 1_800_000_000, Flags: recrawl.Unseen}.Append(nil))
	if e.Page = (Tracked{State: unseen, Seed: true}); !e.IsSeed() {
		t.Error("a seed that was never found does not count as one")
	}
	if e.Page.Seed = false; e.IsSeed() {
		t.Error("a page that was never found is a seed, though it was none")
	}
	if e.Page.State = string(recrawl.State{}.Append(nil)); !e.IsSeed() {
		t.Error("a seed whose record was lost does not count as one")
	}
}

func TestANameHasAllThatQueuesAPageAgain(t *testing.T) {
	t.Parallel()
	for _, want := range []Entry{
		{URL: mustURL(t, "http://a.test/")},
		{URL: mustURL(t, "https://a.test/b?c=%00"), Depth: 300, Sitemap: 2},
		{URL: mustURL(t, "https://a.test/i.png"), Embeds: 2, Passed: "\x00of handlers"},
	} {
		want.Band = BandLow
		got, err := ParseName("a.test", want.Name())
		if diff := cmp.Diff(want, got, compareURLs); diff != "" || err != nil {
			t.Errorf("%q, %v (-want +got):\n%s", want.Name(), err, diff)
		}
	}
	for _, name := range []string{
		"", "/a", "a\x00\x00\x00", "/a\x00", "/a\x00\x00", "/a\x00\x02\x00", "/a\x00\x00\x00rest",
	} {
		if e, err := ParseName("a.test", name); err == nil {
			t.Errorf("%q is the name of %+v", name, e)
		}
	}
}

func TestASlotIsReadBack(t *testing.T) {
	t.Parallel()
	want := Tracked{State: state, Fetches: 17, Follows: true}
	for _, queued := range []bool{false, true} {
		got, marked, err := ParseSlot(want.Slot(queued))
		if err != nil || got != want || marked != queued {
			t.Errorf("%+v %v is read as %+v %v, %v", want, queued, got, marked, err)
		}
	}
	many := Tracked{State: state, Fetches: 1 << 20}
	if got, _, err := ParseSlot(many.Slot(false)); err != nil || got.Fetches != mostFetches {
		t.Errorf("%d fetches are read as %d, %v", many.Fetches, got.Fetches, err)
	}
	if _, _, err := ParseSlot(state); err == nil {
		t.Error("a slot that is cut off has no error")
	}
}

func TestTheChangeOfAPageFollowsFromItsContent(t *testing.T) {
	t.Parallel()
	known := func(flags recrawl.Flags) Entry {
		s := recrawl.State{Last: 1_800_000_000, Content: 0b1111, Flags: flags}
		return Entry{Page: Tracked{State: string(s.Append(nil))}}
	}
	for _, c := range []struct {
		name string
		s    Sighting
		want crawler.PageChange
	}{
		{"the first fetch", Sighting{Found: true}, crawler.ChangeNew},
		{"nothing there at the first fetch", Sighting{Gone: true}, crawler.ChangeGone},
		{"one bit of a text", Sighting{Entry: known(0), Found: true, Text: true, Content: 0b1110}, crawler.ChangeUnchanged},
		{"two bits of a text", Sighting{Entry: known(0), Found: true, Text: true, Content: 0b1100}, crawler.ChangeChanged},
		{"one bit of a body", Sighting{Entry: known(0), Found: true, Content: 0b1110}, crawler.ChangeChanged},
		{"not modified", Sighting{Entry: known(0), Same: true}, crawler.ChangeUnchanged},
		{"gone", Sighting{Entry: known(0), Gone: true}, crawler.ChangeGone},
		{"still gone", Sighting{Entry: known(recrawl.Gone), Gone: true}, crawler.ChangeUnchanged},
		{"back", Sighting{Entry: known(recrawl.Gone), Found: true, Content: 0b1111}, crawler.ChangeBack},
		{"moved", Sighting{Entry: known(0), Found: true, Moved: true, Content: 5}, crawler.ChangeMoved},
		{"a failure", Sighting{Entry: known(0)}, ""},
	} {
		if got := c.s.Change(2); got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

func TestARationSaysHowLongToWait(t *testing.T) {
	t.Parallel()
	if text := (&Rationed{Wait: 90e9}).Error(); !strings.Contains(text, "1m30s") {
		t.Errorf("it says %q", text)
	}
}
