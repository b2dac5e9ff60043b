package sink

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/tabular"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
)

func openParquet(t testing.TB, cfg ParquetConfig) *Parquet {
	t.Helper()
	p, err := NewParquet(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// rowsIn reads all rows of the tables that match the pattern, in the order of their files.
func rowsIn[R tabular.Row](t testing.TB, dir, pattern string) (rows []R) {
	t.Helper()
	for _, file := range glob(t, dir, pattern) {
		rows = append(rows, rowsOf[R](t, []byte(read(t, file)))...)
	}
	return rows
}

func urlsOf(rows []tabular.PageRow) (urls []string) {
	for _, row := range rows {
		urls = append(urls, strings.TrimPrefix(row.URL, "http://example.com"))
	}
	return urls
}

func TestPagesErrorsAndLinksAreSortedTables(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := openParquet(t, ParquetConfig{Dir: dir, Worker: "w1"})
	second, first, gone := page(t, "http://example.com/b", "body"), page(t, "http://example.com/a", "body"),
		page(t, "http://example.com/c", "")
	second.Redirects = []crawler.URL{parse(t, "http://example.com/0")}
	second.Document.Fields = map[string]any{"id": uint64(9007199254740993)}
	second.Document.References = []fetched.Reference{
		{URL: parse(t, "http://example.com/y"), Text: "Y", Rel: "nofollow", NoFollow: true,
			Kind: fetched.ReferenceAnchor},
		{URL: parse(t, "http://example.com/x"), Kind: fetched.ReferenceFrame},
	}
	gone.Outcome, gone.Page.Status, gone.Reason, gone.Document = crawler.OutcomeGone, 404,
		"the server answered 404 Not Found", nil
	keep(t, p, second)
	keep(t, p, gone, first)
	closed(t, p)
	pages := rowsIn[tabular.PageRow](t, dir, "pages-w1-00001.parquet")
	if got := urlsOf(pages); !slices.Equal(got, []string{"/a", "/b", "/c"}) {
		t.Errorf("the pages are %q", got)
	}
	if string(pages[1].Fields) != `{"id":9007199254740993}` {
		t.Errorf("the fields are %s", pages[1].Fields)
	}
	failures := rowsIn[tabular.ErrorRow](t, dir, "errors-w1-00001.parquet")
	if len(failures) != 1 || failures[0].URL != "http://example.com/c" || failures[0].Status != 404 ||
		failures[0].Error == "" {
		t.Errorf("the errors are %+v", failures)
	}
	at := time.UnixMilli(1_700_000_000_000).UTC()
	want := []tabular.LinkRow{
		{From: "http://example.com/0", To: "http://example.com/y", Text: "Y", Rel: "nofollow", NoFollow: true,
			Kind: "a", FetchedAt: at},
		{From: "http://example.com/0", To: "http://example.com/x", Kind: "frame", FetchedAt: at},
		{From: "http://example.com/a", To: "http://example.com/a", Text: "This page", Kind: "a", FetchedAt: at},
	}
	if diff := cmp.Diff(want, rowsIn[tabular.LinkRow](t, dir, "links-w1-00001.parquet")); diff != "" {
		t.Error(diff)
	}
	if left := glob(t, dir, "*.open"); len(left) > 0 {
		t.Errorf("%q remain", left)
	}
}

func TestTablesAreWrittenWhenTheirLinesReachTheSizeOrTheAge(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := openParquet(t, ParquetConfig{Dir: dir, SegmentSize: 1, MaxAge: 25 * time.Second})
	keep(t, p, pages(t, 0, 1)...)
	keep(t, p, pages(t, 1, 1)...) // the first is full
	now := time.Now()
	p.turn(now.Add(firstAge / 2))
	if p.intake == nil || p.patience != firstAge {
		t.Error("the intake was turned before it was old")
	}
	for p.intake != nil { // another intake may be waiting
		p.turn(now.Add(firstAge + time.Second))
	}
	if p.patience != 2*firstAge {
		t.Errorf("the next intake waits for %s", p.patience)
	}
	keep(t, p, pages(t, 2, 1)...)
	for p.intake != nil {
		p.turn(time.Now().Add(time.Hour))
	}
	if p.patience != 25*time.Second {
		t.Errorf("the next intake waits for %s, want the maximum", p.patience)
	}
	closed(t, p)
	if got := urlsOf(rowsIn[tabular.PageRow](t, dir, "pages-*.parquet")); !slices.Equal(got,
		[]string{"/0/0", "/1/0", "/2/0"}) {
		t.Errorf("the pages are %q", got)
	}
	if files := glob(t, dir, "pages-*.parquet"); len(files) != 3 {
		t.Errorf("the tables are %q", files)
	}
}

func TestTheNextProcessWritesTheRemainingTablesAndContinuesTheNumbers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := openParquet(t, ParquetConfig{Dir: dir})
	keep(t, p, pages(t, 0, 2)...)
	lines := read(t, dir, "pages-00001.parquet.open")
	closed(t, p)
	for _, file := range glob(t, dir, "*.parquet") {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	write(t, lines+`{"url":"http://example.com/torn`, dir, "pages-00003.parquet.open")
	write(t, "half of a table", dir, "links-00003.parquet.part")
	write(t, "of another worker", dir, "pages-w2-00009.parquet.open")
	write(t, "", dir, "pages-00004.parquet.open")
	p = openParquet(t, ParquetConfig{Dir: dir})
	if got := urlsOf(rowsIn[tabular.PageRow](t, dir, "pages-00003.parquet")); !slices.Equal(got,
		[]string{"/0/0", "/0/1"}) {
		t.Errorf("the table of the remaining lines has %q", got)
	}
	keep(t, p, pages(t, 1, 1)...)
	closed(t, p)
	if got := urlsOf(rowsIn[tabular.PageRow](t, dir, "pages-00005.parquet")); !slices.Equal(got, []string{"/1/0"}) {
		t.Errorf("the next table has %q", got)
	}
	if left := slices.Concat(glob(t, dir, "*.open"), glob(t, dir, "*.part")); len(left) != 1 ||
		filepath.Base(left[0]) != "pages-w2-00009.parquet.open" {
		t.Errorf("%q remain", left)
	}
}

func TestAnInvalidLineIsSkippedWithAWarning(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var log strings.Builder
	p := openParquet(t, ParquetConfig{Dir: dir, Log: slog.New(slog.NewTextHandler(&log, nil))})
	keep(t, p, pages(t, 0, 1)...)
	lines := read(t, dir, "pages-00001.parquet.open")
	write(t, "\x00\x00\x00\x00\n"+`{"url":"http://example.com/","fetched_at":"never"}`+"\n"+lines, dir,
		"pages-00002.parquet.open")
	closed(t, p)
	closed(t, openParquet(t, ParquetConfig{Dir: dir, Log: slog.New(slog.NewTextHandler(&log, nil))}))
	if got := urlsOf(rowsIn[tabular.PageRow](t, dir, "pages-00002.parquet")); !slices.Equal(got, []string{"/0/0"}) {
		t.Errorf("the pages are %q", got)
	}
	if n := strings.Count(log.String(), "skipped a line"); n != 2 {
		t.Errorf("%d warnings: %s", n, log.String())
	}
}

func TestAFailureToWriteTablesIsReportedAndTheLinesAreKept(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := openParquet(t, ParquetConfig{Dir: dir})
	keep(t, p, pages(t, 0, 1)...)
	if err := os.Mkdir(filepath.Join(dir, "links-00001.parquet"), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, "", dir, "links-00001.parquet", "in the way")
	for p.intake != nil {
		p.turn(time.Now().Add(time.Hour))
	}
	var err error
	for err == nil { // the tables are written in the background
		err = p.Keep(context.Background(), pages(t, 1, 1))
	}
	if !strings.Contains(err.Error(), "links-00001.parquet") {
		t.Errorf("got %v", err)
	}
	if err := p.Close(); err == nil {
		t.Error("Close returned no error")
	}
	if err := os.RemoveAll(filepath.Join(dir, "links-00001.parquet")); err != nil {
		t.Fatal(err)
	}
	closed(t, openParquet(t, ParquetConfig{Dir: dir}))
	if got := urlsOf(rowsIn[tabular.PageRow](t, dir, "pages-*.parquet")); !slices.Contains(got, "/0/0") {
		t.Errorf("the pages are %q", got)
	}
}

func TestKeepWaitsForTablesNoLongerThanItsContext(t *testing.T) {
	t.Parallel()
	p, err := newParquet(ParquetConfig{Dir: t.TempDir(), SegmentSize: 1})
	if err != nil {
		t.Fatal(err)
	}
	keep(t, p, pages(t, 0, 1)...)
	keep(t, p, pages(t, 1, 1)...) // the first intake waits, because tables are not written yet
	ctx, cancel := context.WithCancel(t.Context())
	waits := make(chan error, 1)
	go func() { waits <- p.Keep(ctx, pages(t, 2, 1)) }()
	cancel()
	if err := <-waits; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	p.start()
	closed(t, p)
	if got := urlsOf(rowsIn[tabular.PageRow](t, p.cfg.Dir, "pages-*.parquet")); !slices.Equal(got,
		[]string{"/0/0", "/1/0"}) {
		t.Errorf("the pages are %q", got)
	}
}

func TestTwoTableWritersCannotShareAName(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	openParquet(t, ParquetConfig{Dir: dir, Worker: "w1"})
	openParquet(t, ParquetConfig{Dir: dir, Worker: "w2"})
	if _, err := NewParquet(ParquetConfig{Dir: dir, Worker: "w1"}); err == nil ||
		!strings.Contains(err.Error(), "in use by") {
		t.Errorf("got %v", err)
	}
}

func BenchmarkTables(b *testing.B) {
	results := pages(b, 0, 10_000)
	for b.Loop() {
		p := openParquet(b, ParquetConfig{Dir: b.TempDir()})
		keep(b, p, results...)
		closed(b, p)
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(results)), "µs/page")
}
