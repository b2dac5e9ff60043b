package frontier

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/tail"
)

const (
	hostTailTerm     = 10 * time.Minute // recent pages of a host are kept after the last report
	mostWatchedHosts = 8                // of a job at once; the ones that were watched first are dropped
)

// HostTail returns the last pages that visits of a host have settled since someone began to watch
// it, the latest first, and notes that someone watches the host for [WatchTerm]. Meanwhile the
// workers report all of its pages, whereas those of [Store.Tail] are a sample. Call it every few
// seconds. The error wraps [queue.ErrNoJob] if there is no such job.
func (s *Store) HostTail(ctx context.Context, job string, h crawler.Host) ([]tail.Row, error) {
	got, err := runKeys(ctx, s.rdb, hostTailScript(), "hosttail", hostTailKeys(job, h), string(h),
		WatchTerm.Milliseconds(), mostWatchedHosts).StringSlice()
	if err != nil {
		return nil, err
	}
	if len(got) == 0 {
		return nil, fmt.Errorf("job %q: %w", job, queue.ErrNoJob)
	}
	var rows []tail.Row
	for _, text := range got[1:] {
		var row tail.Row
		if json.Unmarshal([]byte(text), &row) == nil { // garbage is left out
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// ReportHost adds to the recent pages of a host what a worker has settled, the oldest first. It does
// nothing if no one watches the host, or if the job was removed.
func (s *Store) ReportHost(ctx context.Context, job string, h crawler.Host, rows []tail.Row) error {
	args := []any{string(h), tail.HostRows, hostTailTerm.Milliseconds()}
	for _, row := range rows {
		text, err := json.Marshal(row)
		if err != nil {
			return fmt.Errorf("recent pages of host %s: %w", h, err)
		}
		args = append(args, text)
	}
	return runKeys(ctx, s.rdb, heardScript(), "heard", hostTailKeys(job, h), args...).Err()
}

func hostTailKeys(job string, h crawler.Host) []string {
	return []string{jobBase(job) + nameJob, jobBase(job) + nameTail + ":" + string(h)}
}
