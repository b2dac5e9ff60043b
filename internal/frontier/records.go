package frontier

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// This file compares what a job has settled with the records of its output. The job must
// have ended, because these values change while it runs.

// Bounds of one round trip.
const (
	forgetBatch = 1000 // URLs
	hostBatch   = 500  // hosts
)

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
		sealed := f.unsealer(ctx, base)
		if err := inParts(each, func(from, to int64) ([]string, error) {
			return f.rdb.LRange(ctx, key, from, to).Result()
		}, sealed.entries); err != nil {
			return err
		}
	}
	later := base + nameLater + string(h)
	if err := inParts(each, func(from, to int64) ([]string, error) {
		return f.rdb.ZRange(ctx, later, from, to).Result()
	}, func(entries []string) ([]string, error) { return entries, nil }); err != nil {
		return err
	}
	flight, err := f.rdb.HVals(ctx, base+nameFlight+string(h)).Result()
	each(flight)
	return err
}

// inParts reads a long list in parts. entriesOf returns the entries of its elements.
func inParts(each func([]string), read func(from, to int64) ([]string, error),
	entriesOf func([]string) ([]string, error)) error {
	for at := int64(0); ; at += findBatch {
		part, err := read(at, at+findBatch-1)
		if err != nil {
			return err
		}
		entries, err := entriesOf(part)
		if err != nil {
			return err
		}
		each(entries)
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
		for a != nil {
			n, doubts, err := f.countSeen(ctx, f.depths.pick(readmitScript(), readmitDepthScript()), "readmit", a.shard,
				f.seenArgs(a.args(), a.found))
			urls += int(n)
			if err != nil {
				return urls, err
			}
			found, _, err := f.decide(ctx, f.base(a.shard), doubts)
			if err != nil {
				return urls, err
			}
			left := make(map[string]bool)
			for _, d := range doubts {
				left[d.member] = true
			}
			a = a.only(left, found)
		}
	}
	return urls, nil
}

// countSeen runs a script that returns a number, and the URLs that it left alone.
func (f *Frontier) countSeen(ctx context.Context, script *redis.Script, verb string, shard int,
	args []any) (n int64, doubts []doubt, err error) {
	got, err := run(ctx, f.rdb, script, verb, f.base(shard), args...).Slice()
	if err == nil && len(got) == 0 {
		err = fmt.Errorf("frontier: %s on %s: unexpected answer %v", verb, f.base(shard), got)
	}
	if err != nil {
		return 0, nil, err
	}
	n, _ = got[0].(int64)
	return n, doubtsIn(got[1:]), nil
}

// Forget makes settled URLs count as never seen, so that they are admitted when a page
// links to them. Processes that work on the job may remember them until they notice that it
// has ended. It returns how many of the URLs had been seen, even if there is an error.
func (f *Frontier) Forget(ctx context.Context, urls []Sighting) (forgotten int64, err error) {
	marks := make([][]mark, f.job.Shards)
	for _, u := range urls {
		marks[u.Shard] = append(marks[u.Shard], mark{u.Group, f.depths.member(u.Fingerprint, u.Depth)})
	}
	f.recent.forget()
	for shard, all := range marks { // every shard gets a call, to record how many URLs it had seen
		for from := 0; from == 0 || from < len(all); from += forgetBatch {
			n, err := f.forget(ctx, shard, all[from:min(from+forgetBatch, len(all))])
			forgotten += n
			if err != nil {
				return forgotten, err
			}
		}
	}
	return forgotten, nil
}

// forget makes URLs of a shard unseen. Spilled buckets that may have them are brought back first.
func (f *Frontier) forget(ctx context.Context, shard int, all []mark) (forgotten int64, err error) {
	for {
		var args []any
		groupOf := make(map[string]int)
		for _, m := range all {
			args = append(args, m.group, m.member)
			groupOf[m.member] = m.group
		}
		n, doubts, err := f.countSeen(ctx, f.depths.pick(forgetScript(), forgetDepthScript()), "forget", shard,
			f.seenArgs(args, nil))
		forgotten += n
		if err != nil || len(doubts) == 0 {
			return forgotten, err
		}
		all = all[:0:0]
		for _, d := range doubts {
			all = append(all, mark{groupOf[d.member], d.member})
		}
		if err := f.restore(ctx, shard, doubts, groupOf); err != nil {
			return forgotten, err
		}
	}
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
