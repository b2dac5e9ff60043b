package crawler

import "time"

// DurableKind says when a page that goes to a bucket counts as settled for good.
type DurableKind string

// The kinds.
const (
	DurableShipped DurableKind = "shipped" // when its record is in the bucket
	DurableDisk    DurableKind = "disk"    // when its record is on the worker's disk
)

// DurableKinds lists them.
var DurableKinds = []DurableKind{DurableShipped, DurableDisk}

// leastLostAfter is the shortest time after which a worker may count as lost: workers
// are heard of four times in it.
const leastLostAfter = 5 * time.Second
