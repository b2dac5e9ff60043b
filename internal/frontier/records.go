package frontier

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// This file compares what a job has settled with the records of its output. The job must
// have ended, because these values change while it runs.

// Bounds of one round trip.
const (
	seenBatch   = 100  // buckets of seen, about 160 URLs each
	forgetBatch = 1000 // URLs
	hostBatch   = 500  // hosts
)

// Sighting is a URL that a job has seen, as stored in seen.
type Sighting struct {
	Shard       int
	Fingerprint int64
	Depth       int // 0 if depths are not stored; see [crawler.Job.DepthLimit]
}

// Fingerprint returns the fingerprint that identifies a URL within the job.
func (f *Frontier) Fingerprint(u crawler.URL) int64 { return f.depths.fingerprint(f.identity.Key(u)) }

// EachSeen calls do with each URL that the job has seen.
func (f *Frontier) EachSeen(ctx context.Context, do func(Sighting)) error {
	for shard := range f.job.Shards {
		text, err := f.rdb.HGet(ctx, f.base(shard)+nameCount, "buckets").Result()
		if err != nil && !errors.Is(err, redis.Nil) {
			return fmt.Errorf("frontier: seen of %s: %w", f.job.Name, err)
		}
		buckets := max(1, number(text))
		for from := int64(0); from < buckets; from += seenBatch {
			if err := f.eachIn(ctx, shard, from, min(from+seenBatch, buckets), do); err != nil {
				return err
			}
		}
	}
	return nil
}

// eachIn calls do with each URL in a range of buckets.
func (f *Frontier) eachIn(ctx context.Context, shard int, from, to int64, do func(Sighting)) error {
	var got []*redis.StringSliceCmd
	_, err := f.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for bucket := from; bucket < to; bucket++ {
			got = append(got, p.SMembers(ctx, f.base(shard)+nameSeen+strconv.FormatInt(bucket, 10)))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("frontier: seen of %s: %w", f.job.Name, err)
	}
	for _, members := range got {
		for _, member := range members.Val() {
			if s, ok := f.depths.sighting(member); ok {
				s.Shard = shard
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

// EachWaiting calls do with each entry that waits in a queue, waits to be retried, or is in
// flight.
func (f *Frontier) EachWaiting(ctx context.Context, do func(queue.Entry)) error {
	for shard := range f.job.Shards {
		for _, name := range []string{nameDue, nameArmed, nameOpen} {
			hosts, err := f.rdb.ZRange(ctx, f.base(shard)+name, 0, -1).Result()
			if err != nil {
				return fmt.Errorf("frontier: hosts of %s: %w", f.job.Name, err)
			}
			for _, h := range hosts {
				if err := f.eachOf(ctx, f.base(shard), crawler.Host(h), do); err != nil {
					return fmt.Errorf("frontier: URLs of host %s: %w", h, err)
				}
			}
		}
	}
	return nil
}

// eachOf calls do with each waiting entry of a host. It skips entries that cannot be
// decoded: a visit will set them aside.
func (f *Frontier) eachOf(ctx context.Context, base string, h crawler.Host, do func(queue.Entry)) error {
	each := func(packed []string) {
		for _, p := range packed {
			if e, err := queue.UnpackEntry(h, 0, p); err == nil {
				do(e)
			}
		}
	}
	for band := range queue.Bands {
		key := base + nameQueue + strconv.Itoa(band) + ":" + string(h)
		if err := inParts(each, func(from, to int64) ([]string, error) {
			return f.rdb.LRange(ctx, key, from, to).Result()
		}); err != nil {
			return err
		}
	}
	later := base + nameLater + string(h)
	if err := inParts(each, func(from, to int64) ([]string, error) {
		return f.rdb.ZRange(ctx, later, from, to).Result()
	}); err != nil {
		return err
	}
	flight, err := f.rdb.HVals(ctx, base+nameFlight+string(h)).Result()
	each(flight)
	return err
}

// inParts reads a long list in parts.
func inParts(each func([]string), read func(from, to int64) ([]string, error)) error {
	for at := int64(0); ; at += findBatch {
		part, err := read(at, at+findBatch-1)
		if err != nil {
			return err
		}
		each(part)
		if len(part) < findBatch {
			return nil
		}
	}
}

// Readmit puts entries into the queues of their hosts, even if the job has seen and settled
// their URLs. The URLs must not be waiting already. It returns how many entries it queued,
// even if there is an error.
func (f *Frontier) Readmit(ctx context.Context, entries []queue.Entry) (urls int, err error) {
	if f.continuous() {
		entries = slices.Clone(entries)
		if err := f.attach(ctx, entries); err != nil {
			return 0, err
		}
	}
	unknown := func(uint64, int) bool { return false }
	for _, a := range f.batches(entries, unknown) {
		n, err := run(ctx, f.rdb, f.depths.pick(readmitScript(), readmitDepthScript()), "readmit", f.base(a.shard),
			f.depths.args(a.args())...).Int()
		urls += n
		if err != nil {
			return urls, err
		}
	}
	return urls, nil
}

// Forget makes settled URLs count as never seen, so that they are admitted when a page
// links to them. Processes that work on the job may remember them until they notice that it
// has ended. It returns how many of the URLs had been seen, even if there is an error.
func (f *Frontier) Forget(ctx context.Context, urls []Sighting) (forgotten int64, err error) {
	members := make([][]any, f.job.Shards)
	for _, u := range urls {
		members[u.Shard] = append(members[u.Shard], f.depths.member(u.Fingerprint, u.Depth))
	}
	f.recent.forget()
	for shard, all := range members { // every shard gets a call, to record how many URLs it had seen
		for from := 0; from == 0 || from < len(all); from += forgetBatch {
			args := append([]any(nil), all[from:min(from+forgetBatch, len(all))]...)
			n, err := run(ctx, f.rdb, f.depths.pick(forgetScript(), forgetDepthScript()), "forget", f.base(shard),
				f.depths.args(args)...).Int64()
			forgotten += n
			if err != nil {
				return forgotten, err
			}
		}
	}
	return forgotten, nil
}

// Account holds the counters that settling updates, recomputed from the output of a job.
type Account struct {
	Shards []ShardAccount // one for each of the job's shards
	Hosts  map[crawler.Host]*HostAccount
}

// ShardAccount holds the counters of a shard.
type ShardAccount struct {
	Outcomes   map[crawler.Outcome]int64 // of the URLs that are settled
	Bytes      int64                     // of the bodies fetched
	Incomplete int64                     // pages that lack a required field
	Records    int64                     // URLs that have a record of their own
}

// HostAccount holds the counters of a host.
type HostAccount struct {
	Pages int64 // fetched
	Seen  int64 // URLs, including those that wait
}

// ShardOf returns the shard in which the URLs of a host are counted.
func (f *Frontier) ShardOf(h crawler.Host) int { return f.shardOf(h) }

// Recount sets the counters that settling updates, including those of hosts and the spent
// pages of budgets. Hosts that are missing in the account are set to zero.
func (f *Frontier) Recount(ctx context.Context, a Account) error {
	hosts, err := f.hosts(ctx)
	if err != nil {
		return err
	}
	pages := int64(0)
	for shard, s := range a.Shards {
		pages += s.Outcomes[crawler.OutcomeFetched]
		args := s.args()
		for from := 0; from == 0 || from < len(hosts[shard]); from += hostBatch {
			batch := args
			for _, h := range hosts[shard][from:min(from+hostBatch, len(hosts[shard]))] {
				n := a.Hosts[h]
				if n == nil {
					n = new(HostAccount)
				}
				batch = append(batch, string(h), n.Pages, n.Seen)
			}
			if err := run(ctx, f.rdb, recountScript(), "recount", f.base(shard), batch...).Err(); err != nil {
				return err
			}
		}
	}
	if err := f.recountDomains(ctx, a.Hosts); err != nil {
		return fmt.Errorf("frontier: budgets of domains of %s: %w", f.job.Name, err)
	}
	if f.budgets().pages == 0 {
		return nil
	}
	if err := f.rdb.HSet(ctx, jobBase(f.job.Name)+nameLedger, "spent", pages).Err(); err != nil {
		return fmt.Errorf("frontier: ledger of %s: %w", f.job.Name, err)
	}
	return nil
}

// args returns the arguments of recount.lua up to the first host. Appending to them copies
// the slice.
func (s ShardAccount) args() []any {
	args := []any{s.Records, 4 + len(queue.Outcomes) - 1, "bytes", s.Bytes, "incomplete", s.Incomplete, "over", 0,
		"lost", 0}
	for _, o := range queue.Outcomes {
		if o.Final() { // the others count attempts
			args = append(args, "outcome:"+string(o), s.Outcomes[o])
		}
	}
	return args[:len(args):len(args)]
}

// hosts lists the hosts that the job has met, by shard.
func (f *Frontier) hosts(ctx context.Context) ([][]crawler.Host, error) {
	all := make([][]crawler.Host, f.job.Shards)
	known := make(map[crawler.Host]bool) // SCAN may return a key twice
	var mu sync.Mutex
	err := f.store.scan(ctx, anyHost(f.job.Name), func(_ context.Context, _ redis.Cmdable, keys []string) error {
		mu.Lock()
		defer mu.Unlock()
		for _, key := range keys {
			h := hostIn(key)
			if shard := f.shardOf(h); !known[h] {
				known[h] = true
				all[shard] = append(all[shard], h)
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("frontier: hosts of %s: %w", f.job.Name, err)
	}
	return all, nil
}
