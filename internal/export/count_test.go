package export_test

import (
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/internal/export"
	"github.com/trawlcrawler/trawl/internal/output"
)

func TestCountReturnsTheNumberOfURLsWithRecords(t *testing.T) {
	t.Parallel()
	c := crawlWithDuplicates(t)
	n, err := c.Count(t.Context())
	if err != nil || n != 3 || !c.Whole() {
		t.Errorf("%d URLs have records (%v), one for each: %v; want 3", n, err, c.Whole())
	}
	var urls []string
	err = c.Last(t.Context(), func(r *export.Record) error {
		rec, err := r.Read()
		urls = append(urls, rec.URL+" "+rec.Title)
		return err
	})
	if want := `http://x/1 =1+1|http://x/2 |http://y/3 new, "er"|`; err != nil || joined(urls) != want {
		t.Errorf("the last records are %s (%v), want %s", joined(urls), err, want)
	}
}

// The order of fields and the white space may differ from what crawls write.
func TestALineIsReadWithAnyOrderAndFormatting(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "pages-a-00001.jsonl",
		`{"url":"http://x/1","fields":{"fetched_at":"2027-11-01T00:00:09.000Z"},"title":"first","fetched_at":"2026-11-01T00:00:01.000Z"}
{"fetched_at":"2026-11-01T00:00:02.000Z","title":"last","url":"http://x/1"}
{"url":"http://x/\u0026","fetched_at":"2026-11-01T00:00:01.000Z","title":"old"}
{"url":"http://x/&","error":"\"fetched_at\":\"2020-11-01T00:00:02.000Z\" {","fetched_at":"2026-11-01T00:00:02.000Z","title":"new"}
`)
	got, _ := mustExport(t, open(t, dir), order(t, "", "", "url", "title"))
	want := `{"url":"http://x/1","title":"last"}
{"url":"http://x/&","title":"new"}
`
	if got != want {
		t.Errorf("the export is\n%s\nwant\n%s", got, want)
	}
}

func joined(texts []string) (all string) {
	for _, text := range texts {
		all += text + "|"
	}
	return all
}

func TestAnOutputOfWARCAloneLacksARecordForEachURL(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "a.cdxj", `test,x)/ 20261101000001 {"url":"http://x.test/","mime":"text/html","status":"200","digest":"sha1:X","length":"1","offset":"0","filename":"a.warc.gz"}`+"\n")
	if open(t, dir).Whole() {
		t.Error("an output of WARC alone is reported as complete")
	}
	write(t, dir, "pages-a-00001.jsonl", page("http://x/1", "01T00:00:01.000", ""))
	if !open(t, dir).Whole() {
		t.Error("with a pages file, the output is reported as incomplete")
	}
}

func TestTheLinkGraphIsRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "pages-a-00001.jsonl", page("http://x/1", "01T00:00:01.000", ""))
	write(t, dir, "links-a-00001.jsonl.gz", gzipped(t, `{"from":"http://x/1","to":"http://x/2"}`+"\n"))
	var lines []string
	if err := open(t, dir).Links(t.Context(), func(line []byte) error {
		lines = append(lines, string(line))
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	if want := `{"from":"http://x/1","to":"http://x/2"}|`; joined(lines) != want {
		t.Errorf("the links are %s, want %s", joined(lines), want)
	}
}

func TestAnOutputNotesItsExpectedNumberOfRecords(t *testing.T) {
	t.Parallel()
	c := crawlWithDuplicates(t)
	if s, err := c.Settled(); s != nil || err != nil {
		t.Errorf("the note is %+v (%v), want none", s, err)
	}
	at, err := output.Open(t.Context(), c.String())
	if err != nil {
		t.Fatal(err)
	}
	want := output.Settled{Job: "news", Records: 5, Ended: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)}
	for range 2 { // another worker writes its note
		if err := at.NoteSettled(t.Context(), want); err != nil {
			t.Fatal(err)
		}
	}
	// What is noted now may count records that were kept after the segments of c were listed.
	if s, err := c.Settled(); s != nil || err != nil {
		t.Errorf("an output that was opened earlier has the note %+v (%v)", s, err)
	}
	got, err := open(t, c.String()).Settled()
	if err != nil || got == nil || got.Job != want.Job || got.Records != want.Records || !got.Ended.Equal(want.Ended) {
		t.Errorf("the note is %+v (%v), want %+v", got, err, want)
	}
	if names, err := at.Names(t.Context()); err != nil || len(names) != 5 {
		t.Errorf("the note is listed as a result in %q (%v)", names, err)
	}
}
