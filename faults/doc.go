// Package faults holds the promises that Trawl makes about faults against real
// ones. Its tests run a fleet as an operator does, a redis-server with an
// append-only file, schedulers and workers as processes of their own, and kill,
// stop, cut off and starve them while a site is crawled whose pages are known.
//
// A run of the ordinary tests does each damage a few times; `make chaos` does it
// often and prints the figures that docs/faults.md quotes. There is no code here
// but tests.
package faults
