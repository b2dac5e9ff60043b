package frontier

import (
	"context"
	"fmt"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
)

// An idle host about which little is known is folded (lua/fold.lua): it has no key of its own.

// hosts lists the hosts that the job has met, by shard.
func (f *Frontier) hosts(ctx context.Context) ([][]crawler.Host, error) {
	all := make([][]crawler.Host, f.job.Shards)
	known := make(map[crawler.Host]bool) // SCAN may return a key twice
	var mu sync.Mutex
	add := func(h crawler.Host) {
		mu.Lock()
		defer mu.Unlock()
		if shard := f.shardOf(h); !known[h] {
			known[h] = true
			all[shard] = append(all[shard], h)
		}
	}
	err := f.store.scan(ctx, anyHost(f.job.Name), func(_ context.Context, _ redis.Cmdable, keys []string) error {
		for _, key := range keys {
			add(hostIn(key))
		}
		return nil
	})
	if err == nil {
		err = f.store.scan(ctx, anyFolded(f.job.Name), func(ctx context.Context, node redis.Cmdable, keys []string) error {
			return eachFolded(ctx, node, keys, add)
		})
	}
	if err != nil {
		return nil, fmt.Errorf("frontier: hosts of %s: %w", f.job.Name, err)
	}
	return all, nil
}

// eachFolded calls do with each folded host of these keys.
func eachFolded(ctx context.Context, node redis.Cmdable, keys []string, do func(crawler.Host)) error {
	got := make([]*redis.StringSliceCmd, len(keys))
	_, err := node.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, key := range keys {
			got[i] = p.HKeys(ctx, key)
		}
		return nil
	})
	for _, fields := range got {
		for _, name := range fields.Val() {
			if !strings.HasSuffix(name, " ") { // otherwise the field says what went wrong at a host
				do(crawler.Host(name))
			}
		}
	}
	return err
}
