package crawler

import (
	"cmp"
	"fmt"
	"slices"
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

// tickName is the format of the tick at the end of a run's name.
const tickName = "20060102t150405"

// maxPeriodic is the longest name of a periodic job, so that the names of its runs are not
// too long.
const maxPeriodic = 63 - len("-"+tickName)

// The shortest and the longest interval of "@every".
const (
	minInterval = time.Second
	maxInterval = 10 * 365 * 24 * time.Hour
)

// scheduleForms says how to write a schedule.
const scheduleForms = "write @hourly, @daily, @weekly, @monthly, @every 36h, " +
	`or minute, hour, day of the month, month and day of the week, such as "30 6 * * mon-fri"`

// ParseSchedule parses a schedule: minute, hour, day of the month, month and day of the
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
func ParseSchedule(text string) (Schedule, error) {
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

// RunName returns the name of the run of a periodic job that starts at a tick.
func RunName(job string, tick time.Time) string {
	return job + "-" + tick.UTC().Format(tickName)
}

// IsRun reports whether name has the form that [RunName] gives to a job and a tick. Any job
// may have such a name: [Status.RunOf] says whether it is a run.
func IsRun(job, name string) bool {
	tick, ok := strings.CutPrefix(name, job+"-")
	_, err := time.Parse(tickName, tick)
	return ok && err == nil
}

// CheckSchedule returns an error if the schedule of a job is invalid, or its name is too
// long for one.
func (j Job) CheckSchedule() error {
	if j.Schedule == "" {
		return nil
	}
	if len(j.Name) > maxPeriodic {
		return fmt.Errorf("name: %q has %d letters: a job with a schedule has at most %d, because its runs are named after it, such as %s",
			j.Name, len(j.Name), maxPeriodic, RunName("NAME", time.Date(2026, 1, 31, 6, 0, 0, 0, time.UTC)))
	}
	if _, err := ParseSchedule(j.Schedule); err != nil {
		return fmt.Errorf("schedule: %w", err)
	}
	return nil
}

// Periodic says when the runs of a periodic job start, and lists its runs.
type Periodic struct {
	Schedule string `json:"schedule"`
	// LastTick is the last tick that a scheduler handled; zero before the first.
	LastTick time.Time `json:"last_tick,omitzero"`
	// NextTick is when the next run may start; zero if none will.
	NextTick time.Time `json:"next_tick,omitzero"`
	// TicksPass says that no run starts at a tick, because the job is paused.
	TicksPass bool `json:"ticks_pass"`
	// Runs lists the runs that Redis still has, the oldest first.
	Runs []Run `json:"runs"`
}

// Run is one run of a periodic job. It is a job of its own.
type Run struct {
	Name    string    `json:"name"`
	State   State     `json:"state"`
	Reason  string    `json:"reason"`
	Pages   int64     `json:"pages"` // fetched so far
	Started time.Time `json:"started,omitzero"`
	Ended   time.Time `json:"ended,omitzero"`
}

// Periodic describes a periodic job, without its runs; nil for any other job.
func (s Status) Periodic() *Periodic {
	if s.Job.Schedule == "" {
		return nil
	}
	p := &Periodic{
		Schedule: s.Job.Schedule, LastTick: inUTC(s.Tick),
		TicksPass: s.State == StatePaused, Runs: []Run{},
	}
	schedule, err := ParseSchedule(s.Job.Schedule)
	if err == nil && !s.State.Ended() {
		p.NextTick = inUTC(schedule.Next(s.TicksFrom(), s.Now))
	}
	return p
}

// TicksFrom is the time after which the ticks of a periodic job count.
func (s Status) TicksFrom() time.Time {
	if s.Scheduled.After(s.Created) {
		return s.Scheduled
	}
	return s.Created
}

// Add adds a run and the number of pages that it has fetched.
func (p *Periodic) Add(s Status, pages int64) {
	p.Runs = append(p.Runs, Run{
		Name: s.Job.Name, State: s.State, Reason: s.Reason, Pages: pages, Started: inUTC(s.Started),
		Ended: inUTC(s.Ended),
	})
	slices.SortFunc(p.Runs, func(a, b Run) int { return cmp.Compare(a.Name, b.Name) })
}

// RunsOf returns the runs of a periodic job among all, the oldest first.
func RunsOf(job string, all []Status) []Status {
	var runs []Status
	for _, s := range all {
		if s.RunOf == job {
			runs = append(runs, s)
		}
	}
	slices.SortFunc(runs, func(a, b Status) int { return cmp.Compare(a.Job.Name, b.Job.Name) })
	return runs
}

// inUTC converts a time to UTC and keeps the zero time zero.
func inUTC(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC()
}

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
