package race

import "testing"

// Skip skips a test if the race detector is enabled. It is for tests that run in one goroutine,
// where the detector finds nothing but takes many times as long. `make test` runs the packages of
// such tests without the detector as well.
func Skip(t testing.TB) {
	t.Helper()
	if Enabled {
		t.Skip("it runs in one goroutine: make test runs it without the race detector")
	}
}
