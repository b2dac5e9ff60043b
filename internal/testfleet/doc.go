// Package testfleet runs Trawl in tests as its operators do: the command, built
// once, as processes of their own that can be killed, stopped and told to end.
//
// A [Fleet] is a real Redis with an append-only file, a folder for results, and
// the [Process]es that a test starts: schedulers and workers. Jobs are created
// and waited for through its Client; [Fleet.Export] is what came of them, and
// the sites of internal/testsite say what should have. A test binary that uses
// the package runs its tests by [Main].
package testfleet
