//go:build !race

// Package race tells tests whether the race detector is enabled.
package race

// Enabled reports whether the race detector is enabled. Code is about ten times as slow then, and
// pools of package sync drop items at random.
const Enabled = false
