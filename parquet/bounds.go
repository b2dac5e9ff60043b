package parquet

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go/format"
)

// span is the least and the greatest of some values. The zero value has seen none.
type span[T cmp.Ordered] struct {
	known     bool
	low, high T
}

func (s *span[T]) add(v T) {
	if !s.known {
		s.known, s.low, s.high = true, v, v
		return
	}
	s.low, s.high = min(s.low, v), max(s.high, v)
}

func (s *span[T]) join(other span[T]) {
	if other.known {
		s.add(other.low)
		s.add(other.high)
	}
}

// bounds are the least and the greatest value of a page or chunk. One of the spans is in use: that
// of the column's kind. Boundaries of booleans and JSON are not recorded.
type bounds struct {
	whole  span[int64]
	double span[float64]
	text   span[string]
}

func (b *bounds) join(other *bounds) {
	b.whole.join(other.whole)
	b.double.join(other.double)
	b.text.join(other.text)
}

// encoded returns the bounds of values of a kind as statistics have them: in the encoding PLAIN,
// strings without their length. ok is false if there were no values.
func (b *bounds) encoded(kind format.Type) (low, high []byte, ok bool) {
	switch kind {
	case format.Int32:
		return binary.LittleEndian.AppendUint32(nil, uint32(b.whole.low)),
			binary.LittleEndian.AppendUint32(nil, uint32(b.whole.high)), b.whole.known
	case format.Int64:
		return binary.LittleEndian.AppendUint64(nil, uint64(b.whole.low)),
			binary.LittleEndian.AppendUint64(nil, uint64(b.whole.high)), b.whole.known
	case format.Double:
		return binary.LittleEndian.AppendUint64(nil, math.Float64bits(b.double.low)),
			binary.LittleEndian.AppendUint64(nil, math.Float64bits(b.double.high)), b.double.known
	case format.ByteArray:
		return []byte(b.text.low), []byte(b.text.high), b.text.known
	}
	return nil, nil, false
}

// compare compares the bounds of two pages of values of a kind.
func (b *bounds) compare(other *bounds, kind format.Type) (low, high int) {
	switch kind {
	case format.Double:
		return cmp.Compare(b.double.low, other.double.low), cmp.Compare(b.double.high, other.double.high)
	case format.ByteArray:
		return cmp.Compare(b.text.low, other.text.low), cmp.Compare(b.text.high, other.text.high)
	}
	return cmp.Compare(b.whole.low, other.whole.low), cmp.Compare(b.whole.high, other.whole.high)
}

// maxIndexed is how many bytes of a string are in the index of pages.
const maxIndexed = 64

// indexed returns the bounds of a page as the index has them: strings are shortened.
func (b *bounds) indexed() bounds {
	short := *b
	short.text.low, short.text.high = shortened(b.text.low), raised(b.text.high)
	return short
}

// shortened returns text that is not greater than s and has at most maxIndexed bytes.
func shortened(s string) string {
	if len(s) <= maxIndexed {
		return s
	}
	n := maxIndexed
	for n > maxIndexed-utf8.UTFMax && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// raised returns text that is not less than s, and has at most maxIndexed bytes if possible: the
// start of s with its last character of ASCII replaced by the next one.
func raised(s string) string {
	if len(s) <= maxIndexed {
		return s
	}
	short := []byte(shortened(s))
	for i, b := range slices.Backward(short) {
		if b < utf8.RuneSelf-1 {
			short[i]++
			return string(short[:i+1])
		}
	}
	return s
}
