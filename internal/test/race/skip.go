package race

import "testing"

// Elsewhere is why Skip skips a test.
const Elsewhere = "the race detector finds nothing here: make test runs it without the detector"

// Skip skips a test if the race detector is enabled. It is for tests in which the detector finds
// nothing more but takes many times as long: those that run in one goroutine, and the remainder of
// a test whose beginning is enough for the detector. `make test` runs skipped tests again, as a
// whole, without the detector.
func Skip(t testing.TB) {
	t.Helper()
	if Enabled {
		t.Skip(Elsewhere)
	}
}
