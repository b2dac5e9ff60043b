package parquet

import (
	"strings"

	"github.com/parquet-go/parquet-go/encoding/plain"
)

// dictionary numbers the distinct strings of a column in a row group, so that its pages can have
// numbers in their place.
type dictionary struct {
	numbers map[string]int32
	plain   []byte // the strings in the order of their numbers, in the encoding PLAIN
}

// number returns the number of s, which is a new one if the dictionary does not have s.
func (d *dictionary) number(s string) int32 {
	n, known := d.numbers[s]
	if !known {
		if d.numbers == nil {
			d.numbers = map[string]int32{}
		}
		n = int32(len(d.numbers))
		d.numbers[strings.Clone(s)] = n // s may be a part of a large string
		d.plain = plain.AppendByteArrayString(d.plain, s)
	}
	return n
}

// reset empties the dictionary.
func (d *dictionary) reset() {
	clear(d.numbers)
	d.plain = d.plain[:0]
}
