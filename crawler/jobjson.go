package crawler

import (
	"bytes"
	"encoding/json"

	"github.com/trawlcrawler/trawl/internal/textform"
)

// MarshalJSON encodes the job with all settings at one level and durations as "2s".
func (j Job) MarshalJSON() ([]byte, error) {
	settings, _ := textform.Form(&j)
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // json.Marshal and other encoders escape it, if they are to
	err := encoder.Encode(settings)
	return text.Bytes(), err
}

// UnmarshalJSON decodes what MarshalJSON encodes. Settings that are missing keep their values.
func (j *Job) UnmarshalJSON(text []byte) error {
	settings, keep := textform.Form(j)
	defer keep()
	return json.Unmarshal(text, settings)
}
