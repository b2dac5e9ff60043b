package setting

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/plain"
	"github.com/trawlcrawler/trawl/internal/rules"
)

// Changes are new values of settings in JSON, by their names in a job file. The value null
// stands for the setting's default.
type Changes map[string]json.RawMessage

// AnyRevision stands for whatever revision the settings of a job have, where they are changed.
const AnyRevision = -1

// Adjustment is the result of changing settings of a job.
type Adjustment struct {
	Changed  []crawler.Change // empty if all settings had these values already
	Notes    []string         // what an operator should know about the changes
	Reopened bool             // the job was done because of a budget, and continues
}

// Change returns a job with settings changed, and what an operator should know about that.
// The error is a [crawler.SettingError] that names a setting that does not exist, cannot
// change, or is out of range.
func Change(job crawler.Job, changes Changes) (crawler.Job, []string, error) {
	var notes []string
	now := Values{Job: job}
	for _, name := range slices.Sorted(maps.Keys(changes)) {
		s, err := changeable(job, name)
		if err != nil {
			return job, nil, err
		}
		if err := s.change(&now, changes[name]); err != nil {
			return job, nil, &crawler.SettingError{Path: name, Reason: err.Error()}
		}
		if s.Why != "" {
			notes = append(notes, name+": "+s.Why)
		}
	}
	if err := rules.Validate(now.Job); err != nil {
		return job, nil, asSettingError(err)
	}
	return now.Job, notes, nil
}

// asSettingError turns an error of Validate into a SettingError.
func asSettingError(err error) error {
	if name, reason, ok := strings.Cut(err.Error(), ": "); ok {
		return &crawler.SettingError{Path: name, Reason: reason}
	}
	return err
}

// changeable returns a setting that can change, or an error that says why it cannot.
func changeable(job crawler.Job, name string) (Setting, error) {
	s, ok := Lookup(name)
	reason := ""
	switch {
	case !ok || s.In&InJob == 0:
		reason = fmt.Sprintf("%q is not a setting of a job%s", name, plain.Suggest(name, Changeable()))
	case !s.Changes && s.Why != "":
		reason = "it cannot change after the job was created: " + s.Why
	case !s.Changes:
		reason = "it cannot change after the job was created, because the job's pages would differ: create another job"
	case job.Schedule == "" && (name == "schedule" || name == "runs"):
		reason = "the job is not periodic and cannot become periodic: create another job with a schedule"
	default:
		return s, nil
	}
	return s, &crawler.SettingError{Path: name, Reason: reason}
}

// Changeable lists the settings that can change after a job was created, sorted.
func Changeable() (names []string) {
	for _, s := range table {
		if s.Changes {
			names = append(names, s.Name)
		}
	}
	slices.Sort(names)
	return names
}

// change sets the setting from JSON; null stands for its default.
func (s Setting) change(now *Values, value json.RawMessage) error {
	if string(bytes.TrimSpace(value)) == "null" {
		usual := Default()
		s.Copy(now, &usual)
		return nil
	}
	continuous := now.Recrawl.On()
	if err := s.Decode(now, value); err != nil {
		return err
	}
	if s.Name == "recrawl" && now.Recrawl.On() && !continuous {
		return fmt.Errorf("the job does not know when its pages were fetched, and cannot become continuous: create another job with recrawl")
	}
	if s.Name == "schedule" && now.Schedule == "" {
		return fmt.Errorf("a periodic job must have a schedule: to stop further runs, cancel the job")
	}
	return nil
}

// Differences lists the settings in which a job differs from an earlier version of it.
func Differences(was, now crawler.Job, at time.Time, revision int64) (all []crawler.Change) {
	before, after := Values{Job: was}, Values{Job: now}
	for _, s := range table {
		if s.In&InJob == 0 {
			continue
		}
		from, fromErr := s.Encode(&before)
		to, toErr := s.Encode(&after)
		if fromErr == nil && toErr == nil && !bytes.Equal(from, to) {
			all = append(all, crawler.Change{At: at, Revision: revision, Setting: s.Name, From: from, To: to})
		}
	}
	return all
}

// ParseChanges parses arguments of the form NAME=VALUE. A list has one argument for each of
// its values, or NAME= for an empty list.
func ParseChanges(pairs []string) (Changes, error) {
	changes, lists := make(Changes), make(map[string][]string)
	for _, pair := range pairs {
		name, value, ok := strings.Cut(pair, "=")
		name = strings.ReplaceAll(name, "-", "_")
		if !ok || name == "" {
			return nil, fmt.Errorf("%q does not say what to change: write NAME=VALUE, as in delay=5s", pair)
		}
		s, known := Lookup(name)
		switch {
		case !known:
			changes[name] = json.RawMessage("null") // Change reports the unknown name
		case s.IsList():
			if lists[name] == nil {
				lists[name] = []string{}
			}
			if value != "" {
				lists[name] = append(lists[name], value)
			}
		case changes[name] != nil:
			return nil, fmt.Errorf("%q: %s is given twice", pair, name)
		default:
			changes[name] = s.scalar(value)
		}
	}
	for name, values := range lists {
		encoded, err := json.Marshal(values)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		changes[name] = encoded
	}
	return changes, nil
}

// scalar encodes a value as JSON: unchanged if the setting is a number or boolean,
// otherwise as a string.
func (s Setting) scalar(value string) json.RawMessage {
	switch s.Pointer(new(Values)).(type) {
	case *int, *int64, *float64, *bool:
		if json.Valid([]byte(value)) {
			return json.RawMessage(value)
		}
	}
	encoded, _ := json.Marshal(value) // encoding a string cannot fail
	return encoded
}
