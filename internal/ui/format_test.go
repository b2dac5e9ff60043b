package ui

import (
	"testing"
	"time"
)

func TestNumbersAreWrittenForPeople(t *testing.T) {
	t.Parallel()
	for got, want := range map[string]string{
		Number(0): "0", Number(999): "999", Number(1000): "1,000", Number(1234567): "1,234,567",
		Number(-1234): "-1,234",
		Bytes(0):      "0 B", Bytes(1000): "1.0 kB", Bytes(50_700_000): "50.7 MB", Bytes(999_999): "1.0 MB",
		Bytes(1 << 62): "4.6 EB",
		Rate(0):        "0.0", Rate(9.94): "9.9", Rate(9.95): "10", Rate(1234.5): "1,235",
		Span(-time.Second): "0s", Span(59999 * time.Millisecond): "59s", Span(200 * time.Second): "3m 20s",
		Span(200 * time.Minute): "3h 20m", Span(51 * time.Hour): "2d 3h",
	} {
		if got != want {
			t.Errorf("%q is written, want %q", got, want)
		}
	}
}
