package fetched

import (
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"github.com/trawlcrawler/trawl/crawler"
)

func TestARecordIsOneLineThatLeavesMarkupAndAmpersandsAsTheyAre(t *testing.T) {
	t.Parallel()
	line, err := crawler.Record{URL: "http://example.com/?a=1&b=2", Title: "1 < 2 > 0\nand\u2028on"}.JSON()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"http://example.com/?a=1&b=2"`, `1 < 2 > 0\nand\u2028on`} {
		if !strings.Contains(string(line), want) {
			t.Errorf("%s lacks %s", line, want)
		}
	}
	if strings.ContainsRune(string(line), '\n') {
		t.Errorf("%q is more than a line", line)
	}
}

func TestARecordIsValidUTF8WhateverTheWebSent(t *testing.T) {
	t.Parallel()
	rec := crawler.Record{
		ContentType: "text/html; charset=\xff\xfe", Error: "\xc3\x28", Title: "half a rune \xe2\x82",
		Fields: map[string]any{"key \xff": "\xed\xa0\x80", "list": []string{"\x80"}},
	}
	line, err := rec.JSON()
	if err != nil {
		t.Fatal(err)
	}
	if !utf8.Valid(line) || !json.Valid(line) {
		t.Errorf("%q is not valid", line)
	}
}

func TestARecordThatCannotBeWrittenLeavesTheNextOneWhole(t *testing.T) {
	t.Parallel()
	if line, err := (crawler.Record{Fields: map[string]any{"f": func() {}}}).JSON(); err == nil {
		t.Fatalf("a function was written as %s", line)
	}
	line, err := crawler.Record{URL: "http://example.com/"}.JSON()
	if err != nil || !json.Valid(line) {
		t.Errorf("got %q, %v", line, err)
	}
}

func TestRecordsAreWrittenAtOnceWithoutSharingALine(t *testing.T) {
	t.Parallel()
	var writers sync.WaitGroup
	for _, title := range strings.Fields(strings.Repeat("one two three four ", 25)) {
		writers.Go(func() {
			line, err := crawler.Record{Title: title}.JSON()
			var got crawler.Record
			if err == nil {
				err = json.Unmarshal(line, &got)
			}
			if err != nil || got.Title != title {
				t.Errorf("wrote title %q, read %q, %v", title, got.Title, err)
			}
		})
	}
	writers.Wait()
}

func BenchmarkRecordJSON(b *testing.B) {
	rec := crawler.Record{
		URL: "http://example.com/a/page?id=1&lang=en", FinalURL: "http://example.com/a/page?id=1&lang=en",
		Redirects: []string{}, Status: 200, Outcome: crawler.OutcomeFetched, FetchedAt: "2026-01-02T03:04:05.678Z",
		DurationMS: 12, ContentType: "text/html; charset=utf-8", Charset: "utf-8", Bytes: 12345,
		Digest: "sha256:" + strings.Repeat("0f", 32), Title: "A page & its title", Links: 42, Job: "bench",
		Worker: "w1",
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := rec.JSON(); err != nil {
			b.Fatal(err)
		}
	}
}

func TestARecordWithItemsIsAppendedAsItIsWritten(t *testing.T) {
	t.Parallel()
	for name, items := range map[string][]json.RawMessage{
		"none": nil, "empty": {}, "one": {json.RawMessage(`{"a":"<b> & c"}`)},
		"several":    {json.RawMessage(`1`), json.RawMessage(`"x"`), json.RawMessage(`[{}]`)},
		"with lines": {json.RawMessage("{\n\"a\": 1\n}"), json.RawMessage(`2`)},
	} {
		rec := crawler.Record{URL: "http://a.test/", Redirects: []string{}, Fields: map[string]any{"f": "g"},
			Items: items}
		whole, err := rec.JSON()
		if err != nil {
			t.Fatal(err)
		}
		line, err := rec.AppendJSON([]byte("before\n"))
		if want := "before\n" + string(whole) + "\n"; err != nil || string(line) != want {
			t.Errorf("%s: it is %q (%v), want %q", name, line, err, want)
		}
	}
	if _, err := (crawler.Record{Items: []json.RawMessage{json.RawMessage("{")}}).AppendJSON(nil); err == nil {
		t.Error("an item that is no JSON is written")
	}
}
