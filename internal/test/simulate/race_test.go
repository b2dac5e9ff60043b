//go:build race

package simulate

// seeds is how many seeds run with the race detector, which makes a seed ten times as
// slow. make test runs the others without it.
const seeds = 6
