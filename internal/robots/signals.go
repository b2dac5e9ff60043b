package robots

import "strings"

// Bounds of Content-Signal lines. More is a mistake or an attack.
const (
	maxSignals   = 32
	longestToken = 64 // bytes
)

// signals are what Content-Signal lines say about the use of a site's content: by
// purpose, such as "ai-train", "yes" or "no" (contentsignals.org). Of contradicting
// values, "no" applies.
type signals map[string]string

// read adds the pairs of a line. It skips what is not a valid pair.
func (s *signals) read(value string) {
	for pair := range strings.SplitSeq(value, ",") {
		purpose, answer, ok := strings.Cut(pair, "=")
		purpose, answer = strings.ToLower(trim(purpose)), strings.ToLower(trim(answer))
		if !ok || !isPurpose(purpose) || answer != "yes" && answer != "no" {
			continue
		}
		if *s == nil {
			*s = make(signals)
		}
		if old, known := (*s)[purpose]; old == "no" || !known && len(*s) == maxSignals {
			continue
		}
		(*s)[purpose] = answer
	}
}

func isPurpose(s string) bool {
	for i := range len(s) {
		if c := s[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' {
			return false
		}
	}
	return s != "" && len(s) <= longestToken
}
