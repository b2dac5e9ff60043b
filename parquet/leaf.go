package parquet

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/format"
)

// leaf is a column of a file, which may come from another writer.
type leaf struct {
	path     []string
	kind     format.Type
	maxLevel byte // of a value that is there
	maxList  byte // how many lists contain a value
	unit     time.Duration
}

// leavesOf returns the leaves of a schema, from left to right.
func leavesOf(schema []format.SchemaElement) ([]leaf, error) {
	if len(schema) == 0 {
		return nil, errors.New("the schema is empty")
	}
	var leaves []leaf
	rest := schema[1:]
	var descend func(above leaf, children int32, depth int) error
	descend = func(above leaf, children int32, depth int) error {
		const deepest = 100
		if depth > deepest {
			return fmt.Errorf("the schema is deeper than %d levels", deepest)
		}
		for range children {
			if len(rest) == 0 {
				return errors.New("the schema ends too early")
			}
			element := &rest[0]
			rest = rest[1:]
			next := above.child(element)
			if n, group := element.NumChildren.Get(); group && n > 0 {
				if err := descend(next, n, depth+1); err != nil {
					return err
				}
			} else {
				leaves = append(leaves, next)
			}
		}
		return nil
	}
	n, _ := schema[0].NumChildren.Get()
	return leaves, descend(leaf{}, n, 0)
}

// child returns the leaf, or the way to one, below l.
func (l leaf) child(element *format.SchemaElement) leaf {
	l.path = append(l.path[:len(l.path):len(l.path)], element.Name)
	l.kind, l.unit = element.Type.V, unitOf(element)
	switch element.RepetitionType.V {
	case format.Optional:
		l.maxLevel++
	case format.Repeated:
		l.maxLevel++
		l.maxList++
	}
	return l
}

// unitOf returns the unit of a time, or 0 for what is no time.
func unitOf(element *format.SchemaElement) time.Duration {
	if t, ok := element.LogicalType.Value.(*format.TimestampType); ok && t.Unit.Value != nil {
		return t.Unit.Value.Duration()
	}
	if !element.ConvertedType.Valid {
		return 0
	}
	switch element.ConvertedType.V {
	case deprecated.TimestampMillis:
		return time.Millisecond
	case deprecated.TimestampMicros:
		return time.Microsecond
	}
	return 0
}

// fits returns an error if the values of l cannot be those of a field.
func (l *leaf) fits(c *column, field reflect.Type) error {
	ok := false
	switch c.kind {
	case format.Int32, format.Int64:
		ok = l.kind == format.Int32 || l.kind == format.Int64
		if field == reflect.TypeFor[time.Time]() {
			ok = l.kind == format.Int64 && l.unit > 0
		}
	case format.Double:
		ok = l.kind == format.Double || l.kind == format.Float
	default:
		ok = l.kind == c.kind
	}
	if ok && (c.list && l.maxList == 1 || !c.list && len(l.path) == 1 && l.maxList == 0) {
		return nil
	}
	return fmt.Errorf("the column %q has values of %v in %d lists, which do not fit %v",
		strings.Join(l.path, "."), l.kind, l.maxList, field)
}
