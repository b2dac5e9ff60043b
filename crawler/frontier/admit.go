package frontier

import (
	"context"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
)

// Admit adds the entries whose URLs the job has never seen to the queues of
// their hosts and returns how many these are. Each URL is seen and queued at
// once or not at all; of several calls that bring the same URL one is told that
// it is new. In a job in which depth decides what is admitted, a URL that was seen
// gets the depth at which it comes now, if that is smaller. It implements
// [crawler.Frontier].
func (f *Frontier) Admit(ctx context.Context, entries []crawler.Entry) (fresh int, err error) {
	for {
		forgets := f.recent.forgets.Load()
		n, err := f.admit(ctx, entries)
		fresh += n
		if err != nil || f.recent.forgets.Load() == forgets {
			return fresh, err
		} // otherwise what was left out may be lost
	}
}

func (f *Frontier) admit(ctx context.Context, entries []crawler.Entry) (fresh int, err error) {
	for _, batch := range f.batches(entries, f.recent.has) {
		n, err := f.admitBatch(ctx, batch)
		fresh += n
		if err != nil {
			return fresh, err
		}
	}
	return fresh, nil
}

// admission is one call of the script: URLs of one shard, grouped by the queues
// that they are to wait in.
type admission struct {
	shard  int
	urls   int
	leaves bool // some come from elsewhere than a page of the shard
	groups []queueGroup
	last   map[crawler.Host]int // the last group of a host
}

type queueGroup struct {
	host    crawler.Host
	band    crawler.Band
	entries []crawler.Entry
	members []string // of seen
	hashes  []uint64 // by which recent knows them
}

// add puts an entry behind those of its host, in a new group where the band
// changes.
func (a *admission) add(e crawler.Entry, member string, hash uint64) {
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

// args are those of the script.
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

// batches sorts entries by shard and queue, but for those that are known to be seen.
func (f *Frontier) batches(entries []crawler.Entry, known func(hash uint64, depth int) bool) []*admission {
	var all []*admission
	open := make(map[int]*admission, 1) // by shard
	for _, e := range entries {
		key := f.identity.Key(e.URL)
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
		a.leaves = a.leaves || e.Via.IsZero() || f.shardOf(e.Via.Host()) != shard
	}
	return all
}

func (f *Frontier) admitBatch(ctx context.Context, a *admission) (int, error) {
	fresh, err := f.runAdmit(ctx, a, a.args())
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

// runAdmit runs the script. In a Cluster, what one shard admits to another is
// confirmed by a replica.
func (f *Frontier) runAdmit(ctx context.Context, a *admission, args []any) (int, error) {
	base := f.base(a.shard)
	if cluster, ok := f.rdb.(*redis.ClusterClient); ok && f.job.Shards > 1 && a.leaves {
		// Connections to a node bypass the hooks of the client.
		if err := (gate{f.store}).refuse(ctx); err != nil {
			return 0, err
		}
		return f.admitConfirmed(ctx, cluster, base, args)
	}
	return run(ctx, f.rdb, f.depths.pick(admitScript, admitDepthScript), "admit", base, f.depths.args(args)...).Int()
}
