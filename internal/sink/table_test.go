package sink

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/rights"
	"github.com/trawlcrawler/trawl/internal/rules"
	"github.com/trawlcrawler/trawl/internal/tabular"
	"github.com/trawlcrawler/trawl/internal/test/race"
)

func TestARowHasTheFieldsOfItsRecord(t *testing.T) {
	t.Parallel()
	r := page(t, "http://example.com/a", "body")
	r.Redirects = []crawler.URL{parse(t, "http://example.com/b")}
	r.Reason, r.DuplicateOf = "only its beginning was read", parse(t, "http://example.com/c")
	r.Entry.Depth, r.Entry.Referrer, r.Entry.Embeds = 2, parse(t, "http://example.com/"), 1
	r.Rights = []crawler.Statement{{Vocabulary: rights.VocabularySignal, Statement: "ai-train", Value: "no",
		Source: rights.InRobots, Where: "http://example.com/robots.txt", At: "2023-11-14T22:13:20.000Z"}}
	r.Document = &fetched.Document{
		Title: "A", Charset: "utf-8", Links: make([]rules.Link, 3), Resources: make([]crawler.URL, 2),
		Simhash: "0123456789abcdef",
		NoIndex: true, Fields: map[string]any{"price": "1"}, Text: "text", Markdown: "# A",
	}
	two, four := int64(2), int64(4)
	want := tabular.PageRow{
		URL: "http://example.com/a", Host: "example.com", FinalURL: "http://example.com/b",
		Redirects: []string{"http://example.com/b"},
		Status:    200, Outcome: "fetched", Error: "only its beginning was read",
		FetchedAt:   time.UnixMilli(1_700_000_000_000).UTC(),
		ContentType: "text/html; charset=utf-8", Charset: "utf-8", Bytes: &four,
		Digest: "sha256:230d8358dc8e8890b4c58deeb62912ee2f20357ae92a5cc861b98e68fe31acb5",
		Title:  "A", DuplicateOf: "http://example.com/c", Simhash: "0123456789abcdef", NoIndex: true,
		Rights: json.RawMessage(`[{"vocabulary":"content-signal","statement":"ai-train","value":"no",` +
			`"source":"robots.txt","where":"http://example.com/robots.txt","at":"2023-11-14T22:13:20.000Z"}]`),
		Usage: json.RawMessage(`{"content_signal":{"ai-train":"no"}}`), Depth: 2, Via: "http://example.com/", Links: 3,
		Resources: &two, Embeds: 1,
		Job: "test", Worker: "w1", Fields: json.RawMessage(`{"price":"1"}`), Text: "text", Markdown: "# A",
	}
	for _, listed := range []bool{false, true} {
		rec := r.Record(listed)
		got, err := tabular.PageRowOf(rec)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("made from a page, links listed %v: %v %s", listed, err, diff)
		}
		line, err := rec.JSON()
		if err != nil {
			t.Fatal(err)
		}
		var again crawler.Record
		if err := json.Unmarshal(line, &again); err != nil {
			t.Fatal(err)
		}
		got, err = tabular.PageRowOf(again)
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("read from JSON, links listed %v: %v %s", listed, err, diff)
		}
	}
}

func TestOnlyRecordsOfErrorsBecomeErrorRows(t *testing.T) {
	t.Parallel()
	for _, outcome := range queue.Outcomes {
		for _, reason := range []string{"", "why"} {
			r := page(t, "http://example.com/a", "body")
			r.Outcome, r.Reason = outcome, reason
			row, isError, err := tabular.ErrorRowOf(r.Record(false))
			fine := outcome == "fetched" || outcome == "not_modified" || outcome == "redirected"
			if want := reason != "" || !fine; isError != want || err != nil {
				t.Errorf("%s, %q: a row of errors: %v, %v", outcome, reason, isError, err)
			}
			if isError && (row.URL != "http://example.com/a" || row.Outcome != string(outcome) || row.Error != reason ||
				row.Host != "example.com") {
				t.Errorf("%s, %q: the row is %+v", outcome, reason, row)
			}
		}
	}
}

func TestARecordWithAnInvalidTimeHasNoRow(t *testing.T) {
	t.Parallel()
	_, err := tabular.PageRowOf(crawler.Record{URL: "http://example.com/", FetchedAt: "yesterday"})
	if err == nil || !strings.Contains(err.Error(), `"yesterday" is not a time`) {
		t.Errorf("got %v", err)
	}
	if _, err := tabular.LinkRowOf(fetched.LinkRecord{From: "http://example.com/"}); err == nil {
		t.Error("a link without a time has a row")
	}
}

func TestATableReadsBackAsWritten(t *testing.T) {
	t.Parallel()
	row, err := tabular.PageRowOf(page(t, "http://example.com/a", "body").Record(false))
	if err != nil {
		t.Fatal(err)
	}
	row.Fields = json.RawMessage(`{"b":1,"a":[null]}`)
	row.Redirects = []string{"http://example.com/b", "http://example.com/c"}
	empty := int64(0)
	row.Repaired, row.MinHash = []string{}, []string{} // as empty lists are read
	nothing := tabular.PageRow{Bytes: &empty, FetchedAt: time.UnixMilli(0).UTC(), Redirects: []string{},
		Repaired: []string{}, MinHash: []string{}}
	want := []tabular.PageRow{row, nothing}
	var file bytes.Buffer
	table := tabular.New[tabular.PageRow](&file)
	if err := table.Write(want...); err != nil {
		t.Fatal(err)
	}
	if err := table.Close(); err != nil {
		t.Fatal(err)
	}
	got := rowsOf[tabular.PageRow](t, file.Bytes())
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	f, err := parquet.OpenFile(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		t.Fatal(err)
	}
	if v, ok := f.Lookup("trawl.schema"); !ok || v != tabular.SchemaVersion {
		t.Errorf("the file says that its schema is %q", v)
	}
	if order := f.RowGroups()[0].SortingColumns(); len(order) != 2 || order[0].Path()[0] != "url" {
		t.Errorf("the file says that it is sorted by %v", order)
	}
}

func TestRowGroupsAreBounded(t *testing.T) {
	t.Parallel()
	race.Skip(t) // hundreds of megabytes, in one goroutine
	var file bytes.Buffer
	table := tabular.New[tabular.PageRow](&file)
	for range 3 {
		if err := table.Write(tabular.PageRow{Text: strings.Repeat("a", tabular.MaxGroupBytes/2)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := table.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := parquet.OpenFile(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil || len(f.RowGroups()) != 2 {
		t.Errorf("%d row groups, %v", len(f.RowGroups()), err)
	}
}

func rowsOf[R tabular.Row](t testing.TB, file []byte) []R {
	t.Helper()
	rows, err := parquet.Read[R](bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	return rows
}
