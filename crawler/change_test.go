package crawler

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestEverySettingCanChangeOrSaysWhyNot(t *testing.T) {
	t.Parallel()
	for _, name := range SettingNames() {
		_, changes := changeable[name]
		if _, stays := fixed[name]; changes && stays {
			t.Errorf("%s both can change and cannot", name)
		}
		job := DefaultJob()
		job.Name, job.Schedule = "news", "@daily"
		_, _, err := job.With(Changes{name: []byte("null")})
		if changes && name != "schedule" && err != nil {
			t.Errorf("%s cannot be set to its default: %v", name, err)
		}
		var setting *SettingError
		if !changes && (!errors.As(err, &setting) || !strings.Contains(err.Error(), "cannot change")) {
			t.Errorf("to change %s says %v", name, err)
		}
	}
	for name := range changeable {
		if !slices.Contains(SettingNames(), name) {
			t.Errorf("%s is not a setting", name)
		}
	}
	for name := range fixed {
		if !slices.Contains(SettingNames(), name) {
			t.Errorf("%s is not a setting", name)
		}
	}
}

func TestSettingsAreChangedTogetherOrNotAtAll(t *testing.T) {
	t.Parallel()
	job := DefaultJob()
	job.Name, job.Exclude = "news", []string{"/old/"}
	changes, err := ParseChanges([]string{"delay=5s", "pages=200", "throttle=1.5", "bytes=2GB", "exclude=/a[0-9]/", "exclude=/b=c/", "per-host=2", "include="})
	if err != nil {
		t.Fatal(err)
	}
	got, notes, err := job.With(changes)
	if err != nil {
		t.Fatal(err)
	}
	if got.Delay != Duration(5*time.Second) || got.Pages != 200 || got.Throttle != 1.5 || got.Bytes != 2e9 || got.PerHost != 2 ||
		!slices.Equal(got.Exclude, []string{"/a[0-9]/", "/b=c/"}) || len(got.Include) != 0 {
		t.Errorf("the job is %+v", got)
	}
	if len(notes) != 2 || !strings.Contains(notes[0], "exclude: ") {
		t.Errorf("the notes are %q", notes)
	}
	var changed []string
	for _, c := range got.Changed(job, time.Now(), 1) {
		changed = append(changed, c.String())
	}
	if want := `exclude: ["/a[0-9]/","/b=c/"], was ["/old/"]`; !slices.Contains(changed, want) || !slices.Contains(changed, "delay: 5s, was 1s") {
		t.Errorf("what was changed is %q", changed)
	}
	if job.Delay != Duration(time.Second) || !slices.Equal(job.Exclude, []string{"/old/"}) {
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
		"shards=2":        "the frontier lies in them",
		"format=warc":     "workers have files of these formats open",
		"depth=3":         "create another job",
		"schedule=@daily": "schedule: the job is not periodic",
		"delay":           `"delay" does not say what to change: write NAME=VALUE`,
		"=5s":             `"=5s" does not say what to change`,
	} {
		t.Run(pair, func(t *testing.T) {
			t.Parallel()
			job := DefaultJob()
			job.Name = "news"
			changes, err := ParseChanges([]string{pair})
			if err == nil {
				_, _, err = job.With(changes)
			}
			if err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("the error is %v, want one that says %q", err, says)
			}
		})
	}
	if _, err := ParseChanges([]string{"delay=1s", "delay=2s"}); err == nil || !strings.Contains(err.Error(), "given twice") {
		t.Errorf("to set a setting twice says %v", err)
	}
	job := DefaultJob()
	job.Name, job.Schedule = "news", "@daily"
	for _, value := range []string{`"@every 0s"`, `""`} {
		if _, _, err := job.With(Changes{"schedule": []byte(value)}); err == nil {
			t.Errorf("a periodic job takes the schedule %s", value)
		}
	}
}
