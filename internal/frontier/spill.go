package frontier

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/redisconn"
)

// This file reads sealed blocks that were spilled: moved out of Redis into objects in a place,
// which is a folder or a bucket. (For the fingerprints of seen URLs see spillseen.go.) In its queue,
// such a block is replaced by a reference. The shard's key "spills" has for each object how many
// references there are, and its place, so that every process that reaches the place can read it,
// even if its own settings name another one.
//
// An object never changes. It is written before the one call that refers to it (spill.lua), and may
// be referred to only for spillTerm after it was named, by Redis's clock; later it may be removed
// (spillsweep.go). So a process may die at any moment: at most it leaves an object that
// nothing refers to.

// SpillPlace is a folder or a bucket for objects with spilled blocks. It is safe for concurrent
// use. Errors about objects that do not exist wrap [fs.ErrNotExist].
type SpillPlace interface {
	// Put stores an object, whole or not at all.
	Put(ctx context.Context, name string, content io.ReadSeeker, size int64) error
	// ReadPart reads length bytes of an object from offset on.
	ReadPart(ctx context.Context, name string, offset, length int64) ([]byte, error)
	// Remove removes an object.
	Remove(ctx context.Context, name string) error
	// Names lists the objects.
	Names(ctx context.Context) ([]string, error)
}

// OpenSpillPlace opens the place with a name: a folder, or the URL of a bucket.
type OpenSpillPlace func(ctx context.Context, where string) (SpillPlace, error)

// spills are the places that a process has opened.
type spills struct {
	mu     sync.Mutex
	open   OpenSpillPlace
	hear   func(job string, urls int, err error)
	own    string // place of this process; "" for none
	opened map[string]SpillPlace
	turns  map[string]int // groups of seen from which spilling goes on, by base

	seen seenMemory
}

// OpenSpills sets how the process opens places with spilled URLs. Without it, it cannot read them.
func (s *Store) OpenSpills(open OpenSpillPlace) {
	s.spills.mu.Lock()
	defer s.spills.mu.Unlock()
	s.spills.open, s.spills.opened = open, make(map[string]SpillPlace)
}

// SpillTo sets the place that the process spills to. It is also where it looks for objects that are
// not in the place where they were written: a folder may have been moved.
func (s *Store) SpillTo(where string) {
	s.spills.mu.Lock()
	defer s.spills.mu.Unlock()
	s.spills.own = where
}

// HearSpills has a function called when a spilled block of a job was read, with the number of its
// waiting URLs, which is 0 if it has fingerprints of seen URLs, or could not be read. Several
// goroutines may call it at once.
func (s *Store) HearSpills(hear func(job string, urls int, err error)) {
	s.spills.mu.Lock()
	defer s.spills.mu.Unlock()
	s.spills.hear = hear
}

// place returns a place, opened.
func (s *spills) place(ctx context.Context, where string) (SpillPlace, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.opened[where]; p != nil {
		return p, nil
	}
	if s.open == nil {
		return nil, fmt.Errorf("this process cannot open %q", where)
	}
	p, err := s.open(ctx, where)
	if err == nil {
		s.opened[where] = p
	}
	return p, err
}

// read reads a part of an object that was written to a place.
func (s *spills) read(ctx context.Context, where, name string, offset, length int64) ([]byte, error) {
	content, err := s.readFrom(ctx, where, name, offset, length)
	s.mu.Lock()
	own := s.own
	s.mu.Unlock()
	if err == nil || own == "" || own == where {
		return content, err
	}
	if moved, ownErr := s.readFrom(ctx, own, name, offset, length); ownErr == nil {
		return moved, nil
	}
	return nil, err
}

func (s *spills) readFrom(ctx context.Context, where, name string, offset, length int64) ([]byte, error) {
	place, err := s.place(ctx, where)
	if err != nil {
		return nil, err
	}
	return place.ReadPart(ctx, name, offset, length)
}

// heard tells the process what came of reading a block for a visit.
func (s *spills) heard(job string, urls int, err error) {
	s.mu.Lock()
	hear := s.hear
	s.mu.Unlock()
	if hear != nil {
		hear(job, urls, err)
	}
}

// Sizes of a reference. lua/lib.lua knows them as well.
const (
	// spilledMark is the highest bit of the number of entries, which says that the block is spilled.
	spilledMark = 1 << 15
	// objectName is the size of the name of an object: milliseconds of Redis's clock when it was named
	// (6 bytes), and random bytes.
	objectName = 12
)

// reference is what a queue has instead of a spilled block.
//
//	number of entries that wait, with the highest bit set (2 bytes); the sum of the block
//	the name of the object
//	offset and length of the block in the object (uvarints)
type reference struct {
	name           string // of the block, as nameOf returns it
	object         string
	offset, length int
}

func (r reference) pack() string {
	b := []byte(r.name + r.object)
	b[0] |= spilledMark >> 8
	return string(binary.AppendUvarint(binary.AppendUvarint(b, uint64(r.offset)), uint64(r.length)))
}

// isSpilled reports whether the element behind a seal is a reference.
func isSpilled(block string) bool { return len(block) >= sealedCount && block[0]&(spilledMark>>8) != 0 }

// mostSpilled bounds the size of an object, in what a reference says of it.
const mostSpilled = 1 << 30

// parseReference reads an element behind a seal. It reports whether that is a reference.
func parseReference(element string) (reference, bool) {
	const fixed = sealedName + objectName
	if !isSpilled(element) || len(element) < fixed {
		return reference{}, false
	}
	offset, n := binary.Uvarint([]byte(element[fixed:]))
	length, m := binary.Uvarint([]byte(element[fixed+max(n, 0):]))
	if n <= 0 || m <= 0 || offset > mostSpilled || length > mostSpilled {
		return reference{}, false
	}
	name := string(element[0]&^(spilledMark>>8)) + element[1:sealedName]
	return reference{name, element[sealedName:fixed], int(offset), int(length)}, true
}

// block returns the block of the reference in the part of the object that has it, or an error if it
// is another one.
func (r reference) block(content []byte) (string, error) {
	if block := string(content); isIntact(block) && nameOf(block) == r.name {
		return block, nil
	}
	return "", errors.New("its checksum is wrong: the object was damaged or replaced")
}

// spillObject is the name of an object among those of all fleets that use a place.
func spillObject(fleet, job string, shard int, object string) string {
	return fmt.Sprintf("%s.%s.%d.%x.spill", fleet, job, shard, object)
}

// readTerm is how long a visit waits for a spilled block. Its lease must outlast that.
const readTerm = Lease / 2

// bringBack reads a spilled block of a host for its visit.
func (f *Frontier) bringBack(ctx context.Context, base string, h crawler.Host, r reference) (string, error) {
	reading, cancel := context.WithTimeout(ctx, readTerm)
	defer cancel()
	block, err := f.readSpilled(reading, base, r)
	if err != nil {
		err = fmt.Errorf("host %s: %w", h, err)
	}
	if ctx.Err() == nil {
		f.store.spills.heard(f.job.Name, waitingIn(block), err)
	}
	return block, err
}

// readSpilled reads a spilled block. The error wraps [queue.ErrSpilled].
func (f *Frontier) readSpilled(ctx context.Context, base string, r reference) (string, error) {
	content, name, err := f.readObject(ctx, base, r, int64(r.offset), int64(r.length))
	return f.checked(r, name, content, err)
}

// checked returns the block in the part of an object that was read.
func (f *Frontier) checked(r reference, name string, content []byte, err error) (block string, _ error) {
	if err == nil {
		block, err = r.block(content)
	}
	if err != nil {
		return "", fmt.Errorf("%w: object %q: %w", queue.ErrSpilled, name, err)
	}
	return block, nil
}

// errNoPlace says that nothing refers to an object.
var errNoPlace = errors.New("its place is unknown to Redis")

// readObject reads a part of the object of a reference, and returns the object's name as well.
func (f *Frontier) readObject(ctx context.Context, base string, r reference,
	offset, length int64) (content []byte, name string, err error) {
	fleet, err := f.store.FleetID(ctx)
	if err != nil {
		return nil, "", err
	}
	name = spillObject(fleet, f.job.Name, shardIn(base), r.object)
	value, err := f.rdb.HGet(ctx, base+nameSpills, r.object).Result()
	_, where, ok := strings.Cut(value, " ")
	switch {
	case errors.Is(err, redis.Nil) || err == nil && !ok:
		return nil, name, errNoPlace
	case err != nil:
		return nil, name, wrapped("read a spilled block", base, redisconn.Passing(err))
	}
	content, err = f.store.spills.read(ctx, where, name, offset, length)
	return content, name, err
}

// unsealer returns a reader of a queue's elements. It remembers the object that it has read last,
// because the blocks of a host are mostly in few of them.
func (f *Frontier) unsealer(ctx context.Context, base string) *unsealer {
	var object, name string
	var content []byte
	return &unsealer{read: func(r reference) (string, error) {
		if r.object != object {
			read, of, err := f.readObject(ctx, base, r, 0, -1)
			if err != nil {
				return f.checked(r, of, nil, err)
			}
			object, name, content = r.object, of, read
		}
		if r.offset+r.length > len(content) {
			return f.checked(r, name, nil, io.ErrUnexpectedEOF)
		}
		return f.checked(r, name, content[r.offset:r.offset+r.length], nil)
	}}
}

// spillTerm is how long an object may be referred to after it was named.
const spillTerm = time.Minute
