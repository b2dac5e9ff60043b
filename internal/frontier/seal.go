package frontier

import (
	"context"
	"fmt"
	"slices"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
)

// This file seals the end of long queues, and unseals blocks that a visit reaches.

const (
	// sealHead is how many entries at the front of a queue are not sealed, so that a visit has
	// some to begin with.
	sealHead = 16
	// sealLeast is the fewest entries at the end of a queue that are worth sealing, and the fewest
	// by which a block must be able to grow to be packed again.
	sealLeast = 32
	// sealBatch is the most elements of a queue that are read to be sealed.
	sealBatch = 1024
	// unsealLeast is how many entries of a block a visit gets at least when it reaches it.
	unsealLeast = 32
)

// longQueue is a queue whose end should be sealed.
type longQueue struct {
	host crawler.Host
	band string
}

// longQueues reads what admit.lua returns.
func longQueues(got []any) (all []longQueue) {
	for i := 0; i+1 < len(got); i += 2 {
		host, _ := got[i].(string)
		band, _ := got[i+1].(string)
		all = append(all, longQueue{crawler.Host(host), band})
	}
	return all
}

func (q longQueue) key(base string) string { return base + nameQueue + q.band + ":" + string(q.host) }

// sealAll seals the ends of queues. If that fails, they stay as they are until they have grown
// further: sealing saves memory, but no one depends on it.
func (f *Frontier) sealAll(ctx context.Context, base string, all []longQueue) {
	for _, q := range all {
		if err := f.sealEnd(ctx, base, q); err != nil && ctx.Err() == nil {
			f.reports.add(f.job.Name, fmt.Sprintf("the queue of host %s takes more memory than necessary: %v", q.host, err))
		}
	}
}

// sealEnd seals the entries behind the last block of a queue. If that block is not full, it is
// replaced by a larger one.
func (f *Frontier) sealEnd(ctx context.Context, base string, q longQueue) error {
	part, err := f.queueEnd(ctx, base, q)
	if err != nil || len(part) == 0 {
		return err
	}
	var last *sealedBlock // to be packed again with what is behind it
	raw := part
	if part[0] == seal {
		raw = part[sealedElements:]
		if last, err = unpackSealed(part[1]); err != nil || !last.grows(len(raw)) {
			last = nil
		}
	}
	entries, before := splitAll(raw)
	if raw = raw[before:]; before > 0 {
		last = nil
	}
	if len(entries) < sealLeast {
		return nil
	}
	first, name, size := raw[0], "", len(raw)
	if last != nil {
		first, name, size = seal, nameOf(part[1]), len(part)
		entries = append(last.entries, entries...)
	}
	elements, more := sealedRun(entries)
	if last != nil {
		more -= len(last.entries) - sealedElements
	}
	args := []any{string(q.host), q.band, first, name, size, raw[len(raw)-1], more}
	return run(ctx, f.rdb, sealScript(), "seal", base, append(args, elements...)...).Err()
}

// grows reports whether a block is packed again with n entries behind it: when it is much smaller
// than a full one, and not many times as large as they are. So an entry is packed two to three
// times.
func (s *sealedBlock) grows(n int) bool {
	return len(s.entries)+sealLeast <= sealedMost && len(s.entries) < 4*n
}

// queueEnd returns the last block of a queue, with what is behind it; without a block, what is
// behind the head of the queue. It returns nothing if that is too little or too much.
func (f *Frontier) queueEnd(ctx context.Context, base string, q longQueue) ([]string, error) {
	var length, last *redis.IntCmd
	key := q.key(base)
	_, err := f.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		length = p.LLen(ctx, key)
		last = p.LPos(ctx, key, seal, redis.LPosArgs{Rank: -1, MaxLen: sealBatch})
		return nil
	})
	if err != nil && err != redis.Nil {
		return nil, wrapped("seal", base, err)
	}
	from := max(sealHead, length.Val()-sealBatch)
	if last.Err() == nil {
		from = last.Val()
	}
	if length.Val()-from < sealLeast {
		return nil, nil
	}
	part, err := f.rdb.LRange(ctx, key, from, -1).Result()
	if err != nil {
		return nil, wrapped("seal", base, err)
	}
	if at := lastSeal(part); at > 0 { // others sealed meanwhile
		part = part[at:]
	}
	return part, nil
}

// lastSeal returns the index of the last block, or -1 without a block.
func lastSeal(elements []string) int {
	for i, e := range slices.Backward(elements) {
		if e == seal {
			return i
		}
	}
	return -1
}

// sealedRun packs entries into sealed blocks. It returns the elements of the queue, and how many
// more entries than elements the blocks have. A few entries that are left over stay as they are.
func sealedRun(entries []splitEntry) (elements []any, more int) {
	for len(entries) >= sealHead {
		n := min(sealedMost, len(entries))
		elements = append(elements, seal, packSealed(entries[:n]))
		more += n - sealedElements
		entries = entries[n:]
	}
	for _, packed := range joined(entries) {
		elements = append(elements, packed)
	}
	return elements, more
}

// unseal replaces the block at the front of a queue by at least 2n of its entries, and a block of
// the others. behind is what take.lua returned: the band, and the block or a reference to it. The
// error wraps [queue.ErrSpilled] if the block was spilled and cannot be read now.
func (l *HostLease) unseal(ctx context.Context, behind string, n int) error {
	band, block := behind[:1], behind[1:]
	args := l.head(band, nameOf(block))
	if r, spilled := parseReference(block); spilled {
		args = l.head(band, block)
		var err error
		if block, err = l.frontier.bringBack(ctx, l.base, l.ref.Host, r); err != nil {
			return err
		}
	}
	s, err := unpackSealed(block)
	if err != nil {
		l.frontier.reports.add(l.frontier.job.Name, fmt.Sprintf("a sealed block of host %s cannot be read", l.ref.Host))
		args = append(args, sealedElements-waitingIn(block))
	} else {
		args = append(args, s.unsealed(max(unsealLeast, 2*n))...)
	}
	return run(ctx, l.frontier.rdb, unsealScript(), "unseal", l.base, args...).Err()
}

// unsealed returns the last arguments of unseal.lua to take at least n entries out of the block.
func (s *sealedBlock) unsealed(n int) []any {
	if n+sealHead > len(s.entries) {
		n = len(s.entries)
	}
	args := []any{sealedElements - len(s.entries)}
	if left := len(s.entries) - n; left > 0 {
		args = []any{-n, s.without(n), seal}
	}
	for _, packed := range slices.Backward(joined(s.entries[:n])) {
		args = append(args, packed)
	}
	return args
}
