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
