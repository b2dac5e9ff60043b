package parquet

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go/deprecated"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// column is a column of a table: a field of its rows.
type column struct {
	name     string
	field    int // its index in the row
	kind     format.Type
	optional bool // the zero value, or a nil pointer, is null
	list     bool // a list of strings
	encoding format.Encoding
	logical  format.LogicalType
	older    thrift.Null[deprecated.ConvertedType] // what logical was called before it existed
}

// columnsOf returns the columns of a row. The tag of a field has the name of the column, and then:
// optional, list, json, timestamp(millisecond), dict for a dictionary, delta for strings that share
// prefixes. A pointer is optional. columnsOf panics if a field has another type or tag: rows are
// part of the program.
func columnsOf(row reflect.Type) []column {
	var columns []column
	for i := range row.NumField() {
		field := row.Field(i)
		c := column{field: i}
		t := field.Type
		if t.Kind() == reflect.Pointer {
			t, c.optional = t.Elem(), true
		}
		c.setType(t)
		var options string
		c.name, options, _ = strings.Cut(field.Tag.Get("parquet"), ",")
		for option := range strings.SplitSeq(options, ",") {
			if !c.setOption(option, t) {
				panic(fmt.Sprintf("the field %s of %v cannot be a column: tag %q", field.Name, row, field.Tag))
			}
		}
		columns = append(columns, c)
	}
	return columns
}

// setType sets how values of a Go type are stored.
func (c *column) setType(t reflect.Type) {
	switch t.Kind() {
	case reflect.Bool:
		c.kind = format.Boolean
	case reflect.Int16:
		c.kind = format.Int32
		c.annotate(&format.IntType{BitWidth: 16, IsSigned: true}, deprecated.Int16)
	case reflect.Int32:
		c.kind = format.Int32
		c.annotate(&format.IntType{BitWidth: 32, IsSigned: true}, deprecated.Int32)
	case reflect.Int64:
		c.kind = format.Int64
		c.annotate(&format.IntType{BitWidth: 64, IsSigned: true}, deprecated.Int64)
	case reflect.Float64:
		c.kind = format.Double
	case reflect.Struct: // a time
		c.kind = format.Int64
	default: // strings, lists of them, JSON, and bytes
		c.kind, c.encoding = format.ByteArray, format.DeltaLengthByteArray
		if t != reflect.TypeFor[[]byte]() {
			c.annotate(new(format.StringType), deprecated.UTF8)
		}
	}
}

// setOption applies an option of a tag to a field of type t. It returns false if they do not go
// together.
func (c *column) setOption(option string, t reflect.Type) bool {
	text := t.Kind() == reflect.String
	switch option {
	case "":
		return t == reflect.TypeFor[[]byte]() || t.Kind() != reflect.Slice && t.Kind() != reflect.Struct
	case "optional":
		c.optional = true
	case "dict":
		c.encoding = format.RLEDictionary
		return text
	case "delta":
		c.encoding = format.DeltaByteArray
		return text
	case "list":
		c.list = true
		return t == reflect.TypeFor[[]string]()
	case "json":
		c.annotate(new(format.JsonType), deprecated.Json)
		return t == reflect.TypeFor[json.RawMessage]()
	case "timestamp(millisecond)":
		unit := format.TimeUnit{Value: new(format.MilliSeconds)}
		c.annotate(&format.TimestampType{IsAdjustedToUTC: true, Unit: unit}, deprecated.TimestampMillis)
		return t == reflect.TypeFor[time.Time]()
	default:
		return false
	}
	return true
}

// annotate says what the values mean.
func (c *column) annotate(logical format.LogicalTypeValue, older deprecated.ConvertedType) {
	c.logical = format.LogicalType{Value: logical}
	c.older.Set(older)
}

// leveled reports whether the column has null values or empty lists, so that a level says for each
// value whether it is there.
func (c *column) leveled() bool { return c.optional || c.list }

// path returns the names that lead to the leaf in the schema.
func (c *column) path() []string {
	if c.list {
		return []string{c.name, listName, elementName}
	}
	return []string{c.name}
}

// How the groups of a list are named: Parquet's LogicalTypes.md, Lists.
const listName, elementName = "list", "element"

// schemaOf returns the tree of a schema, flattened depth first.
func schemaOf(row reflect.Type, columns []column) []format.SchemaElement {
	schema := []format.SchemaElement{{Name: row.Name(), NumChildren: thrift.New(int32(len(columns)))}}
	for _, c := range columns {
		leaf := format.SchemaElement{
			Name: c.name, Type: thrift.New(c.kind), RepetitionType: thrift.New(format.Required),
			LogicalType: c.logical, ConvertedType: c.older,
		}
		switch {
		case c.list:
			list := format.LogicalType{Value: new(format.ListType)}
			schema = append(schema, format.SchemaElement{
				Name: c.name, RepetitionType: thrift.New(format.Required), NumChildren: thrift.New[int32](1),
				LogicalType: list, ConvertedType: thrift.New(deprecated.List),
			}, format.SchemaElement{
				Name: listName, RepetitionType: thrift.New(format.Repeated), NumChildren: thrift.New[int32](1),
			})
			leaf.Name = elementName
		case c.optional:
			leaf.RepetitionType.Set(format.Optional)
		}
		schema = append(schema, leaf)
	}
	return schema
}
