package frontier

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// This file spills buckets of seen: the fingerprints of URLs that were seen. In Redis, a filter
// remains of such a bucket, two bytes a fingerprint, and a set with those that are added later
// (lua/seen.lua). When this set has become large, it is spilled in turn: what the object has of the
// bucket is read, and both go into a new object.

// Bounds of spilling seen.
const (
	seenLeast  = 64   // fingerprints in a set that is worth spilling
	seenGroups = 256  // groups that are looked at in one round trip
	seenKeys   = 1000 // sets that are looked at in one round trip
	seenCall   = 4096 // fingerprints that leave their sets in one call
)

// SpillSeen spills buckets of seen as [Frontier.Spill] spills blocks of queues: those that no one
// has looked at for idle, as far as Redis knows. It goes on where the last call ended. It does
// nothing in a job in which depth decides what is admitted. In the counts, Blocks are buckets, and
// URLs the fingerprints that left Redis.
func (f *Frontier) SpillSeen(ctx context.Context, where string, idle time.Duration,
	enough func(Spilled) (bool, error)) error {
	if f.depths.kept() {
		return nil
	}
	place, err := f.store.spills.place(ctx, where)
	if err != nil {
		return err
	}
	for shard := range f.job.Shards {
		s := &seenSpilling{frontier: f, place: place, where: where, shard: shard, base: f.base(shard), idle: idle,
			enough: enough}
		if err := s.run(ctx); err != nil || s.done {
			return err
		}
	}
	return nil
}

// seenSpilling is the spilling of buckets of a shard.
type seenSpilling struct {
	frontier *Frontier
	place    SpillPlace
	where    string
	shard    int
	base     string
	idle     time.Duration
	enough   func(Spilled) (bool, error)
	done     bool

	batch  []seenBucket
	size   int   // bytes of the blocks that the batch becomes, about
	unread error // why buckets that were spilled before are left out
}

// seenBucket is a bucket that is to be spilled.
type seenBucket struct {
	group, bucket int
	buckets       int      // of the group
	members       []string // of its set
	filter        string   // "" if it was not spilled before
}

// run looks at all groups once, from the one at which the last call ended.
func (s *seenSpilling) run(ctx context.Context) error {
	spills := &s.frontier.store.spills
	first := spills.seenTurn(s.base)
	for at := 0; at < groups; at += seenGroups {
		from := (first + at) % groups
		if err := s.look(ctx, from); err != nil {
			return err
		}
		if s.done {
			spills.setSeenTurn(s.base, from)
			return nil
		}
	}
	return errors.Join(s.flush(ctx), s.unread)
}

// look spills buckets of some groups.
func (s *seenSpilling) look(ctx context.Context, from int) error {
	f := s.frontier
	names := make([]string, min(seenGroups, groups-from))
	for i := range names {
		names[i] = strconv.Itoa(from + i)
	}
	got, err := f.rdb.HMGet(ctx, s.base+nameGroups, names...).Result()
	if err != nil {
		return wrapped("spill seen", s.base, err)
	}
	var all []seenBucket
	for i, value := range got {
		text, _ := value.(string)
		n := bucketsIn(text)
		for bucket := range n {
			all = append(all, seenBucket{group: from + i, bucket: bucket, buckets: n})
		}
	}
	for some := range slices.Chunk(all, seenKeys) {
		some, err := s.worthSpilling(ctx, some)
		if err != nil {
			return err
		}
		for len(some) > 0 && !s.done {
			n := min(len(some), spillBlocks)
			if err := s.read(ctx, some[:n]); err != nil {
				return err
			}
			some = some[n:]
		}
		if s.done {
			return nil
		}
	}
	return nil
}

// bucketsIn reads the number of buckets of a group; "" is 1.
func bucketsIn(text string) int {
	n := number(text)
	return int(max(1, n, -n))
}

// key returns the key of the set of a bucket.
func (s *seenSpilling) key(b seenBucket) string {
	return s.base + nameSeen + bucketName(b.group, b.bucket)
}

// worthSpilling returns the buckets that are cold, and whose sets have enough fingerprints.
func (s *seenSpilling) worthSpilling(ctx context.Context, all []seenBucket) (worth []seenBucket, err error) {
	if all, err = s.cold(ctx, all); err != nil || len(all) == 0 {
		return nil, err
	}
	sizes := make([]*redis.IntCmd, len(all))
	err = s.ask(ctx, func(p redis.Pipeliner) {
		for i, b := range all {
			sizes[i] = p.SCard(ctx, s.key(b))
		}
	})
	for i, b := range all {
		if n := sizes[i].Val(); n >= seenLeast && n <= mostSeen/2 {
			worth = append(worth, b)
		}
	}
	return worth, err
}

// cold returns the buckets whose sets no one has looked at for the time that is asked for.
func (s *seenSpilling) cold(ctx context.Context, all []seenBucket) (cold []seenBucket, err error) {
	if s.idle == 0 {
		return all, nil
	}
	idle := make([]*redis.DurationCmd, len(all))
	err = s.ask(ctx, func(p redis.Pipeliner) {
		for i, b := range all {
			idle[i] = p.ObjectIdleTime(ctx, s.key(b))
		}
	})
	for i, b := range all {
		if idle[i].Err() == nil && idle[i].Val() >= s.idle {
			cold = append(cold, b)
		}
	}
	return cold, err
}

// ask asks Redis in one round trip. Answers about single keys that are errors are left to the
// caller: a key may be garbage, or an eviction policy may know no idle times.
func (s *seenSpilling) ask(ctx context.Context, commands func(redis.Pipeliner)) error {
	cmds, err := s.frontier.rdb.Pipelined(ctx, func(p redis.Pipeliner) error { commands(p); return nil })
	if err == nil {
		return nil
	}
	for _, cmd := range cmds {
		if err := cmd.Err(); err != nil && !isReply(err) && isUnreadable(err) {
			return wrapped("spill seen", s.base, err)
		}
	}
	return nil
}

// read reads buckets into the batch, and writes it when it is large enough.
func (s *seenSpilling) read(ctx context.Context, all []seenBucket) error {
	members, filters := make([]*redis.StringSliceCmd, len(all)), make([]*redis.StringCmd, len(all))
	err := s.ask(ctx, func(p redis.Pipeliner) {
		for i, b := range all {
			members[i] = p.SMembers(ctx, s.key(b))
			filters[i] = p.HGet(ctx, s.base+nameFilters+strconv.Itoa(b.group), strconv.Itoa(b.bucket))
		}
	})
	if err != nil {
		return err
	}
	for i, b := range all {
		if err := filters[i].Err(); err != nil && err != redis.Nil || members[i].Err() != nil {
			continue // garbage, which a script sets aside
		}
		b.members, b.filter = members[i].Val(), filters[i].Val()
		if len(b.members) < seenLeast { // another process was faster
			continue
		}
		s.batch = append(s.batch, b)
		s.size += seenMember * (len(b.members) + len(b.filter)/2)
		if len(s.batch) >= spillBlocks || s.size >= spillBytes {
			if err := s.flush(ctx); err != nil || s.done {
				return err
			}
		}
	}
	return nil
}

// flush writes the batch, and asks whether that was enough.
func (s *seenSpilling) flush(ctx context.Context) error {
	batch := s.batch
	s.batch, s.size = nil, 0
	if len(batch) == 0 {
		return nil
	}
	spilled, err := s.write(ctx, batch)
	if err != nil {
		return err
	}
	s.done, err = s.enough(spilled)
	return err
}

// write writes an object with the fingerprints of buckets, and then has Redis forget them.
func (s *seenSpilling) write(ctx context.Context, batch []seenBucket) (total Spilled, err error) {
	f := s.frontier
	fleet, err := f.store.FleetID(ctx)
	if err != nil {
		return total, err
	}
	before, err := s.spilledBefore(ctx, batch)
	if err != nil { // one damaged object must not keep all else in Redis
		s.unread = err
		batch = slices.DeleteFunc(batch, func(b seenBucket) bool { return b.filter != "" })
	}
	now, err := f.rdb.Time(ctx).Result()
	if err != nil {
		return total, wrapped("spill seen", s.base, err)
	}
	object := newSpillObject(now)
	content, calls := s.pack(batch, before, object, now.Add(spillTerm))
	if len(calls) == 0 {
		return total, nil
	}
	name := spillObject(fleet, f.job.Name, s.shard, object)
	if err := s.place.Put(ctx, name, bytes.NewReader(content), int64(len(content))); err != nil {
		return total, fmt.Errorf("spill seen URLs of job %s: %w", f.job.Name, err)
	}
	total.Objects, total.Bytes = 1, int64(len(content))
	for _, args := range calls {
		got, err := run(ctx, f.rdb, spillSeenScript(), "spillseen", s.base, args...).Int64Slice()
		if err != nil {
			return total, err
		}
		if len(got) != 2 {
			return total, fmt.Errorf("frontier: spillseen: unexpected answer %v", got)
		}
		total.Blocks, total.URLs = total.Blocks+int(got[0]), total.URLs+int(got[1])
	}
	return total, nil
}

// pack returns the content of an object with the fingerprints of buckets, and the arguments of the
// calls of spillseen.lua that refer to it until the deadline. before has the blocks of buckets that
// were spilled before, by reference.
func (s *seenSpilling) pack(batch []seenBucket, before map[string]seenBlock, object string,
	deadline time.Time) (content []byte, calls [][]any) {
	content = append([]byte(spillHeader), object...)
	inCall := seenCall
	for _, b := range batch {
		was := referenceIn(b.filter)
		fps := b.fingerprints(s.frontier.depths, before[was])
		if len(fps) == 0 || len(fps) > mostSeen {
			continue
		}
		block := packSeen(fps)
		r := reference{nameOf(block), object, len(content), len(block)}
		content = append(content, block...)
		if inCall >= seenCall {
			calls, inCall = append(calls, []any{object, deadline.UnixMilli(), s.where}), 0
		}
		call := &calls[len(calls)-1]
		*call = append(*call, b.group, b.bucket, was, packFilter(r, fps), len(b.members))
		for _, m := range b.members {
			*call = append(*call, m)
		}
		inCall += len(b.members)
	}
	return content, calls
}

// spilledBefore returns the blocks of the buckets that were spilled before, by reference.
func (s *seenSpilling) spilledBefore(ctx context.Context, batch []seenBucket) (map[string]seenBlock, error) {
	var refs []reference
	for _, b := range batch {
		if r, ok := parseReference(referenceIn(b.filter)); ok {
			refs = append(refs, r)
		}
	}
	blocks := make(map[string]seenBlock)
	read, err := s.frontier.readSeen(ctx, s.base, refs)
	for i, block := range read {
		blocks[refs[i].pack()] = block
	}
	return blocks, err
}

// fingerprints returns the fingerprints of a bucket: those in its set, and those of the block that
// belong to it.
func (b seenBucket) fingerprints(d depths, block seenBlock) []int64 {
	fps := make([]int64, 0, len(b.members)+len(block)/seenMember)
	for _, m := range b.members {
		if s, ok := d.sighting(m); ok {
			fps = append(fps, s.Fingerprint)
		}
	}
	if block == "" {
		return fps
	}
	for _, fp := range block.all() {
		if bucketIn(b.buckets, strconv.FormatInt(fp, 10)) == b.bucket {
			fps = append(fps, fp)
		}
	}
	return fps
}

// seenTurn returns the group of a shard from which spilling goes on.
func (s *spills) seenTurn(base string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.turns[base]
}

func (s *spills) setSeenTurn(base string, group int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.turns == nil {
		s.turns = make(map[string]int)
	}
	s.turns[base] = group
}
