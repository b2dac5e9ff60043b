// Package testfleet runs Trawl in tests as operators do: it builds the command once and
// runs it in separate processes, which tests can kill, stop and terminate.
//
// A [Fleet] is a real Redis with an append-only file, a folder for results, and the
// [Process]es that a test starts: schedulers and workers. Tests create and await jobs
// through its Client. [Fleet.Export] returns the results, and the sites of
// internal/test/testsite know the expected ones. A test binary that uses this package
// runs its tests with [Main].
package testfleet
