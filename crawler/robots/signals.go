package robots

import "strings"

// What a Content-Signal line may say: more is a mistake, or worse.
const (
	mostSignals  = 32
	longestToken = 64 // bytes
)

// signals are what Content-Signal lines say of the use of a site's content: a
// purpose, such as "ai-train", and "yes" or "no" (contentsignals.org). Of two that
// contradict each other "no" stands.
type signals map[string]string

// read adds what a line says. What is no such pair is passed over.
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
		if old, known := (*s)[purpose]; old == "no" || !known && len(*s) == mostSignals {
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
