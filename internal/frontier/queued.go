package frontier

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/redisconn"
)

// Queued returns the first URLs of a host, at most limit: those in flight, then those that
// wait, by band, and those to be retried, the soonest first. The work is bounded by limit.
func (f *Frontier) Queued(ctx context.Context, h crawler.Host, limit int) ([]queue.Location, error) {
	base := f.baseOf(h)
	var flight *redis.ScanCmd
	var later *redis.ZSliceCmd
	var clock *redis.TimeCmd
	var bands []*redis.StringSliceCmd
	_, err := f.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		clock = p.Time(ctx)
		flight = p.HScan(ctx, base+nameFlight+string(h), 0, "", int64(limit))
		for _, band := range queue.BandOrder {
			bands = append(bands, p.LRange(ctx, base+nameQueue+strconv.Itoa(int(band))+":"+string(h), 0, int64(limit-1)))
		}
		later = p.ZRangeWithScores(ctx, base+nameLater+string(h), 0, int64(limit-1))
		return nil
	})
	if err != nil && !redisconn.IsWrongType(err) { // the next visit sets aside a key of another type
		return nil, fmt.Errorf("frontier: URLs of %s: %w", h, redisconn.Passing(err))
	}
	all := inFlight(h, flight)
	for i, band := range queue.BandOrder {
		sealed := f.unsealer(ctx, base)
		for _, element := range bands[i].Val() {
			if len(all) >= limit {
				break
			}
			entries, err := sealed.entries([]string{element})
			if err != nil {
				return nil, fmt.Errorf("frontier: URLs of %s: %w", h, err)
			}
			for _, packed := range entries {
				if e, err := queue.UnpackEntry(h, band, packed); err == nil {
					all = append(all, queue.Location{Place: queue.PlaceQueue, Entry: e, Before: int64(len(all))})
				}
			}
		}
	}
	for _, z := range later.Val() {
		text, _ := z.Member.(string)
		band, packed := unpackLater(text)
		if e, err := queue.UnpackEntry(h, band, packed); err == nil {
			due := max(0, time.UnixMilli(int64(z.Score)).Sub(clock.Val()))
			all = append(all, queue.Location{Place: queue.PlaceLater, Entry: e, Due: due})
		}
	}
	return all[:min(limit, len(all))], nil
}

// inFlight returns the URLs in flight, sorted by URL. There are few: about a second's worth.
func inFlight(h crawler.Host, scan *redis.ScanCmd) (all []queue.Location) {
	tickets, _ := scan.Val()
	for i := 0; i+1 < len(tickets); i += 2 {
		band := queue.BandNormal
		if ticket := tickets[i]; ticket != "" && slices.Contains(queue.BandOrder[:], queue.Band(ticket[0]-'0')) {
			band = queue.Band(ticket[0] - '0')
		}
		if e, err := queue.UnpackEntry(h, band, tickets[i+1]); err == nil {
			all = append(all, queue.Location{Place: queue.PlaceFlight, Entry: e})
		}
	}
	slices.SortFunc(all, func(a, b queue.Location) int {
		return cmp.Compare(a.Entry.URL.String(), b.Entry.URL.String())
	})
	return all
}
