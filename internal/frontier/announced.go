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

// datesTerm is for how long the dates of a list are remembered after it was read last.
const datesTerm = 400 * 24 * time.Hour

// leastTrust is the share of a site's announcements that must have been right for more of them to be
// followed. A site that nothing is known of is trusted in half of them.
const leastTrust = 0.1

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
		before = announce.Dates{} // it is garbage, and replaced
	}
	changed, now := before.Compare(entries)
	if trust := l.tracker.signals.Precision(); len(changed) > 0 && trust >= leastTrust {
		if _, err := l.frontier.Changed(ctx, changed, trust); err != nil {
			return err
		}
	}
	return run(ctx, l.frontier.rdb, datesScript(), "dates", l.base, string(l.ref.Host), l.ref.Epoch, key, now.Append(nil),
		datesTerm.Milliseconds()).Err()
}

func hashOfList(list crawler.URL) uint64 {
	sum := fnv.New64a()
	_, _ = sum.Write([]byte(list.String())) // a hash never fails
	return sum.Sum64()
}

// Trust returns how often pages of a host had changed when it announced that, from 0 to 1; a half if
// nothing is known. The job is continuous.
func (f *Frontier) Trust(ctx context.Context, host crawler.Host) (float64, error) {
	t := &tracker{frontier: f, host: host, base: f.baseOf(host)}
	if err := t.read(ctx); err != nil {
		return 0, err
	}
	return t.signals.Precision(), nil
}
