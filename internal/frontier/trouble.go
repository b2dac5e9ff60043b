package frontier

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// TroubleTerm is how long a worker's trouble is remembered after its last report, so that a
// worker that died does not leave one forever.
const TroubleTerm = 30 * time.Second

// Trouble records why a worker cannot keep a job's pages; "" if it can. The worker must
// repeat it before [TroubleTerm] is over. Trouble does nothing for a job that was removed.
func (s *Store) Trouble(ctx context.Context, job, worker, reason string) error {
	base := jobBase(job)
	return runKeys(ctx, s.rdb, troubleScript(), "trouble", []string{base + nameTroubles, base + nameJob},
		worker, reason, TroubleTerm.Milliseconds()).Err()
}

// troublesOf returns the troubles of workers, sorted by worker, without those that were not
// repeated in time.
func troublesOf(noted map[string]string, now time.Time) []crawler.Trouble {
	var all []crawler.Trouble
	for worker, text := range noted {
		since, rest, _ := strings.Cut(text, " ")
		at, reason, _ := strings.Cut(rest, " ")
		t := crawler.Trouble{Worker: worker, Since: moment(since), At: moment(at), Reason: reason}
		if now.Sub(t.At) <= TroubleTerm {
			all = append(all, t)
		}
	}
	slices.SortFunc(all, func(a, b crawler.Trouble) int { return cmp.Compare(a.Worker, b.Worker) })
	return all
}
