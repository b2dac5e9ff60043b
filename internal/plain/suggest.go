package plain

import (
	"fmt"
)

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
