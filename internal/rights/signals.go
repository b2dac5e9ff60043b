package rights

import (
	"maps"
	"slices"
	"strings"
)

// Bounds of Content-Signal. More is a mistake or an attack.
const (
	maxSignals   = 32
	longestToken = 64 // bytes
)

// The values of a signal.
const (
	signalYes = "yes"
	signalNo  = "no"
)

// Signals are what Content-Signal lines say about the use of a site's content: by purpose,
// such as "ai-train", "yes" or "no" (contentsignals.org). If values contradict each other, "no"
// applies. The zero Signals say nothing.
type Signals map[string]string

// Read adds the pairs of a line. It skips what is not a valid pair.
func (s *Signals) Read(value string) {
	for pair := range strings.SplitSeq(value, ",") {
		purpose, answer, ok := strings.Cut(pair, "=")
		purpose, answer = strings.ToLower(trim(purpose)), strings.ToLower(trim(answer))
		if !ok || !isPurpose(purpose) || answer != signalYes && answer != signalNo {
			continue
		}
		if *s == nil {
			*s = make(Signals)
		}
		if old, known := (*s)[purpose]; old == signalNo || !known && len(*s) == maxSignals {
			continue
		}
		(*s)[purpose] = answer
	}
}

// Purposes lists the purposes, sorted.
func (s Signals) Purposes() []string { return slices.Sorted(maps.Keys(s)) }

func trim(s string) string { return strings.Trim(s, " \t") }

func isPurpose(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return s != "" && len(s) <= longestToken
}
