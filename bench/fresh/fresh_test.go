package main

import (
	"compress/gzip"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

const dayLong = 86400

// write writes histories to a file, gzipped if its name says so.
func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if !strings.HasSuffix(name, ".gz") {
		_, err = f.WriteString(text)
	} else {
		z := gzip.NewWriter(f)
		if _, err = z.Write([]byte(text)); err == nil {
			err = z.Close()
		}
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestHistoriesAreReadInTheOrderOfTime(t *testing.T) {
	t.Parallel()
	const text = `{"b": [{"page": 0, "events": [[50, "A"], [90, "D"]]}, {"page": 1, "events": [[70, "A"]]}],
		"a": [{"events": [[1, "A"]]}]}`
	for _, name := range []string{"h.json", "h.json.gz"} {
		all, err := readCollections(write(t, name, text))
		if err != nil || len(all) != 2 || all[0].name != "a" || all[1].pages != 2 {
			t.Fatalf("%s is read as %+v, %v", name, all, err)
		}
		want := []event{{0, 50, added}, {1, 70, added}, {0, 90, deleted}}
		for i, e := range all[1].events {
			if e != want[i] {
				t.Errorf("%s: event %d is %+v, want %+v", name, i, e, want[i])
			}
		}
	}
	for _, bad := range []string{"", "{", `{"a": [{"events": [["x", "A"]]}]}`, `{"a": [{"events": [[1, "X"]]}]}`, `{"a": []}`} {
		if all, err := readCollections(write(t, "bad.json", bad)); err == nil {
			t.Errorf("%q is read as %+v", bad, all)
		}
	}
}

func TestStalenessIsCountedFromTheChangeToTheFetch(t *testing.T) {
	t.Parallel()
	s := newSite(1, 100, false)
	s.happen(event{0, 10, added})
	s.fetch(0, 10)
	s.happen(event{0, 40, modified}) // before measuring, so only 20 of these 80 count
	s.happen(event{0, 60, modified}) // stale already
	if changed, gone := s.fetch(0, 120); !changed || gone {
		t.Errorf("a page that changed is found changed: %v, gone: %v", changed, gone)
	}
	if changed, _ := s.fetch(0, 130); changed {
		t.Error("a page that did not change is found changed")
	}
	s.happen(event{0, 150, deleted})
	if changed, gone := s.fetch(0, 160); !changed || !gone {
		t.Errorf("a page that is gone is found changed: %v, gone: %v", changed, gone)
	}
	s.happen(event{0, 170, added})
	s.finish(200)
	if s.stale.sum() != 20+10+30 || s.all != 100 || s.fetches != 3 {
		t.Errorf("%d of %d page-seconds are stale after %d fetches, want 60 of 100 after 3",
			s.stale.sum(), s.all, s.fetches)
	}
}

func TestStalenessIsDividedByWhatTheSitemapSays(t *testing.T) {
	t.Parallel()
	s := newSite(1, 100, false)
	s.happen(event{0, 10, added})
	s.fetch(0, 10)
	s.happen(event{0, 110, modified})
	s.hear(0, 115) // nothing is announced yet
	s.happen(event{0, 120, modified})
	s.list(0, 120)
	s.hear(0, 150)
	s.hear(0, 160) // it was heard before
	s.fetch(0, 190)
	s.happen(event{0, 200, deleted}) // is not announced
	s.finish(205)
	if want := (staleness{untold: 10 + 5, unheard: 30, due: 40}); s.stale != want {
		t.Errorf("page-seconds are stale: %+v, want %+v", s.stale, want)
	}
}

// regular is a collection in which some pages change once in a number of days, and the others
// never.
func regular(pages, changing int, every float64) collection {
	c := collection{name: "regular", pages: pages}
	for i := range pages {
		c.events = append(c.events, event{i, 1, added})
	}
	const end = 5 * 365 * dayLong
	for at := 1000.0; at < end; at += every * dayLong / float64(changing) {
		c.events = append(c.events, event{len(c.events) * 7 % changing, int64(at), modified})
	}
	c.events = append(c.events, event{pages - 1, end, modified})
	return c
}

func crawl(c collection, p policy, signals announcer, learns bool) result {
	_, steers := p.(*trawl)
	return replay(c, p, terms{days: 30, signals: signals, steers: steers, learns: learns})
}

func TestUniformIntervalsLeaveChangesStaleForHalfOfThem(t *testing.T) {
	t.Parallel()
	c := regular(200, 20, 77)
	got := crawl(c, &uniform{agenda: newAgenda(c.pages)}, announcer{}, true)
	changes := 20 * measured.Hours() / 24 / 77
	if each := got.staleDays / changes; math.Abs(each-15) > 1.5 {
		t.Errorf("a change is found after %.1f days on average, want 15", each)
	}
	if used := got.fetches / got.budget; math.Abs(used-1) > 0.01 {
		t.Errorf("%.0f %% of the budget is used", 100*used)
	}
}

func TestTrawlFollowsThePagesThatChangeWithinItsBudget(t *testing.T) {
	t.Parallel()
	c := regular(200, 20, 20)
	even := crawl(c, &uniform{agenda: newAgenda(c.pages)}, announcer{}, true)
	plain := crawl(c, newTrawl(c.pages), announcer{}, true)
	signalled := crawl(c, newTrawl(c.pages), half, true)
	best := crawl(c, newOracle(c, 30), announcer{}, false)
	for name, r := range map[string]result{"without signals": plain, "with signals": signalled} {
		if used := r.fetches / r.budget; math.Abs(used-1) > 0.05 {
			t.Errorf("%s, %.0f %% of the budget is used", name, 100*used)
		}
	}
	if plain.staleDays > 0.5*even.staleDays || plain.staleDays > 3*best.staleDays {
		t.Errorf("stale page-days are %.0f, uniform intervals have %.0f, and the best ones %.0f",
			plain.staleDays, even.staleDays, best.staleDays)
	}
	if signalled.staleDays > 0.75*plain.staleDays {
		t.Errorf("with signals for half of the changes, stale page-days are %.0f instead of %.0f",
			signalled.staleDays, plain.staleDays)
	}
}

func TestPagesThatAreGoneAreDroppedOrAskedForAgain(t *testing.T) {
	t.Parallel()
	for _, drops := range []bool{false, true} {
		c := regular(50, 10, 30)
		end := c.events[len(c.events)-1].at
		c.events = append(c.events[:len(c.events)-1], event{30, end - 200*dayLong, deleted}, event{0, end, modified})
		for name, p := range map[string]policy{
			"uniform": &uniform{agenda: newAgenda(c.pages)}, "Nutch": newNutch(c.pages, 30*day),
			"StormCrawler": newStormCrawler(c.pages, 30*day), "Trawl": newTrawl(c.pages),
		} {
			s := replay(c, p, terms{days: 30, drops: drops, steers: name == "Trawl", learns: true})
			if !(s.staleDays > 0) || s.fetches > s.budget*1.02+2 {
				t.Errorf("%s, drops %v: %+v", name, drops, s)
			}
		}
	}
}

func TestTheOracleSpendsNothingOnPagesThatKeepStill(t *testing.T) {
	t.Parallel()
	c := regular(100, 10, 30)
	intervals, stale := c.optimum(30)
	if !math.IsInf(intervals[50], 1) || intervals[0] > 10*day {
		t.Errorf("a page that never changes is fetched every %.1f days, one that does every %.1f",
			intervals[50]/day, intervals[0]/day)
	}
	if got := crawl(c, newOracle(c, 30), announcer{}, false); math.Abs(got.staleDays/stale-1) > 0.3 {
		t.Errorf("%.0f page-days are stale, Poisson processes of the same rates have %.0f", got.staleDays, stale)
	}
}

func TestTheHistoriesOfRealPagesAreReplayed(t *testing.T) {
	t.Parallel()
	const path = "../../../shared/fresh/changes.json.gz"
	all, err := readCollections(path)
	if os.IsNotExist(err) {
		t.Skip("the histories are not here: ", path)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		if c.name != "documentation-1" {
			continue
		}
		even := crawl(c, &uniform{agenda: newAgenda(c.pages)}, announcer{}, true)
		got := crawl(c, newTrawl(c.pages), announcer{}, true)
		if got.staleDays >= even.staleDays {
			t.Errorf("%s: %.0f page-days are stale, with uniform intervals %.0f", c.name, got.staleDays, even.staleDays)
		}
		if first, from, to := c.span(); !(first < from && from < to) || time.Duration(to-from)*time.Second > measured {
			t.Errorf("%s is measured from %d to %d, begins at %d", c.name, from, to, first)
		}
	}
}

func TestASampleHasEverySoManyPages(t *testing.T) {
	t.Parallel()
	c := collection{name: "c", pages: 5, events: []event{{0, 1, added}, {1, 2, added}, {3, 3, added}, {3, 4, modified}, {4, 5, added}}}
	got := c.sample(3)
	if want := []event{{0, 1, added}, {1, 3, added}, {1, 4, modified}}; got.pages != 2 || !slices.Equal(got.events, want) {
		t.Errorf("every third page of five: %d pages, %v; want %v", got.pages, got.events, want)
	}
	if all := c.sample(1); all.pages != c.pages || !slices.Equal(all.events, c.events) {
		t.Errorf("every page: %d pages, %v", all.pages, all.events)
	}
}

func TestLivesOfHoursAreLeftOut(t *testing.T) {
	t.Parallel()
	const hours = 3600
	c := collection{name: "c", pages: 3, learning: year, events: []event{
		{0, 1, added}, {0, 2 * hours, deleted}, {1, 5 * hours, added}, {2, 5 * hours, added}, {0, 90 * hours, added},
		{0, 91 * hours, modified}, {1, 91 * hours, deleted}, {0, 95 * hours, deleted},
	}}
	want := []event{
		{1, 5 * hours, added}, {2, 5 * hours, added}, {0, 90 * hours, added}, {0, 91 * hours, modified},
		{1, 91 * hours, deleted}, {0, 95 * hours, deleted},
	}
	if got := c.lasting().events; !slices.Equal(got, want) {
		t.Errorf("what lasts is %v, want %v", got, want)
	}
}
