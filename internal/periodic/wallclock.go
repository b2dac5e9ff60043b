package periodic

import (
	"time"

	"github.com/robfig/cron/v3"
)

// zoned returns a plan whose fields refer to the wall clock of a zone. A plan for every
// hour follows elapsed time, as in cron. robfig/cron does that, too, but when the clock
// changes, it lets other ticks occur twice or not at all.
func zoned(plan *cron.SpecSchedule, zone *time.Location) planner {
	const star = 1 << 63 // how robfig/cron marks a field of "*"
	if plan.Hour&star != 0 {
		plan.Location = zone
		return plan
	}
	return wallClock{plan, zone}
}

// wallClock is a plan for times of the wall clock of a zone.
type wallClock struct {
	plan *cron.SpecSchedule // in UTC, which stands for the wall clock
	zone *time.Location
}

// Next returns the first tick after the given time.
func (w wallClock) Next(after time.Time) time.Time {
	for wall := w.plan.Next(wallOf(after.In(w.zone))); !wall.IsZero(); wall = w.plan.Next(wall) {
		if at := momentOf(wall, w.zone); at.After(after) {
			return at.UTC()
		}
	}
	return time.Time{}
}

// wallOf returns what the wall clock shows, as a time in UTC.
func wallOf(t time.Time) time.Time {
	year, month, day := t.Date()
	return time.Date(year, month, day, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// momentOf returns when the clock of a zone first shows wall or, if it never does, when it
// is moved past it. A later wall never has an earlier moment.
func momentOf(wall time.Time, zone *time.Location) time.Time {
	year, month, day := wall.Date()
	at := time.Date(year, month, day, wall.Hour(), wall.Minute(), wall.Second(), 0, zone)
	start, end := at.ZoneBounds()
	switch shown := wallOf(at); { // time.Date may choose either side of a change
	case shown.After(wall):
		return start
	case shown.Before(wall):
		return end
	case start.IsZero():
		return at
	}
	_, offset := at.Zone()
	_, before := start.Add(-1).Zone()
	if first := at.Add(time.Duration(offset-before) * time.Second); first.Before(start) {
		return first
	}
	return at
}
