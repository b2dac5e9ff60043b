package textform

import (
	"fmt"
	"time"
)

// Duration is the text form of a time.Duration in job files, JSON and Redis: Go's format, as
// in "500ms". [Form] gives it to the settings of a job.
type Duration time.Duration

// ParseDuration parses a duration in Go's format, which must not be negative. A bare "0" is
// allowed.
func ParseDuration(s string) (Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("%q is not a duration (write 500ms, 2s or 1h30m)", s)
	}
	if d < 0 {
		return 0, fmt.Errorf("%q is a negative duration", s)
	}
	return Duration(d), nil
}

// String formats the duration as Go does.
func (d Duration) String() string { return time.Duration(d).String() }

// MarshalText formats the duration as Go does.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText parses a duration in Go's format.
func (d *Duration) UnmarshalText(text []byte) error { return d.Set(string(text)) }

// Set parses the value of a flag.
func (d *Duration) Set(s string) (err error) {
	*d, err = ParseDuration(s)
	return err
}

// Type describes the value in a command's help.
func (d *Duration) Type() string { return "duration" }

// AutoDuration is a Duration, or [Auto].
type AutoDuration Duration

// Auto stands for a duration that is derived from other settings. It is written as "auto".
const Auto time.Duration = -1

// String formats the duration as Go does, or as "auto".
func (d AutoDuration) String() string {
	if time.Duration(d) == Auto {
		return "auto"
	}
	return Duration(d).String()
}

// MarshalText returns the same as String.
func (d AutoDuration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// UnmarshalText parses a duration in Go's format, or "auto".
func (d *AutoDuration) UnmarshalText(text []byte) error { return d.Set(string(text)) }

// Set parses the value of a flag: a duration, or "auto".
func (d *AutoDuration) Set(s string) error {
	if s == "auto" {
		*d = AutoDuration(Auto)
		return nil
	}
	v, err := ParseDuration(s)
	*d = AutoDuration(v)
	return err
}

// Type describes the value in a command's help.
func (d *AutoDuration) Type() string { return "duration" }
