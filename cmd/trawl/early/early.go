// Package early lets the heap of a command grow while its packages begin.
//
// What they make of tables and descriptors is some 5 MiB, of which all stays; the
// garbage collector would look through it twice, for a quarter of the time that a
// command takes to begin. The runtime begins packages in the order of their paths,
// as soon as what they import has begun, so this one, which imports next to nothing,
// comes before most.
package early

import "github.com/trawlcrawler/trawl/internal/heap"

func init() { heap.Floor(16 << 20) }
