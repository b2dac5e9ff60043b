package parquet

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	library "github.com/parquet-go/parquet-go"

	"github.com/trawlcrawler/trawl/internal/tabular"
)

// somePages returns n rows, sorted by URL, with every kind of value and of its absence.
func somePages(n int) []tabular.PageRow {
	random := rand.New(rand.NewPCG(1, 2))
	some := func(s string) string { return strings.Repeat(s, random.IntN(3)) }
	rows := make([]tabular.PageRow, n)
	for i := range rows {
		row := &rows[i]
		row.URL = fmt.Sprintf("http://example.com/%06d/%s", i, some("à la carte/"))
		row.Host, row.FinalURL, row.Outcome = "example.com", row.URL+some("#x"), "fetched"
		row.Redirects, row.Repaired, row.MinHash = []string{}, []string{}, []string{}
		for range random.IntN(4) {
			row.Redirects = append(row.Redirects, row.URL+some("?"))
			row.MinHash = append(row.MinHash, some("ab"))
		}
		row.Status, row.Error, row.Worker = int32(random.IntN(2)*200), some("refused "), fmt.Sprint("w", random.IntN(3))
		row.FetchedAt = time.UnixMilli(random.Int64N(1 << 41)).UTC()
		row.DurationMS, row.Depth, row.Links = random.Int64()-random.Int64(), random.Int32(), random.Int64()
		row.Truncated, row.Checked, row.Language = random.IntN(2) == 0, random.IntN(9) == 0, some("de")
		if random.IntN(2) == 0 {
			size, share := random.Int64N(1000), random.Float64()
			row.Bytes, row.TextShare = &size, &share
			row.Fields = json.RawMessage(fmt.Sprintf(`{"n":%d}`, size))
			row.Text = fmt.Sprint(random.IntN(10)) + strings.Repeat(row.URL, random.IntN(100))
		}
	}
	return rows
}

// someLinks returns n rows, sorted by the page.
func someLinks(n int) []tabular.LinkRow {
	rows := make([]tabular.LinkRow, n)
	for i := range rows {
		rows[i] = tabular.LinkRow{From: fmt.Sprint("http://a/", i/40), To: fmt.Sprint("http://b/", i%7), Kind: "a",
			Text: strings.Repeat("more ", i%3), NoFollow: i%5 == 0, FetchedAt: time.UnixMilli(int64(i)).UTC()}
	}
	return rows
}

// written returns a file with the rows.
func written[R any](t testing.TB, begin func(io.Writer) tabular.File[R], rows []R) []byte {
	t.Helper()
	var to bytes.Buffer
	w := begin(&to)
	for part := range slices.Chunk(rows, 64) {
		if n, err := w.Write(part); n != len(part) || err != nil {
			t.Fatalf("wrote %d of %d rows, %v", n, len(part), err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return to.Bytes()
}

// readPages reads a file of pages, and turns a panic into an error, as package export does.
func readPages(file []byte) (rows []tabular.PageRow, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	groups, err := open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return nil, err
	}
	for _, g := range groups {
		for r := g.Open(); ; {
			some := make([]tabular.PageRow, 100)
			n, err := r.Read(some)
			rows = append(rows, some[:n]...)
			if err == io.EOF {
				break
			} else if err != nil {
				return rows, err
			}
		}
	}
	return rows, nil
}

// differ reports the first row that is not as wanted.
func differ[R any](t testing.TB, want, got []R) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d rows, want %d", len(got), len(want))
	}
	for i := range min(len(got), len(want)) {
		if !reflect.DeepEqual(want[i], got[i]) {
			t.Fatalf("row %d: %s", i, cmp.Diff(want[i], got[i]))
		}
	}
}

func opened(t testing.TB, file []byte) *library.File {
	t.Helper()
	f, err := library.OpenFile(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestPagesAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	want := somePages(3000)
	file := written(t, writes[tabular.PageRow]("url", "fetched_at"), want)
	got, err := readPages(file)
	if err != nil {
		t.Error(err)
	}
	differ(t, want, got)
	got, err = library.Read[tabular.PageRow](bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Error(err)
	}
	differ(t, want, got)
}

func TestAnotherReaderReadsLinksInAllRowGroups(t *testing.T) {
	t.Parallel()
	want := someLinks(tabular.MaxGroupRows + 1000)
	file := written(t, writes[tabular.LinkRow]("from"), want)
	got, err := library.Read[tabular.LinkRow](bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Error(err)
	}
	differ(t, want, got)
	if n := len(opened(t, file).RowGroups()); n != 2 {
		t.Errorf("%d row groups, want 2", n)
	}
}

// TestTheSchemaIsThatOfTheRows: the library of the tests reads the same tags.
func TestTheSchemaIsThatOfTheRows(t *testing.T) {
	t.Parallel()
	chosen := reflect.TypeFor[struct {
		Count *int64    `parquet:"links,optional"`
		Share *float64  `parquet:"text_share,optional"`
		Known bool      `parquet:"checked"`
		At    time.Time `parquet:"fetched_at,timestamp(millisecond)"`
		List  []string  `parquet:"redirects,list"`
		Title *string   `parquet:"title,optional"`
	}]()
	rows := func(w io.Writer) tabular.File[any] { return file[any]{newWriter(w, chosen)} }
	for row, ours := range map[reflect.Type][]byte{
		reflect.TypeFor[tabular.PageRow]():  written(t, writes[tabular.PageRow](), nil),
		reflect.TypeFor[tabular.ErrorRow](): written(t, writes[tabular.ErrorRow](), nil),
		reflect.TypeFor[tabular.LinkRow]():  written(t, writes[tabular.LinkRow](), nil),
		chosen:                              written(t, rows, nil),
	} {
		var want bytes.Buffer
		if err := library.NewWriter(&want, library.SchemaOf(reflect.New(row).Interface())).Close(); err != nil {
			t.Fatal(err)
		}
		schema := opened(t, want.Bytes()).Metadata().Schema
		for i := range schema {
			schema[i].TypeLength.Reset() // means something only for arrays of a fixed length
		}
		if diff := cmp.Diff(schema, opened(t, ours).Metadata().Schema); diff != "" {
			t.Errorf("%v: %s", row, diff)
		}
	}
}

func TestWhatAnotherWriterWroteIsRead(t *testing.T) {
	t.Parallel()
	want := somePages(400)
	for name, options := range map[string][]library.WriterOption{
		"version 1":    {library.DataPageVersion(1), library.Compression(&library.Zstd)},
		"version 2":    {library.DataPageVersion(2), library.Compression(&library.Zstd)},
		"Snappy":       {library.Compression(&library.Snappy), library.DataPageVersion(1)},
		"Brotli":       {library.Compression(&library.Brotli)},
		"gzip":         {library.Compression(&library.Gzip)},
		"uncompressed": {library.Compression(&library.Uncompressed)},
		"plain":        {library.DefaultEncodingFor(library.ByteArray, &library.Plain)},
		"packed": {library.DefaultEncodingFor(library.Int64, &library.DeltaBinaryPacked),
			library.DefaultEncodingFor(library.Int32, &library.DeltaBinaryPacked),
			library.DefaultEncodingFor(library.Boolean, &library.RLE)},
		"row groups": {library.MaxRowsPerRowGroup(90)},
	} {
		options = append(options, library.PageBufferSize(2000))
		begin := func(w io.Writer) tabular.File[tabular.PageRow] {
			return library.NewGenericWriter[tabular.PageRow](w, options...)
		}
		got, err := readPages(written(t, begin, want))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		differ(t, want, got)
	}
}

// TestColumnsAreFoundByNameAndConverted: a file may come from an older version of Trawl, or a query
// may have written it.
func TestColumnsAreFoundByNameAndConverted(t *testing.T) {
	t.Parallel()
	type other struct {
		At        time.Time `parquet:"fetched_at,timestamp(microsecond)"`
		Extra     string    `parquet:"extra"`
		Status    int64     `parquet:"status"`
		Depth     *int64    `parquet:"depth"`
		Share     float32   `parquet:"text_share"`
		Title     *string   `parquet:"title,dict"`
		Redirects []*string `parquet:"redirects,list"`
		URL       string    `parquet:"url,optional"`
	}
	at, title, depth, from := time.UnixMilli(1700000000123).UTC(), "A title", int64(7), "http://a/"
	begin := func(w io.Writer) tabular.File[other] { return library.NewGenericWriter[other](w) }
	got, err := readPages(written(t, begin, []other{
		{At: at, Extra: "x", Status: 404, Share: 0.5, Title: &title, Redirects: []*string{&from, nil}, URL: "http://b/"},
		{At: at, Depth: &depth},
	}))
	if err != nil {
		t.Fatal(err)
	}
	half, nothing := 0.5, 0.0
	want := []tabular.PageRow{
		{FetchedAt: at, Status: 404, TextShare: &half, Title: title, Redirects: []string{from}, URL: "http://b/"},
		{FetchedAt: at, Depth: 7, TextShare: &nothing, Redirects: []string{}},
	}
	differ(t, want, got)
}

func TestAColumnWithOtherValuesIsNamed(t *testing.T) {
	t.Parallel()
	type other struct {
		URL int64 `parquet:"url"`
	}
	begin := func(w io.Writer) tabular.File[other] { return library.NewGenericWriter[other](w) }
	_, err := readPages(written(t, begin, []other{{1}}))
	if err == nil || !strings.Contains(err.Error(), `"url"`) || !strings.Contains(err.Error(), "INT64") {
		t.Errorf("got %v", err)
	}
	type foreign struct {
		N int64 `parquet:"n"`
	}
	beginForeign := func(w io.Writer) tabular.File[foreign] { return library.NewGenericWriter[foreign](w) }
	if rows, err := readPages(written(t, beginForeign, []foreign{{1}})); err == nil || len(rows) > 0 {
		t.Errorf("a file without a column of pages has %d rows, %v", len(rows), err)
	}
}

func TestACompressionThatCannotBeReadIsNamed(t *testing.T) {
	t.Parallel()
	begin := func(w io.Writer) tabular.File[tabular.PageRow] {
		return library.NewGenericWriter[tabular.PageRow](w, library.Compression(&library.Lz4Raw))
	}
	if _, err := readPages(written(t, begin, somePages(1))); err == nil || !strings.Contains(err.Error(), "LZ4_RAW") {
		t.Errorf("got %v", err)
	}
}
