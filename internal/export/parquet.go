package export

import (
	"fmt"
	"io"
	"reflect"
	"strings"
	"time"

	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/tabular"

	"github.com/trawlcrawler/trawl/internal/condition"
)

func newParquet(out *draft, o Order) (Writer, error) {
	if strings.HasSuffix(out.Name(), ".gz") || strings.HasSuffix(out.Name(), ".zst") {
		return nil, fmt.Errorf("parquet files are compressed internally: remove the .gz or .zst from %q", out.Name())
	}
	codec, err := tabular.Linked()
	if err != nil {
		return nil, err
	}
	if len(o.Fields) == 0 {
		return &pageTable{codec.Pages(out)}, nil
	}
	return newFieldTable(codec, out, o.Fields), nil
}

// pageTable has the columns of the tables that a crawl writes itself. Its rows are not
// sorted.
type pageTable struct {
	file tabular.File[tabular.PageRow]
}

func (w *pageTable) Write(r *Record) error {
	rec, err := r.Read()
	if err != nil {
		return err
	}
	row, err := tabular.PageRowOf(rec)
	if err != nil {
		return err
	}
	_, err = w.file.Write([]tabular.PageRow{row})
	return err
}

func (w *pageTable) Close() error { return w.file.Close() }

// fieldTable has the chosen columns, in their order.
type fieldTable struct {
	file   tabular.File[any]
	fields []Field
	row    reflect.Type
}

func newFieldTable(codec tabular.Codec, out io.Writer, fields []Field) *fieldTable {
	var members []reflect.StructField
	var names []string
	for _, f := range fields {
		names = append(names, columnName.Replace(f.Name))
	}
	names = distinct(names)
	for i, f := range fields {
		members = append(members, reflect.StructField{
			Name: fmt.Sprintf("Column%d", i), Type: columnType(f),
			Tag: reflect.StructTag(fmt.Sprintf(`parquet:"%s"`, columnTag(names[i], f.Kind()))),
		})
	}
	row := reflect.StructOf(members)
	return &fieldTable{codec.Rows(out, row), fields, row}
}

// columnType returns the Go type of a column. If a field may be absent, it is a pointer.
func columnType(f Field) reflect.Type {
	switch f.Kind() {
	case condition.KindNumber, condition.KindCount:
		return reflect.TypeFor[*int64]()
	case condition.KindMeasure:
		return reflect.TypeFor[*float64]()
	case condition.KindTruth:
		return reflect.TypeFor[bool]()
	case condition.KindTime:
		return reflect.TypeFor[time.Time]()
	case condition.KindList:
		return reflect.TypeFor[[]string]()
	}
	return reflect.TypeFor[*string]()
}

// columnName removes characters from a name that have a meaning in struct tags, and
// control characters.
var columnName = strings.NewReplacer(",", "_", `"`, "_", "`", "_", `\`, "_", "\n", "_", "\r", "_", "\t", "_", "\x00",
	"_")

// columnTag describes a column.
func columnTag(name string, k condition.Kind) string {
	switch k {
	case condition.KindTruth:
		return name
	case condition.KindTime:
		return name + ",timestamp(millisecond)"
	case condition.KindList:
		return name + ",list"
	}
	return name + ",optional"
}

func (w *fieldTable) Write(r *Record) error {
	row := reflect.New(w.row)
	for i, f := range w.fields {
		v, _, err := f.Value(r)
		if err == nil {
			err = setColumn(row.Elem().Field(i), f, v)
		}
		if err != nil {
			return err
		}
	}
	_, err := w.file.Write([]any{row.Interface()})
	return err
}

func setColumn(column reflect.Value, f Field, v any) error {
	switch f.Kind() {
	case condition.KindNumber, condition.KindCount:
		if n, ok := condition.NumberOf(v); ok {
			whole := int64(n)
			column.Set(reflect.ValueOf(&whole))
		}
	case condition.KindMeasure:
		if n, ok := condition.NumberOf(v); ok {
			column.Set(reflect.ValueOf(&n))
		}
	case condition.KindTruth:
		is, _ := v.(bool)
		column.SetBool(is)
	case condition.KindTime:
		at, err := fetched.ParseRecordTime(condition.TextOf(v))
		if err != nil {
			return err
		}
		column.Set(reflect.ValueOf(at.UTC()))
	case condition.KindList:
		list, _ := v.([]any)
		for _, one := range list {
			column.Set(reflect.Append(column, reflect.ValueOf(condition.TextOf(one))))
		}
	default:
		if v != nil {
			text := condition.TextOf(v)
			column.Set(reflect.ValueOf(&text))
		}
	}
	return nil
}

func (w *fieldTable) Close() error { return w.file.Close() }
