package ui

import (
	"math"
	"strings"
	"testing"
	"time"
)

func TestAChartDrawsWhatIsKnown(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	axis := Axis{From: now.Add(-100 * time.Second), To: now, Now: now}
	at := func(second int, value float64) Point {
		return Point{now.Add(time.Duration(second-100) * time.Second), value}
	}
	for name, c := range map[string]struct {
		points                      []Point
		line, area, last, most, say string
	}{
		"nothing": {nil, "", "", "–", "0.0", "Speed: nothing yet"},
		"a line": {[]Point{at(0, 0), at(50, 10), at(100, 5)}, "M0.0 130.0L300.0 6.0L600.0 68.0",
			"M0.0 130L0.0 130.0L300.0 6.0L600.0 68.0L600.0 130Z", "5.0", "10", "Speed, over 1m 40s: last 5.0, highest 10"},
		"a gap": {[]Point{at(0, 10), at(10, 10), at(50, math.NaN()), at(60, 10), at(100, 10)},
			"M0.0 6.0L60.0 6.0M360.0 6.0L600.0 6.0",
			"M0.0 130L0.0 6.0L60.0 6.0L60.0 130ZM360.0 130L360.0 6.0L600.0 6.0L600.0 130Z", "10", "10",
			"Speed, over 1m 40s: last 10, highest 10"},
		"only zeros": {[]Point{at(0, 0), at(100, 0)}, "M0.0 130.0L600.0 130.0", "M0.0 130L0.0 130.0L600.0 130.0L600.0 130Z",
			"0.0", "0.0", "Speed, over 1m 40s: last 0.0, highest 0.0"},
		"values before the axis": {[]Point{at(-50, 99), at(0, 1)}, "M0.0 6.0", "M0.0 130L0.0 6.0L0.0 130Z", "1.0", "1.0",
			"Speed, over 1m 40s: last 1.0, highest 1.0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := NewChart("speed", "Speed", c.points, axis, Rate)
			want := Chart{ID: "speed", Title: "Speed", Last: c.last, Line: c.line, Area: c.area, From: "1m 40s ago", To: "now",
				Most: c.most, Label: c.say}
			if got != want {
				t.Errorf("got  %+v\nwant %+v", got, want)
			}
		})
	}
	later := axis
	later.Now = now.Add(time.Hour)
	if c := NewChart("", "", nil, later, Rate); c.From != "1m 40s before" || c.To != "1h 0m ago" {
		t.Errorf("an hour later, the axis is from %q to %q", c.From, c.To)
	}
}

func TestAPageThatDoesNotExistOrLacksItsDataIsAnError(t *testing.T) {
	t.Parallel()
	pages, err := New()
	if err != nil {
		t.Fatal(err)
	}
	for page, says := range map[string]string{"nothing": `no page "nothing"`, "job": "page job"} {
		if _, err := pages.Render(page, Layout{}); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("page %s: %v", page, err)
		}
	}
}
