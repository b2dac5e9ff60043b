// Package faults tests Trawl's promises about faults. Its tests run a fleet as an operator does: a
// redis-server with an append-only file, and schedulers and workers as processes of their own. They
// kill, stop, disconnect and starve them while a site with known pages is crawled.
//
// An ordinary test run causes each fault a few times. `make chaos` causes it often and prints the
// figures that docs/faults.md quotes. The package consists of tests.
package faults
