package plain

import "fmt"

// Bytes formats a number of bytes, with one decimal from a kilobyte on: "1.5 kB", "999 bytes".
func Bytes(n int64) string {
	for _, unit := range []struct {
		name string
		size float64
	}{{"GB", 1e9}, {"MB", 1e6}, {"kB", 1e3}} {
		if float64(n) >= unit.size {
			return fmt.Sprintf("%.1f %s", float64(n)/unit.size, unit.name)
		}
	}
	return Plural(n, "byte", "bytes")
}

// Line is a line of a description: its subject, and a sentence without its full stop. A line without
// a name goes on with the line before.
type Line struct{ Name, Text string }
