package export_test

import (
	"bytes"
	"compress/gzip"
	"database/sql"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"
	_ "modernc.org/sqlite" // as drivers/sqlite does

	"github.com/trawlcrawler/trawl/internal/export"
	"github.com/trawlcrawler/trawl/internal/tabular"
)

// crawlWithDuplicates is a crawl in which two workers fetched some pages twice, into segments of
// each compression.
func crawlWithDuplicates(t testing.TB) *export.Crawl {
	dir := t.TempDir()
	write(t, dir, "pages-a-00001.jsonl", page("http://x/1", "01T00:00:01.000",
		`"title":"=1+1","fields":{"price":"5","tags":["a","b"]}`)+
		page("http://x/2", "01T00:00:05.000", `"outcome":"failed","status":0`))
	write(t, dir, "pages-b-00001.jsonl.gz",
		gzipped(t, page("http://x/2", "01T00:00:04.000", "")+page("http://y/3", "02T00:00:02.000", `"title":"old"`)))
	write(t, dir, "pages-b-00002.jsonl.zst", zstdCompressed(t,
		page("http://y/3", "02T00:00:02.000", `"title":"new, \"er\"","links":3,"truncated":true`)))
	write(t, dir, "pages-c-00001.jsonl.open", `{"url":"http://x/1","fetched_at":"2026-11-0`)
	write(t, dir, "manifest-a.jsonl", page("http://x/9", "01T00:00:01.000", ""))
	write(t, dir, "earlier-20261101T000000.000Z/pages-a-00001.jsonl", page("http://x/8", "01T00:00:01.000", ""))
	return open(t, dir)
}

func gzipped(t testing.TB, text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	return b.String()
}

func zstdCompressed(t testing.TB, text string) string {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(w.EncodeAll([]byte(text), nil))
}

func TestEachPageIsExportedOnceInItsLastVersion(t *testing.T) {
	t.Parallel()
	got, sum := mustExport(t, crawlWithDuplicates(t),
		order(t, "", "", "url", "outcome", "title", "fields.tags", "fields.price"))
	want := `{"url":"http://x/1","outcome":"fetched","title":"=1+1","fields.tags":["a","b"],"fields.price":"5"}
{"url":"http://x/2","outcome":"failed","title":"","fields.tags":null,"fields.price":null}
{"url":"http://y/3","outcome":"fetched","title":"new, \"er\"","fields.tags":null,"fields.price":null}
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if want := (export.Summary{Pages: 3, Written: 3}); sum != want {
		t.Errorf("the summary is %+v, want %+v", sum, want)
	}
}

func TestAllRecordsOfAPageAreExportedOnRequest(t *testing.T) {
	t.Parallel()
	o := order(t, "", "", "url", "title", "outcome")
	o.Every = true
	got, sum := mustExport(t, crawlWithDuplicates(t), o)
	want := `{"url":"http://x/1","title":"=1+1","outcome":"fetched"}
{"url":"http://x/2","title":"","outcome":"failed"}
{"url":"http://x/2","title":"","outcome":"fetched"}
{"url":"http://y/3","title":"old","outcome":"fetched"}
{"url":"http://y/3","title":"new, \"er\"","outcome":"fetched"}
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if want := (export.Summary{Pages: 3, Written: 5}); sum != want {
		t.Errorf("the summary is %+v, want %+v", sum, want)
	}
	o = order(t, "markdown", filepath.Join(t.TempDir(), "pages.md"))
	o.Every = true
	if _, err := export.Export(t.Context(), crawlWithDuplicates(t), o); !errors.Is(err, export.ErrOrder) ||
		!strings.Contains(err.Error(), "markdown has each page once") {
		t.Errorf("all records as Markdown: %v", err)
	}
}

func TestAConditionAppliesToTheLastVersionOfAPage(t *testing.T) {
	t.Parallel()
	c := crawlWithDuplicates(t)
	for condition, want := range map[string]int{
		"outcome=fetched":             2, // but not http://x/2 as it was first
		"outcome=failed":              1,
		"title=old":                   0,
		"host=x and time<2026-11-02":  2,
		"fields.price<6 or links>=3 ": 2,
	} {
		o := order(t, "jsonl", "")
		o.Where = where(t, condition)
		if got, sum := mustExport(t, c, o); strings.Count(got, "\n") != want || sum.Written != want {
			t.Errorf("%s: %d pages, want %d:\n%s", condition, sum.Written, want, got)
		}
	}
}

func TestCSVContainsNoFormulasForSpreadsheets(t *testing.T) {
	t.Parallel()
	c := crawlWithDuplicates(t)
	got, _ := mustExport(t, c, order(t, "csv", "", "url", "title", "links", "truncated", "fields.tags"))
	want := "url,title,links,truncated,fields.tags\r\n" +
		"http://x/1,'=1+1,,false,\"[\"\"a\"\",\"\"b\"\"]\"\r\n" +
		"http://x/2,,,false,\r\n" +
		"http://y/3,\"new, \"\"er\"\"\",3,true,\r\n"
	if got != want {
		t.Errorf("the table is\n%s\nwant\n%s", got, want)
	}
	plain := order(t, "csv", "")
	plain.Plain = true
	got, _ = mustExport(t, c, plain)
	rows, err := csv.NewReader(strings.NewReader(got)).ReadAll()
	if err != nil || len(rows) != 4 || rows[0][0] != "url" || rows[0][1] != "host" {
		t.Fatalf("the complete table is %q (%v)", rows, err)
	}
	if !strings.Contains(got, ",=1+1,") {
		t.Errorf("with Plain, a title is changed:\n%s", got)
	}
}

func TestFieldsThatDifferOnlyInCaseHaveSeparateColumns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "crawl/pages-00001.jsonl", page("http://x/1", "01T00:00:01.000",
		`"fields":{"Price":"A","price":"b","PRICE":7,"price_2":"given","select":"s","a,b":"c","a_b":"d"}`)+
		page("http://x/2", "01T00:00:02.000", `"fields":{"only":["x"]}`)+page("http://x/3", "01T00:00:03.000", ""))
	c := open(t, filepath.Join(dir, "crawl"))
	got, _ := mustExport(t, c, order(t, "csv", "", "url", "fields.*", "fields.select"))
	want := "url,fields.PRICE,fields.Price,\"fields.a,b\",fields.a_b,fields.only,fields.price,fields.price_2,fields.select\r\n" +
		"http://x/1,7,A,c,d,,b,given,s\r\nhttp://x/2,,,,,\"[\"\"x\"\"]\",,,\r\nhttp://x/3,,,,,,,,\r\n"
	if got != want {
		t.Errorf("the table is\n%s\nwant\n%s", got, want)
	}
	some := order(t, "jsonl", "", "fields.*")
	some.Where = where(t, "url~2$")
	if got, _ := mustExport(t, c, some); got != `{"fields.only":["x"]}`+"\n" {
		t.Errorf("the fields of the selected pages are\n%s", got)
	}
	none := order(t, "csv", "", "usage.*")
	wantRefused(t, c, none, "no record has usage.*")
	marked := order(t, "csv", "", "url")
	marked.Mark = true
	if got, _ := mustExport(t, c, marked); !strings.HasPrefix(got, "\ufeffurl\r\n") {
		t.Errorf("with Mark, the table begins with %q", got[:10])
	}
	marked.Form = order(t, "jsonl", "").Form
	wantRefused(t, c, marked, "a byte order mark is for csv")

	to := filepath.Join(dir, "all.sqlite")
	mustExport(t, c, order(t, "", to, "fields.*", "url"))
	db, err := sql.Open("sqlite", to)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var values [4]string
	err = db.QueryRow(`SELECT "fields.PRICE", "fields.Price_3", "fields.price_4", "fields.select" FROM pages WHERE url LIKE '%1'`).Scan(&values[0], &values[1], &values[2], &values[3])
	if err != nil || values != [4]string{"7", "A", "b", "s"} {
		t.Errorf("the database has %q (%v)", values, err)
	}
	table := filepath.Join(dir, "all.parquet")
	mustExport(t, c, order(t, "", table, "fields.*"))
	file, err := os.Open(table)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	names := make(map[string]bool)
	reader := parquet.NewReader(file)
	for _, f := range reader.Schema().Fields() {
		names[strings.ToLower(f.Name())] = true
	}
	if len(names) != 8 {
		t.Errorf("the table has the columns %v, want 8 that differ", names)
	}
}

func TestThousandsOfFieldsAreExported(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	fields := make(map[string]int)
	for i := range 2000 {
		fields[fmt.Sprintf("f%04d", i)] = i
	}
	text, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, "crawl/pages-00001.jsonl", page("http://x/1", "01T00:00:01.000", `"fields":`+string(text)))
	c := open(t, filepath.Join(dir, "crawl"))
	for _, to := range []string{"some.sqlite", "some.parquet", "some.csv"} {
		mustExport(t, c, order(t, "", filepath.Join(dir, to), "fields.*"))
	}
	o := order(t, "", filepath.Join(dir, "more.sqlite"), "url", "fields.*")
	wantRefused(t, c, o, "2001 fields were chosen", "at most 2000", "--fields")
}

func TestParquetHasTheColumnsOfACrawlsOwnTables(t *testing.T) {
	t.Parallel()
	to := filepath.Join(t.TempDir(), "pages.parquet")
	mustExport(t, crawlWithDuplicates(t), order(t, "", to))
	rows, err := parquet.ReadFile[tabular.PageRow](to)
	if err != nil || len(rows) != 3 {
		t.Fatalf("%d rows (%v)", len(rows), err)
	}
	if r := rows[2]; r.URL != "http://y/3" || r.Host != "y" || r.Title != `new, "er"` || r.Links != 3 || !r.Truncated {
		t.Errorf("the last row is %+v", r)
	}
	again := filepath.Join(filepath.Dir(to), "again")
	write(t, again, "pages-00001.parquet", read(t, to))
	got, _ := mustExport(t, open(t, again), order(t, "csv", "", "url", "title", "fields.tags"))
	if want := "url,title,fields.tags\r\nhttp://x/1,'=1+1,\"[\"\"a\"\",\"\"b\"\"]\"\r\nhttp://x/2,,\r\nhttp://y/3,\"new, \"\"er\"\"\",\r\n"; got != want {
		t.Errorf("the export of a crawl that wrote only Parquet is\n%s\nwant\n%s", got, want)
	}
}

func TestParquetHasTheChosenFieldsInTheirOrder(t *testing.T) {
	t.Parallel()
	to := filepath.Join(t.TempDir(), "some.parquet")
	mustExport(t, crawlWithDuplicates(t), order(t, "", to, "status", "url", "fetched_at", "redirects", "truncated",
		"fields.price"))
	file, err := os.Open(to)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	table := parquet.NewReader(file)
	defer table.Close()
	var names []string
	for _, f := range table.Schema().Fields() {
		names = append(names, f.Name())
	}
	if diff := cmp.Diff([]string{"status", "url", "fetched_at", "redirects", "truncated", "fields.price"},
		names); diff != "" {
		t.Error(diff)
	}
	row := map[string]any{}
	if err := table.Read(&row); err != nil {
		t.Fatal(err)
	}
	if row["url"] != "http://x/1" || row["status"] != int64(200) || row["fields.price"] != "5" ||
		row["truncated"] != false {
		t.Errorf("the first row is %v", row)
	}
}

func TestSQLiteHasATableWithTypesAndIndices(t *testing.T) {
	t.Parallel()
	to := filepath.Join(t.TempDir(), "a ?file.sqlite")
	mustExport(t, crawlWithDuplicates(t), order(t, "", to))
	wantOnly(t, filepath.Dir(to), "a ?file.sqlite")
	db, err := sql.Open("sqlite", "file:"+strings.ReplaceAll(to, "?", "%3f"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var title, tags, kinds string
	var links int
	const query = `SELECT title, links, json_extract((SELECT fields FROM pages WHERE url = 'http://x/1'), '$.tags[1]'),
		typeof(status) || typeof(truncated) || typeof(fetched_at) || typeof(resources) FROM pages WHERE host = 'y'`
	if err := db.QueryRow(query).Scan(&title, &links, &tags, &kinds); err != nil {
		t.Fatal(err)
	}
	if title != `new, "er"` || links != 3 || tags != "b" || kinds != "integerintegertextnull" {
		t.Errorf("the table has %q, %d, %q, %q", title, links, tags, kinds)
	}
	var plan string
	if err := db.QueryRow("EXPLAIN QUERY PLAN SELECT url FROM pages WHERE status = 404").Scan(new(int), new(int),
		new(int), &plan); err != nil || !strings.Contains(plan, "pages_status") {
		t.Errorf("a search by status is planned as %q (%v)", plan, err)
	}
}

func TestMarkdownHasTheTextOfPages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "crawl/pages-00001.jsonl", page("http://x/docs/", "01T00:00:01.000",
		`"title":"A: b","markdown":"# A\n\ntext\n"`)+
		page("http://x/page.html?q=1", "01T00:00:02.000", `"text":"plain"`)+
		page("http://x/Docs", "01T00:00:02.000", `"text":"other"`)+page("http://x/none", "01T00:00:03.000", ""))
	c := open(t, filepath.Join(dir, "crawl"))
	first := "---\nurl: http://x/docs/\ntitle: \"A: b\"\nfetched_at: \"2026-11-01T00:00:01.000Z\"\n---\n\n# A\n\ntext\n"
	got, _ := mustExport(t, c, order(t, "markdown", ""))
	if !strings.HasPrefix(got, first+"\n---\nurl: http://x/page.html?q=1\n") || !strings.Contains(got, "\n\nplain\n") {
		t.Errorf("the stream is\n%s", got)
	}
	mustExport(t, c, order(t, "markdown", filepath.Join(dir, "md")))
	if got := read(t, filepath.Join(dir, "md/x/docs/index.md")); got != first {
		t.Errorf("the file is\n%s", got)
	}
	wantOnly(t, filepath.Join(dir, "md/x"), "Docs.md", "docs", "page.html@q=1.md")
	o := order(t, "markdown", filepath.Join(dir, "none"))
	o.Where = where(t, "url~none")
	wantRefused(t, c, o, "no matching page has a text", "--format files")
	wantOnly(t, dir, "crawl", "md")
}

func TestMarkdownIsMadeFromKeptBodies(t *testing.T) {
	t.Parallel()
	body := "<!DOCTYPE html><title>Lamps</title><body><nav><a href=/>Home</a></nav><article><h1>Lamps</h1>" +
		strings.Repeat("<p>A lamp gives <b>light</b> to those who read at night, and asks for little.</p>", 8) +
		"</article>"
	c := site(t, page("http://x/lamps.html", "01T00:00:01.000",
		`"content_type":"text/html; charset=utf-8","charset":"utf-8","title":"Lamps","path":"x/lamps.html"`)+
		page("http://x/pic.png", "01T00:00:02.000", `"content_type":"image/png","path":"x/pic.png"`),
		map[string]string{"x/lamps.html": body, "x/pic.png": "\x89PNG"})
	got, _ := mustExport(t, c, order(t, "markdown", ""))
	if !strings.Contains(got, "title: Lamps") || !strings.Contains(got, "gives **light** to those") ||
		strings.Contains(got, "Home") || strings.Contains(got, "pic.png") {
		t.Errorf("the Markdown is\n%s", got)
	}
}

func TestAnExistingFileIsReplacedOnlyOnRequest(t *testing.T) {
	t.Parallel()
	c, dir := crawlWithDuplicates(t), t.TempDir()
	file, folder, own := filepath.Join(dir, "a.csv.gz"), filepath.Join(dir, "md"), filepath.Join(dir, "own")
	write(t, dir, "a.csv.gz", "mine")
	write(t, own, "mine", "mine")
	wantRefused(t, c, order(t, "", file), `a.csv.gz": it already exists`)
	text := open(t, filepath.Join(dir, crawlWithText(t, dir)))
	wantRefused(t, text, order(t, "markdown", own), "it already exists")
	replacing := order(t, "markdown", own)
	replacing.Replace = true
	wantRefused(t, text, replacing, "no export created it")
	if read(t, own+"/mine") != "mine" || read(t, file) != "mine" {
		t.Error("an existing file was overwritten")
	}
	mustExport(t, text, order(t, "markdown", folder))
	write(t, folder, "stale", "")
	replacing = order(t, "markdown", folder)
	replacing.Replace = true
	mustExport(t, text, replacing)
	wantOnly(t, folder, ".trawl-export", "x")
	o := order(t, "", file, "url")
	o.Replace = true
	mustExport(t, c, o)
	zip, err := gzip.NewReader(strings.NewReader(read(t, file)))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(zip); err != nil || !strings.HasPrefix(string(text), "url\r\nhttp://x/1\r\n") {
		t.Errorf("the file is %q (%v)", text, err)
	}
	wantOnly(t, dir, "a.csv.gz", "md", "own", "text")
}

// crawlWithText writes a crawl of pages with text, and returns the name of its folder.
func crawlWithText(t *testing.T, dir string) string {
	write(t, dir, "text/pages-00001.jsonl", page("http://x/a", "01T00:00:01.000", `"text":"a"`))
	return "text"
}

func TestAFailedExportLeavesNothing(t *testing.T) {
	t.Parallel()
	c, dir := crawlWithDuplicates(t), t.TempDir()
	wantRefused(t, c, order(t, "", filepath.Join(dir, "a.csv"), "url", "fields.prize"),
		`no record has the field "fields.prize": there are fields.price, fields.tags`)
	wantRefused(t, c, order(t, "", filepath.Join(dir, "a.sqlite"), "fields.prize"), `"fields.prize"`)
	o := order(t, "", filepath.Join(dir, "a.jsonl"))
	o.Where = where(t, "fields.prize>3")
	wantRefused(t, c, o, `no record has the field "fields.prize"`)
	wantRefused(t, c, order(t, "sqlite", ""), "not written to standard output")
	wantRefused(t, c, order(t, "mirror", ""), "not written to standard output")
	wantRefused(t, c, order(t, "markdown", "", "url"), "fields cannot be chosen")
	wantRefused(t, c, order(t, "warc", filepath.Join(dir, "a.warc.gz")), "holds no WARC files", "--format warc")
	wantRefused(t, c, order(t, "mirror", filepath.Join(dir, "m")), "kept no bodies", "--format files")
	wantRefused(t, c, order(t, "", filepath.Join(dir, "no/a.csv")), "no/a.csv", "cannot be written", "no such file")
	wantRefused(t, c, order(t, "parquet", filepath.Join(dir, "a.parquet.gz")), "compressed internally")
	wantOnly(t, dir)
	for _, fields := range [][]string{{"titel"}, {"url", "url"}, {""}, {"url.x"}} {
		if _, err := export.ParseFields(fields); err == nil {
			t.Errorf("the fields are %q", fields)
		}
	}
	if _, err := export.ParseForm("", "own/"); err == nil || !strings.Contains(err.Error(), "does not tell the form") {
		t.Errorf("for a file name without a known extension, the error is %v", err)
	}
	if _, err := export.ParseForm("xml", ""); err == nil || !strings.Contains(err.Error(), "jsonl, csv, parquet") {
		t.Errorf("for an unknown form, the error is %v", err)
	}
}

func TestDamagedLinesAreReportedAndLeftOut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "pages-00001.jsonl", page("http://x/1", "01T00:00:01.000", "")+"{\"url\":\"htt\x00\n"+
		`{"url":"http://x/2","fetched_at":"yesterday"}`+"\n"+page("http://x/3", "01T00:00:01.000", ""))
	var warnings []string
	o := order(t, "", "", "url")
	o.Damaged = func(at string, err error) { warnings = append(warnings, at+": "+err.Error()) }
	got, sum := mustExport(t, open(t, dir), o)
	if got != "{\"url\":\"http://x/1\"}\n{\"url\":\"http://x/3\"}\n" || sum.Damaged != 2 || len(warnings) != 2 ||
		!strings.Contains(warnings[1], "pages-00001.jsonl, at byte ") {
		t.Errorf("the export is\n%swith summary %+v, warnings %q", got, sum, warnings)
	}
}

func TestRecordsAreCopiedByteForByte(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	line := `{"url":"http://x/?a=1&b=<2>","fetched_at":"2026-11-01T00:00:01.000Z","unknown":1.50,  "order":"kept"}` +
		"\n"
	write(t, dir, "pages-00001.jsonl", line)
	if got, _ := mustExport(t, open(t, dir), order(t, "jsonl", "")); got != line {
		t.Errorf("the record is\n%s", got)
	}
	got, _ := mustExport(t, open(t, dir), order(t, "jsonl", "", "url"))
	if got != `{"url":"http://x/?a=1&b=<2>"}`+"\n" || !json.Valid([]byte(got)) {
		t.Errorf("the field is %s", got)
	}
}

func TestTheUndamagedRowsOfATableAreRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	var rows []tabular.PageRow
	for i := range 3000 {
		rows = append(rows, tabular.PageRow{URL: fmt.Sprintf("http://x/%d", i), FinalURL: "http://x/",
			Outcome: "fetched", FetchedAt: noon, Title: strings.Repeat(fmt.Sprint(i*i), 9)})
	}
	var table bytes.Buffer
	w := parquet.NewGenericWriter[tabular.PageRow](&table, parquet.MaxRowsPerRowGroup(1000))
	for part := range slices.Chunk(rows, 1000) {
		if _, err := w.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	whole := table.String()
	changed := []byte(whole)
	for i := len(whole) * 45 / 100; i < len(whole)*55/100; i++ { // within the second row group
		changed[i] ^= 0x5a
	}
	for name, c := range map[string]struct {
		text  string
		least int
	}{"changed": {string(changed), 2000}, "cut": {whole[:len(whole)/2], 0}, "empty": {"", 0},
		"other": {"no table at all, but as long as one may be", 0}} {
		crawl := filepath.Join(dir, name)
		write(t, crawl, "pages-a-00001.parquet", c.text)
		write(t, crawl, "pages-b-00001.parquet", whole[:])
		opened := open(t, crawl)
		lines := 0
		if err := opened.Each(t.Context(), func([]byte) error { lines++; return nil }); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		damaged := opened.Damaged()
		if lines < 3000+c.least || lines >= 6000 || len(damaged) != 1 ||
			!strings.Contains(damaged[0].Error(), "pages-a-00001.parquet") {
			t.Errorf("%s: %d rows are read, and the damage is %v", name, lines, damaged)
		}
	}
}

func TestTheCompleteRecordsOfATruncatedArchiveAreCopied(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := keptPages(t, dir, "w", []string{"jsonl", "warc"}, 7).Close(); err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(dir, "*.warc.gz"))
	if err != nil || len(names) != 1 {
		t.Fatal(names, err)
	}
	text := read(t, names[0])
	write(t, dir, filepath.Base(names[0]), text[:len(text)*2/3])
	c := open(t, dir)
	mustExport(t, c, order(t, "", filepath.Join(t.TempDir(), "copy.warc.gz")))
	if damaged := c.Damaged(); len(damaged) != 1 || !strings.Contains(damaged[0].Error(), filepath.Base(names[0])) {
		t.Errorf("the damage is %v", damaged)
	}
}
