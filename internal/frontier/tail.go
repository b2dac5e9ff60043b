package frontier

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/tail"
)

// How many reports of recent pages are kept while a job is watched, and for how long.
const (
	tailBatches = 60               // reports of workers
	tailTerm    = 30 * time.Second // after the last report
	// WatchTerm is how long a job counts as watched after [Store.Tail]. A reader calls it more
	// often; workers stop reporting when the time is over.
	WatchTerm = 5 * time.Second
)

// Tail returns what the workers of a job have reported since a position, which is 0 at first
// and then [tail.Excerpt.Next], and notes that someone watches the job. Workers notice that
// within a second, and report for [WatchTerm]. Call it about once a second. The error wraps
// [queue.ErrNoJob] if there is no such job.
func (s *Store) Tail(ctx context.Context, job string, since int64) (tail.Excerpt, error) {
	got, err := runKeys(ctx, s.rdb, tailScript(), "tail", tailKeys(job), WatchTerm.Milliseconds()).StringSlice()
	if err != nil {
		return tail.Excerpt{}, err
	}
	if len(got) == 0 {
		return tail.Excerpt{}, fmt.Errorf("job %q: %w", job, queue.ErrNoJob)
	}
	found := tail.Excerpt{Next: since}
	for _, text := range slices.Backward(got[1:]) {
		position, batch, ok := unpackReport(text)
		if !ok || position <= since {
			continue
		}
		found.Rows = append(found.Rows, batch.Rows...)
		found.LeftOut += batch.LeftOut
		found.Next = position
	}
	return found, nil
}

// unpackReport reads an element of the ring. It returns false for garbage.
func unpackReport(text string) (position int64, b tail.Batch, ok bool) {
	number, report, _ := strings.Cut(text, " ")
	position, err := strconv.ParseInt(number, 10, 64)
	return position, b, err == nil && json.Unmarshal([]byte(report), &b) == nil
}

// Report adds to the recent pages of a job what a worker has settled. It does nothing if no one
// watches the job, or if it was removed.
func (s *Store) Report(ctx context.Context, job string, b tail.Batch) error {
	text, err := json.Marshal(b)
	if err != nil {
		return fmt.Errorf("recent pages of job %s: %w", job, err)
	}
	return runKeys(ctx, s.rdb, reportScript(), "report", tailKeys(job), text, tailBatches,
		tailTerm.Milliseconds()).Err()
}

func tailKeys(job string) []string { return []string{jobBase(job) + nameJob, jobBase(job) + nameTail} }

// Watched returns which parts of a job someone watched when this process last read its status. It
// makes no call to Redis.
func (s *Store) Watched(job string) tail.Watch {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.watched[job]
}

// watch notes which parts of a job someone watches. s.mu is held.
func (s *Store) watch(job string, what tail.Watch) {
	if what.All || len(what.Hosts) > 0 {
		s.watched[job] = what
	} else {
		delete(s.watched, job)
	}
}

// watchOf returns which parts of a job someone watches, according to its fields.
func watchOf(fields map[string]string, now time.Time) (w tail.Watch) {
	w.All = number(fields["watched"]) > now.UnixMilli()
	hosts := strings.Fields(fields["watched_hosts"])
	for i := 1; i < len(hosts); i += 2 {
		if number(hosts[i-1]) > now.UnixMilli() {
			w.Hosts = append(w.Hosts, crawler.Host(hosts[i]))
		}
	}
	return w
}
