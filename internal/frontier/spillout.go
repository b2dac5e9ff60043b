package frontier

import (
	"bytes"
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// This file spills sealed blocks, those of the hosts with the most waiting URLs first.

// Bounds of spilling.
const (
	spillHosts  = 1000    // hosts of a shard that are spilled before others are looked for
	spillScan   = 1000    // hosts that are read in one round trip
	spillBlocks = 256     // of an object
	spillBytes  = 4 << 20 // of an object, about
	spillRead   = 64      // blocks of a queue that are read in one round trip
	spillLeast  = 128     // bytes of a block that is worth a reference
)

// spillHeader begins each object. The object's name follows.
const spillHeader = "trawl spill 1\n"

// Spilled counts what was spilled.
type Spilled struct {
	Objects, Blocks, URLs int
	Bytes                 int64 // of the objects
}

// Spill spills blocks to a place with a name, an object at a time, until none is left or enough,
// which is asked after each, returns true or an error. keep is how many blocks at the front of each
// queue stay. If it is 0, hosts with a visit are left out: it would bring the blocks back at once.
// A process that dies loses nothing.
func (f *Frontier) Spill(ctx context.Context, where string, keep int,
	enough func(Spilled) (bool, error)) error {
	place, err := f.store.spills.place(ctx, where)
	if err != nil {
		return err
	}
	for shard := range f.job.Shards {
		for {
			hosts, err := f.deepest(ctx, f.base(shard), keep > 0)
			if err != nil {
				return err
			}
			s := &spilling{frontier: f, place: place, where: where, shard: shard, keep: keep, hosts: hosts}
			done, err := s.run(ctx, enough)
			if done || err != nil {
				return err
			}
			if len(hosts) < spillHosts || s.spilled == 0 {
				break // the next shard
			}
		}
	}
	return nil
}

// deepest returns the hosts of a shard with the most URLs in sealed blocks that are not spilled,
// those with the most first. visited says whether they may have a visit.
func (f *Frontier) deepest(ctx context.Context, base string, visited bool) ([]crawler.Host, error) {
	var all []deepHost
	states := []string{nameDue, nameArmed, nameOpen}
	if !visited {
		states = states[:1]
	}
	for _, name := range states {
		for cursor := uint64(0); ; {
			found, next, err := f.rdb.ZScan(ctx, base+name, cursor, "", spillScan).Result()
			if err != nil {
				return nil, wrapped("spill", base, err)
			}
			deep, err := f.depthsOf(ctx, base, found)
			if err != nil {
				return nil, err
			}
			all = deepestOf(append(all, deep...))
			if cursor = next; next == 0 {
				break
			}
		}
	}
	hosts := make([]crawler.Host, len(all))
	for i, h := range all {
		hosts[i] = h.host
	}
	return hosts, nil
}

// deepHost is a host with how many URLs it has in sealed blocks that are not spilled.
type deepHost struct {
	host crawler.Host
	urls int64
}

// deepestOf returns the hosts with the most URLs, each once, sorted.
func deepestOf(all []deepHost) []deepHost {
	slices.SortFunc(all, func(a, b deepHost) int {
		return cmp.Or(cmp.Compare(b.urls, a.urls), cmp.Compare(a.host, b.host))
	})
	all = slices.CompactFunc(all, func(a, b deepHost) bool { return a.host == b.host })
	return all[:min(spillHosts, len(all))]
}

// depthsOf reads hosts of a sorted set, which is a list of hosts and scores. It returns those that
// have sealed blocks which are not spilled.
func (f *Frontier) depthsOf(ctx context.Context, base string, found []string) (deep []deepHost, _ error) {
	fields := make([]*redis.SliceCmd, 0, len(found)/2)
	_, err := f.rdb.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i := 0; i+1 < len(found); i += 2 {
			fields = append(fields, p.HMGet(ctx, base+nameHost+found[i], "sealed", "spilled"))
		}
		return nil
	})
	if err != nil && isUnreadable(err) {
		return nil, wrapped("spill", base, err)
	}
	for i, cmd := range fields {
		values := cmd.Val()
		if len(values) != 2 { // the record is garbage, which a visit sets aside
			continue
		}
		sealed, _ := values[0].(string)
		spilled, _ := values[1].(string)
		if urls := number(sealed) - number(spilled); urls >= sealLeast {
			deep = append(deep, deepHost{crawler.Host(found[2*i]), urls})
		}
	}
	return deep, nil
}

// spilling is the spilling of hosts of a shard.
type spilling struct {
	frontier *Frontier
	place    SpillPlace
	where    string
	shard    int
	keep     int
	hosts    []crawler.Host
	spilled  int // blocks
}

// deepQueue are blocks of a queue that are to be spilled, in its order.
type deepQueue struct {
	host   crawler.Host
	band   queue.Band
	blocks []deepBlock
}

// deepBlock is a block with its number among the blocks of its queue, from 1.
type deepBlock struct {
	number int
	block  string
}

// run spills blocks of the hosts until enough returns true.
func (s *spilling) run(ctx context.Context, enough func(Spilled) (bool, error)) (done bool, err error) {
	var batch []deepQueue
	var size spillSize
	flush := func() error {
		if len(batch) == 0 {
			return nil
		}
		spilled, err := s.write(ctx, batch)
		if err != nil {
			return err
		}
		s.spilled += spilled.Blocks
		batch, size = nil, spillSize{}
		done, err = enough(spilled)
		return err
	}
	for _, host := range s.hosts {
		for _, band := range slices.Backward(queue.BandOrder[:]) {
			for before := -1; ; { // the deepest blocks first; of a long queue, several objects
				q, next, err := s.read(ctx, host, band, before, &size)
				if err != nil {
					return false, err
				}
				if len(q.blocks) > 0 {
					batch = append(batch, q)
				}
				if size.full() {
					if err := flush(); err != nil || done {
						return done, err
					}
				}
				if before = next; next <= s.keep {
					break
				}
			}
		}
	}
	err = flush()
	return done, err
}

// spillSize is how much an object has.
type spillSize struct{ blocks, bytes int }

func (s *spillSize) full() bool { return s.blocks >= spillBlocks || s.bytes >= spillBytes }

// read reads blocks of a queue in front of the one with a number, or from its end if that is
// negative, the deepest first, until an object is full. next is how many blocks are in front of
// those read.
func (s *spilling) read(ctx context.Context, h crawler.Host, band queue.Band, before int,
	size *spillSize) (q deepQueue, next int, err error) {
	f := s.frontier
	base := f.base(s.shard)
	key := base + nameQueue + strconv.Itoa(int(band)) + ":" + string(h)
	q = deepQueue{host: h, band: band}
	seals, err := f.rdb.LPosCount(ctx, key, seal, 0, redis.LPosArgs{}).Result()
	if err != nil && isUnreadable(err) {
		return q, 0, wrapped("spill", base, err)
	}
	next = len(seals)
	if before >= 0 {
		next = min(next, before)
	}
	for next > s.keep && !size.full() {
		from := max(s.keep, next-min(spillRead, spillBlocks-size.blocks))
		part, err := f.rdb.LRange(ctx, key, seals[from], seals[next-1]+1).Result()
		if err != nil {
			return q, 0, wrapped("spill", base, err)
		}
		q.blocks = append(worthSpilling(part, from, size), q.blocks...)
		next = from
	}
	return q, next, nil
}

// isUnreadable reports whether an error of reading a key is more than that the key does not exist
// or is garbage, which a visit sets aside.
func isUnreadable(err error) bool {
	return !errors.Is(err, redis.Nil) && !errors.Is(garbled(err), queue.ErrGarbage)
}

// worthSpilling returns the blocks in a part of a queue that are worth a reference. before is how
// many blocks are in front of the part.
func worthSpilling(part []string, before int, size *spillSize) (all []deepBlock) {
	number := before
	for i := 0; i+1 < len(part); i++ {
		if part[i] != seal {
			continue
		}
		i, number = i+1, number+1
		if block := part[i]; len(block) >= spillLeast && isIntact(block) {
			all = append(all, deepBlock{number, block})
			size.blocks++
			size.bytes += len(block)
		}
	}
	return all
}

// write writes the blocks to an object, and then replaces them by references to it.
func (s *spilling) write(ctx context.Context, batch []deepQueue) (Spilled, error) {
	f := s.frontier
	fleet, err := f.store.FleetID(ctx)
	if err != nil {
		return Spilled{}, err
	}
	now, err := f.rdb.Time(ctx).Result()
	if err != nil {
		return Spilled{}, wrapped("spill", f.base(s.shard), err)
	}
	object := newSpillObject(now)
	content := append([]byte(spillHeader), object...)
	args := []any{object, now.Add(spillTerm).UnixMilli(), s.where}
	for _, q := range batch {
		args = append(args, string(q.host), int(q.band), len(q.blocks))
		for _, b := range q.blocks {
			r := reference{nameOf(b.block), object, len(content), len(b.block)}
			args = append(args, b.number, r.pack())
			content = append(content, b.block...)
		}
	}
	name := spillObject(fleet, f.job.Name, s.shard, object)
	if err := s.place.Put(ctx, name, bytes.NewReader(content), int64(len(content))); err != nil {
		return Spilled{}, fmt.Errorf("spill URLs of job %s: %w", f.job.Name, err)
	}
	got, err := run(ctx, f.rdb, spillScript(), "spill", f.base(s.shard), args...).Int64Slice()
	if err != nil {
		return Spilled{}, err
	}
	if len(got) != 2 {
		return Spilled{}, fmt.Errorf("frontier: spill: unexpected answer %v", got)
	}
	return Spilled{Objects: 1, Blocks: int(got[0]), URLs: int(got[1]), Bytes: int64(len(content))}, nil
}

// newSpillObject returns the name of a new object, at a time of Redis's clock.
func newSpillObject(now time.Time) string {
	b := make([]byte, objectName)
	ms := now.UnixMilli()
	for i := 5; i >= 0; i-- {
		b[i] = byte(ms)
		ms >>= 8
	}
	rand.Read(b[6:])
	return string(b)
}

// namedAt returns when an object was named, by Redis's clock.
func namedAt(object string) time.Time {
	ms := int64(0)
	for _, b := range []byte(object[:6]) {
		ms = ms<<8 | int64(b)
	}
	return time.UnixMilli(ms)
}
