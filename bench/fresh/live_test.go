package main

import (
	"math"
	"testing"
	"time"
)

// months is a history of some months in which a third of the pages change at intervals of their own.
func months(pages, days int) collection {
	c := collection{name: "months", pages: pages, learning: time.Duration(days) * 24 * time.Hour}
	for i := range pages {
		c.events = append(c.events, event{i, 1, added})
	}
	for at := 1; at < days*24; at++ {
		for i := range pages / 3 {
			if every := 24 * (6 + 4*i); (at+37*i)%every == 0 {
				c.events = append(c.events, event{i, int64(at) * 3600, modified})
			}
		}
	}
	return c
}

// replayed replays a history to a fleet, and to its mathematics alone.
func replayed(t *testing.T, c collection, signals announcer) (fleet, alone result, seen log) {
	t.Helper()
	on := terms{days: 10, signals: signals, steers: true, learns: true}
	err := bubble(t, func() (err error) {
		fleet, seen, err = live(c, on)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return fleet, replay(c, newTrawl(c.pages), on), seen
}

func TestTheFleetLeavesNoMoreStaleThanItsMathematics(t *testing.T) {
	fleet, alone, seen := replayed(t, months(30, 60), announcer{})
	if fleet.staleDays > 1.1*alone.staleDays {
		t.Errorf("the fleet leaves %.0f page-days stale, its mathematics %.0f", fleet.staleDays, alone.staleDays)
	}
	if used := fleet.fetches / fleet.budget; math.Abs(used-1) > 0.05 {
		t.Errorf("%.0f %% of the budget is used", 100*used)
	}
	if seen.gap < time.Second {
		t.Errorf("two requests are %v apart, want the delay of a second", seen.gap)
	}
}

func TestTheFleetReadsTheSitemapWithinItsBudget(t *testing.T) {
	fleet, _, seen := replayed(t, months(30, 60), half)
	if used := fleet.fetches / fleet.budget; math.Abs(used-1) > 0.05 || seen.sitemaps == 0 {
		t.Errorf("%.0f %% of the budget is used, with %d requests for the sitemap", 100*used, seen.sitemaps)
	}
}
