package plain

import (
	"strconv"
)

// Plural formats a number with the noun that it counts: "1 host", "2 hosts".
func Plural(n int64, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return strconv.FormatInt(n, 10) + " " + many
}
