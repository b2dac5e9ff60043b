package crawler

import (
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// Schedule is when the runs of a periodic job begin: at its ticks. The zero
// Schedule has none.
type Schedule struct {
	plan cron.Schedule
}

// tickName is how the moment of a tick ends the name of its run.
const tickName = "20060102t150405"

// mostPeriodic is how long the name of a periodic job may be, so that those of its
// runs are names too.
const mostPeriodic = 63 - len("-"+tickName)

// ParseSchedule reads a schedule: minute, hour, day of the month, month and day of
// the week as crontab(5) has them; @hourly, @daily, @weekly, @monthly or @yearly;
// or "@every 36h", of whole seconds, from when the job was created. Moments are in
// UTC, unless the schedule begins with a zone, as in "CRON_TZ=Europe/Paris 0 6 * * *".
func ParseSchedule(text string) (Schedule, error) {
	plan, err := cron.ParseStandard(text)
	if err != nil {
		return Schedule{}, fmt.Errorf("%q is no schedule (%v): write @hourly, @daily, @weekly, @monthly, @every 36h, "+
			`or minute, hour, day of the month, month and day of the week, such as "30 6 * * mon-fri"`, text, err)
	}
	if plan.Next(time.Unix(0, 0).UTC()).IsZero() {
		return Schedule{}, fmt.Errorf("%q never comes: no month has that day", text)
	}
	return Schedule{plan}, nil
}

// Last returns the last tick after since and not after now; zero when there was
// none. since must not be zero.
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

// RunName is the name of the run of a periodic job that begins at a tick.
func RunName(job string, tick time.Time) string {
	return job + "-" + tick.UTC().Format(tickName)
}

// IsRun reports whether a job is named as a run of a periodic job is.
func IsRun(job, name string) bool {
	tick, ok := strings.CutPrefix(name, job+"-")
	_, err := time.Parse(tickName, tick)
	return ok && err == nil
}

// checkSchedule returns what is wrong with the schedule of a job and the name that
// goes with it.
func (j Job) checkSchedule() error {
	if j.Schedule == "" {
		return nil
	}
	if len(j.Name) > mostPeriodic {
		return fmt.Errorf("name: %q has %d letters: a job with a schedule has at most %d, because its runs are named after it, such as %s",
			j.Name, len(j.Name), mostPeriodic, RunName("NAME", time.Date(2026, 1, 31, 6, 0, 0, 0, time.UTC)))
	}
	if _, err := ParseSchedule(j.Schedule); err != nil {
		return fmt.Errorf("schedule: %w", err)
	}
	return nil
}
