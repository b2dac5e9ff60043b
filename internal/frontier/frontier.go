package frontier

import (
	"context"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/rules"
)

// Terms of visits.
const (
	// Lease is how long a visit holds its host without a sign of life. If a worker dies, its
	// hosts are visited again after at most Lease plus the scheduler's interval between
	// sweeps.
	Lease = 10 * time.Second
	// PrivateLease is the lease in a store of [NewPrivate].
	PrivateLease = 5 * time.Minute
	// ArmTerm is the time within which an enqueued visit must be opened.
	ArmTerm = 30 * time.Second
	// reprieve is how long a broken host waits to be released before it is swept again.
	reprieve = time.Second
)

// Bounds of one call.
const (
	admitBatch = 500 // URLs
	armBatch   = 200 // hosts
	sweepBatch = 20  // hosts

	sweepBatches = 50 // batches in one sweep
)

// Frontier is the frontier of one job. It is safe for concurrent use, also by many
// processes.
type Frontier struct {
	store         *Store
	rdb           redis.UniversalClient
	job           crawler.Job
	identity      rules.Identity
	depths        depths
	links         *linkCodec
	recent        *recent
	live          *liveBudgets
	confirmations *confirmations
	lease         time.Duration
	term          time.Duration
	reports       *reports
	run           int64 // when the job was created, in unix milliseconds; 0 if unknown
	shares        bool  // hosts are shared with the other jobs of the fleet
	admits        gatherers[*admitting]
	opens         gatherers[*opening]
	takes         gatherers[*taking]
	settles       gatherers[*settling]
}

// Job returns the job of the frontier.
func (f *Frontier) Job() crawler.Job { return f.job }

func (f *Frontier) base(shard int) string { return shardBase(f.job.Name, shard) }

func (f *Frontier) baseOf(h crawler.Host) string { return f.base(f.shardOf(h)) }

// shardOf returns the shard of a host. Hosts that count as the same are in the same shard.
func (f *Frontier) shardOf(h crawler.Host) int { return shardOf(f.identity.Host(h), f.job.Shards) }

// Sweep breaks the visits whose deadline passed at least late ago, and returns how many of
// them were open. late must not be negative.
func (f *Frontier) Sweep(ctx context.Context, late time.Duration) (broken int, err error) {
	return f.sweep(ctx, -late)
}

// Abandon breaks all visits, whatever their deadlines. Call it only when no worker of the
// job is alive.
func (f *Frontier) Abandon(ctx context.Context) error {
	for {
		broken, err := f.sweep(ctx, max(f.lease, f.term, PrivateLease))
		if err != nil || broken == 0 {
			return err
		}
	}
}

// sweep sweeps every shard until it finds nothing there, or for a bounded number of
// batches: the next sweep finds the rest.
func (f *Frontier) sweep(ctx context.Context, ahead time.Duration) (broken int, err error) {
	for shard := range f.job.Shards {
		for range sweepBatches {
			swept, n, err := f.sweepBatch(ctx, shard, ahead)
			broken += n
			if err != nil {
				return broken, err
			}
			if swept < sweepBatch {
				break
			}
		}
	}
	return broken, nil
}

// sweepBatch sweeps at most sweepBatch armed and sweepBatch open hosts of a shard. It
// returns the larger of the two numbers found, and how many open visits it broke.
func (f *Frontier) sweepBatch(ctx context.Context, shard int, ahead time.Duration) (swept, broken int, err error) {
	hold := time.Duration(0)
	if b := f.budgets(); b.pages > 0 || b.domain > 0 {
		hold = reprieve
	}
	got, err := run(ctx, f.rdb, sweepScript(), "sweep", f.base(shard), sweepBatch, hold.Milliseconds(),
		ahead.Milliseconds()).Slice()
	if err != nil {
		return 0, 0, err
	}
	for i := 1; hold > 0 && i+2 < len(got); i += 3 {
		host, epoch, pages := crawler.Host(got[i].(string)), got[i+1].(int64), got[i+2].(int64)
		if err := f.release(ctx, host, epoch, pages); err != nil {
			return 0, 0, err
		}
	}
	return int(got[0].(int64)), len(got) / 3, nil
}

// release closes the accounts of a broken visit and makes its host due.
func (f *Frontier) release(ctx context.Context, host crawler.Host, epoch, pages int64) error {
	account := ledger{frontier: f, visit: visitName(host, epoch), fetched: pages, budgeted: f.budgets().budgeted}
	if err := account.close(ctx); err != nil {
		return err
	}
	domain := f.domainAccount(host, account.visit)
	domain.fetched, domain.used = pages, f.budgets().domain > 0
	if err := domain.close(ctx); err != nil {
		return err
	}
	return run(ctx, f.rdb, releaseScript(), "release", f.baseOf(host), string(host), epoch).Err()
}

// visitName names a visit within its job.
func visitName(h crawler.Host, epoch int64) string {
	return string(h) + "@" + strconv.FormatInt(epoch, 10)
}
