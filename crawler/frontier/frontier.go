package frontier

import (
	"context"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
)

// Terms of visits.
const (
	// Lease is for how long a visit holds its host without a sign of life. A
	// host whose worker died is visited again after at most Lease and the
	// scheduler's period of sweeping.
	Lease = 10 * time.Second
	// PrivateLease is the lease in a store of [NewPrivate].
	PrivateLease = 5 * time.Minute
	// ArmTerm is how long an enqueued visit may take to be opened.
	ArmTerm = 30 * time.Second
	// reprieve is how long a broken host waits for its release before it is
	// swept again.
	reprieve = time.Second
)

// Bounds of one call.
const (
	admitBatch = 500 // URLs
	armBatch   = 200 // hosts
	sweepBatch = 20  // hosts

	sweepBatches = 50 // of one sweep
)

// Frontier is the frontier of one job. It is safe for concurrent use by any
// number of processes.
type Frontier struct {
	store         *Store
	rdb           redis.UniversalClient
	job           crawler.Job
	identity      crawler.Identity
	depths        depths
	links         *linkCodec
	recent        *recent
	live          *liveBudgets
	confirmations *confirmations
	lease         time.Duration
	term          time.Duration
	reports       *reports
	run           int64 // when the job was created, in unix milliseconds; 0 when that is not known
	shares        bool  // hosts are shared politely with the other jobs of the fleet
}

// Job returns the job whose frontier it is.
func (f *Frontier) Job() crawler.Job { return f.job }

func (f *Frontier) base(shard int) string { return shardBase(f.job.Name, shard) }

func (f *Frontier) baseOf(h crawler.Host) string { return f.base(f.shardOf(h)) }

// shardOf is where a host lies: together with hosts that have the same pages.
func (f *Frontier) shardOf(h crawler.Host) int { return shardOf(f.identity.Host(h), f.job.Shards) }

// Sweep breaks the visits whose deadline passed late ago or earlier, and returns how
// many open ones these were. late is 0 or more.
func (f *Frontier) Sweep(ctx context.Context, late time.Duration) (broken int, err error) {
	return f.sweep(ctx, -late)
}

// Abandon breaks all visits, whatever their deadline. Call it only when no worker of
// the job is alive.
func (f *Frontier) Abandon(ctx context.Context) error {
	for {
		broken, err := f.sweep(ctx, max(f.lease, f.term, PrivateLease))
		if err != nil || broken == 0 {
			return err
		}
	}
}

// sweep sweeps every shard until nothing is found there, or for long enough:
// what is left is found the next time.
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

// sweepBatch sweeps at most sweepBatch hosts of a shard of each kind. It
// returns how many of one kind it found, and how many open visits it broke.
func (f *Frontier) sweepBatch(ctx context.Context, shard int, ahead time.Duration) (swept, broken int, err error) {
	hold := time.Duration(0)
	if f.budgets().pages > 0 {
		hold = reprieve
	}
	got, err := run(ctx, f.rdb, sweepScript, "sweep", f.base(shard), sweepBatch, hold.Milliseconds(), ahead.Milliseconds()).Slice()
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

// release closes the account of a visit that broke, and makes its host due.
func (f *Frontier) release(ctx context.Context, host crawler.Host, epoch, pages int64) error {
	account := ledger{frontier: f, visit: visitName(host, epoch), fetched: pages, budgeted: f.budgets().budgeted}
	if err := account.close(ctx); err != nil {
		return err
	}
	return run(ctx, f.rdb, releaseScript, "release", f.baseOf(host), string(host), epoch).Err()
}

// visitName names a visit within its job.
func visitName(h crawler.Host, epoch int64) string {
	return string(h) + "@" + strconv.FormatInt(epoch, 10)
}
