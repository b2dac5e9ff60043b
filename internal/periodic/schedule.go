package periodic

import (
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Schedule says when the runs of a periodic job start: at its ticks. The zero Schedule has
// none.
type Schedule struct {
	plan planner
}

// planner finds the first tick after a time; the zero time if there isn't one.
type planner interface {
	Next(after time.Time) time.Time
}

// The shortest and the longest interval of "@every".
const (
	minInterval = time.Second
	maxInterval = 10 * 365 * 24 * time.Hour
)

// scheduleForms says how to write a schedule.
const scheduleForms = "write @hourly, @daily, @weekly, @monthly, @every 36h, " +
	`or minute, hour, day of the month, month and day of the week, such as "30 6 * * mon-fri"`

// Parse parses a schedule: minute, hour, day of the month, month and day of the
// week as in crontab(5); @hourly, @daily, @weekly, @monthly or @yearly; or "@every 36h", an
// interval of 1s to ten years in whole seconds, counted from when the job was created or
// its schedule changed. Times are in UTC, unless the schedule starts with a time zone, as
// in "CRON_TZ=Europe/Paris 0 6 * * *".
//
// In a zone that changes its clocks, a schedule with an hour of "*" follows elapsed time:
// it ticks in both passes of a repeated hour, and not in a skipped one. Any other schedule
// names times of the wall clock. A time that occurs twice ticks only the first time. A time
// that is skipped ticks when the clock is moved past it; all times that one change skips
// are one tick.
func Parse(text string) (Schedule, error) {
	zone, rest, err := cutZone(text)
	if err != nil {
		return Schedule{}, fmt.Errorf("%q is not a schedule: %w", text, err)
	}
	if interval, ok := strings.CutPrefix(rest, "@every"); ok {
		return parseInterval(text, strings.TrimSpace(interval))
	}
	plan, err := cron.ParseStandard("TZ=UTC " + rest)
	if err != nil {
		return Schedule{}, fmt.Errorf("%q is not a schedule (%w): %s", text, err, scheduleForms)
	}
	if plan.Next(time.Unix(0, 0).UTC()).IsZero() {
		return Schedule{}, fmt.Errorf("%q never ticks: no month has that day", text)
	}
	if zone == time.UTC {
		return Schedule{plan}, nil
	}
	return Schedule{zoned(plan.(*cron.SpecSchedule), zone)}, nil
}

// cutZone splits the time zone off a schedule. Without one it is UTC.
func cutZone(text string) (*time.Location, string, error) {
	rest := strings.TrimSpace(text)
	name, ok := strings.CutPrefix(rest, "CRON_TZ=")
	if !ok {
		name, ok = strings.CutPrefix(rest, "TZ=")
	}
	if !ok {
		return time.UTC, rest, nil
	}
	name, rest, _ = strings.Cut(name, " ")
	if name == "" || name == "Local" { // the machines of a fleet may differ
		return nil, "", fmt.Errorf("%q is not a time zone: name one, as in CRON_TZ=Europe/Paris", name)
	}
	zone, err := time.LoadLocation(name)
	if err != nil {
		return nil, "", fmt.Errorf("time zone %q is not known: name one, as in CRON_TZ=Europe/Paris", name)
	}
	return zone, strings.TrimSpace(rest), nil
}

// parseInterval parses the interval of "@every".
func parseInterval(text, interval string) (Schedule, error) {
	every, err := time.ParseDuration(interval)
	switch {
	case err != nil:
		return Schedule{}, fmt.Errorf("%q is not a schedule: %q is not an interval: write @every 36h, or 1m30s", text,
			interval)
	case every < minInterval || every > maxInterval || every%time.Second != 0:
		return Schedule{}, fmt.Errorf("%q: the interval %q is out of range: want %v to %vh in whole seconds, as in @every 36h",
			text, interval, minInterval, int(maxInterval.Hours()))
	}
	return Schedule{cron.Every(every)}, nil
}

// Next returns the first tick after now of a schedule that counts from since. It
// returns the zero time if the schedule has no later tick.
func (s Schedule) Next(since, now time.Time) time.Time {
	switch plan := s.plan.(type) {
	case nil:
		return time.Time{}
	case cron.ConstantDelaySchedule:
		return since.Add((max(0, now.Sub(since)/plan.Delay) + 1) * plan.Delay)
	}
	if now.Before(since) {
		now = since
	}
	return s.plan.Next(now.UTC())
}

// Last returns the last tick after since and not after now; zero if there was none. since
// must not be zero.
func (s Schedule) Last(since, now time.Time) time.Time {
	if every, ok := s.plan.(cron.ConstantDelaySchedule); ok { // counts from since
		ticks := now.Sub(since) / every.Delay
		if ticks <= 0 {
			return time.Time{}
		}
		return since.Add(ticks * every.Delay)
	}
	for span := time.Hour; s.plan != nil; span *= 24 {
		from := now.Add(-span)
		if !from.After(since) {
			return s.lastFrom(since, now)
		}
		if last := s.lastFrom(from, now); !last.IsZero() {
			return last
		}
	}
	return time.Time{}
}

// lastFrom goes from tick to tick.
func (s Schedule) lastFrom(from, now time.Time) (last time.Time) {
	for at := s.plan.Next(from.UTC()); !at.IsZero() && !at.After(now); at = s.plan.Next(at) {
		last = at
	}
	return last
}
