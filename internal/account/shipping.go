package account

import (
	"fmt"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
)

// Shipping says in one line how many records of a job have arrived in their bucket, are on
// their way there, or are fetched again because their worker was lost; "" for a job whose
// output goes to folders. [Compare] says what is missing.
func Shipping(c crawler.Counters) string {
	var parts []string
	for _, part := range []struct {
		n    int64
		what string
	}{
		{c.Shipped, "shipped"},
		{c.Unshipped, "on the way to the bucket"},
		{c.OnDisk, "on disk, on the way to the bucket"},
		{c.Reclaimed, "requeued because their worker was lost"},
	} {
		if part.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", part.n, part.what))
		}
	}
	return strings.Join(parts, ", ")
}
