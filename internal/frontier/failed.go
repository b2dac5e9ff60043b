package frontier

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/redisconn"
)

const (
	mostFailed = 200 // URLs that a shard remembers of a cause; see remember_failed
	mostCauses = 100 // causes that are read; servers may send any status
	retryBatch = 100 // URLs in a call
)

// Failed lists URLs that failed for good or are gone, at most limit for each cause and shard, by
// cause and then the latest first. Each shard remembers the last two hundred of a cause.
func (f *Frontier) Failed(ctx context.Context, limit int) ([]queue.Failed, error) {
	counters, err := f.Counters(ctx)
	if err != nil {
		return nil, err
	}
	causes := slices.Sorted(maps.Keys(counters.Causes))
	causes = causes[:min(len(causes), mostCauses)]
	var all []queue.Failed
	for shard := range f.job.Shards {
		some, err := f.failedIn(ctx, shard, causes, limit)
		if err != nil {
			return nil, err
		}
		all = append(all, some...)
	}
	slices.SortStableFunc(all, func(a, b queue.Failed) int {
		if a.Cause != b.Cause {
			return slices.Index(causes, a.Cause) - slices.Index(causes, b.Cause)
		}
		return b.At.Compare(a.At)
	})
	return all, nil
}

// failedIn lists URLs of a shard. It skips what cannot be decoded.
func (f *Frontier) failedIn(ctx context.Context, shard int, causes []string,
	limit int) (all []queue.Failed, err error) {
	got := make([]*redis.StringSliceCmd, len(causes))
	_, _ = f.rdb.Pipelined(ctx, func(p redis.Pipeliner) error { // each command has its own error
		for i, cause := range causes {
			got[i] = p.LRange(ctx, f.base(shard)+nameFailed+cause, 0, int64(limit-1))
		}
		return nil
	})
	for i, cause := range causes {
		items, err := got[i].Result()
		if err != nil && !redisconn.IsWrongType(err) { // the next URL that fails sets it aside
			return nil, fmt.Errorf("frontier: URLs of %s that failed: %w", f.job.Name, redisconn.Passing(err))
		}
		for _, item := range items {
			if one, err := queue.UnpackFailed(cause, item); err == nil {
				all = append(all, one)
			}
		}
	}
	return all, nil
}

// Retry queues URLs again that [Frontier.Failed] has listed, and takes back what settling them
// counted. It skips URLs that another client has queued since, and those whose records have not
// reached their destination yet. Their hosts are forgiven for having refused requests. It returns
// how many URLs it queued, even if there is an error.
func (f *Frontier) Retry(ctx context.Context, urls []queue.Failed) (queued int, err error) {
	defer f.store.Tell(ctx, f.job.Name)
	entries, err := f.trackedSince(ctx, urls)
	if err != nil {
		return 0, err
	}
	args := make([][]any, f.job.Shards)
	for i, u := range urls {
		shard := f.shardOf(u.Entry.URL.Host())
		args[shard] = append(args[shard], u.Cause, u.Packed, entries[i])
	}
	for shard, all := range args {
		for batch := range slices.Chunk(all, 3*retryBatch) {
			n, err := run(ctx, f.rdb, retryScript(), "retry", f.base(shard), batch...).Int()
			queued += n
			if err != nil {
				return queued, err
			}
		}
	}
	return queued, nil
}

// trackedSince returns the packed entries of URLs whose pages a continuous job has begun to track
// after they failed; "" for others.
func (f *Frontier) trackedSince(ctx context.Context, urls []queue.Failed) ([]string, error) {
	packed := make([]string, len(urls))
	if !f.continuous() {
		return packed, nil
	}
	entries := make([]queue.Entry, len(urls))
	for i, u := range urls {
		entries[i] = u.Entry
	}
	if err := f.attach(ctx, entries); err != nil {
		return nil, err
	}
	for i, e := range entries {
		if e.Page.Known() && !urls[i].Entry.Page.Known() {
			packed[i] = e.Pack()
		}
	}
	return packed, nil
}
