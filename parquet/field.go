package parquet

import (
	"math"
	"reflect"
	"time"
)

// fieldReader fills one field of the rows.
type fieldReader struct {
	column *column
	chunk  *chunkReader
}

// read sets the field of the next row. v is its zero value, and stays so for a null.
func (f *fieldReader) read(v reflect.Value) error {
	if f.column.list {
		return f.readList(v)
	}
	there, err := f.chunk.next()
	if err != nil || !there {
		return err
	}
	return f.set(v)
}

// set sets the field to the value that the chunk has just come to.
func (f *fieldReader) set(v reflect.Value) error {
	values, i, err := f.chunk.value()
	if err != nil {
		return err
	}
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	switch {
	case v.Kind() == reflect.String:
		v.SetString(values.text(i))
	case v.Kind() == reflect.Slice:
		v.SetBytes([]byte(values.text(i)))
	case v.Kind() == reflect.Bool:
		v.SetBool(values.whole[i] != 0)
	case v.Kind() == reflect.Float64:
		v.SetFloat(math.Float64frombits(uint64(values.whole[i])))
	case v.Kind() == reflect.Struct:
		*v.Addr().Interface().(*time.Time) = timeOf(values.whole[i], f.chunk.leaf.unit)
	default:
		v.SetInt(values.whole[i])
	}
	return nil
}

// timeOf returns a time of which n units have passed since 1970.
func timeOf(n int64, unit time.Duration) time.Time {
	second := int64(time.Second / unit)
	return time.Unix(n/second, n%second*int64(unit)).UTC()
}

// readList sets the field to the strings of the next list, without those that are null.
func (f *fieldReader) readList(v reflect.Value) error {
	list := []string{}
	for more := true; more; {
		there, err := f.chunk.next()
		if err != nil {
			return err
		}
		if there {
			values, i, err := f.chunk.value()
			if err != nil {
				return err
			}
			list = append(list, values.text(i))
		}
		if more, err = f.chunk.continues(); err != nil {
			return err
		}
	}
	v.Set(reflect.ValueOf(list))
	return nil
}
