package crawler

import (
	"fmt"
	"strings"
)

// Shipping says in a line how many records of a job have come to their bucket, are on
// their way there, or are fetched again because their worker was lost; "" for a job whose
// output goes to folders. What is missing, [Counters.Compare] says.
func (c Counters) Shipping() string {
	var parts []string
	for _, part := range []struct {
		n    int64
		what string
	}{
		{c.Shipped, "shipped"},
		{c.Unshipped, "on the way to the bucket"},
		{c.OnDisk, "on disk, on the way to the bucket"},
		{c.Reclaimed, "put back into their queues, because their worker was lost"},
	} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.what))
		}
	}
	return strings.Join(parts, ", ")
}
