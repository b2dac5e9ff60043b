package crawler

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Change is one setting of a job that was changed after the job was created.
type Change struct {
	At       time.Time       `json:"at"`
	Revision int64           `json:"revision"` // of the settings, after it
	Setting  string          `json:"setting"`
	From     json.RawMessage `json:"from"`
	To       json.RawMessage `json:"to"`
}

// Adjustment is what came of changing settings of a job.
type Adjustment struct {
	Changed  []Change // none when all had these values already
	Notes    []string // what an operator should know of them
	Reopened bool     // the job was done because of a budget, and goes on
}

// MostChanges is how many changes of a job are shown.
const MostChanges = 50

// String says what was changed, as in "delay: 1s, was 500ms".
func (c Change) String() string {
	return fmt.Sprintf("%s: %s, was %s", c.Setting, plainJSON(c.To), plainJSON(c.From))
}

// plainJSON is a value without the quotes of a string.
func plainJSON(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return text
	}
	return string(value)
}

// Changes are new values of settings, in JSON, by their names in a job file. The value null is
// the setting's default.
type Changes map[string]json.RawMessage

// changeable are the settings that can change after a job was created. The value is what
// should be known of it; "" for nothing.
var changeable = map[string]string{
	"pages": "", "bytes": "", "time": "", "delay": "", "throttle": "", "crawl_delay_cap": "", "weight": "", "per_host": "",
	"retries": "", "robots_tries": "", "retry_pause": "", "host_tries": "", "timeout": "", "min_rate": "", "runs": "", "schedule": "",
	"pages_per_host": "URLs that a smaller budget left out are not brought back",
	"include":        "links that were admitted are fetched all the same, and those that were left out come back only if a page links to them again",
	"exclude":        "links that were admitted are fetched all the same, and those that were left out come back only if a page links to them again",
	"priorities":     "URLs that were admitted keep their priority",
}

// fixed says why settings cannot change; others change what pages of the same job hold.
var fixed = map[string]string{
	"name": "keys, queue and results are named after it", "seeds": "bring more with trawl seed",
	"shards": "the frontier lies in them", "same": "URLs that were seen are known by it", "format": "workers have files of these formats open",
	"address_delay": "hosts that wait for an address are lined up by it", "address_exempt": "hosts that wait for an address are lined up by it",
	"handlers": "workers are chosen by them", "politeness": "visits of other jobs go by it", "user_agent": "robots.txt was read for it", "ignore_robots": "robots.txt was read or not",
}

// SettingNames lists the settings of a job.
func SettingNames() (names []string) {
	for i := range reflect.TypeFor[Job]().NumField() {
		names = append(names, reflect.TypeFor[Job]().Field(i).Tag.Get("yaml"))
	}
	return names
}

// With returns the job with settings changed, and what an operator should know of that. The error is a
// [SettingError] that names a setting which does not exist, cannot change, or is out of range.
func (j Job) With(changes Changes) (Job, []string, error) {
	var notes []string
	for _, name := range slices.Sorted(maps.Keys(changes)) {
		if err := j.canChange(name); err != nil {
			return j, nil, err
		}
		if err := j.set(name, changes[name]); err != nil {
			return j, nil, err
		}
		if note := changeable[name]; note != "" {
			notes = append(notes, name+": "+note)
		}
	}
	if err := j.Validate(); err != nil {
		return j, nil, asSettingError(err)
	}
	return j, notes, nil
}

// asSettingError makes a SettingError of what Validate says.
func asSettingError(err error) error {
	if name, reason, ok := strings.Cut(err.Error(), ": "); ok {
		return &SettingError{name, reason}
	}
	return err
}

// canChange returns why a setting of the job cannot change.
func (j Job) canChange(name string) error {
	_, ok := changeable[name]
	switch {
	case !slices.Contains(SettingNames(), name):
		return &SettingError{name, fmt.Sprintf("%q is not a setting of a job%s", name, Suggest(name, slices.Sorted(maps.Keys(changeable))))}
	case !ok && fixed[name] != "":
		return &SettingError{name, "it cannot change after the job was created: " + fixed[name]}
	case !ok:
		return &SettingError{name, "it cannot change after the job was created, because the job's pages would differ: create another job"}
	case j.Schedule == "" && (name == "schedule" || name == "runs"):
		return &SettingError{name, "the job is not periodic, and cannot become so: create another job with a schedule"}
	}
	return nil
}

// Suggest says which known word is most like an unknown one, as in ` (did you mean "delay"?)`; "" if none is.
func Suggest(word string, known []string) string {
	best, least := "", 3
	for _, k := range known {
		if d := distance(word, k); d < least {
			best, least = k, d
		}
	}
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", best)
}

// distance is how many letters are to be added, removed or changed to make b of a.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for i := range row {
		row[i] = i
	}
	for i := range len(a) {
		last := row[0]
		row[0] = i + 1
		for k := range len(b) {
			change := last
			if a[i] != b[k] {
				change++
			}
			last = row[k+1]
			row[k+1] = min(change, row[k]+1, last+1)
		}
	}
	return row[len(b)]
}

// field finds a setting of the job.
func (j *Job) field(name string) reflect.Value {
	v := reflect.ValueOf(j).Elem()
	for i := range v.NumField() {
		if v.Type().Field(i).Tag.Get("yaml") == name {
			return v.Field(i)
		}
	}
	return reflect.Value{}
}

// set sets a setting that exists from JSON.
func (j *Job) set(name string, value json.RawMessage) error {
	field := j.field(name)
	if string(bytes.TrimSpace(value)) == "null" {
		usual := DefaultJob()
		field.Set(usual.field(name))
		return nil
	}
	fresh := reflect.New(field.Type())
	decoder := json.NewDecoder(bytes.NewReader(value))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(fresh.Interface()); err != nil {
		return &SettingError{name, misfit(field.Type(), value, err)}
	}
	if name == "schedule" && fresh.Elem().String() == "" {
		return &SettingError{name, "a periodic job keeps a schedule: cancel it to let no more runs begin"}
	}
	field.Set(fresh.Elem())
	return nil
}

// misfit says why a value does not fit a setting.
func misfit(kind reflect.Type, value json.RawMessage, err error) string {
	shown := fmt.Sprintf("%q", clip(plainJSON(value)))
	switch kind.Kind() {
	case reflect.Float64:
		return shown + " is not a number"
	case reflect.Bool:
		return shown + " is neither true nor false"
	case reflect.Slice:
		if bytes.HasPrefix(bytes.TrimSpace(value), []byte("[")) { // one of its values does not fit
			return strings.TrimPrefix(err.Error(), "json: ")
		}
		return shown + " is not a list"
	}
	if kind == reflect.TypeFor[Duration]() || kind == reflect.TypeFor[Size]() {
		return strings.TrimPrefix(err.Error(), "json: ")
	}
	return shown + " is not a whole number"
}

// ParseChanges reads NAME=VALUE. A list has an argument for each of its values, or NAME= for none.
func ParseChanges(pairs []string) (Changes, error) {
	changes, lists := make(Changes), make(map[string][]string)
	var job Job
	for _, pair := range pairs {
		name, value, ok := strings.Cut(pair, "=")
		name = strings.ReplaceAll(name, "-", "_")
		if !ok || name == "" {
			return nil, fmt.Errorf("%q does not say what to change: write NAME=VALUE, as in delay=5s", pair)
		}
		field := job.field(name)
		switch {
		case !field.IsValid():
			changes[name] = json.RawMessage("null") // With names it
		case field.Kind() == reflect.Slice:
			if lists[name] == nil {
				lists[name] = []string{}
			}
			if value != "" {
				lists[name] = append(lists[name], value)
			}
		case changes[name] != nil:
			return nil, fmt.Errorf("%q: %s is given twice", pair, name)
		default:
			changes[name] = scalar(field.Type(), value)
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

// scalar writes a value as JSON: as it is where the setting is a number, and otherwise as a string.
func scalar(kind reflect.Type, value string) json.RawMessage {
	_, text := reflect.New(kind).Interface().(interface{ UnmarshalText([]byte) error })
	switch kind.Kind() {
	case reflect.Int, reflect.Int64, reflect.Float64, reflect.Bool:
		if !text && json.Valid([]byte(value)) {
			return json.RawMessage(value)
		}
	}
	encoded, _ := json.Marshal(value) // a string can always be written
	return encoded
}

// Changed lists the settings in which a job differs from what it was.
func (j Job) Changed(was Job, at time.Time, revision int64) (all []Change) {
	for _, name := range SettingNames() {
		from, fromErr := json.Marshal(was.field(name).Interface())
		to, toErr := json.Marshal(j.field(name).Interface())
		if fromErr == nil && toErr == nil && !bytes.Equal(from, to) {
			all = append(all, Change{At: at, Revision: revision, Setting: name, From: from, To: to})
		}
	}
	return all
}
