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
// depth decides what is admitted, a URL seen before gets the new depth if that is smaller. In a
// continuous job, it notes links from other hosts.
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
	if err := f.noteLinks(ctx, entries); err != nil {
		return 0, err
	}
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
	found  findings             // about its URLs
}

type queueGroup struct {
	host    crawler.Host
	band    queue.Band
	seen    int // the group of the host in seen
	entries []queue.Entry
	members []string // elements of seen
	hashes  []uint64 // their hashes in recent
}

// add appends an entry to the last group of its host, or to a new group if the band
// changes.
func (a *admission) add(e queue.Entry, m mark, hash uint64) {
	host := e.URL.Host()
	i, ok := a.last[host]
	if !ok || a.groups[i].band != e.Band {
		i = len(a.groups)
		a.last[host] = i
		a.groups = append(a.groups, queueGroup{host: host, band: e.Band, seen: m.group})
	}
	g := &a.groups[i]
	g.entries = append(g.entries, e)
	g.members = append(g.members, m.member)
	g.hashes = append(g.hashes, hash)
	a.urls++
}

// call returns the arguments of admit.lua for this call.
func (a *admission) call() []any { return append([]any{len(a.groups)}, a.args()...) }

// only returns the admission of some of the URLs, with what was found about them; nil for none.
func (a *admission) only(members map[string]bool, found findings) *admission {
	if len(members) == 0 {
		return nil
	}
	some := &admission{shard: a.shard, leaves: a.leaves, last: make(map[crawler.Host]int, 1), found: found.about(members)}
	for _, g := range a.groups {
		for i, m := range g.members {
			if members[m] {
				some.add(g.entries[i], mark{g.seen, m}, g.hashes[i])
			}
		}
	}
	return some
}

// args returns the groups as arguments of a script.
func (a *admission) args() []any {
	args := make([]any, 0, 4*len(a.groups)+2*a.urls+1)
	for _, g := range a.groups {
		args = append(args, string(g.host), int(g.band), g.seen, len(g.entries))
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
		member := f.depths.member(f.depths.fingerprint(key), depth)
		a.add(e, mark{groupOf(f.identity.Host(e.URL.Host())), member}, hash)
		a.leaves = a.leaves || e.Referrer.IsZero() || f.shardOf(e.Referrer.Host()) != shard
	}
	return all
}

func (f *Frontier) admitBatch(ctx context.Context, a *admission) (fresh int, err error) {
	for rest := a; rest != nil; {
		one, err := f.runAdmit(ctx, rest)
		fresh += one.fresh
		if err != nil {
			return fresh, err
		}
		found, unseen, err := f.decide(ctx, f.base(a.shard), one.doubts)
		if err != nil {
			return fresh, err
		}
		rest = rest.only(unseen, found)
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
	found findings
	admitted
	long []longQueue // of these and of the other admissions that shared the call
	err  error
}

// admitted is what admit.lua answers for a call.
type admitted struct {
	fresh  int
	doubts []doubt // URLs that it left alone
}

// runAdmit runs the script. In a Cluster, a replica must confirm URLs that came from
// another shard.
func (f *Frontier) runAdmit(ctx context.Context, a *admission) (admitted, error) {
	base := f.base(a.shard)
	if cluster, ok := f.rdb.(*redis.ClusterClient); ok && f.job.Shards > 1 && a.leaves {
		// Commands on a node's own connection bypass the hooks of the client.
		if err := (gate{f.store}).refuse(ctx); err != nil {
			return admitted{}, err
		}
		one, long, err := f.admitConfirmed(ctx, cluster, base, f.seenArgs(a.call(), a.found))
		f.sealAll(ctx, base, long)
		return one, err
	}
	one := &admitting{args: a.call(), found: a.found}
	if a.urls > admitFew {
		f.admitAll(ctx, base, []*admitting{one})
	} else if err := f.admits.at(base).do(ctx, one); err != nil {
		return admitted{}, err
	}
	f.sealAll(ctx, base, one.long)
	return one.admitted, one.err
}

// admitAll carries out admissions to a shard.
func (f *Frontier) admitAll(ctx context.Context, base string, all []*admitting) {
	var args []any
	var found findings
	for _, one := range all {
		args, found = append(args, one.args...), append(found, one.found...)
	}
	answers, long, err := f.admitScript(ctx, f.rdb, base, f.seenArgs(args, found), len(all))
	for i, one := range all {
		if one.err = err; err == nil {
			one.admitted = answers[i]
		}
	}
	all[0].long = long
}

// admitScript runs admit.lua for so many calls. It returns the answer for each, and the queues whose
// ends should be sealed.
func (f *Frontier) admitScript(ctx context.Context, rdb redis.Scripter, base string, args []any,
	calls int) (all []admitted, long []longQueue, err error) {
	got, err := run(ctx, rdb, f.depths.pick(admitScript(), admitDepthScript()), "admit", base, args...).Slice()
	if err != nil {
		return nil, nil, err
	}
	if len(got) < calls {
		return nil, nil, fmt.Errorf("frontier: admit: %d answers for %d calls", len(got), calls)
	}
	for _, answer := range got[:calls] {
		all = append(all, admittedIn(answer))
	}
	return all, longQueues(got[calls:]), nil
}

// admittedIn reads what admit.lua answers for a call.
func admittedIn(answer any) admitted {
	if list, some := answer.([]any); some && len(list) > 0 {
		fresh, _ := list[0].(int64)
		return admitted{int(fresh), doubtsIn(list[1:])}
	}
	fresh, _ := answer.(int64)
	return admitted{fresh: int(fresh)}
}
