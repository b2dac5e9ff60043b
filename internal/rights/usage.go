package rights

import (
	"fmt"
	"strings"

	"github.com/dunglas/httpsfv"
)

// The values of a usage preference (draft-ietf-aipref-vocab).
const (
	UsageAllow    = "y"
	UsageDisallow = "n"
)

// Limits of reading. More is a mistake or an attack.
const (
	maxUsage       = 4 << 10 // bytes of a Content-Usage header or rule
	maxPreferences = 32
)

// Preference is a usage preference for one category, such as "train-ai".
type Preference struct {
	Category string
	Value    string // UsageAllow or UsageDisallow
}

// Usage parses the preferences in Content-Usage: the lines of a header, or one rule of a
// robots.txt. They are a dictionary (RFC 9651, 3.2), whose values are the tokens y and n.
// Other values and all parameters mean nothing and are left out. If a key occurs twice, its last
// value counts. An error means that nothing at all is stated. Categories that no draft defines are
// kept, because a later one may.
func Usage(lines ...string) ([]Preference, error) {
	size := 0
	for _, line := range lines {
		size += len(line)
	}
	if size > maxUsage {
		return nil, fmt.Errorf("it has %d bytes, more than %d", size, maxUsage)
	}
	fields, err := httpsfv.UnmarshalDictionary(lines)
	if err != nil {
		return nil, fmt.Errorf("it is not a dictionary of structured fields (RFC 9651): %w", err)
	}
	var all []Preference
	for _, category := range fields.Names() {
		member, _ := fields.Get(category)
		item, isItem := member.(httpsfv.Item)
		value, isToken := item.Value.(httpsfv.Token)
		if !isItem || !isToken || value != UsageAllow && value != UsageDisallow {
			continue
		}
		if len(all) < maxPreferences && len(category) <= longestToken {
			all = append(all, Preference{category, string(value)})
		}
	}
	return all, nil
}

// Combine adds preferences to those that apply already. If two for one category differ, "n" applies
// (draft-ietf-aipref-vocab, where several statements are combined).
func Combine(all, more []Preference) []Preference {
	for _, p := range more {
		all = combine(all, p)
	}
	return all
}

func combine(all []Preference, p Preference) []Preference {
	for i, known := range all {
		if known.Category == p.Category {
			if p.Value == UsageDisallow {
				all[i] = p
			}
			return all
		}
	}
	if len(all) == maxPreferences {
		return all
	}
	return append(all, p)
}

// PathOf splits the value of a Content-Usage rule of a robots.txt into the path that it is
// about and the preferences. The path is "" if the rule is about all paths
// (draft-ietf-aipref-attach).
func PathOf(rule string) (path, preferences string) {
	if !strings.HasPrefix(rule, "/") {
		return "", rule
	}
	end := strings.IndexAny(rule, " \t")
	if end < 0 {
		return rule, ""
	}
	return rule[:end], strings.Trim(rule[end:], " \t")
}
