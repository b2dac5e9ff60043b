// Package pathblock keeps a few hundred paths of one host in as few bytes as possible.
//
// A block is a list of names, such as the path and query of a URL with a few bytes of attributes.
// Their order is kept, so that a name is known by its place. A block grows at its end: [Append]
// adds a name as it is, which a script of Redis can do. From time to time [Pack] packs all names
// that are there: sorted and compressed by zstd; the order costs nine bits a name in a block of 512.
// In large blocks, each name is without the prefix that it shares with the one before. In blocks of
// about a hundred names, zstd does better with whole names. Names that are appended later follow the
// packed ones.
//
// 512 paths of a manual take 4 to 8 bytes each, 14 to 60 as they are.
package pathblock

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// MaxNames is the largest number of names in a block.
const MaxNames = 1 << 16

// maxUnpacked bounds the size of a packed block when it is unpacked, in bytes.
const maxUnpacked = 256 << 20

// The kinds of segments. Each is followed by the length of its content and the content.
const (
	plainName = 0 // one name
	packed    = 1 // number of names · 2 + 1 if they are sorted, their order unless so, names in zstd
	whole     = 2 // a byte that no name has, then the same, but each name is whole, with that byte behind it
)

// smallBlock is from how many names on whole names were never shorter, in blocks of manuals; packing
// both ways takes twice the time.
const smallBlock = 400

// ErrBlock means that a block was not written by this package.
var ErrBlock = errors.New("not a block of paths")

// codec compresses blocks. It is made when it is first used: most processes have no blocks. The
// next level of compression saves a seventieth of a block, but its tables take 4 MB of memory, and
// packing takes twice as long.
var codec = sync.OnceValue(func() (c struct {
	encoder *zstd.Encoder
	decoder *zstd.Decoder
}) {
	var err error
	if c.encoder, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false),
		zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithSingleSegment(true),
		zstd.WithLowerEncoderMem(true), zstd.WithWindowSize(1<<18)); err != nil {
		panic("pathblock: " + err.Error()) // the options are fixed
	}
	if c.decoder, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxMemory(maxUnpacked)); err != nil {
		panic("pathblock: " + err.Error())
	}
	return c
})

// Append appends a name to a block.
func Append(block []byte, name string) []byte {
	block = binary.AppendUvarint(append(block, plainName), uint64(len(name)))
	return append(block, name...)
}

// placed is a name with its place in a block.
type placed struct {
	name string
	at   int
}

// Pack returns the smallest block with these names, of which there are at most [MaxNames].
func Pack(names []string) []byte {
	if len(names) == 0 {
		return nil
	}
	sorted := make([]placed, len(names))
	for i, name := range names {
		sorted[i] = placed{name, i}
	}
	slices.SortFunc(sorted, func(a, b placed) int {
		return cmp.Or(strings.Compare(a.name, b.name), a.at-b.at)
	})
	order := make([]int, len(names)) // of the sorted names: their places
	for i, p := range sorted {
		order[i] = p.at
	}
	inOrder := uint64(0)
	if slices.IsSorted(order) {
		inOrder = 1
	}
	content := binary.AppendUvarint(nil, uint64(len(names))<<1|inOrder)
	if inOrder == 0 {
		content = appendOrder(content, order)
	}
	kind, best := byte(packed), codec().encoder.EncodeAll(withoutPrefixes(sorted), content[:len(content):len(content)])
	if end, ok := absent(names); ok && len(names) < smallBlock {
		lines := codec().encoder.EncodeAll(withEnds(sorted, end), append([]byte{end}, content...))
		if len(lines) < len(best) {
			kind, best = whole, lines
		}
	}
	return append(binary.AppendUvarint([]byte{kind}, uint64(len(best))), best...)
}

// withoutPrefixes returns the lengths of all names, as what each shares with the one before and
// what it does not, followed by what they do not share.
func withoutPrefixes(sorted []placed) []byte {
	var heads, tails []byte
	before := ""
	for _, p := range sorted {
		name := p.name
		shared := sharedPrefix(before, name)
		heads = binary.AppendUvarint(binary.AppendUvarint(heads, uint64(shared)), uint64(len(name)-shared))
		tails = append(tails, name[shared:]...)
		before = name
	}
	return append(heads, tails...)
}

// withEnds returns the names, each followed by a byte.
func withEnds(sorted []placed, end byte) (all []byte) {
	for _, p := range sorted {
		all = append(append(all, p.name...), end)
	}
	return all
}

// absent returns a byte that occurs in no name.
func absent(names []string) (b byte, ok bool) {
	var has [256]bool
	for _, name := range names {
		for _, c := range []byte(name) {
			has[c] = true
		}
	}
	at := slices.Index(has[:], false)
	return byte(max(0, at)), at >= 0
}

// Unpack returns the names of a block in order, and how many of them are not packed. The error
// is an [ErrBlock].
func Unpack(block []byte) (names []string, plain int, err error) {
	for len(block) > 0 {
		kind := block[0]
		size, n := binary.Uvarint(block[1:])
		if n <= 0 || size > uint64(len(block)-1-n) {
			return nil, 0, fmt.Errorf("%w: a segment is cut off after %d names", ErrBlock, len(names))
		}
		content := block[1+n : 1+n+int(size)]
		block = block[1+n+int(size):]
		switch kind {
		case plainName:
			names = append(names, string(content))
			plain++
		case packed, whole:
			if names, err = unpack(names, kind, content); err != nil {
				return nil, 0, err
			}
		default:
			return nil, 0, fmt.Errorf("%w: a segment of kind %d after %d names", ErrBlock, kind, len(names))
		}
		if len(names) > MaxNames {
			return nil, 0, fmt.Errorf("%w: more than %d names", ErrBlock, MaxNames)
		}
	}
	return names, plain, nil
}

// unpack appends the names of a packed segment.
func unpack(names []string, kind byte, content []byte) ([]string, error) {
	var end byte
	if kind == whole && len(content) > 0 {
		end, content = content[0], content[1:]
	}
	head, n := binary.Uvarint(content)
	count := head >> 1
	if n <= 0 || count > MaxNames {
		return nil, fmt.Errorf("%w: no number of names", ErrBlock)
	}
	content = content[n:]
	order, content, ok := readOrder(content, int(count), head&1 == 1)
	if !ok {
		return nil, fmt.Errorf("%w: the order of %d names cannot be read", ErrBlock, count)
	}
	plain, err := codec().decoder.DecodeAll(content, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrBlock, err)
	}
	first := len(names)
	names = slices.Grow(names, int(count))[:first+int(count)]
	if kind == whole {
		return names, cutAtEnds(plain, end, order, names[first:])
	}
	return names, restorePrefixes(plain, order, names[first:])
}

// cutAtEnds undoes withEnds, and puts the names in order.
func cutAtEnds(plain []byte, end byte, order []int, names []string) error {
	for _, at := range order {
		size := bytes.IndexByte(plain, end)
		if size < 0 {
			return fmt.Errorf("%w: %d names, but fewer ends", ErrBlock, len(order))
		}
		names[at], plain = string(plain[:size]), plain[size+1:]
	}
	return nil
}

// restorePrefixes undoes withoutPrefixes, and puts the names in order.
func restorePrefixes(plain []byte, order []int, names []string) error {
	sizes := make([]uint64, 2*len(order))
	for i := range sizes {
		size, n := binary.Uvarint(plain)
		if n <= 0 {
			return fmt.Errorf("%w: %d names, but fewer lengths", ErrBlock, len(order))
		}
		sizes[i], plain = size, plain[n:]
	}
	before := ""
	for i, at := range order {
		shared, rest := sizes[2*i], sizes[2*i+1]
		if shared > uint64(len(before)) || rest > uint64(len(plain)) {
			return fmt.Errorf("%w: a name is cut off", ErrBlock)
		}
		before = before[:shared] + string(plain[:rest])
		plain = plain[rest:]
		names[at] = before
	}
	return nil
}

// appendOrder appends places, each in as many bits as the largest needs.
func appendOrder(b []byte, order []int) []byte {
	width := bits.Len(uint(len(order) - 1))
	var hold uint64
	held := 0
	for _, at := range order {
		hold |= uint64(at) << held
		for held += width; held >= 8; held -= 8 {
			b = append(b, byte(hold))
			hold >>= 8
		}
	}
	if held > 0 {
		b = append(b, byte(hold))
	}
	return b
}

// readOrder reads count places, each of which must occur once, and returns what follows them.
func readOrder(b []byte, count int, inOrder bool) (order []int, rest []byte, ok bool) {
	order = make([]int, count)
	if inOrder {
		for i := range order {
			order[i] = i
		}
		return order, b, true
	}
	width := bits.Len(uint(max(count-1, 0)))
	size := (count*width + 7) / 8
	if size > len(b) {
		return nil, nil, false
	}
	seen := make([]bool, count)
	for i := range order {
		at := 0
		for bit := range width {
			where := i*width + bit
			at |= int(b[where/8]>>(where%8)&1) << bit
		}
		if at >= count || seen[at] {
			return nil, nil, false
		}
		order[i], seen[at] = at, true
	}
	return order, b[size:], true
}

func sharedPrefix(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] != b[i] {
			return i
		}
	}
	return n
}
