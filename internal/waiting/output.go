package waiting

import (
	"fmt"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/plain"
)

// OpenFiles starts the reason of a writer that has files open in a folder. The folder's
// name follows.
const OpenFiles = "it has files open in "

// Left names the writers that left files which no process has finished; "" for none.
func Left(s crawler.Status) string {
	var parts []string
	for _, a := range s.Unfinished {
		parts = append(parts, fmt.Sprintf("worker %s left unfinished files in %s", a.Writer,
			strings.TrimPrefix(a.Reason, OpenFiles)))
	}
	if len(parts) == 0 {
		return ""
	}
	return strings.Join(parts, "; ") +
		": any worker that shares the folder finishes them, and trawl export reads them as they are"
}

// OutputPending says in one line what output a job with nothing left to fetch waits for, or
// which output no process has finished; "" if there isn't one.
func OutputPending(s crawler.Status, c crawler.Counters) string {
	if !s.Closing || s.State != crawler.StateRunning {
		return Left(s)
	}
	var parts []string
	if c.Unshipped > 0 {
		parts = append(parts, plain.Plural(c.Unshipped, "record is on its way to the bucket",
			"records are on their way to the bucket"))
	}
	for _, a := range s.Awaited {
		parts = append(parts, a.String())
	}
	if len(parts) == 0 {
		parts = append(parts, "the last of it has just arrived")
	}
	return "nothing is left to fetch; this job waits for its output: " + strings.Join(parts, "; ")
}
