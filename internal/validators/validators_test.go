package validators

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/rules"
)

var noon = time.Date(2026, 11, 30, 12, 0, 0, 0, time.UTC)

func TestValidatorsAreSentBackOnlyIfTheyCanBeTrusted(t *testing.T) {
	t.Parallel()
	const date = "Mon, 30 Nov 2026 12:00:00 GMT"
	for _, c := range []struct {
		name, etag, modified, date string
		wantTag, wantModified      bool
	}{
		{"a strong tag", `"a"`, "", "", true, false},
		{"a weak tag", `W/"a"`, "", "", true, false},
		{"an empty tag", `""`, "", "", true, false},
		{"a tag without quotes", `a`, "", "", false, false},
		{"half a quote", `"`, "", "", false, false},
		{"quotes within a tag", `"a"b"`, "", "", false, false},
		{"a control character", "\"a\x01\"", "", "", false, false},
		{"a space", `"a b"`, "", "", false, false},
		{"bytes that are not ASCII", "\"\xff\"", "", "", false, false},
		{"10 kB", `"` + strings.Repeat("a", 10<<10) + `"`, "", "", false, false},
		{"a date", "", "Sun, 29 Nov 2026 12:00:00 GMT", date, false, true},
		{"a date in an old form", "", "Sunday, 29-Nov-26 12:00:00 GMT", date, false, true},
		{"no date", "", "yesterday", date, false, false},
		{"a date in another zone", "", "Sun, 29 Nov 2026 12:00:00 CET", date, false, false},
		{"a date in the future", "", "Tue, 01 Dec 2026 12:00:00 GMT", date, false, false},
		{"the same second", "", date, date, false, false},
		{"a second before", "", "Mon, 30 Nov 2026 11:59:59 GMT", date, false, true},
		{"a clock that is years late", "", "Thu, 01 Jan 2015 00:00:00 GMT", "Fri, 02 Jan 2015 00:00:00 GMT", false, true},
		{"a clock that is years early", "", "Fri, 01 Jan 2038 00:00:00 GMT", "Sat, 02 Jan 2038 00:00:00 GMT", false, true},
		{"no date of the response", "", "Sun, 29 Nov 2026 12:00:00 GMT", "", false, true},
		{"the future, without a date of the response", "", "Tue, 01 Dec 2026 12:00:00 GMT", "", false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			h := http.Header{}
			for name, value := range map[string]string{"Etag": c.etag, "Last-Modified": c.modified, "Date": c.date} {
				if value != "" {
					h[name] = []string{value}
				}
			}
			tag, modified := Usable(h, noon)
			if got := tag == c.etag && tag != ""; got != c.wantTag {
				t.Errorf("the tag %q becomes %q", c.etag, tag)
			}
			if got := modified == c.modified && modified != ""; got != c.wantModified {
				t.Errorf("the date %q becomes %q", c.modified, modified)
			}
		})
	}
}

func TestA304IsAboutTheContentThatWasAskedFor(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		sent, got string
		want      bool
	}{
		{`"a"`, "", true}, {"", `"b"`, true}, {`"a"`, `"a"`, true}, {`W/"a"`, `"a"`, true}, {`"a"`, `W/"a"`, true},
		{`"a-gzip"`, `"a"`, true}, {`"a--gzip"`, `"a"`, true}, {`"a;br"`, `"a"`, true}, {`"a"`, `"b"`, false},
		{`"a"`, `not a tag`, false},
	} {
		h := http.Header{}
		if c.got != "" {
			h.Set("ETag", c.got)
		}
		if got := Confirms(h, c.sent); got != c.want {
			t.Errorf("sent %s, got %s: it is about the content: %v, want %v", c.sent, c.got, got, c.want)
		}
	}
}

func TestATagThatNamesACodingIsSentWithoutItAsWell(t *testing.T) {
	t.Parallel()
	for tag, want := range map[string]string{
		"": "", `"a"`: `"a"`, `W/"a"`: `W/"a"`, `"a-gzip"`: `"a-gzip", "a"`, `W/"a--gzip"`: `W/"a--gzip", W/"a"`,
		`"-gzip"`: `"-gzip", ""`,
	} {
		if got := IfNoneMatch(tag); got != want {
			t.Errorf("%s is sent as %s, want %s", tag, got, want)
		}
	}
}

func mustURL(t testing.TB, text string) crawler.URL {
	t.Helper()
	u, err := crawler.ParseURL(text)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// result returns a page that was fetched whole at noon.
func result(t testing.TB, url string) *fetched.Result {
	u := mustURL(t, url)
	return &fetched.Result{
		Job: "news-1", Entry: queue.Entry{URL: u}, Outcome: crawler.OutcomeFetched,
		Page: &fetched.Page{
			URL: u, Status: http.StatusOK, Header: http.Header{"Etag": {`"1"`}}, Started: noon,
			Body: &fetched.Body{Size: 3, Digest: [32]byte{1}, Release: func() {}},
		},
		Document: &fetched.Document{
			Title: "Title", Charset: "utf-8", Simhash: "00ff",
			Canonical: mustURL(t, "http://example.com/canonical"), NoFollow: true,
			Rights: []crawler.Statement{{Statement: "noai", Source: "meta"}},
			Links: []rules.Link{
				{URL: mustURL(t, "http://example.com/a?b=c")}, {URL: mustURL(t, "http://example.com//two")},
				{URL: mustURL(t, "https://other.example/"), NoFollow: true, Rules: rules.RuleSet(0).With(63).With(2)},
				{URL: mustURL(t, "http://example.com:81/"), Sitemap: true, Early: true},
			},
			Resources: []crawler.URL{mustURL(t, "http://example.com/i.png")},
			References: []fetched.Reference{{URL: mustURL(t, "http://example.com/a?b=c"), Text: "text", Rel: "next",
				NoFollow: true, Kind: fetched.ReferenceAnchor}},
		},
	}
}

func TestALineHasWhatDecidesAboutLinks(t *testing.T) {
	t.Parallel()
	r := result(t, "http://example.com/")
	r.Capture = &fetched.Capture{ID: [16]byte{1, 2}, URL: "http://example.com/", Date: noon, Payload: [20]byte{3}}
	l, ok := LineOf(r, "reading")
	if !ok {
		t.Fatal("there is no line")
	}
	text, err := l.AppendJSON(nil)
	if err != nil {
		t.Fatal(err)
	}
	var read Line
	if err := json.Unmarshal(text, &read); err != nil {
		t.Fatal(err)
	}
	e, err := read.Earlier()
	if err != nil {
		t.Fatal(err)
	}
	url := cmp.Comparer(func(a, b crawler.URL) bool { return a == b })
	if diff := cmp.Diff(r.Document, e.Document, url); diff != "" {
		t.Errorf("the document differs (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(r.Capture, e.Capture); diff != "" {
		t.Errorf("the capture differs (-want +got):\n%s", diff)
	}
	want := crawler.SameAs{URL: "http://example.com/", Job: "news-1", FetchedAt: "2026-11-30T12:00:00.000Z",
		Digest: "sha256:01" + strings.Repeat("00", 31)}
	if e.ETag != `"1"` || e.Record != want {
		t.Errorf("tag %s and record %+v, want %+v", e.ETag, e.Record, want)
	}
}

func TestPagesThatAreNotOnRecordWholeHaveNoLine(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*fetched.Result){
		"nothing was requested": func(r *fetched.Result) { r.Page = nil },
		"cut off":               func(r *fetched.Result) { r.Page.Truncated = true },
		"an error page":         func(r *fetched.Result) { r.Page.Status, r.Outcome = 404, crawler.OutcomeGone },
		"a part":                func(r *fetched.Result) { r.Page.Status = http.StatusPartialContent },
		"a block page":          func(r *fetched.Result) { r.Page.BlockPage = "challenge" },
		"a broken connection":   func(r *fetched.Result) { r.Page.Fault = &fetched.Fault{} },
		"not read properly":     func(r *fetched.Result) { r.Reason = "it is too deep" },
		"only checked":          func(r *fetched.Result) { r.Checked = true },
		"a sitemap":             func(r *fetched.Result) { r.Document.Sitemap = true },
		"withheld":              func(r *fetched.Result) { r.Page.Body = nil },
		"without a record":      func(r *fetched.Result) { r.Unrecorded = true },
		"a 304 for nothing":     func(r *fetched.Result) { r.Page.Status, r.Outcome = 304, crawler.OutcomeNotModified },
	} {
		r := result(t, "http://example.com/")
		change(r)
		if l, ok := LineOf(r, ""); ok {
			t.Errorf("%s: the line is %+v, want none", name, l)
		}
	}
}

func TestA304RenewsTheLineOfThePage(t *testing.T) {
	t.Parallel()
	r := result(t, "http://example.com/")
	r.Earlier = &fetched.Earlier{ETag: `"1"`, LastModified: "Sun, 29 Nov 2026 12:00:00 GMT", Unchanged: 2,
		Record: crawler.SameAs{URL: "http://example.com/", Job: "news-0", Output: "news-0"}, Document: r.Document}
	r.Outcome, r.Page.Status, r.Page.Body = crawler.OutcomeNotModified, 304, nil
	r.Page.Header = http.Header{"Etag": {`"1-gzip"`}}
	l, ok := LineOf(r, "")
	if !ok || l.ETag != `"1-gzip"` || l.LastModified != r.Earlier.LastModified || l.Unchanged != 3 ||
		l.Record != r.Earlier.Record || len(l.Page.Links) != 4 {
		t.Errorf("the line is %+v", l)
	}
}

func TestContentThatCameAgainKeepsItsFirstRecord(t *testing.T) {
	t.Parallel()
	r := result(t, "http://example.com/")
	r.Capture = &fetched.Capture{URL: "http://example.com/", Date: noon.Add(-time.Hour)}
	r.Earlier = &fetched.Earlier{ETag: `"0"`, Unchanged: 7, Capture: r.Capture,
		Record: crawler.SameAs{URL: "http://example.com/", Job: "news-0", Output: "news-0",
			Digest: "sha256:01" + strings.Repeat("00", 31)}}
	if l, ok := LineOf(r, ""); !ok || l.Record != r.Earlier.Record || l.Unchanged != 1 || l.ETag != `"1"` ||
		l.Capture.Date != noon.Add(-time.Hour) {
		t.Errorf("the line is %+v", l)
	}
	r.Earlier.Record.Digest = "sha256:other"
	if l, ok := LineOf(r, ""); !ok || l.Record.Job != "news-1" || l.Unchanged != 0 {
		t.Errorf("the line of other content is %+v", l)
	}
}

// build makes an index of lines, and of records for all of them except those of lost URLs.
func build(t *testing.T, cfg Config, lines []Line, lost ...string) *Index {
	t.Helper()
	cfg.Dir = t.TempDir()
	if cfg.There == nil {
		cfg.There = func(string) bool { return false }
	}
	b, err := NewBuilder(cfg)
	if err != nil {
		t.Fatal(err)
	}
	add := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	add(b.From("news-1"))
	for _, l := range lines {
		text, err := l.AppendJSON(nil)
		add(err)
		add(b.Line(text))
		missing := false
		for _, url := range lost {
			missing = missing || url == l.URL
		}
		if at, err := fetched.ParseRecordTime(l.Record.FetchedAt); !missing {
			add(err)
			add(b.Record(l.URL, at))
			if l.Capture != nil {
				add(b.Captured(l.URL, l.Capture.Date))
			}
		}
	}
	x, err := b.Build()
	add(err)
	t.Cleanup(func() { add(x.Close()) })
	return x
}

func lineOf(t testing.TB, url string, change func(*Line)) Line {
	t.Helper()
	l, ok := LineOf(result(t, url), "reading")
	if !ok {
		t.Fatal("there is no line")
	}
	if change != nil {
		change(&l)
	}
	return l
}

func find(t testing.TB, x *Index, url string) *fetched.Earlier {
	t.Helper()
	e, err := x.Find(mustURL(t, url))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestAnIndexOnlyHasPagesWhoseRecordWasRead(t *testing.T) {
	t.Parallel()
	carried := func(output string) func(*Line) {
		return func(l *Line) {
			l.Unchanged, l.Record.Output, l.Record.FetchedAt = 1, output, "2026-11-01T00:00:00.000Z"
		}
	}
	x := build(t, Config{Reading: "reading", There: func(output string) bool { return output == "news-0" }}, []Line{
		lineOf(t, "http://a/", nil), lineOf(t, "http://a/lost", nil), lineOf(t, "http://a/carried", carried("news-0")),
		lineOf(t, "http://a/deleted", carried("news-9")), lineOf(t, "http://a/own", carried("")),
	}, "http://a/lost", "http://a/carried", "http://a/deleted")
	for url, output := range map[string]string{
		"http://a/": "news-1", "http://a/carried": "news-0", "http://a/own": "news-1",
	} {
		if e := find(t, x, url); e == nil || e.Record.Output != output || !e.Conditional() {
			t.Errorf("%s: found %+v, want the record in %q", url, e, output)
		}
	}
	for _, url := range []string{"http://a/lost", "http://a/deleted", "http://a/unknown"} {
		if e := find(t, x, url); e != nil {
			t.Errorf("%s: found %+v, but its record is not there", url, e)
		}
	}
}

func TestAPageIsFetchedWholeWhenItsRecordWouldNotDo(t *testing.T) {
	t.Parallel()
	captured := func(l *Line) {
		l.Capture = captureOf(&fetched.Capture{URL: l.URL, Date: noon})
	}
	lines := []Line{
		lineOf(t, "http://a/", captured), lineOf(t, "http://a/not-archived", nil),
		lineOf(t, "http://a/other", func(l *Line) { captured(l); l.Reading = "other settings" }),
		lineOf(t, "http://a/long", func(l *Line) { captured(l); l.Unchanged = maxUnchanged }),
	}
	x := build(t, Config{Reading: "reading", Archive: true}, lines)
	for _, l := range lines {
		e := find(t, x, l.URL)
		if want := l.URL == "http://a/"; e == nil || e.Conditional() != want || (e.Document != nil) != want {
			t.Errorf("%s: found %+v, want it conditional: %v", l.URL, e, want)
		}
	}
}

func TestTheLastLineOfAURLCounts(t *testing.T) {
	t.Parallel()
	x := build(t, Config{Reading: "reading"}, []Line{
		lineOf(t, "http://a/", nil), lineOf(t, "http://a/", func(l *Line) { l.ETag = `"2"` }),
	})
	if e := find(t, x, "http://a/"); e.ETag != `"2"` {
		t.Errorf("the tag is %s, want the second one", e.ETag)
	}
	if err := x.Add(lineOf(t, "http://a/", func(l *Line) { l.ETag = `"3"` })); err != nil {
		t.Fatal(err)
	}
	if e := find(t, x, "http://a/"); e.ETag != `"3"` || e.Record.Output != "" {
		t.Errorf("the tag is %s, in %q; want the third one, in the job's own output", e.ETag, e.Record.Output)
	}
}

func TestAnIndexHoldsManyPages(t *testing.T) {
	t.Parallel()
	const pages = 20_000 // more than a part keeps in memory
	url := func(i int) string { return fmt.Sprintf("http://a/%d", i) }
	one := lineOf(t, url(0), nil)
	lines := make([]Line, pages)
	for i := range lines {
		lines[i] = one
		lines[i].URL, lines[i].ETag = url(i), fmt.Sprintf(`"%d"`, i)
	}
	x := build(t, Config{Reading: "reading"}, lines)
	for i := 0; i < pages; i += 7 { // some replace others, some are new
		l := one
		l.URL, l.ETag = url(2*i), `"new"`
		if err := x.Add(l); err != nil {
			t.Fatal(err)
		}
	}
	check := func() {
		t.Helper()
		for i := 0; i < 2*pages; i += 5 {
			e, want := find(t, x, url(i)), fmt.Sprintf(`"%d"`, i)
			if i%14 == 0 {
				want = `"new"`
			}
			switch {
			case e == nil && i%14 != 0 && i >= pages:
			case e == nil || e.ETag != want || len(e.Document.Links) != 4:
				t.Fatalf("page %d: found %+v, want tag %s", i, e, want)
			}
		}
	}
	check()
	x.mu.Lock()
	err := x.merge()
	x.mu.Unlock()
	if err != nil {
		t.Fatal(err)
	}
	if len(x.fresh) != 0 {
		t.Errorf("%d lines are not in the table", len(x.fresh))
	}
	check()
}

func TestAnIndexIsReadWhileItGrows(t *testing.T) {
	t.Parallel()
	const pages = 3_000
	x := build(t, Config{Reading: "reading"}, []Line{lineOf(t, "http://a/", nil)})
	one := lineOf(t, "http://a/", nil)
	var reading sync.WaitGroup
	for range 4 {
		reading.Go(func() {
			for i := range pages { // there or not there yet, but never another page
				u, err := crawler.ParseURL(fmt.Sprintf("http://a/%d", i))
				if err != nil {
					t.Error(err)
					return
				}
				if e, err := x.Find(u); err != nil || e != nil && e.ETag != fmt.Sprintf(`"%d"`, i) {
					t.Errorf("page %d: found %+v (%v)", i, e, err)
					return
				}
			}
		})
	}
	for i := range pages {
		l := one
		l.URL, l.ETag = fmt.Sprintf("http://a/%d", i), fmt.Sprintf(`"%d"`, i)
		if err := x.Add(l); err != nil {
			t.Fatal(err)
		}
	}
	reading.Wait()
	if n := x.Len(); n != pages+1 {
		t.Errorf("%d pages are known, want %d", n, pages+1)
	}
}

func TestTextThatIsNoLineIsRefused(t *testing.T) {
	t.Parallel()
	b, err := NewBuilder(Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "{", `{"url":"http://a/"}`, `{"url":1}`} {
		if err := b.Line([]byte(text)); err == nil {
			t.Errorf("%q is taken", text)
		}
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
}

// What AppendJSON writes is what encoding/json would write, in another order.
func TestALineIsWrittenAsJSON(t *testing.T) {
	t.Parallel()
	odd := []string{"/plain", `n /a"b\c`, "/ümlaut", "/a&b<c>", "re1f /\u2028", "/tab\t", ""}
	for name, l := range map[string]Line{
		"no page":        {URL: "http://a.test/"},
		"only links":     {URL: "http://a.test/", Page: &page{Links: odd}},
		"more than that": {URL: "http://a.test/?a&b", Page: &page{Title: "<T>", Links: odd, Resources: odd}},
		"no links":       {URL: "http://a.test/", Page: &page{Charset: "utf-8"}},
		"shared": {URL: "http://a.test/", Page: &page{Links: links{"/section/one", "/section/one", "/section/öne",
			"/section/ö", "/section/", "/", "n /section/", "n /section/+5 x", "+1 /", "/section/é", "/section/è"}}},
	} {
		want, err := json.Marshal(l)
		if err != nil {
			t.Fatal(err)
		}
		text, err := l.AppendJSON([]byte("before\n"))
		if err != nil {
			t.Fatal(err)
		}
		got, ok := bytes.CutPrefix(text, []byte("before\n"))
		if !ok || bytes.Count(got, []byte("\n")) != 1 || got[len(got)-1] != '\n' {
			t.Errorf("%s: not one line after what was there: %q", name, text)
		}
		var a, b any
		if json.Unmarshal(got, &a) != nil || json.Unmarshal(want, &b) != nil || !reflect.DeepEqual(a, b) {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
		var again Line
		if err := json.Unmarshal(got, &again); err != nil || !reflect.DeepEqual(again, l) {
			t.Errorf("%s: %s is read as %+v, %v; want %+v", name, got, again, err, l)
		}
	}
}
