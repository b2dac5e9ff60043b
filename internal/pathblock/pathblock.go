// Package pathblock keeps a few hundred paths of one host in as few bytes as possible.
//
// A block is a list of names, such as the path and query of a URL with a few bytes of attributes.
// Their order is kept, so that a name is known by its place. A block grows at its end: [Append]
// adds a name as it is, which a script of Redis can do. From time to time [Pack] packs all names
// that are there: sorted, each without the prefix that it shares with the one before, and
// compressed by zstd; the order costs nine bits a name in a block of 512. Names that are appended
// later follow the packed ones.
//
// 512 paths of a manual take 4 to 8 bytes each, 14 to 60 as they are.
package pathblock

import (
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
)

// ErrBlock means that a block was not written by this package.
var ErrBlock = errors.New("not a block of paths")

// codec compresses blocks. It is made when it is first used: most processes have no blocks.
var codec = sync.OnceValue(func() (c struct {
	encoder *zstd.Encoder
	decoder *zstd.Decoder
}) {
	var err error
	if c.encoder, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderCRC(false),
		zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithSingleSegment(true),
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

// Pack returns the smallest block with these names, of which there are at most [MaxNames].
func Pack(names []string) []byte {
	if len(names) == 0 {
		return nil
	}
	order := make([]int, len(names)) // of the sorted names: their places
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return strings.Compare(names[a], names[b]) })
	inOrder := uint64(0)
	if slices.IsSorted(order) {
		inOrder = 1
	}
	content := binary.AppendUvarint(nil, uint64(len(names))<<1|inOrder)
	if inOrder == 0 {
		content = appendOrder(content, order)
	}
	var heads, tails []byte
	before := ""
	for _, at := range order {
		name := names[at]
		shared := sharedPrefix(before, name)
		heads = binary.AppendUvarint(binary.AppendUvarint(heads, uint64(shared)), uint64(len(name)-shared))
		tails = append(tails, name[shared:]...)
		before = name
	}
	content = codec().encoder.EncodeAll(append(heads, tails...), content)
	block := binary.AppendUvarint([]byte{packed}, uint64(len(content)))
	return append(block, content...)
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
		case packed:
			if names, err = unpack(names, content); err != nil {
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
func unpack(names []string, content []byte) ([]string, error) {
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
	sizes := make([]uint64, 2*count)
	for i := range sizes {
		size, n := binary.Uvarint(plain)
		if n <= 0 {
			return nil, fmt.Errorf("%w: %d names, but fewer lengths", ErrBlock, count)
		}
		sizes[i], plain = size, plain[n:]
	}
	first := len(names)
	names = slices.Grow(names, int(count))[:first+int(count)]
	before := ""
	for i, at := range order {
		shared, rest := sizes[2*i], sizes[2*i+1]
		if shared > uint64(len(before)) || rest > uint64(len(plain)) {
			return nil, fmt.Errorf("%w: a name is cut off", ErrBlock)
		}
		before = before[:shared] + string(plain[:rest])
		plain = plain[rest:]
		names[first+at] = before
	}
	return names, nil
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
