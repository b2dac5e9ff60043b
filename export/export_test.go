package export_test

import (
	"bytes"
	"compress/gzip"
	"database/sql"
	"encoding/csv"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"

	"github.com/trawlcrawler/trawl/crawler/sink"
	"github.com/trawlcrawler/trawl/export"
)

// twice is a crawl in which some pages were fetched twice, by two workers, into
// segments of each kind.
func twice(t testing.TB) *export.Crawl {
	dir := t.TempDir()
	write(t, dir, "pages-a-00001.jsonl", page("http://x/1", "01T00:00:01.000", `"title":"=1+1","fields":{"price":"5","tags":["a","b"]}`)+
		page("http://x/2", "01T00:00:05.000", `"outcome":"failed","status":0`))
	write(t, dir, "pages-b-00001.jsonl.gz", zipped(t, page("http://x/2", "01T00:00:04.000", "")+page("http://y/3", "02T00:00:02.000", `"title":"old"`)))
	write(t, dir, "pages-b-00002.jsonl.zst", framed(t, page("http://y/3", "02T00:00:02.000", `"title":"new, \"er\"","links":3,"truncated":true`)))
	write(t, dir, "pages-c-00001.jsonl", `{"url":"http://x/1","fetched_at":"2026-11-0`)
	write(t, dir, "manifest-a.jsonl", page("http://x/9", "01T00:00:01.000", ""))
	write(t, dir, "earlier-20261101T000000.000Z/pages-a-00001.jsonl", page("http://x/8", "01T00:00:01.000", ""))
	return open(t, dir)
}

func zipped(t testing.TB, text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil || w.Close() != nil {
		t.Fatal(err)
	}
	return b.String()
}

func framed(t testing.TB, text string) string {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	return string(w.EncodeAll([]byte(text), nil))
}

func TestEachPageIsExportedOnceAsItWasLast(t *testing.T) {
	t.Parallel()
	got, sum := exported(t, twice(t), order(t, "", "", "url", "outcome", "title", "fields.tags", "fields.price"))
	want := `{"url":"http://x/1","outcome":"fetched","title":"=1+1","fields.tags":["a","b"],"fields.price":"5"}
{"url":"http://x/2","outcome":"failed","title":"","fields.tags":null,"fields.price":null}
{"url":"http://y/3","outcome":"fetched","title":"new, \"er\"","fields.tags":null,"fields.price":null}
`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if want := (export.Summary{Pages: 3, Written: 3}); sum != want {
		t.Errorf("it says %+v, want %+v", sum, want)
	}
}

func TestAConditionIsAboutThePageAsItWasLast(t *testing.T) {
	t.Parallel()
	c := twice(t)
	for condition, want := range map[string]int{
		"outcome=fetched":             2, // not http://x/2 as it was first
		"outcome=failed":              1,
		"title=old":                   0,
		"host=x and time<2026-11-02":  2,
		"fields.price<6 or links>=3 ": 2,
	} {
		o := order(t, "jsonl", "")
		o.Where = where(t, condition)
		if got, sum := exported(t, c, o); strings.Count(got, "\n") != want || sum.Written != want {
			t.Errorf("%s: %d pages, want %d:\n%s", condition, sum.Written, want, got)
		}
	}
}

func TestCSVIsATableThatNoSpreadsheetCarriesOut(t *testing.T) {
	t.Parallel()
	c := twice(t)
	got, _ := exported(t, c, order(t, "csv", "", "url", "title", "links", "truncated", "fields.tags"))
	want := "url,title,links,truncated,fields.tags\r\n" +
		"http://x/1,'=1+1,,false,\"[\"\"a\"\",\"\"b\"\"]\"\r\n" +
		"http://x/2,,,false,\r\n" +
		"http://y/3,\"new, \"\"er\"\"\",3,true,\r\n"
	if got != want {
		t.Errorf("the table is\n%s\nwant\n%s", got, want)
	}
	plain := order(t, "csv", "")
	plain.Plain = true
	got, _ = exported(t, c, plain)
	rows, err := csv.NewReader(strings.NewReader(got)).ReadAll()
	if err != nil || len(rows) != 4 || rows[0][0] != "url" || rows[0][1] != "host" {
		t.Fatalf("the whole table is %q (%v)", rows, err)
	}
	if !strings.Contains(got, ",=1+1,") {
		t.Errorf("with Plain, a title is not as it was:\n%s", got)
	}
}

func TestParquetHasTheColumnsOfACrawlsOwnTables(t *testing.T) {
	t.Parallel()
	to := filepath.Join(t.TempDir(), "pages.parquet")
	exported(t, twice(t), order(t, "", to))
	rows, err := parquet.ReadFile[sink.PageRow](to)
	if err != nil || len(rows) != 3 {
		t.Fatalf("%d rows (%v)", len(rows), err)
	}
	if r := rows[2]; r.URL != "http://y/3" || r.Host != "y" || r.Title != `new, "er"` || r.Links != 3 || !r.Truncated {
		t.Errorf("the last row is %+v", r)
	}
	again := filepath.Join(filepath.Dir(to), "again")
	write(t, again, "pages-00001.parquet", read(t, to))
	got, _ := exported(t, open(t, again), order(t, "csv", "", "url", "title", "fields.tags"))
	if want := "url,title,fields.tags\r\nhttp://x/1,'=1+1,\"[\"\"a\"\",\"\"b\"\"]\"\r\nhttp://x/2,,\r\nhttp://y/3,\"new, \"\"er\"\"\",\r\n"; got != want {
		t.Errorf("of a crawl that wrote nothing but Parquet, there is exported\n%s\nwant\n%s", got, want)
	}
}

func TestParquetOfChosenFieldsHasThemInTheirOrder(t *testing.T) {
	t.Parallel()
	to := filepath.Join(t.TempDir(), "some.parquet")
	exported(t, twice(t), order(t, "", to, "status", "url", "fetched_at", "redirects", "truncated", "fields.price"))
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
	if diff := cmp.Diff([]string{"status", "url", "fetched_at", "redirects", "truncated", "fields.price"}, names); diff != "" {
		t.Error(diff)
	}
	row := map[string]any{}
	if err := table.Read(&row); err != nil {
		t.Fatal(err)
	}
	if row["url"] != "http://x/1" || row["status"] != int64(200) || row["fields.price"] != "5" || row["truncated"] != false {
		t.Errorf("the first row is %v", row)
	}
}

func TestSQLiteHasATableWithTypesAndIndices(t *testing.T) {
	t.Parallel()
	to := filepath.Join(t.TempDir(), "a ?file.sqlite")
	exported(t, twice(t), order(t, "", to))
	onlyIn(t, filepath.Dir(to), "a ?file.sqlite")
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
	if err := db.QueryRow("EXPLAIN QUERY PLAN SELECT url FROM pages WHERE status = 404").Scan(new(int), new(int), new(int), &plan); err != nil || !strings.Contains(plan, "pages_status") {
		t.Errorf("a search by status is planned as %q (%v)", plan, err)
	}
}

func TestMarkdownIsOfTheTextOfPages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "crawl/pages-00001.jsonl", page("http://x/docs/", "01T00:00:01.000", `"title":"A: b","markdown":"# A\n\ntext\n"`)+
		page("http://x/page.html?q=1", "01T00:00:02.000", `"text":"plain"`)+page("http://x/Docs", "01T00:00:02.000", `"text":"other"`)+page("http://x/none", "01T00:00:03.000", ""))
	c := open(t, filepath.Join(dir, "crawl"))
	first := "---\nurl: http://x/docs/\ntitle: \"A: b\"\nfetched_at: \"2026-11-01T00:00:01.000Z\"\n---\n\n# A\n\ntext\n"
	got, _ := exported(t, c, order(t, "markdown", ""))
	if !strings.HasPrefix(got, first+"\n---\nurl: http://x/page.html?q=1\n") || !strings.Contains(got, "\n\nplain\n") {
		t.Errorf("the stream is\n%s", got)
	}
	exported(t, c, order(t, "markdown", filepath.Join(dir, "md")))
	if got := read(t, filepath.Join(dir, "md/x/docs/index.md")); got != first {
		t.Errorf("the file is\n%s", got)
	}
	onlyIn(t, filepath.Join(dir, "md/x"), "Docs.md", "docs", "page.html@q=1.md")
	o := order(t, "markdown", filepath.Join(dir, "none"))
	o.Where = where(t, "url~none")
	refused(t, c, o, "no page that is wanted has a text", "--format files")
	onlyIn(t, dir, "crawl", "md")
}

func TestMarkdownIsMadeOfBodiesThatWereKept(t *testing.T) {
	t.Parallel()
	body := "<!DOCTYPE html><title>Lamps</title><body><nav><a href=/>Home</a></nav><article><h1>Lamps</h1>" +
		strings.Repeat("<p>A lamp gives <b>light</b> to those who read at night, and asks for little.</p>", 8) + "</article>"
	c := site(t, page("http://x/lamps.html", "01T00:00:01.000", `"content_type":"text/html; charset=utf-8","charset":"utf-8","title":"Lamps","path":"x/lamps.html"`)+
		page("http://x/pic.png", "01T00:00:02.000", `"content_type":"image/png","path":"x/pic.png"`),
		map[string]string{"x/lamps.html": body, "x/pic.png": "\x89PNG"})
	got, _ := exported(t, c, order(t, "markdown", ""))
	if !strings.Contains(got, "title: Lamps") || !strings.Contains(got, "gives **light** to those") || strings.Contains(got, "Home") || strings.Contains(got, "pic.png") {
		t.Errorf("the Markdown is\n%s", got)
	}
}

func TestWhatIsThereIsReplacedOnlyWhenThatIsWanted(t *testing.T) {
	t.Parallel()
	c, dir := twice(t), t.TempDir()
	file, folder, own := filepath.Join(dir, "a.csv.gz"), filepath.Join(dir, "md"), filepath.Join(dir, "own")
	write(t, dir, "a.csv.gz", "mine")
	write(t, own, "mine", "mine")
	refused(t, c, order(t, "", file), `a.csv.gz": it is there already`)
	text := open(t, filepath.Join(dir, textual(t, dir)))
	refused(t, text, order(t, "markdown", own), "it is there already")
	replacing := order(t, "markdown", own)
	replacing.Replace = true
	refused(t, text, replacing, "no export has made it")
	if read(t, own+"/mine") != "mine" || read(t, file) != "mine" {
		t.Error("something was written over")
	}
	exported(t, text, order(t, "markdown", folder))
	write(t, folder, "stale", "")
	replacing = order(t, "markdown", folder)
	replacing.Replace = true
	exported(t, text, replacing)
	onlyIn(t, folder, ".trawl-export", "x")
	o := order(t, "", file, "url")
	o.Replace = true
	exported(t, c, o)
	zip, err := gzip.NewReader(strings.NewReader(read(t, file)))
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(zip); err != nil || !strings.HasPrefix(string(text), "url\r\nhttp://x/1\r\n") {
		t.Errorf("the file is %q (%v)", text, err)
	}
	onlyIn(t, dir, "a.csv.gz", "md", "own", "text")
}

// textual makes a crawl with a text, and returns the name of its folder.
func textual(t *testing.T, dir string) string {
	write(t, dir, "text/pages-00001.jsonl", page("http://x/a", "01T00:00:01.000", `"text":"a"`))
	return "text"
}

func TestWhatCanNotBeExportedLeavesNothing(t *testing.T) {
	t.Parallel()
	c, dir := twice(t), t.TempDir()
	refused(t, c, order(t, "", filepath.Join(dir, "a.csv"), "url", "fields.prize"), `no record has the field "fields.prize": there are fields.price, fields.tags`)
	refused(t, c, order(t, "", filepath.Join(dir, "a.sqlite"), "fields.prize"), `"fields.prize"`)
	o := order(t, "", filepath.Join(dir, "a.jsonl"))
	o.Where = where(t, "fields.prize>3")
	refused(t, c, o, `no record has the field "fields.prize"`)
	refused(t, c, order(t, "sqlite", ""), "not written to standard output")
	refused(t, c, order(t, "mirror", ""), "not written to standard output")
	refused(t, c, order(t, "markdown", "", "url"), "fields can not be chosen")
	refused(t, c, order(t, "warc", filepath.Join(dir, "a.warc.gz")), "holds no WARC files", "--format warc")
	refused(t, c, order(t, "mirror", filepath.Join(dir, "m")), "kept no bodies", "--format files")
	refused(t, c, order(t, "", filepath.Join(dir, "no/a.csv")), "no/a.csv", "can not be written", "no such file")
	refused(t, c, order(t, "parquet", filepath.Join(dir, "a.parquet.gz")), "compressed within")
	onlyIn(t, dir)
	for _, fields := range [][]string{{"titel"}, {"url", "url"}, {""}, {"url.x"}} {
		if _, err := export.ParseFields(fields); err == nil {
			t.Errorf("%q are fields", fields)
		}
	}
	if _, err := export.ParseForm("", "own/"); err == nil || !strings.Contains(err.Error(), "does not tell the form") {
		t.Errorf("of a name that tells no form, it says %v", err)
	}
	if _, err := export.ParseForm("xml", ""); err == nil || !strings.Contains(err.Error(), "jsonl, csv, parquet") {
		t.Errorf("of a form that there is not, it says %v", err)
	}
}

func TestDamagedLinesAreToldOfAndLeftOut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "pages-00001.jsonl", page("http://x/1", "01T00:00:01.000", "")+"{\"url\":\"htt\x00\n"+`{"url":"http://x/2","fetched_at":"yesterday"}`+"\n"+page("http://x/3", "01T00:00:01.000", ""))
	var told []string
	o := order(t, "", "", "url")
	o.Damaged = func(at string, err error) { told = append(told, at+": "+err.Error()) }
	got, sum := exported(t, open(t, dir), o)
	if got != "{\"url\":\"http://x/1\"}\n{\"url\":\"http://x/3\"}\n" || sum.Damaged != 2 || len(told) != 2 || !strings.Contains(told[1], "pages-00001.jsonl, at byte ") {
		t.Errorf("it writes\n%sand says %+v, %q", got, sum, told)
	}
}

func TestRecordsAreCopiedByteForByte(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	line := `{"url":"http://x/?a=1&b=<2>","fetched_at":"2026-11-01T00:00:01.000Z","unknown":1.50,  "order":"kept"}` + "\n"
	write(t, dir, "pages-00001.jsonl", line)
	if got, _ := exported(t, open(t, dir), order(t, "jsonl", "")); got != line {
		t.Errorf("the record is\n%s", got)
	}
	got, _ := exported(t, open(t, dir), order(t, "jsonl", "", "url"))
	if got != `{"url":"http://x/?a=1&b=<2>"}`+"\n" || !json.Valid([]byte(got)) {
		t.Errorf("the field is %s", got)
	}
}
