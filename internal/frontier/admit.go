package frontier

import (
	"context"
	"fmt"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// Admit adds the entries whose URLs the job has never seen to the queues of their hosts,
// and returns how many there were. Each URL is marked as seen and queued atomically. If
// several calls bring the same URL, only one of them counts it as new. In a job in which
// depth decides what is admitted, a URL seen before gets the new depth if that is smaller.
// Admit implements [visit.Frontier].
func (f *Frontier) Admit(ctx context.Context, entries []queue.Entry) (fresh int, err error) {
	for {
		forgets := f.recent.forgets.Load()
		n, err := f.admit(ctx, entries)
		fresh += n
		if err != nil || f.recent.forgets.Load() == forgets {
			return fresh, err
		} // Otherwise the URLs that were left out as known may be lost: repeat.
	}
}

func (f *Frontier) admit(ctx context.Context, entries []queue.Entry) (fresh int, err error) {
	for _, batch := range f.batches(entries, f.recent.has) {
		n, err := f.admitBatch(ctx, batch)
		fresh += n
		if err != nil {
			return fresh, err
		}
	}
	return fresh, nil
}

// admission is one call of the script: URLs of one shard, grouped by the queues that they
// will wait in.
type admission struct {
	shard  int
	urls   int
	leaves bool // some were found outside the shard's own pages
	groups []queueGroup
	last   map[crawler.Host]int // index of the last group of each host
}

type queueGroup struct {
	host    crawler.Host
	band    queue.Band
	entries []queue.Entry
	members []string // elements of seen
	hashes  []uint64 // their hashes in recent
}

// add appends an entry to the last group of its host, or to a new group if the band
// changes.
func (a *admission) add(e queue.Entry, member string, hash uint64) {
	host := e.URL.Host()
	i, ok := a.last[host]
	if !ok || a.groups[i].band != e.Band {
		i = len(a.groups)
		a.last[host] = i
		a.groups = append(a.groups, queueGroup{host: host, band: e.Band})
	}
	g := &a.groups[i]
	g.entries = append(g.entries, e)
	g.members = append(g.members, member)
	g.hashes = append(g.hashes, hash)
	a.urls++
}

// call returns the arguments of admit.lua for this call.
func (a *admission) call() []any { return append([]any{len(a.groups)}, a.args()...) }

// args returns the groups as arguments of a script.
func (a *admission) args() []any {
	args := make([]any, 0, 3*len(a.groups)+2*a.urls+1)
	for _, g := range a.groups {
		args = append(args, string(g.host), int(g.band), len(g.entries))
		for i, e := range g.entries {
			args = append(args, g.members[i], e.Pack())
		}
	}
	return args
}

// batches groups entries by shard and queue, without those known to be seen.
func (f *Frontier) batches(entries []queue.Entry, known func(hash uint64, depth int) bool) []*admission {
	var all []*admission
	open := make(map[int]*admission, 1) // by shard
	for _, e := range entries {
		key := f.identity.Key(e.URL)
		if e.Chain.Again { // never the key of a URL
			key += " again"
		}
		hash := f.recent.hash(key)
		depth := f.depths.of(e.Depth)
		if known(hash, depth) {
			continue
		}
		shard := f.shardOf(e.URL.Host())
		a := open[shard]
		if a == nil || a.urls == admitBatch {
			a = &admission{shard: shard, last: make(map[crawler.Host]int, 1)}
			open[shard] = a
			all = append(all, a)
		}
		a.add(e, f.depths.member(f.depths.fingerprint(key), depth), hash)
		a.leaves = a.leaves || e.Referrer.IsZero() || f.shardOf(e.Referrer.Host()) != shard
	}
	return all
}

func (f *Frontier) admitBatch(ctx context.Context, a *admission) (int, error) {
	fresh, err := f.runAdmit(ctx, a)
	if err != nil {
		return 0, err
	}
	for _, g := range a.groups {
		for i, hash := range g.hashes {
			f.recent.add(hash, f.depths.of(g.entries[i].Depth))
		}
	}
	return fresh, nil
}

// admitFew is the most URLs of an admission that shares the script with others.
const admitFew = 30

// admitting is an admission of few URLs, with the answer of Redis.
type admitting struct {
	args  []any
	fresh int
	err   error
}

// runAdmit runs the script. In a Cluster, a replica must confirm URLs that came from
// another shard.
func (f *Frontier) runAdmit(ctx context.Context, a *admission) (int, error) {
	base := f.base(a.shard)
	if cluster, ok := f.rdb.(*redis.ClusterClient); ok && f.job.Shards > 1 && a.leaves {
		// Commands on a node's own connection bypass the hooks of the client.
		if err := (gate{f.store}).refuse(ctx); err != nil {
			return 0, err
		}
		return f.admitConfirmed(ctx, cluster, base, a.call())
	}
	one := &admitting{args: a.call()}
	if a.urls > admitFew {
		f.admitAll(ctx, base, []*admitting{one})
	} else if err := f.admits.at(base).do(ctx, one); err != nil {
		return 0, err
	}
	return one.fresh, one.err
}

// admitAll carries out admissions to a shard.
func (f *Frontier) admitAll(ctx context.Context, base string, all []*admitting) {
	var args []any
	for _, one := range all {
		args = append(args, one.args...)
	}
	fresh, err := f.admitScript(ctx, f.rdb, base, args, len(all))
	for i, one := range all {
		if one.err = err; err == nil {
			one.fresh = int(fresh[i])
		}
	}
}

// admitScript runs admit.lua for so many calls, and returns its answer.
func (f *Frontier) admitScript(ctx context.Context, rdb redis.Scripter, base string, args []any,
	calls int) ([]int64, error) {
	fresh, err := run(ctx, rdb, f.depths.pick(admitScript(), admitDepthScript()), "admit", base,
		f.depths.args(args)...).Int64Slice()
	if err == nil && len(fresh) != calls {
		err = fmt.Errorf("frontier: admit: %d answers for %d calls", len(fresh), calls)
	}
	return fresh, err
}
