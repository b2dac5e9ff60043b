package crawler

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes, written with a unit of 1,000 (kB, MB, GB) or 1,024 (KiB, MiB,
// GiB).
type Size int64

var sizeUnits = []struct {
	name  string
	bytes int64
}{
	{"gib", 1 << 30}, {"gb", 1e9}, {"mib", 1 << 20}, {"mb", 1e6}, {"kib", 1 << 10}, {"kb", 1e3}, {"g", 1e9}, {"m", 1e6},
	{"k", 1e3}, {"b", 1}, {"", 1},
}

// parseSize parses a number of bytes such as 512KiB, 10MB or 1048576.
func parseSize(s string) (Size, error) {
	text := strings.ToLower(strings.TrimSpace(s))
	for _, unit := range sizeUnits {
		number, ok := strings.CutSuffix(text, unit.name)
		if !ok {
			continue
		}
		v, err := strconv.ParseFloat(strings.TrimSpace(number), 64)
		if err != nil || !(v >= 0 && v*float64(unit.bytes) < math.MaxInt64) { // NaN fails both comparisons
			break
		}
		return Size(v * float64(unit.bytes)), nil
	}
	return 0, fmt.Errorf("%q is not a size (write 512KiB, 10MB or 1048576)", s)
}

// String formats the size with the largest unit that divides it.
func (s Size) String() string {
	for _, unit := range sizeUnits[:6] {
		if s != 0 && int64(s)%unit.bytes == 0 {
			name := map[string]string{"gib": "GiB", "mib": "MiB", "kib": "KiB", "gb": "GB", "mb": "MB",
				"kb": "kB"}[unit.name]
			return strconv.FormatInt(int64(s)/unit.bytes, 10) + name
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

// MarshalText formats the size with its unit.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText parses a size.
func (s *Size) UnmarshalText(text []byte) error { return s.Set(string(text)) }

// Set parses the value of a flag.
func (s *Size) Set(text string) (err error) {
	*s, err = parseSize(text)
	return err
}

// Type describes the value in a command's help.
func (s *Size) Type() string { return "size" }
