package frontier

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/forecast"
	"github.com/trawlcrawler/trawl/internal/redisconn"
)

// Bounds of the history of a job: five minutes of seconds and a day of minutes, some 70 kB.
const (
	historySeconds = 300
	historyMinutes = 24 * 60
)

// Record records what a job has done, by Redis's clock. Calls within the same second do
// nothing, and neither do calls for a job that is not running. The work is bounded.
func (s *Store) Record(ctx context.Context, job string, c crawler.Counters) error {
	base, done := jobBase(job), forecast.SampleOf(time.Time{}, c)
	return runKeys(ctx, s.rdb, historyScript(), "history",
		[]string{base + nameJob, base + nameSeconds, base + nameMinutes},
		done.Pages, done.Settled, done.Bytes, done.Failed, done.Seen, historySeconds, historyMinutes).Err()
}

// Recent returns the newest samples of a job, at most limit, the oldest first.
func (s *Store) Recent(ctx context.Context, job string, limit int) ([]forecast.Sample, error) {
	texts, err := s.rdb.LRange(ctx, jobBase(job)+nameSeconds, 0, int64(limit-1)).Result()
	return samplesOf(job, texts, err)
}

// History returns the history of a job: empty if it has not run, or was cleared.
func (s *Store) History(ctx context.Context, job string) (h forecast.History, err error) {
	var seconds, minutes *redis.StringSliceCmd
	_, _ = s.rdb.Pipelined(ctx, func(p redis.Pipeliner) error { // each command has its own error
		seconds = p.LRange(ctx, jobBase(job)+nameSeconds, 0, historySeconds-1)
		minutes = p.LRange(ctx, jobBase(job)+nameMinutes, 0, historyMinutes-1)
		return nil
	})
	if h.Seconds, err = samplesOf(job, seconds.Val(), seconds.Err()); err != nil {
		return forecast.History{}, err
	}
	h.Minutes, err = samplesOf(job, minutes.Val(), minutes.Err())
	return h, err
}

// samplesOf parses samples as history.lua packs them, the newest first. Garbage is left out;
// a key of the wrong type is replaced by the next sample.
func samplesOf(job string, texts []string, err error) ([]forecast.Sample, error) {
	if redisconn.IsWrongType(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("history of job %s: %w", job, redisconn.Passing(err))
	}
	var all []forecast.Sample
	for _, text := range slices.Backward(texts) {
		var at int64
		var one forecast.Sample
		n, _ := fmt.Sscan(text, &at, &one.Pages, &one.Settled, &one.Bytes, &one.Failed, &one.Seen)
		if n >= 5 { // earlier versions recorded no URLs that were seen
			one.At = time.Unix(at, 0)
			all = append(all, one)
		}
	}
	return all, nil
}
