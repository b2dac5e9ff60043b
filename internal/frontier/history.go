package frontier

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/forecast"
	"github.com/trawlcrawler/trawl/internal/redisconn"
)

// series is a part of the history of a job: a key with samples of one period.
type series struct {
	name   string
	period int // seconds
	parts  int // of partSamples periods each: one more than samples are kept of
}

// partSamples is how many samples are packed into one field at most; see history.lua.
const partSamples = 60

// The history of a job: an hour of seconds and a day of minutes, less than 150 kB.
var (
	hourSeries = series{nameHour, 1, 60 + 1}
	daySeries  = series{nameDay, 60, 24 + 1}
)

// span is the time that samples are kept for.
func (s series) span() time.Duration {
	return time.Duration((s.parts-1)*partSamples*s.period) * time.Second
}

// Record records what a job has done, by Redis's clock. Calls within the same second do
// nothing, and neither do calls for a job that is not running. The work is bounded.
func (s *Store) Record(ctx context.Context, job string, c crawler.Counters) error {
	base, done := jobBase(job), forecast.SampleOf(time.Time{}, c)
	return runKeys(ctx, s.rdb, historyScript(), "history",
		[]string{base + nameJob, base + hourSeries.name, base + daySeries.name},
		done.Pages, done.Settled, done.Bytes, done.Failed, done.Seen, hourSeries.parts, daySeries.parts).Err()
}

// Recent returns the newest samples of a job, at most limit, the oldest first.
func (s *Store) Recent(ctx context.Context, job string, limit int) ([]forecast.Sample, error) {
	all, err := s.samples(ctx, job, hourSeries, (limit+partSamples-1)/partSamples+1)
	return all[max(0, len(all)-limit):], err
}

// History returns the history of a job: empty if it has not run, or was cleared.
func (s *Store) History(ctx context.Context, job string) (h forecast.History, err error) {
	if h.Seconds, err = s.samples(ctx, job, hourSeries, hourSeries.parts); err != nil {
		return forecast.History{}, err
	}
	h.Minutes, err = s.samples(ctx, job, daySeries, daySeries.parts)
	return h, err
}

// samples returns the samples in the newest parts of a series, the oldest first. Garbage is left out.
func (s *Store) samples(ctx context.Context, job string, of series, parts int) ([]forecast.Sample, error) {
	texts, err := runKeys(ctx, s.rdb, recentScript(), "recent", []string{jobBase(job) + of.name}, of.period, of.parts,
		parts).StringSlice()
	if err != nil {
		return nil, fmt.Errorf("history of job %s: %w", job, redisconn.Passing(err))
	}
	var all []forecast.Sample
	for _, text := range texts {
		some, _ := unpackSamples(text, of.period) // what precedes garbage is good
		all = append(all, some...)
	}
	if len(all) == 0 {
		return nil, nil
	}
	slices.SortStableFunc(all, func(a, b forecast.Sample) int { return a.At.Compare(b.At) }) // a field may be old
	oldest := all[len(all)-1].At.Add(-of.span())
	return slices.DeleteFunc(all, func(s forecast.Sample) bool { return !s.At.After(oldest) }), nil
}

// unpackSamples decodes a part, as history.lua packs it. It returns the samples before the first one
// that cannot be decoded.
func unpackSamples(text string, period int) (all []forecast.Sample, err error) {
	var at int64
	var now forecast.Sample
	for i, sample := range strings.Split(strings.TrimSuffix(text, ";"), ";") {
		separator, base := ",", 16
		if i == 0 {
			separator, base = " ", 10
		}
		var more [6]int64
		fields := strings.Split(sample, separator)
		if len(fields) != len(more) {
			return all, fmt.Errorf("sample %q has %d fields", sample, len(fields))
		}
		for n, field := range fields {
			if more[n], err = strconv.ParseInt(cmp.Or(field, "0"), base, 64); err != nil {
				return all, errors.Join(fmt.Errorf("sample %q", sample), err)
			}
		}
		if i > 0 {
			more[0], more[2] = more[0]+int64(period), more[2]+more[1]
		}
		at += more[0]
		now = forecast.Sample{At: time.Unix(at, 0), Pages: now.Pages + more[1], Settled: now.Settled + more[2],
			Bytes: now.Bytes + more[3], Failed: now.Failed + more[4], Seen: now.Seen + more[5]}
		all = append(all, now)
	}
	return all, nil
}
