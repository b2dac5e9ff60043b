package frontier

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/waiting"
)

// Await keeps a job from ending for term, because the output of a writer is not complete.
// reason says what is left to do, and where. The writer must call Await again before the
// term is over, and with the reason "" once its output is complete. After the term, the
// writer counts as dead and the job stops waiting for it. Await does nothing for a job that
// was removed.
func (s *Store) Await(ctx context.Context, job, writer, reason string, term time.Duration) error {
	base := jobBase(job)
	return runKeys(ctx, s.rdb, awaitScript(), "await", []string{base + nameAwaited, base + nameJob},
		writer, reason, term.Milliseconds()).Err()
}

// awaitedOf returns the writers that a job waits for, sorted by name, without those whose
// term is over.
func awaitedOf(noted map[string]string, now time.Time) []crawler.Awaited {
	return writersOf(noted, func(a crawler.Awaited) bool { return a.Until.After(now) })
}

// unfinishedOf returns the dead writers whose open files no one has finished.
func unfinishedOf(noted map[string]string, now time.Time) []crawler.Awaited {
	return writersOf(noted, func(a crawler.Awaited) bool {
		return !a.Until.After(now) && strings.HasPrefix(a.Reason, waiting.OpenFiles)
	})
}

func writersOf(noted map[string]string, wanted func(crawler.Awaited) bool) []crawler.Awaited {
	var all []crawler.Awaited
	for writer, text := range noted {
		until, reason, _ := strings.Cut(text, " ")
		if a := (crawler.Awaited{Writer: writer, Until: moment(until), Reason: reason}); wanted(a) {
			all = append(all, a)
		}
	}
	slices.SortFunc(all, func(a, b crawler.Awaited) int { return cmp.Compare(a.Writer, b.Writer) })
	return all
}
