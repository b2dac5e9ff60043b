//go:build !race

package simulate

// seeds is how many seeds run by default.
const seeds = 300
