package frontier

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/redisconn"
)

// This file decides for scripts whether URLs were seen whose fingerprints may be in a spilled bucket
// of seen. A script leaves such a URL alone and returns it. It is called again with what was found
// in the block of the bucket. A finding counts only while the bucket has the same block, so other
// processes may spill, merge or divide the bucket meanwhile.

// doubt is a URL that a script could not decide.
type doubt struct {
	member string // of seen
	block  string // reference to the block that may have it
}

// doubtsIn reads a list of members and references that a script returned.
func doubtsIn(got []any) (all []doubt) {
	for i := 0; i+1 < len(got); i += 2 {
		member, _ := got[i].(string)
		block, _ := got[i+1].(string)
		all = append(all, doubt{member, block})
	}
	return all
}

// findings are what was found in blocks, as arguments of scripts: for each URL its member of seen,
// the reference to the block, and whether the block has it.
type findings []any

// seenArgs appends the last arguments of scripts that look in seen.
func (f *Frontier) seenArgs(args []any, found findings) []any {
	if f.depths.kept() { // buckets of these jobs are not spilled
		return f.depths.args(args)
	}
	return append(append(args, found...), len(found)/3)
}

// about returns the findings about some URLs.
func (f findings) about(members map[string]bool) (some findings) {
	for i := 0; i+2 < len(f); i += 3 {
		if member, _ := f[i].(string); members[member] {
			some = append(some, f[i:i+3]...)
		}
	}
	return some
}

// decide reads the blocks of doubts in a shard. It returns what was found, and the members that are
// not in their blocks. The error wraps [queue.ErrUnavailable] if a block cannot be read.
func (f *Frontier) decide(ctx context.Context, base string, doubts []doubt) (found findings,
	unseen map[string]bool, err error) {
	if len(doubts) == 0 {
		return nil, nil, nil
	}
	blocks, err := f.seenBlocks(ctx, base, doubts)
	if err != nil {
		return nil, nil, err
	}
	unseen = make(map[string]bool)
	for _, d := range doubts {
		s, ok := f.depths.sighting(d.member)
		if !ok {
			return nil, nil, fmt.Errorf("frontier: seen of %s: %q is no fingerprint", base, d.member)
		}
		has := blocks[d.block].has(s.Fingerprint)
		found = append(found, d.member, d.block, flag(has))
		if !has {
			unseen[d.member] = true
		}
	}
	return found, unseen, nil
}

// seenBlocks returns the blocks of doubts, by reference.
func (f *Frontier) seenBlocks(ctx context.Context, base string, doubts []doubt) (map[string]seenBlock, error) {
	blocks := make(map[string]seenBlock)
	var missing []reference
	cache := &f.store.spills.seen
	for _, d := range doubts {
		if _, known := blocks[d.block]; known {
			continue
		}
		block, ok := cache.get(base + d.block)
		if blocks[d.block] = block; ok {
			continue
		}
		r, ok := parseReference(d.block)
		if !ok {
			return nil, fmt.Errorf("frontier: seen of %s: %q is no reference to spilled fingerprints", base, d.block)
		}
		missing = append(missing, r)
	}
	if len(missing) == 0 {
		return blocks, nil // all are remembered
	}
	reading, cancel := context.WithTimeout(ctx, readTerm)
	defer cancel()
	read, err := f.readSeen(reading, base, missing)
	if ctx.Err() == nil {
		f.store.spills.heard(f.job.Name, 0, err)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", queue.ErrUnavailable, err)
	}
	for i, r := range missing {
		blocks[r.pack()] = read[i]
		cache.add(base+r.pack(), read[i])
	}
	return blocks, nil
}

// Bounds of reading blocks of seen.
const (
	seenReads = 8        // parts of objects that are read at once
	seenGap   = 64 << 10 // bytes between two blocks that are read together
	seenCache = 32 << 20 // bytes of blocks that a process remembers
)

// seenPart is a part of an object, with the blocks in it.
type seenPart struct {
	name, where  string
	from, behind int
	blocks       []int // indexes
}

// readSeen reads blocks, those that lie close together with one read.
func (f *Frontier) readSeen(ctx context.Context, base string, refs []reference) ([]seenBlock, error) {
	if len(refs) == 0 {
		return nil, nil
	}
	parts, err := f.seenParts(ctx, base, refs)
	if err != nil {
		return nil, err
	}
	blocks := make([]seenBlock, len(refs))
	errs := make([]error, len(parts))
	var reading sync.WaitGroup
	free := make(chan struct{}, seenReads)
	for i, p := range parts {
		free <- struct{}{}
		reading.Go(func() {
			defer func() { <-free }()
			errs[i] = f.readSeenPart(ctx, p, refs, blocks)
		})
	}
	reading.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return blocks, nil
}

// readSeenPart reads the blocks of a part.
func (f *Frontier) readSeenPart(ctx context.Context, p seenPart, refs []reference, blocks []seenBlock) error {
	content, err := f.store.spills.read(ctx, p.where, p.name, int64(p.from), int64(p.behind-p.from))
	for _, i := range p.blocks {
		var block string
		if err == nil {
			from := refs[i].offset - p.from
			block, err = refs[i].block(content[from : from+refs[i].length])
		}
		if err == nil {
			blocks[i], err = parseSeen(block)
		}
		if err != nil {
			return seenUnread(p.name, err)
		}
	}
	return nil
}

func seenUnread(object string, err error) error {
	return fmt.Errorf("which URLs were seen was spilled, and cannot be read now: object %q: %w", object, err)
}

// seenParts returns the parts of objects that have blocks.
func (f *Frontier) seenParts(ctx context.Context, base string, refs []reference) (parts []seenPart, err error) {
	fleet, err := f.store.FleetID(ctx)
	if err != nil {
		return nil, err
	}
	places, err := f.placesOf(ctx, base, refs)
	if err != nil {
		return nil, err
	}
	order := make([]int, len(refs))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int {
		if c := strings.Compare(refs[a].object, refs[b].object); c != 0 {
			return c
		}
		return refs[a].offset - refs[b].offset
	})
	object := ""
	for _, i := range order {
		r := refs[i]
		if last := len(parts) - 1; last >= 0 && object == r.object && r.offset-parts[last].behind <= seenGap {
			parts[last].behind = max(parts[last].behind, r.offset+r.length)
			parts[last].blocks = append(parts[last].blocks, i)
			continue
		}
		object = r.object
		name := spillObject(fleet, f.job.Name, shardIn(base), r.object)
		where, ok := places[r.object]
		if !ok {
			return nil, seenUnread(name, errNoPlace)
		}
		parts = append(parts, seenPart{name, where, r.offset, r.offset + r.length, []int{i}})
	}
	return parts, nil
}

// placesOf returns the places of objects, without those that Redis does not know.
func (f *Frontier) placesOf(ctx context.Context, base string, refs []reference) (map[string]string, error) {
	var objects []string
	for _, r := range refs {
		if !slices.Contains(objects, r.object) {
			objects = append(objects, r.object)
		}
	}
	got, err := f.rdb.HMGet(ctx, base+nameSpills, objects...).Result()
	if err != nil {
		return nil, wrapped("read spilled fingerprints", base, redisconn.Passing(err))
	}
	places := make(map[string]string)
	for i, value := range got {
		text, _ := value.(string)
		if _, where, ok := strings.Cut(text, " "); ok {
			places[objects[i]] = where
		}
	}
	return places, nil
}

// seenMemory remembers blocks that were read last, up to a number of bytes. The zero value is
// ready to use. It is safe for concurrent use.
type seenMemory struct {
	mu         sync.Mutex
	young, old map[string]seenBlock // by base and reference; what is used becomes young
	size       int                  // of the young ones
}

func (m *seenMemory) get(key string) (seenBlock, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if block, ok := m.young[key]; ok {
		return block, true
	}
	block, ok := m.old[key]
	if ok {
		m.put(key, block)
	}
	return block, ok
}

func (m *seenMemory) add(key string, block seenBlock) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.put(key, block)
}

// put adds a block to the young ones. m.mu is held.
func (m *seenMemory) put(key string, block seenBlock) {
	if m.young == nil || m.size+len(block) > seenCache/2 {
		m.old, m.young, m.size = m.young, make(map[string]seenBlock), 0
	}
	m.young[key] = block
	m.size += len(block)
}
