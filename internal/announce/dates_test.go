package announce

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
)

// list returns entries for pages from 0 on with dates, in seconds; 0 for none.
func list(t testing.TB, dates ...int64) (all []Entry) {
	t.Helper()
	for i, at := range dates {
		u, err := crawler.ParseURL(fmt.Sprintf("http://example.com/%d", i))
		if err != nil {
			t.Fatal(err)
		}
		e := Entry{URL: u}
		if at != 0 {
			e.Modified = time.Unix(at, 0)
		}
		all = append(all, e)
	}
	return all
}

// reading reads lists one after the other, and packs what is remembered in between.
type reading struct {
	t     *testing.T
	dates Dates
}

func (r *reading) announces(entries []Entry, paths ...string) {
	r.t.Helper()
	announced, now := r.dates.Compare(entries)
	var got []string
	for _, u := range announced {
		got = append(got, u.Path())
	}
	if diff := cmp.Diff(paths, got); diff != "" {
		r.t.Errorf("announced (-want +got):\n%s", diff)
	}
	kept, err := ParseDates(now.Append(nil))
	if err != nil {
		r.t.Fatal(err)
	}
	r.dates = kept
}

func TestAPageIsAnnouncedWhenItsDateIsAnotherOne(t *testing.T) {
	t.Parallel()
	r := &reading{t: t}
	r.announces(list(t, 100, 200, 0, 400)) // read for the first time
	r.announces(list(t, 100, 200, 0, 400))
	r.announces(list(t, 100, 250, 0, 300, 500), "/1", "/3") // earlier counts as well, and a new page does not
	r.announces(list(t, 100, 250, 7, 300, 500))             // a date where there was none
	r.announces(list(t, 100, 0, 8, 300, 500), "/2")
}

func TestAFeedHasFreshEntries(t *testing.T) {
	t.Parallel()
	_, now := Dates{}.Compare(list(t, 100, 200, 0, 400))
	var got []string
	for _, u := range now.Fresh(list(t, 100, 250, 0, 400, 500)) {
		got = append(got, u.Path())
	}
	if diff := cmp.Diff([]string{"/1", "/2", "/4"}, got); diff != "" {
		t.Errorf("fresh (-want +got):\n%s", diff)
	}
	if got := (Dates{}).Fresh(list(t, 100, 0)); len(got) != 2 {
		t.Errorf("of a feed that was not read before, %v are fresh", got)
	}
}

func TestClocksThatAreWrongAnnounceAsWellAsOthers(t *testing.T) {
	t.Parallel()
	const year = 365 * 86400
	for name, clock := range map[string]int64{"in 1975": 5 * year, "in 2106": 136 * year, "in 1901": -69 * year} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := &reading{t: t}
			r.announces(list(t, clock, clock+1, clock+2))
			r.announces(list(t, clock, clock+5, clock+2), "/1")
			r.announces(list(t, clock, 1_700_000_000, clock+2), "/1") // it was set right
			r.announces(list(t, clock, 1_700_000_000, 1_700_000_001), "/2")
		})
	}
}

func TestAListThatStampsAllPagesAnnouncesNothing(t *testing.T) {
	t.Parallel()
	stamp := func(at int64, n int) []Entry {
		dates := make([]int64, n)
		for i := range dates {
			dates[i] = at
		}
		return list(t, dates...)
	}
	r := &reading{t: t}
	for at := range int64(5) {
		r.announces(stamp(100+at, 20))
	}
	few := &reading{t: t}
	few.announces(stamp(100, 3))
	few.announces(stamp(101, 3), "/0", "/1", "/2")
}

func TestWhatIsRememberedIsBounded(t *testing.T) {
	t.Parallel()
	dates := make([]int64, maxDates+1000)
	for i := range dates {
		dates[i] = int64(i + 1)
	}
	all := list(t, dates...)
	_, now := Dates{}.Compare(all)
	if size := len(now.Append(nil)); size > 2*maxDates*hashSize || size < 2*maxDates*hashSize*99/100 {
		t.Errorf("%d entries take %d bytes", len(all), size)
	}
	for name, b := range map[string][]byte{"cut": make([]byte, 7), "not in order": {0, 0, 0, 2, 0, 0, 0, 1},
		"too long": make([]byte, 2*maxDates*hashSize+4)} {
		if _, err := ParseDates(b); err == nil {
			t.Errorf("dates that are %s are read", name)
		}
	}
}

func FuzzParseDates(f *testing.F) {
	_, now := Dates{}.Compare(list(f, 1, 2, 3))
	f.Add(now.Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		d, err := ParseDates(b)
		if err != nil {
			return
		}
		if got := d.Append(nil); string(got) != string(b) {
			t.Errorf("%x is packed again as %x", b, got)
		}
		d.Compare(list(t, 1, 2, 3))
	})
}
