package parquet

import (
	"math"
	"reflect"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/encoding/plain"
	"github.com/parquet-go/parquet-go/format"
)

// maxPage is how many bytes of values a page gathers before it ends. Only its last row may exceed
// that.
const maxPage = 256 << 10

// chunk is what a row group has of a column. It gathers the values of a page in memory, and then
// the finished pages.
type chunk struct {
	*column

	// The page that is being gathered.
	rows        int
	levels      []byte // of each value, whether it is there; empty if the column is not leveled
	repetitions []byte // of each value, whether it continues the list of the one before
	values      int    // without nulls
	data        []byte // numbers in the encoding PLAIN, or strings one after the other
	offsets     []uint32
	numbers     []int32 // in the dictionary
	bounds      bounds

	dictionary dictionary
	pages      pages
}

func newChunk(c *column) *chunk {
	chunk := &chunk{column: c}
	chunk.offsets = append(chunk.offsets, 0)
	return chunk
}

// add adds the value of a row. v can be addressed.
func (c *chunk) add(v reflect.Value) {
	c.rows++
	switch {
	case c.list:
		c.addList(v)
	case !c.optional:
		c.addValue(v)
	case v.Kind() == reflect.Pointer && v.IsNil(), v.Kind() == reflect.Slice && v.Len() == 0,
		v.Kind() != reflect.Pointer && v.Kind() != reflect.Slice && v.IsZero():
		c.levels = append(c.levels, 0)
	default:
		c.levels = append(c.levels, 1)
		c.addValue(reflect.Indirect(v))
	}
}

// addList adds a list of strings.
func (c *chunk) addList(v reflect.Value) {
	if v.Len() == 0 {
		c.levels, c.repetitions = append(c.levels, 0), append(c.repetitions, 0)
	}
	for i := range v.Len() {
		c.levels, c.repetitions = append(c.levels, 1), append(c.repetitions, byte(min(i, 1)))
		c.addText(v.Index(i).String())
		c.values++
	}
}

// addValue adds a value that is there.
func (c *chunk) addValue(v reflect.Value) {
	switch c.kind {
	case format.Boolean:
		c.data = plain.AppendBoolean(c.data, c.values, v.Bool())
	case format.Int32:
		c.data = plain.AppendInt32(c.data, int32(v.Int()))
		c.bounds.whole.add(v.Int())
	case format.Int64:
		n := wholeOf(v)
		c.data = plain.AppendInt64(c.data, n)
		c.bounds.whole.add(n)
	case format.Double:
		c.data = plain.AppendDouble(c.data, v.Float())
		c.bounds.double.add(v.Float())
	default:
		if v.Kind() == reflect.String {
			c.addText(v.String())
		} else {
			c.data = append(c.data, v.Bytes()...)
			c.offsets = append(c.offsets, uint32(len(c.data)))
		}
	}
	c.values++
}

// wholeOf returns a number, or a time in unix milliseconds.
func wholeOf(v reflect.Value) int64 {
	if v.Kind() == reflect.Int64 {
		return v.Int()
	}
	return v.Addr().Interface().(*time.Time).UnixMilli()
}

func (c *chunk) addText(s string) {
	c.bounds.text.add(s)
	if c.encoding == format.RLEDictionary {
		c.numbers = append(c.numbers, c.dictionary.number(s))
		return
	}
	c.data = append(c.data, s...)
	c.offsets = append(c.offsets, uint32(len(c.data)))
}

// full reports whether the page is to end.
func (c *chunk) full() bool { return max(len(c.data), 4*len(c.numbers), len(c.levels)) >= maxPage }

// endPage ends the page, unless it has no rows.
func (c *chunk) endPage(compress *zstd.Encoder) error {
	if c.rows == 0 {
		return nil
	}
	err := c.pages.add(c, compress)
	c.rows, c.values, c.bounds = 0, 0, bounds{}
	c.levels, c.repetitions, c.numbers = c.levels[:0], c.repetitions[:0], c.numbers[:0]
	c.data, c.offsets = c.data[:0], c.offsets[:1]
	return err
}

// reset begins the next row group.
func (c *chunk) reset() {
	c.dictionary.reset()
	c.pages.reset()
}

// count returns the number of values of the page, nulls and empty lists included.
func (c *chunk) count() int {
	if c.leveled() {
		return len(c.levels)
	}
	return c.values
}

// maxSize is how large a page can be, because its header says so in 32 bits.
const maxSize = math.MaxInt32

// statistics returns what the metadata of a chunk says about its values. Long bounds, as of
// texts, are left out.
func (c *chunk) statistics() format.Statistics {
	const long = 4 << 10
	s := format.Statistics{NullCount: c.pages.nulls}
	if low, high, ok := c.pages.bounds.encoded(c.kind); ok && len(low) <= long && len(high) <= long {
		s.MinValue, s.MaxValue = low, high
	}
	return s
}
