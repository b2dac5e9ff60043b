package parquet

import (
	"bytes"
	"cmp"
	"strings"
	"testing"
	"unicode/utf8"

	library "github.com/parquet-go/parquet-go"

	"github.com/trawlcrawler/trawl/internal/tabular"
)

// TestPagesAreFoundByTheirIndex: a reader seeks a row by the offsets, and skips pages by the bounds.
func TestPagesAreFoundByTheirIndex(t *testing.T) {
	t.Parallel()
	want := somePages(9000)
	file := written(t, writes[tabular.PageRow]("url", "fetched_at"), want)
	group := opened(t, file).RowGroups()[0]
	rows := library.NewGenericRowGroupReader[tabular.PageRow](group)
	defer rows.Close()
	for _, n := range []int64{8999, 0, 1234, 7500} {
		if err := rows.SeekToRow(n); err != nil {
			t.Fatal(err)
		}
		got := make([]tabular.PageRow, 1)
		if _, err := rows.Read(got); err != nil && got[0].URL == "" {
			t.Fatal(err)
		}
		differ(t, want[n:n+1], got)
	}
	for _, name := range []string{"url", "text"} {
		chunk := chunkOf(t, group, name)
		offsets, err := chunk.OffsetIndex()
		if err != nil {
			t.Fatal(err)
		}
		bounds, err := chunk.ColumnIndex()
		if err != nil {
			t.Fatal(err)
		}
		pages := offsets.NumPages()
		if pages < 2 || bounds.NumPages() != pages {
			t.Fatalf("%s has %d pages and the bounds of %d, want the same, and some", name, pages, bounds.NumPages())
		}
		if sorted := bounds.IsAscending(); sorted != (name == "url") {
			t.Errorf("%s: ascending is %v", name, sorted)
		}
		for page := range pages {
			first, last := offsets.FirstRowIndex(page), int64(len(want))
			if page+1 < pages {
				last = offsets.FirstRowIndex(page + 1)
			}
			low, high := bounds.MinValue(page).String(), bounds.MaxValue(page).String()
			for _, row := range want[first:last] {
				value := map[string]string{"url": row.URL, "text": row.Text}[name]
				if value != "" && (value < low || value > high) {
					t.Fatalf("page %d of %s has %q, which is not from %q to %q", page, name, value, low, high)
				}
			}
		}
	}
}

func chunkOf(t testing.TB, group library.RowGroup, name string) library.ColumnChunk {
	t.Helper()
	leaf, ok := group.Schema().Lookup(name)
	if !ok {
		t.Fatalf("no column %q", name)
	}
	return group.ColumnChunks()[leaf.ColumnIndex]
}

func TestAChunkSaysItsBoundsAndNulls(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("long ", 1000)
	size := int64(-3)
	rows := []tabular.PageRow{{URL: "http://a/", Status: 200, Text: long}, {URL: "http://b/", Bytes: &size, Status: 404}}
	metadata := opened(t, written(t, writes[tabular.PageRow]("url", "fetched_at"), rows)).Metadata()
	columns := metadata.RowGroups[0].Columns
	for _, c := range columns {
		s := c.MetaData.Statistics
		low, high := string(s.MinValue), string(s.MaxValue)
		switch c.MetaData.PathInSchema[0] {
		case "url":
			if low != "http://a/" || high != "http://b/" || s.NullCount != 0 {
				t.Errorf("url is from %q to %q, with %d nulls", low, high, s.NullCount)
			}
		case "status":
			if low != "\xc8\x00\x00\x00" || high != "\x94\x01\x00\x00" || s.NullCount != 0 {
				t.Errorf("status is from %q to %q, with %d nulls", low, high, s.NullCount)
			}
		case "bytes":
			if low != high || low != "\xfd"+strings.Repeat("\xff", 7) || s.NullCount != 1 {
				t.Errorf("bytes is from %q to %q, with %d nulls", low, high, s.NullCount)
			}
		case "text":
			if s.MinValue != nil || s.MaxValue != nil || s.NullCount != 1 {
				t.Errorf("text is from %q to %q, with %d nulls; want no bounds of that length", low, high, s.NullCount)
			}
		case "title":
			if s.MinValue != nil || s.NullCount != 2 {
				t.Errorf("title is from %q, with %d nulls", low, s.NullCount)
			}
		}
	}
	if order := metadata.RowGroups[0].SortingColumns; len(order) != 2 ||
		columns[order[0].ColumnIdx].MetaData.PathInSchema[0] != "url" ||
		columns[order[1].ColumnIdx].MetaData.PathInSchema[0] != "fetched_at" {
		t.Errorf("the rows are sorted by %v", order)
	}
}

func TestShortBoundsEncloseTheText(t *testing.T) {
	t.Parallel()
	for _, s := range []string{"", "a", strings.Repeat("a", maxIndexed), strings.Repeat("a", maxIndexed+1),
		strings.Repeat("ä", maxIndexed), "x" + strings.Repeat("ä", maxIndexed), strings.Repeat("\x7f", maxIndexed+1),
		"x" + strings.Repeat("😀", maxIndexed), strings.Repeat("\xff", maxIndexed+1),
		strings.Repeat("\x80", maxIndexed+1)} {
		low, high := shortened(s), raised(s)
		if low > s || high < s || len(low) > maxIndexed {
			t.Errorf("%q is not from %q to %q", s, low, high)
		}
		if utf8.ValidString(s) && (!utf8.ValidString(low) || !utf8.ValidString(high)) {
			t.Errorf("%q is from %q to %q, which are not UTF-8", s, low, high)
		}
	}
}

// TestADamagedPageIsAnError: no byte of a page can change without notice.
func TestADamagedPageIsAnError(t *testing.T) {
	t.Parallel()
	want := somePages(3)
	whole := written(t, writes[tabular.PageRow](), want)
	index := opened(t, whole).Metadata().RowGroups[0].Columns
	if len(index) == 0 {
		t.Fatal("no columns")
	}
	for _, c := range index {
		m := &c.MetaData
		start := max(m.DataPageOffset, m.DictionaryPageOffset)
		end := m.TotalCompressedSize + min(m.DataPageOffset, cmp.Or(m.DictionaryPageOffset, m.DataPageOffset))
		for i := start; i < end; i += 7 {
			damaged := bytes.Clone(whole)
			damaged[i] ^= 0x10
			if rows, err := readPages(damaged); err == nil && len(rows) != len(want) {
				t.Errorf("byte %d of %v changed: %d rows, no error", i, m.PathInSchema, len(rows))
			}
		}
		last := end - 1 // in the body of the last page
		damaged := bytes.Clone(whole)
		damaged[last] ^= 0x10
		if _, err := readPages(damaged); err == nil || !strings.Contains(err.Error(), "checksum") {
			t.Errorf("the last byte of %v changed: got %v", m.PathInSchema, err)
		}
	}
}

func TestAShortenedFileIsAnError(t *testing.T) {
	t.Parallel()
	whole := written(t, writes[tabular.PageRow](), somePages(3))
	for n := range len(whole) {
		if rows, err := readPages(whole[:n]); err == nil || len(rows) > 0 {
			t.Fatalf("the first %d of %d bytes have %d rows, %v", n, len(whole), len(rows), err)
		}
	}
}
