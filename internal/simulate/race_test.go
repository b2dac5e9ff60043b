//go:build race

package simulate

// seeds is how many seeds run with the race detector, under which a seed takes ten
// times as long. make test runs the others without it.
const seeds = 6
