package frontier

import (
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"slices"

	"github.com/trawlcrawler/trawl/internal/pathblock"
	"github.com/trawlcrawler/trawl/internal/queue"
)

// This file packs what lies deep in the queue of a host. A sealed block holds up to 512 entries, in
// two elements of the queue's list: seal, and what [packSealed] returns, or a [reference] to that.
// In front of it and behind it are single packed entries, so that the order of the list is that of
// the queue.

const (
	// seal is the element before a sealed block. No packed entry begins like this: its flags say
	// that there is a part of a referrer, but no referrer. lua/lib.lua knows it as SEAL.
	seal = "\x00\x04"
	// sealedElements is how many elements of the list a sealed block takes.
	sealedElements = 2
	// sealedMost is the most entries of a block.
	sealedMost = 512
)

// errSealed means that a block was not written by this package.
var errSealed = errors.New("not a sealed block of a queue")

// splitEntry is a packed entry, divided by [queue.Split].
type splitEntry struct{ path, attributes string }

// sealedBlock is a block as it was read.
type sealedBlock struct {
	entries []splitEntry // the waiting ones, in order
	total   int          // with those before them, which were taken out
	content string       // of all, with its sum
}

// Sizes in bytes of the fields at the beginning of a block: the number of waiting entries, and the sum.
const (
	sealedCount = 2
	sealedSum   = 8
	sealedName  = sealedCount + sealedSum
)

// nameOf returns the beginning of a block, by which scripts tell blocks apart: two blocks of a host
// with the same name have the same entries.
func nameOf(block string) string { return block[:min(sealedName, len(block))] }

// packSealed returns the block of entries.
//
//	number of entries that wait (2 bytes, big-endian; scripts read it)
//	the first bytes of the SHA-1 of the rest
//	length of the paths, paths; length of the attributes, attributes (package pathblock)
//	for each run of entries with the same attributes: the attributes' number, number of entries
//
// Entries that were found on the same page have the same attributes and follow each other, so
// that there are few runs. All other numbers are uvarints.
func packSealed(entries []splitEntry) string {
	paths := make([]string, len(entries))
	var attributes []string
	which := make(map[string]int)
	var runs []byte
	length := 0
	for i, e := range entries {
		paths[i] = e.path
		if _, known := which[e.attributes]; !known {
			which[e.attributes] = len(attributes)
			attributes = append(attributes, e.attributes)
		}
		if length++; i+1 == len(entries) || entries[i+1].attributes != e.attributes {
			runs = binary.AppendUvarint(binary.AppendUvarint(runs, uint64(which[e.attributes])), uint64(length))
			length = 0
		}
	}
	b := make([]byte, sealedName, 1024)
	for _, names := range [][]string{paths, attributes} {
		packed := pathblock.Pack(names)
		b = append(binary.AppendUvarint(b, uint64(len(packed))), packed...)
	}
	b = append(b, runs...)
	binary.BigEndian.PutUint16(b, uint16(len(entries)))
	sum := sha1.Sum(b[sealedName:])
	copy(b[sealedCount:], sum[:sealedSum])
	return string(b)
}

// unpackSealed reads a block. The error is [errSealed].
func unpackSealed(block string) (*sealedBlock, error) {
	waiting := waitingIn(block)
	if waiting == 0 || len(block) < sealedName || isSpilled(block) {
		return nil, errSealed
	}
	s := &sealedBlock{content: block[sealedCount:]}
	rest := []byte(block[sealedName:])
	var columns [2][]string
	for i := range columns {
		size, n := binary.Uvarint(rest)
		if n <= 0 || size > uint64(len(rest)-n) {
			return nil, errSealed
		}
		var err error
		if columns[i], _, err = pathblock.Unpack(rest[n : n+int(size)]); err != nil {
			return nil, errSealed
		}
		rest = rest[n+int(size):]
	}
	paths, attributes := columns[0], columns[1]
	if s.total = len(paths); waiting > s.total {
		return nil, errSealed
	}
	s.entries = make([]splitEntry, 0, len(paths))
	for len(rest) > 0 {
		at, n := binary.Uvarint(rest)
		length, m := binary.Uvarint(rest[max(n, 0):])
		if n <= 0 || m <= 0 || at >= uint64(len(attributes)) || length > uint64(len(paths)-len(s.entries)) {
			return nil, errSealed
		}
		for range length {
			s.entries = append(s.entries, splitEntry{paths[len(s.entries)], attributes[at]})
		}
		rest = rest[n+m:]
	}
	if len(s.entries) != len(paths) {
		return nil, errSealed
	}
	s.entries = s.entries[s.total-waiting:]
	return s, nil
}

// waitingIn returns how many entries wait in a block whose content cannot be read, or in a spilled
// block by its reference.
func waitingIn(block string) int {
	if len(block) < sealedCount {
		return 0
	}
	return int(binary.BigEndian.Uint16([]byte(block)) &^ spilledMark)
}

// isIntact reports whether the sum of a block is that of its content.
func isIntact(block string) bool {
	if len(block) <= sealedName || isSpilled(block) {
		return false
	}
	sum := sha1.Sum([]byte(block[sealedName:]))
	return string(sum[:sealedSum]) == block[sealedCount:sealedName]
}

// without returns the block without its first n entries. It is packed again only when it would have
// less than half of the entries that it was packed with.
func (s *sealedBlock) without(n int) string {
	left := s.entries[n:]
	if 2*len(left) < s.total {
		return packSealed(left)
	}
	return string(binary.BigEndian.AppendUint16(nil, uint16(len(left)))) + s.content
}

// joined returns packed entries.
func joined(entries []splitEntry) []string {
	all := make([]string, len(entries))
	for i, e := range entries {
		all[i] = queue.Join(e.path, e.attributes)
	}
	return all
}

// splitAll divides packed entries. It returns those behind the last one that cannot be divided, and
// how many were before them.
func splitAll(packed []string) (entries []splitEntry, before int) {
	for i, p := range slices.Backward(packed) {
		path, attributes, ok := queue.Split(p)
		if !ok {
			before = i + 1
			break
		}
		entries = append(entries, splitEntry{path, attributes})
	}
	slices.Reverse(entries)
	return entries, before
}

// unsealer reads the elements of a queue one after another.
type unsealer struct {
	read   func(reference) (string, error) // returns a spilled block
	sealed bool                            // the next element is a block
}

// entries returns the packed entries of elements. It leaves out blocks that are garbage, which a
// visit sets aside. It returns an error if a spilled block cannot be read.
func (u *unsealer) entries(elements []string) (all []string, err error) {
	for _, e := range elements {
		switch {
		case u.sealed:
			u.sealed = false
			if r, spilled := parseReference(e); spilled {
				if e, err = u.read(r); err != nil {
					return all, err
				}
			}
			if s, err := unpackSealed(e); err == nil {
				all = append(all, joined(s.entries)...)
			}
		case e == seal:
			u.sealed = true
		default:
			all = append(all, e)
		}
	}
	return all, nil
}
