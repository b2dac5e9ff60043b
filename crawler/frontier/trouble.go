package frontier

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// TroubleTerm is for how long a worker's trouble is remembered after it last said
// so: one that has died leaves none for ever.
const TroubleTerm = 30 * time.Second

// Trouble notes why a worker can not keep a job's pages; "" is that it can. The
// worker says so again before [TroubleTerm] is over. Of a job that was removed
// nothing is noted.
func (s *Store) Trouble(ctx context.Context, job, worker, reason string) error {
	base := jobBase(job)
	return runKeys(ctx, s.rdb, troubleScript, "trouble", []string{base + nameTroubles, base + nameJob},
		worker, reason, TroubleTerm.Milliseconds()).Err()
}

// troublesOf reads what workers have noted, by their names, and leaves out what
// they have not said again.
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
