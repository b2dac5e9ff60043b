package setting

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
)

func TestEverySettingCanChangeOrSaysWhyNot(t *testing.T) {
	t.Parallel()
	for _, s := range table {
		if s.In&InJob == 0 {
			if s.Changes {
				t.Errorf("%s belongs to no job and can change", s.Name)
			}
			continue
		}
		job := crawler.DefaultJob()
		job.Name, job.Schedule = "news", "@daily"
		_, _, err := Change(job, Changes{s.Name: []byte("null")})
		if s.Changes && s.Name != "schedule" && err != nil {
			t.Errorf("%s cannot be set to its default: %v", s.Name, err)
		}
		var setting *crawler.SettingError
		if !s.Changes && (!errors.As(err, &setting) || !strings.Contains(err.Error(), "cannot change")) {
			t.Errorf("to change %s says %v", s.Name, err)
		}
	}
}

func TestSettingsAreChangedTogetherOrNotAtAll(t *testing.T) {
	t.Parallel()
	job := crawler.DefaultJob()
	job.Name, job.Exclude = "news", []string{"/old/"}
	changes, err := ParseChanges([]string{"delay=5s", "pages=200", "throttle=1.5", "bytes=2GB", "exclude=/a[0-9]/",
		"exclude=/b=c/", "per-host=2", "include="})
	if err != nil {
		t.Fatal(err)
	}
	got, notes, err := Change(job, changes)
	if err != nil {
		t.Fatal(err)
	}
	if got.Delay != 5*time.Second || got.Pages != 200 || got.Throttle != 1.5 || got.Bytes != 2e9 ||
		got.PerHost != 2 ||
		!slices.Equal(got.Exclude, []string{"/a[0-9]/", "/b=c/"}) || len(got.Include) != 0 {
		t.Errorf("the job is %+v", got)
	}
	if len(notes) != 2 || !strings.Contains(notes[0], "exclude: ") {
		t.Errorf("the notes are %q", notes)
	}
	var changed []string
	for _, c := range Differences(job, got, time.Now(), 1) {
		changed = append(changed, c.String())
	}
	if want := `exclude: ["/a[0-9]/","/b=c/"], was ["/old/"]`; !slices.Contains(changed, want) ||
		!slices.Contains(changed, "delay: 5s, was 1s") {
		t.Errorf("what was changed is %q", changed)
	}
	if job.Delay != time.Second || !slices.Equal(job.Exclude, []string{"/old/"}) {
		t.Errorf("the job before was changed too: %+v", job)
	}
}

func TestAChangeThatCannotBeIsRefused(t *testing.T) {
	t.Parallel()
	for pair, says := range map[string]string{
		"dealy=5s":        `dealy: "dealy" is not a setting of a job (did you mean "delay"?)`,
		"delay=5":         `delay: "5" is not a duration (write 500ms, 2s or 1h30m)`,
		"delay=-5s":       `delay: "-5s" is a negative duration`,
		"pages=many":      `pages: "many" is not a whole number`,
		"pages=1.5":       `pages: "1.5" is not a whole number`,
		"pages=-1":        `pages: "-1" is out of range`,
		"pages=":          `pages: "" is not a whole number`,
		"throttle=slow":   `throttle: "slow" is not a number`,
		"per_host=0":      `per_host: "0" is out of range: want 1 to 256`,
		"exclude=(":       `exclude: "(" is not a regular expression`,
		"name=other":      "name: it cannot change after the job was created: keys",
		"shards=2":        "the frontier is divided into them",
		"format=warc":     "workers have files of these formats open",
		"depth=3":         "create another job",
		"schedule=@daily": "schedule: the job is not periodic",
		"delay":           `"delay" does not say what to change: write NAME=VALUE`,
		"=5s":             `"=5s" does not say what to change`,
	} {
		t.Run(pair, func(t *testing.T) {
			t.Parallel()
			job := crawler.DefaultJob()
			job.Name = "news"
			changes, err := ParseChanges([]string{pair})
			if err == nil {
				_, _, err = Change(job, changes)
			}
			if err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("the error is %v, want one that says %q", err, says)
			}
		})
	}
	if _, err := ParseChanges([]string{"delay=1s", "delay=2s"}); err == nil ||
		!strings.Contains(err.Error(), "given twice") {
		t.Errorf("to set a setting twice says %v", err)
	}
	job := crawler.DefaultJob()
	job.Name, job.Schedule = "news", "@daily"
	for _, value := range []string{`"@every 0s"`, `""`} {
		if _, _, err := Change(job, Changes{"schedule": []byte(value)}); err == nil {
			t.Errorf("a periodic job takes the schedule %s", value)
		}
	}
}

func TestPrioritiesOfAJobAreChanged(t *testing.T) {
	t.Parallel()
	job := crawler.DefaultJob()
	job.Name = "news"
	changes, err := ParseChanges([]string{"priorities=urgent=/a=b/", "priorities=low=."})
	if err != nil {
		t.Fatal(err)
	}
	job, notes, err := Change(job, changes)
	if err != nil || len(notes) != 1 || !strings.Contains(notes[0], "keep their priority") {
		t.Fatalf("%v, %q", err, notes)
	}
	if diff := cmp.Diff([]crawler.PriorityRule{{Match: "/a=b/", Priority: crawler.PriorityUrgent},
		{Match: ".", Priority: crawler.PriorityLow}}, job.Priorities); diff != "" {
		t.Error(diff)
	}
	for value, says := range map[string]string{
		`["urgnt=/a/"]`:                   `priorities: "urgnt" is not a priority (did you mean "urgent"?)`,
		`["/a/"]`:                         `priorities: "/a/" is not a rule: write PRIORITY=REGEXP`,
		`[{"match": "a", "prio": "low"}]`: `priorities: unknown field "prio"`,
		`"low=a"`:                         `priorities: "low=a" is not a list`, `["low=("]`: "priorities[0].match: ",
	} {
		if _, _, err := Change(job, Changes{"priorities": json.RawMessage(value)}); err == nil ||
			!strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v, want %s", value, err, says)
		}
	}
}
