package periodic

import (
	"testing"
	"time"
)

// ticks lists the ticks of a schedule between two moments.
func ticks(t *testing.T, schedule, from, to string) (all []string) {
	t.Helper()
	s, err := Parse(schedule)
	if err != nil {
		t.Fatal(err)
	}
	since, end := moment(t, from), moment(t, to)
	for at := s.Next(since, since); !at.IsZero() && !at.After(end); at = s.Next(since, at) {
		if last := s.Last(since, at); !last.Equal(at) {
			t.Errorf("at the tick %v of %q, the last tick is %v", at, schedule, last)
		}
		if last := s.Last(since, at.Add(-1)); !last.Before(at) {
			t.Errorf("before the tick %v of %q, the last tick is %v", at, schedule, last)
		}
		all = append(all, at.UTC().Format("02T15:04"))
	}
	return all
}

func TestARepeatedHourDoesNotRunTwiceAndASkippedOneIsNotLost(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, schedule, from, to string
		want                     []string
	}{
		// Paris: from 02:00 to 03:00 at 01:00 UTC on 29 March; from 03:00 back to 02:00 at 01:00 UTC on 25 October.
		{"a skipped time runs at the change", "CRON_TZ=Europe/Paris 30 2 * * *", "2026-03-28T00:00:00Z",
			"2026-03-30T12:00:00Z", []string{"28T01:30", "29T01:00", "30T00:30"}},
		{"skipped times are one run", "CRON_TZ=Europe/Paris */10 2 * * *", "2026-03-28T23:30:00Z",
			"2026-03-30T00:05:00Z", []string{"29T01:00", "30T00:00"}},
		{"a skipped time and the one at the change are one run", "CRON_TZ=Europe/Paris 0 2,3 * * *",
			"2026-03-28T12:00:00Z", "2026-03-30T01:30:00Z", []string{"29T01:00", "30T00:00", "30T01:00"}},
		{"a repeated time runs the first time", "CRON_TZ=Europe/Paris 30 2 * * *", "2026-10-24T12:00:00Z",
			"2026-10-26T12:00:00Z", []string{"25T00:30", "26T01:30"}},
		{"a time after the repeated hour", "CRON_TZ=Europe/Paris 0 3 * * *", "2026-10-24T12:00:00Z",
			"2026-10-26T12:00:00Z", []string{"25T02:00", "26T02:00"}},
		{"seen to between the two passes", "CRON_TZ=Europe/Paris 15,45 2 * * *", "2026-10-25T00:30:00Z",
			"2026-10-26T01:20:00Z", []string{"25T00:45", "26T01:15"}},
		{"asked in the second pass", "CRON_TZ=Europe/Paris 45 2 * * *", "2026-10-25T01:10:00Z", "2026-10-26T12:00:00Z",
			[]string{"26T01:45"}},
		{"every second hour", "TZ=Europe/Paris 0 */2 * * *", "2026-10-24T21:00:00Z", "2026-10-25T04:00:00Z",
			[]string{"24T22:00", "25T00:00", "25T03:00"}},
		{"every hour follows elapsed time, forwards", "CRON_TZ=Europe/Paris 30 * * * *", "2026-03-29T00:00:00Z",
			"2026-03-29T02:30:00Z", []string{"29T00:30", "29T01:30", "29T02:30"}},
		{"every hour follows elapsed time, backwards", "CRON_TZ=Europe/Paris 30 * * * *", "2026-10-25T00:00:00Z",
			"2026-10-25T02:30:00Z", []string{"25T00:30", "25T01:30", "25T02:30"}},
		// New York: 8 March and 1 November.
		{"a weekly run that is skipped", "CRON_TZ=America/New_York 15 2 * * sun", "2026-03-01T12:00:00Z",
			"2026-03-16T00:00:00Z", []string{"08T07:00", "15T06:15"}},
		{"a repeated time in New York", "CRON_TZ=America/New_York 30 1 * * *", "2026-10-31T12:00:00Z",
			"2026-11-02T12:00:00Z", []string{"01T05:30", "02T06:30"}},
		// Lord Howe: by half an hour.
		{"half an hour is skipped", "CRON_TZ=Australia/Lord_Howe 15 2 * * *", "2026-10-03T00:00:00Z",
			"2026-10-05T00:00:00Z", []string{"03T15:30", "04T15:15"}},
		{"half an hour is repeated", "CRON_TZ=Australia/Lord_Howe 45 1 * * *", "2026-04-04T00:00:00Z",
			"2026-04-06T00:00:00Z", []string{"04T14:45", "05T15:15"}},
		// Cairo: at midnight, so that a day begins at 01:00.
		{"midnight is skipped", "CRON_TZ=Africa/Cairo @daily", "2026-04-22T23:00:00Z", "2026-04-25T00:00:00Z",
			[]string{"23T22:00", "24T21:00"}},
		// Samoa left out 30 December 2011.
		{"a whole day is skipped", "CRON_TZ=Pacific/Apia 0 6 * * *", "2011-12-29T00:00:00Z", "2011-12-31T00:00:00Z",
			[]string{"29T16:00", "30T10:00", "30T16:00"}},
		{"UTC has no changes", "0 2 * * *", "2026-03-28T12:00:00Z", "2026-03-30T12:00:00Z",
			[]string{"29T02:00", "30T02:00"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := ticks(t, c.schedule, c.from, c.to)
			if len(got) != len(c.want) {
				t.Fatalf("the ticks of %q are %v, want %v", c.schedule, got, c.want)
			}
			for i := range got {
				if got[i] != c.want[i] {
					t.Errorf("the ticks of %q are %v, want %v", c.schedule, got, c.want)
				}
			}
		})
	}
}

func TestTheNextTickOfAnIntervalCountsFromItsBeginning(t *testing.T) {
	t.Parallel()
	s, err := Parse("@every 2m")
	if err != nil {
		t.Fatal(err)
	}
	since := moment(t, "2026-03-10T10:30:00.5Z")
	for now, want := range map[time.Duration]time.Duration{
		-time.Hour: 2 * time.Minute, 0: 2 * time.Minute, time.Minute: 2 * time.Minute,
		2 * time.Minute: 4 * time.Minute, 2*time.Minute - 1: 2 * time.Minute, 61 * time.Minute: 62 * time.Minute,
	} {
		if got := s.Next(since, since.Add(now)); !got.Equal(since.Add(want)) {
			t.Errorf("after %v the next tick is %v from the beginning, want %v", now, got.Sub(since), want)
		}
	}
}
