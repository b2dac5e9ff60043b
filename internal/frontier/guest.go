package frontier

import (
	"context"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// guestLease is how long a guest's request keeps its turn if its worker does not give the turn
// back. It is longer than it takes to connect and send.
const guestLease = 15 * time.Second

// Guest implements [visit.Frontier].
func (f *Frontier) Guest(ctx context.Context, h crawler.Host, by string, gap time.Duration) (time.Duration, error) {
	wait, err := runKeys(ctx, f.rdb, guestScript(), "guest", []string{f.guestKey(h)}, by, ceilMS(gap),
		guestLease.Milliseconds()).Int64()
	return time.Duration(wait) * time.Millisecond, err
}

// GuestDone implements [visit.Frontier].
func (f *Frontier) GuestDone(ctx context.Context, h crawler.Host, by string, ago, gap, rest time.Duration) error {
	return runKeys(ctx, f.rdb, guestDoneScript(), "guestdone", []string{f.guestKey(h)}, by,
		max(0, ago.Milliseconds()), ceilMS(gap), ceilMS(rest)).Err()
}

// guestKey returns the key of the turn of guests at a host. All jobs share it, except those with
// politeness: job.
func (f *Frontier) guestKey(h crawler.Host) string {
	if f.job.Politeness == crawler.PolitenessJob {
		return jobBase(f.job.Name) + nameGuest + string(h)
	}
	return keyPrefix + nameGuest + string(h)
}
