package parquet

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/parquet-go/parquet-go/encoding/plain"
	"github.com/parquet-go/parquet-go/encoding/rle"
	"github.com/parquet-go/parquet-go/format"
)

// vector are the values of a page or dictionary.
type vector struct {
	whole []int64 // numbers; the bits of a float64; 1 for true

	// Strings, one after the other, and where each begins and the last one ends.
	data    []byte
	offsets []uint32
	texts   []string // those that were asked for; others are empty
}

// len returns the number of values.
func (v *vector) len() int {
	if v == nil {
		return 0
	}
	return max(len(v.whole), len(v.texts))
}

// text returns string i. Those of a dictionary are made once.
func (v *vector) text(i int) string {
	if v.texts[i] == "" {
		v.texts[i] = string(v.data[v.offsets[i]:v.offsets[i+1]])
	}
	return v.texts[i]
}

// reset removes the values.
func (v *vector) reset() { v.whole, v.texts = v.whole[:0], v.texts[:0] }

// decode replaces the values by at least count values of a page.
func (v *vector) decode(kind format.Type, encoding format.Encoding, page []byte, count int) error {
	v.reset()
	var err error
	switch kind {
	case format.ByteArray:
		err = v.decodeTexts(encoding, page)
	case format.Int32, format.Int64, format.Float, format.Double, format.Boolean:
		err = v.decodeNumbers(kind, encoding, page, count)
	default:
		err = fmt.Errorf("values of %v are not supported", kind)
	}
	if err == nil && v.len() < count {
		err = errTooFew
	}
	return err
}

func (v *vector) decodeTexts(encoding format.Encoding, page []byte) (err error) {
	switch encoding {
	case format.Plain:
		v.data, v.offsets, err = new(plain.Encoding).DecodeByteArray(v.data, page, v.offsets)
	case format.DeltaLengthByteArray:
		v.data, v.offsets, err = lengthCoding.DecodeByteArray(v.data, page, v.offsets)
	case format.DeltaByteArray:
		v.data, v.offsets, err = prefixedCoding.DecodeByteArray(v.data, page, v.offsets)
	default:
		err = errEncoding(encoding)
	}
	n := max(0, len(v.offsets)-1)
	v.texts = slices.Grow(v.texts, n)[:n]
	clear(v.texts)
	return err
}

func errEncoding(encoding format.Encoding) error {
	return fmt.Errorf("the encoding %v of such values is not supported", encoding)
}

func (v *vector) decodeNumbers(kind format.Type, encoding format.Encoding, page []byte, count int) error {
	switch {
	case encoding == format.Plain:
		return v.decodePlain(kind, page, count)
	case encoding == format.RLE && kind == format.Boolean:
		bits, err := new(rle.Encoding).DecodeBoolean(nil, page)
		if err != nil {
			return err
		}
		return v.decodePlain(kind, bits, count)
	case encoding == format.DeltaBinaryPacked && kind == format.Int64:
		numbers, err := packedCoding.DecodeInt64(v.whole, page)
		v.whole = numbers
		return err
	case encoding == format.DeltaBinaryPacked && kind == format.Int32:
		numbers, err := packedCoding.DecodeInt32(nil, page)
		for _, n := range numbers {
			v.whole = append(v.whole, int64(n))
		}
		return err
	}
	return errEncoding(encoding)
}

// decodePlain decodes count numbers in the encoding PLAIN.
func (v *vector) decodePlain(kind format.Type, page []byte, count int) error {
	width := 4
	switch kind {
	case format.Boolean:
		if count > 8*len(page) {
			return errTooFew
		}
		for i := range count {
			v.whole = append(v.whole, int64(page[i/8]>>(i%8)&1))
		}
		return nil
	case format.Int64, format.Double:
		width = 8
	}
	if count < 0 || count > len(page)/width {
		return errTooFew
	}
	v.whole = slices.Grow(v.whole, count)[:count]
	for i := range v.whole {
		value := page[i*width:]
		switch kind {
		case format.Int32:
			v.whole[i] = int64(int32(binary.LittleEndian.Uint32(value)))
		case format.Float:
			v.whole[i] = int64(math.Float64bits(float64(math.Float32frombits(binary.LittleEndian.Uint32(value)))))
		default:
			v.whole[i] = int64(binary.LittleEndian.Uint64(value))
		}
	}
	return nil
}
