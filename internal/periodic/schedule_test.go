package periodic

import (
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

func moment(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestTheLastTickOfASchedule(t *testing.T) {
	t.Parallel()
	const created = "2026-03-10T10:30:00.5Z" // a Tuesday
	for _, c := range []struct{ name, schedule, now, want string }{
		{"before the first", "@daily", "2026-03-10T23:59:59.999Z", ""},
		{"at the first", "@daily", "2026-03-11T00:00:00Z", "2026-03-11T00:00:00Z"},
		{"after several that nobody saw", "@daily", "2026-03-20T12:00:00Z", "2026-03-20T00:00:00Z"},
		{"every minute, after a year", "* * * * *", "2027-03-10T10:30:59Z", "2027-03-10T10:30:00Z"},
		{"once a year, after many", "0 0 29 2 *", "2039-01-01T00:00:00Z", "2036-02-29T00:00:00Z"},
		{"on days of the week", "30 6 * * mon-fri", "2026-03-15T12:00:00Z", "2026-03-13T06:30:00Z"},
		{"in a zone", "CRON_TZ=America/New_York 0 6 * * *", "2026-03-11T11:00:00Z", "2026-03-11T10:00:00Z"},
		{"from the creation, before the first", "@every 2m", "2026-03-10T10:32:00.499Z", ""},
		{"from the creation, at the first", "@every 2m", "2026-03-10T10:32:00.5Z", "2026-03-10T10:32:00.5Z"},
		{"from the creation, later", "@every 2m", "2026-03-10T10:37:00Z", "2026-03-10T10:36:00.5Z"},
		{"a clock that went back", "@every 1s", "2026-03-10T10:30:00Z", ""},
		{"a clock that went back, of a cron", "* * * * *", "2026-03-10T10:00:00Z", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s, err := Parse(c.schedule)
			if err != nil {
				t.Fatal(err)
			}
			want := time.Time{}
			if c.want != "" {
				want = moment(t, c.want)
			}
			if got := s.Last(moment(t, created), moment(t, c.now)); !got.Equal(want) {
				t.Errorf("the last tick of %q at %s is %v, want %v", c.schedule, c.now, got, want)
			}
		})
	}
}

func TestAJobWithAScheduleThatCannotBeKeptIsRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, schedule string
		says           []string // none: it is valid
	}{
		{"news", "@daily", nil},
		{"news", "@every 1s", nil},
		{"news", "*/5 2,3 1-7 jan-mar sun", nil},
		{strings.Repeat("a", 47), "@hourly", nil},
		{strings.Repeat("a", 48), "@hourly", []string{"name: ", "48 letters", "at most 47", "NAME-20260131t060000"}},
		{"news", "daily", []string{`schedule: "daily"`, "@daily", "minute, hour"}},
		{"news", "0 6 * *", []string{`schedule: "0 6 * *"`, "minute, hour"}},
		{"news", "0 25 * * *", []string{`schedule: "0 25 * * *"`, "25"}},
		{"news", "@every soon", []string{`schedule: "@every soon"`}},
		{"news", "@reboot", []string{`schedule: "@reboot"`, "@hourly"}},
		{"news", "@every 0s", []string{`schedule: "@every 0s"`, `"0s" is out of range`, "1s to 87600h", "@every 36h"}},
		{"news", "@every -5m", []string{`"-5m" is out of range`}},
		{"news", "@every 999ms", []string{`"999ms" is out of range`, "whole seconds"}},
		{"news", "@every 1500ms", []string{`"1500ms" is out of range`, "whole seconds"}},
		{"news", "@every 1000000h", []string{`"1000000h" is out of range`}},
		{"news", "@every 10000000000h", []string{`"10000000000h" is not an interval`}},
		{"news", "@every", []string{`"" is not an interval`, "@every 36h"}},
		{"news", "@every5m", nil},
		{"news", "CRON_TZ=Europe/Paris @every 36h", nil},
		{"news", "CRON_TZ=Europe/Paris @every 0s", []string{`"0s" is out of range`}},
		{"news", "TZ=Asia/Tokyo @daily", nil},
		{"news", "CRON_TZ=Europe/Pariss 0 6 * * *",
			[]string{`time zone "Europe/Pariss" is not known`, "CRON_TZ=Europe/Paris"}},
		{"news", "CRON_TZ=UTC", []string{`"CRON_TZ=UTC"`}},
		{"news", "TZ= 0 6 * * *", []string{`"" is not a time zone`}},
		{"news", "TZ=Local 0 6 * * *", []string{`"Local" is not a time zone`}},
		{"news", "CRON_TZ=Europe/Paris 0 0 31 6 *", []string{"never ticks"}},
		{"news", "*/0 * * * *", []string{`"*/0 * * * *"`}},
		{"news", "0 0 30 2 *", []string{`schedule: "0 0 30 2 *" never ticks`}},
	} {
		t.Run(c.schedule, func(t *testing.T) {
			t.Parallel()
			job := crawler.DefaultJob()
			job.Name, job.Schedule = c.name, c.schedule
			err := Check(job)
			if len(c.says) == 0 && err != nil {
				t.Fatal(err)
			}
			for _, part := range c.says {
				if err == nil || !strings.Contains(err.Error(), part) {
					t.Errorf("the error is %v, want one that says %q", err, part)
				}
			}
		})
	}
}

func TestTheLongestNameOfARunIsAName(t *testing.T) {
	t.Parallel()
	job := crawler.DefaultJob()
	job.Name = RunName(strings.Repeat("a", maxName), time.Now())
	if len(job.Name) != 63 {
		t.Errorf("%q has %d letters, want 63", job.Name, len(job.Name))
	}
}
