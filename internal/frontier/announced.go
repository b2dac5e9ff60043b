package frontier

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/announce"
	"github.com/trawlcrawler/trawl/internal/redisconn"
)

// datesTerm is how long the dates of a list are remembered after it was last read.
const datesTerm = 400 * 24 * time.Hour

// Announced implements [visit.HostLease]. Pages are marked before the dates are remembered, so that
// none is missed if the worker dies in between.
func (l *HostLease) Announced(ctx context.Context, list crawler.URL, entries []announce.Entry) error {
	if l.tracker == nil {
		return nil
	}
	if err := l.tracker.read(ctx); err != nil {
		return err
	}
	key := l.base + nameDates + fmt.Sprintf("%016x", hashOfList(list))
	packed, err := l.frontier.rdb.Get(ctx, key).Bytes()
	if err != nil && !errors.Is(err, redis.Nil) && !redisconn.IsWrongType(err) {
		return wrapped("announced", l.base, err)
	}
	before, err := announce.ParseDates(packed)
	if err != nil {
		before = announce.Dates{} // it is garbage, and is replaced below
	}
	changed, now := before.Compare(entries)
	reading := reading{pages: len(entries), announced: float64(before.Added(entries))}
	if trust := l.tracker.signals.Precision(); len(changed) > 0 {
		_, due, err := l.frontier.mark(ctx, changed, trust)
		if err != nil {
			return err
		}
		reading.announced += trust * float64(due)
	}
	l.tracker.readings[list] = reading
	return run(ctx, l.frontier.rdb, datesScript(), "dates", l.base, string(l.ref.Host), l.ref.Epoch, key, now.Append(nil),
		datesTerm.Milliseconds()).Err()
}

func hashOfList(list crawler.URL) uint64 {
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(list.String())) // a hash never fails
	return sum.Sum64()
}

// Trust returns the share of a host's announcements of changes that were right, from 0 to 1; 0.5 if
// nothing is known. The job must be continuous.
func (f *Frontier) Trust(ctx context.Context, host crawler.Host) (float64, error) {
	t := &tracker{frontier: f, host: host, base: f.baseOf(host)}
	if err := t.read(ctx); err != nil {
		return 0, err
	}
	return t.signals.Precision(), nil
}
