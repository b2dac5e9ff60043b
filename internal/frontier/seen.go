package frontier

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// seenBatch is how many buckets of seen are read in one round trip. Each has at most some 400 URLs.
const seenBatch = 100

// Sighting is a URL that a job has seen, as stored in seen.
type Sighting struct {
	Shard       int
	Group       int // of its host, in seen
	Fingerprint int64
	Depth       int // 0 if depths are not stored; see [crawler.Job.DepthLimit]
}

// Fingerprint returns the fingerprint that identifies a URL within the job.
func (f *Frontier) Fingerprint(u crawler.URL) int64 {
	return f.depths.fingerprint(f.identity.Key(u))
}

// EachSeen calls do with each URL that the job has seen. It may name a URL twice if fingerprints are
// spilled meanwhile. The error wraps [queue.ErrUnavailable] if spilled ones cannot be read.
func (f *Frontier) EachSeen(ctx context.Context, do func(Sighting)) error {
	inSets := func(ctx context.Context, node redis.Cmdable, keys []string) error {
		for some := range slices.Chunk(keys, seenBatch) {
			if err := f.eachIn(ctx, node, some, do); err != nil {
				return err
			}
		}
		return nil
	}
	inBlocks := func(ctx context.Context, node redis.Cmdable, keys []string) error {
		for _, key := range keys {
			if err := f.eachSpilled(ctx, node, key, do); err != nil {
				return err
			}
		}
		return nil
	}
	err := f.scanOnce(ctx, anySeen(f.job.Name), inSets)
	if err == nil { // afterwards, so that no bucket that is spilled now is left out
		err = f.scanOnce(ctx, anyFilters(f.job.Name), inBlocks)
	}
	if err != nil {
		return fmt.Errorf("frontier: seen of %s: %w", f.job.Name, err)
	}
	return nil
}

// scanOnce calls do with the keys that match a pattern, each once, and one call at a time.
func (f *Frontier) scanOnce(ctx context.Context, pattern string,
	do func(ctx context.Context, node redis.Cmdable, keys []string) error) error {
	read := make(map[string]bool) // SCAN may return a key twice
	var mu sync.Mutex
	return f.store.scan(ctx, pattern, func(ctx context.Context, node redis.Cmdable, keys []string) error {
		mu.Lock()
		defer mu.Unlock()
		keys = slices.DeleteFunc(slices.Clone(keys), func(key string) bool { return read[key] })
		if err := do(ctx, node, keys); err != nil {
			return err
		}
		for _, key := range keys {
			read[key] = true
		}
		return nil
	})
}

// eachSpilled calls do with each URL in the spilled buckets of a group, whose filters are in a key.
func (f *Frontier) eachSpilled(ctx context.Context, node redis.Cmdable, key string, do func(Sighting)) error {
	group, ok := groupIn(key)
	if !ok {
		return nil // the key has another form
	}
	base := shardBase(f.job.Name, shardIn(key))
	filters, err := node.HGetAll(ctx, key).Result()
	if err != nil {
		return err
	}
	text, err := node.HGet(ctx, base+nameGroups, strconv.Itoa(group)).Result()
	if ignoreNil(err) != nil {
		return err
	}
	var refs []reference
	var buckets []int
	for field, filter := range filters {
		r, ok := parseReference(referenceIn(filter))
		bucket, err := strconv.Atoi(field)
		if !ok || err != nil {
			return fmt.Errorf("%w: the filter %s of %s has no reference", queue.ErrGarbage, field, key)
		}
		refs, buckets = append(refs, r), append(buckets, bucket)
	}
	blocks, err := f.readSeen(ctx, base, refs)
	if err != nil {
		return fmt.Errorf("%w: %w", queue.ErrUnavailable, err)
	}
	for i, block := range blocks {
		b := seenBucket{group: group, bucket: buckets[i], buckets: bucketsIn(text)}
		for _, fp := range b.fingerprints(f.depths, block) {
			do(Sighting{Shard: shardIn(key), Group: group, Fingerprint: fp})
		}
	}
	return nil
}

// eachIn calls do with each URL in some buckets of seen.
func (f *Frontier) eachIn(ctx context.Context, node redis.Cmdable, keys []string, do func(Sighting)) error {
	got := make([]*redis.StringSliceCmd, len(keys))
	_, err := node.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, key := range keys {
			got[i] = p.SMembers(ctx, key)
		}
		return nil
	})
	if err != nil {
		return err
	}
	for i, members := range got {
		shard := shardIn(keys[i])
		group, ok := groupIn(keys[i])
		if !ok {
			continue // the key of a bucket has another form
		}
		for _, member := range members.Val() {
			if s, ok := f.depths.sighting(member); ok {
				s.Shard, s.Group = shard, group
				do(s)
			}
		}
	}
	return nil
}

// sighting decodes a member of seen.
func (d depths) sighting(member string) (s Sighting, ok bool) {
	text := member
	if d.kept() {
		if s.Depth, ok = d.split(member); !ok {
			return s, false
		}
		text = member[:len(member)-d.digits()]
	}
	var err error
	s.Fingerprint, err = strconv.ParseInt(text, 10, 64)
	return s, err == nil
}
