package crawler

import (
	"encoding/json"
	"fmt"
	"time"
)

// Change is a change to one setting of a job, made after the job was created.
type Change struct {
	At       time.Time       `json:"at"`
	Revision int64           `json:"revision"` // revision of the settings after the change
	Setting  string          `json:"setting"`
	From     json.RawMessage `json:"from"`
	To       json.RawMessage `json:"to"`
}

// Adjustment is the result of changing settings of a job.
type Adjustment struct {
	Changed  []Change // empty if all settings had these values already
	Notes    []string // what an operator should know about the changes
	Reopened bool     // the job was done because of a budget, and continues
}

// MaxChanges is the number of changes of a job that are shown.
const MaxChanges = 50

// String describes the change, as in "delay: 1s, was 500ms".
func (c Change) String() string {
	return fmt.Sprintf("%s: %s, was %s", c.Setting, plainJSON(c.To), plainJSON(c.From))
}

// plainJSON returns a value without the quotes of a string.
func plainJSON(value json.RawMessage) string {
	var text string
	if json.Unmarshal(value, &text) == nil {
		return text
	}
	return string(value)
}

// Changes are new values of settings in JSON, by their names in a job file. The value null
// stands for the setting's default.
type Changes map[string]json.RawMessage

// Suggest returns the known word that is closest to an unknown one, as in ` (did you mean
// "delay"?)`; "" if none is close.
func Suggest(word string, known []string) string {
	best := Closest(word, known)
	if best == "" {
		return ""
	}
	return fmt.Sprintf(" (did you mean %q?)", best)
}

// Closest returns the known word that is closest to an unknown one, at most two letters
// away; "" if none is.
func Closest(word string, known []string) string {
	best, least := "", 3
	for _, k := range known {
		if d := distance(word, k); d < least {
			best, least = k, d
		}
	}
	return best
}

// distance returns how many letters to add, remove or change to turn a into b.
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
