package crawler

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"strings"
)

// Seed is a URL that is brought to a job. Lists of seeds have one a line, as String
// writes and [ParseSeed] reads it.
type Seed struct {
	URL string `json:"url"`
	// Priority is that of the URL. Default "": that of the first of the job's priorities
	// that it matches, and high if it matches none. It does nothing for a URL that the
	// job has met before.
	Priority Priority `json:"priority,omitempty"`
}

// seedForm is how a seed is written in JSON.
const seedForm = `{"url": "…"} or {"url": "…", "priority": "…"}`

// ParseSeed reads a line of a list: a URL, or a JSON object with a url and perhaps a
// priority. Of the object, unknown fields are an error, as is a priority that there is
// none of; what is a URL is not looked at.
func ParseSeed(line string) (Seed, error) {
	if !strings.HasPrefix(line, "{") {
		return Seed{URL: line}, nil
	}
	return ParseSeedJSON([]byte(line))
}

// ParseSeedJSON reads a seed that is written in JSON.
func ParseSeedJSON(line []byte) (Seed, error) {
	var s Seed
	decoder := json.NewDecoder(bytes.NewReader(line))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(&s)
	if err == nil {
		if _, end := decoder.Token(); end != io.EOF {
			err = errors.New("there is more in the line than one object")
		}
	}
	if name, ok := unknownField(err); ok {
		return Seed{}, fmt.Errorf("unknown field %q%s: want %s", name, Suggest(name, []string{"url", "priority"}), seedForm)
	}
	if err != nil {
		return Seed{}, fmt.Errorf("want %s: %w", seedForm, err)
	}
	if s.URL == "" {
		return Seed{}, errors.New("want " + seedForm + ": it has no url")
	}
	if s.Priority, err = ParsePriority(string(s.Priority)); err != nil {
		return Seed{}, fmt.Errorf("priority: %w", err)
	}
	return s, nil
}

// unknownField returns the field that an error of encoding/json is about.
func unknownField(err error) (string, bool) {
	if err == nil {
		return "", false
	}
	quoted, ok := strings.CutPrefix(err.Error(), "json: unknown field ")
	name, broken := strconv.Unquote(quoted)
	return name, ok && broken == nil
}

// String writes the seed as a line of a list: the URL alone if it has no priority.
func (s Seed) String() string {
	if s.Priority == "" {
		return s.URL
	}
	line, _ := json.Marshal(s) // strings can always be written
	return string(line)
}

// Prioritized yields the lines of a list of seeds with a priority, but for those that
// have one of their own, and those that cannot be read.
func Prioritized(lines iter.Seq2[string, error], p Priority) iter.Seq2[string, error] {
	if p == "" {
		return lines
	}
	return func(yield func(string, error) bool) {
		for line, err := range lines {
			if err == nil && line != "" {
				line = prioritized(line, p)
			}
			if !yield(line, err) {
				return
			}
		}
	}
}

func prioritized(line string, p Priority) string {
	s, err := ParseSeed(line)
	if err != nil || s.Priority != "" {
		return line
	}
	s.Priority = p
	return s.String()
}
