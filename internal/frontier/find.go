package frontier

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// Bounds of the search for a URL in the queues of its host.
const (
	findBatch = 250     // elements of a queue, each of which may be a sealed block
	findMost  = 200_000 // URLs
)

// Find returns where a URL is. It searches the queues of its host, up to 200,000 URLs, so
// it is meant for interactive use.
func (f *Frontier) Find(ctx context.Context, u crawler.URL) (queue.Location, error) {
	base := f.baseOf(u.Host())
	depth, known, err := f.known(ctx, base, u)
	if err != nil || !known {
		return queue.Location{Place: queue.PlaceUnseen}, err
	}
	for _, look := range []func(context.Context, string, crawler.URL) (queue.Location, bool, error){
		f.findInFlight, f.findLater, f.findInQueues,
	} {
		if w, found, err := look(ctx, base, u); err != nil || found {
			w.Entry.Depth = min(w.Entry.Depth, depth)
			return w, err
		}
	}
	return queue.Location{Place: queue.PlaceSettled}, nil
}

// known reports whether a URL was ever seen, and the depth that is known for it.
func (f *Frontier) known(ctx context.Context, base string, u crawler.URL) (depth int, known bool, err error) {
	m := f.markOf(u, 0)
	if !f.depths.kept() {
		known, err = f.isSeen(ctx, base, m)
		return math.MaxInt, known, err
	}
	depth, err = run(ctx, f.rdb, depthOfScript(), "depthof", base, f.depths.args([]any{m.group, m.member})...).Int()
	if depth == f.depths.farthest {
		return math.MaxInt, true, err
	}
	return depth, depth >= 0, err
}

// isSeen reports whether a URL was ever seen, in a job that stores no depths.
func (f *Frontier) isSeen(ctx context.Context, base string, m mark) (bool, error) {
	var found findings
	for {
		answer, err := run(ctx, f.rdb, knownScript(), "known", base, f.seenArgs([]any{m.group, m.member}, found)...).Result()
		block, undecided := answer.(string)
		if err != nil || !undecided {
			return answer == int64(1), err
		}
		if found, _, err = f.decide(ctx, base, []doubt{{m.member, block}}); err != nil {
			return false, err
		}
	}
}

func (f *Frontier) findInFlight(ctx context.Context, base string, u crawler.URL) (queue.Location, bool, error) {
	flight, err := f.rdb.HGetAll(ctx, base+nameFlight+string(u.Host())).Result()
	for ticket, packed := range flight {
		if e, ok := isEntry(packed, u); ok && ticket != "" {
			e.Band = queue.Band(ticket[0] - '0')
			return queue.Location{Place: queue.PlaceFlight, Entry: e}, true, nil
		}
	}
	return queue.Location{}, false, finding(u, err)
}

func (f *Frontier) findLater(ctx context.Context, base string, u crawler.URL) (queue.Location, bool, error) {
	later, err := f.rdb.ZRangeWithScores(ctx, base+nameLater+string(u.Host()), 0, findMost-1).Result()
	if err != nil {
		return queue.Location{}, false, finding(u, err)
	}
	for _, z := range later {
		band, packed := unpackLater(z.Member.(string))
		e, ok := isEntry(packed, u)
		if !ok {
			continue
		}
		e.Band = band
		now, err := f.rdb.Time(ctx).Result()
		due := time.UnixMilli(int64(z.Score)).Sub(now)
		return queue.Location{Place: queue.PlaceLater, Entry: e, Due: max(0, due)}, true, finding(u, err)
	}
	return queue.Location{}, false, nil
}

// unpackLater unpacks an entry that will be retried, packed by pack_later in lua/lib.lua.
func unpackLater(member string) (queue.Band, string) {
	if member != "" && member[0] >= '0' && member[0] < '0'+queue.Bands {
		return queue.Band(member[0] - '0'), member[1:]
	}
	return queue.BandNormal, member
}

func (f *Frontier) findInQueues(ctx context.Context, base string, u crawler.URL) (queue.Location, bool, error) {
	before := int64(0)
	for _, band := range queue.BandOrder {
		key := base + nameQueue + strconv.Itoa(int(band)) + ":" + string(u.Host())
		sealed := f.unsealer(ctx, base)
		for at := int64(0); before < findMost; at += findBatch {
			elements, err := f.rdb.LRange(ctx, key, at, at+findBatch-1).Result()
			if err != nil {
				return queue.Location{}, false, finding(u, err)
			}
			entries, err := sealed.entries(elements)
			if err != nil {
				return queue.Location{}, false, finding(u, err)
			}
			for i, packed := range entries {
				if e, ok := isEntry(packed, u); ok {
					e.Band = band
					return queue.Location{Place: queue.PlaceQueue, Entry: e, Before: before + int64(i)}, true, nil
				}
			}
			before += int64(len(entries))
			if len(elements) < findBatch {
				break
			}
		}
	}
	return queue.Location{}, false, nil
}

// isEntry unpacks an entry, and reports whether it is the given URL's.
func isEntry(packed string, u crawler.URL) (queue.Entry, bool) {
	e, err := queue.UnpackEntry(u.Host(), 0, packed)
	return e, err == nil && e.URL == u
}

func finding(u crawler.URL, err error) error {
	if err == nil || errors.Is(err, redis.Nil) {
		return nil
	}
	return fmt.Errorf("frontier: find %s: %w", u, err)
}
