package sink

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/rights"
	"github.com/trawlcrawler/trawl/internal/test/warctest"
	"github.com/trawlcrawler/trawl/internal/warc"
)

// archived is a job whose exchanges are archived.
var archived = func() crawler.Job {
	job := crawler.DefaultJob()
	job.Name = "archived"
	return job
}()

func openWARC(t testing.TB, dir string) *WARC {
	t.Helper()
	w, err := NewWARC(WARCConfig{Dir: dir, Job: archived, Worker: "w", SegmentSize: 100_000})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.Close() })
	return w
}

// captured returns the sorted URIs of the captures in a folder, and fails the test if its
// files are invalid.
func captured(t testing.TB, dir string) []string {
	t.Helper()
	a := warctest.Open(t, dir)
	a.Check(t)
	var uris []string
	for _, r := range a.Captures() {
		uris = append(uris, r.Get("WARC-Target-URI"))
	}
	slices.Sort(uris)
	return uris
}

func wantCaptured(t testing.TB, dir string, want ...string) {
	t.Helper()
	slices.Sort(want)
	if got := captured(t, dir); !slices.Equal(got, want) {
		t.Errorf("captured %q, want %q", got, want)
	}
}

// noise is incompressible text.
func noise(n int) string {
	b := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(n)}).Read(b)
	return string(b)
}

func TestArchiveFilesStayBelowTheirMaximumSize(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := openWARC(t, dir)
	var want []string
	for i := range 20 {
		url := fmt.Sprintf("http://example.com/%d", i)
		keep(t, w, page(t, url, noise(20_000+i)))
		want = append(want, url)
	}
	closed(t, w)
	wantCaptured(t, dir, want...)
	a := warctest.Open(t, dir)
	if len(a.Files) != 5 {
		t.Errorf("the files are %q, want 5", a.Files)
	}
	for i, name := range a.Files {
		if a.Sizes[name] > 100_000 || !strings.Contains(name, fmt.Sprintf("-%05d-w.warc.gz", i+1)) {
			t.Errorf("%s has %d bytes", name, a.Sizes[name])
		}
	}
	again := openWARC(t, dir)
	keep(t, again, page(t, "http://example.com/again", "again"))
	closed(t, again)
	if names, _ := filepath.Glob(filepath.Join(dir, "archived-*-00006-w.warc.gz")); len(names) != 1 {
		t.Errorf("the next file is %q", names)
	}
}

func TestVisitsArchiveConcurrently(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := openWARC(t, dir)
	var visits sync.WaitGroup
	var want []string
	for v := range 40 {
		one, two := fmt.Sprintf("http://example.com/%d/0", v), fmt.Sprintf("http://example.com/%d/1", v)
		want = append(want, one, two)
		visits.Go(func() {
			keep(t, w, page(t, one, noise(5000+v)), page(t, two, "the same"))
			if v%10 == 0 {
				if err := w.Sync(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	visits.Wait()
	closed(t, w)
	wantCaptured(t, dir, want...)
}

func TestUnrecordedExchangesAreNotArchived(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := openWARC(t, dir)
	r, none := page(t, "http://example.com/", "x"), page(t, "http://example.com/no", "x")
	r.Page.Recording, none.Page = nil, nil
	keep(t, w, r, none)
	closed(t, w)
	if names, _ := filepath.Glob(filepath.Join(dir, "archived*")); len(names) > 0 {
		t.Errorf("the files are %q", names)
	}
	if err := w.Keep(t.Context(), pages(t, 0, 1)); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after Close: got %v", err)
	}
}

// spillToDisk moves all but the first byte of a body to a file.
func spillToDisk(t testing.TB, r *fetched.Result) *fetched.Result {
	t.Helper()
	f, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	b := r.Page.Body
	if _, err := f.Write(b.Head[1:]); err != nil {
		t.Fatal(err)
	}
	b.Head, b.Spill = b.Head[:1], f
	return r
}

func TestABatchLargerThanMemoryIsArchivedCompletelyOrNotAtAll(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := openWARC(t, dir)
	keep(t, w, page(t, "http://example.com/before", "before"))
	big := spillToDisk(t, page(t, "http://example.com/big", strings.Repeat(noise(1000), 10_000)))
	keep(t, w, page(t, "http://example.com/beside", "beside"), big)
	short := spillToDisk(t, page(t, "http://example.com/short", strings.Repeat("x", encodedAtOnce)))
	short.Page.Body.Size += 5
	if err := w.Keep(t.Context(), []*fetched.Result{page(t, "http://example.com/lost", "lost"), short}); !errors.Is(err,
		io.ErrUnexpectedEOF) {
		t.Errorf("got %v for an incomplete body", err)
	}
	keep(t, w, page(t, "http://example.com/after", "lost"))
	closed(t, w)
	wantCaptured(t, dir, "http://example.com/before", "http://example.com/big", "http://example.com/beside",
		"http://example.com/after")
	if n := len(warctest.Open(t, dir).Of("revisit")); n != 0 {
		t.Errorf("%d revisits of pages that were not kept", n)
	}
}

func TestAnArchiveOnAFullDiskIsTruncatedAndContinues(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := openWARC(t, dir)
	keep(t, w, page(t, "http://example.com/1", "one"))
	disk := &fullDisk{File: w.file.file.(*os.File), room: 5000}
	w.file.file = disk
	failing := []*fetched.Result{page(t, "http://example.com/2", noise(9000))}
	if err := w.Keep(t.Context(), failing); !errors.Is(err, syscall.ENOSPC) ||
		!strings.Contains(err.Error(), "free some space") {
		t.Fatalf("got %v, want a full disk", err)
	}
	disk.room = 1 << 20
	keep(t, w, failing...)
	closed(t, w)
	wantCaptured(t, dir, "http://example.com/1", "http://example.com/2")
}

// killed copies the open files of an archive as they would be after a kill.
func killed(t testing.TB, from string) (dir, warc, journal string) {
	t.Helper()
	dir = t.TempDir()
	names, _ := filepath.Glob(filepath.Join(from, "*.open"))
	for _, name := range names {
		write(t, read(t, name), dir, filepath.Base(name))
	}
	slices.Sort(names) // .cdxj comes first
	return dir, filepath.Join(dir, filepath.Base(names[1])), filepath.Join(dir, filepath.Base(names[0]))
}

func add(t testing.TB, path, text string) {
	t.Helper()
	write(t, read(t, path)+text, path)
}

func TestFilesOfAKilledWriterAreRepairedAndFinished(t *testing.T) {
	t.Parallel()
	live := t.TempDir()
	w := openWARC(t, live)
	keep(t, w, page(t, "http://example.com/synced", "synced"))
	if err := w.Sync(); err != nil {
		t.Fatal(err)
	}
	w.syncing.Lock() // keeps the following captures out of the journal
	defer w.syncing.Unlock()
	keep(t, w, page(t, "http://example.com/kept", noise(3000)), page(t, "http://example.com/again", "synced"))
	size := w.file.size
	keep(t, w, page(t, "http://example.com/last", noise(4000)))
	for name, c := range map[string]struct {
		change func(t *testing.T, warc, journal string)
		last   bool // the last capture is complete
	}{
		"as it was":        {func(*testing.T, string, string) {}, true},
		"trailing garbage": {func(t *testing.T, warc, _ string) { add(t, warc, "garbage") }, true},
		"trailing zeros": {
			func(t *testing.T, warc, _ string) { add(t, warc, strings.Repeat("\x00", 5000)) }, true,
		},
		"a member without a record": {
			func(t *testing.T, warc, _ string) { add(t, warc, string(member(t, "nothing"))) }, true,
		},
		"a torn response": {func(t *testing.T, warc, _ string) { shorten(t, warc, size+1000) }, false},
		"a torn request": {
			func(t *testing.T, warc, _ string) { shorten(t, warc, int64(len(read(t, warc)))-700) }, true,
		},
		"a byte that is wrong": {func(t *testing.T, warc, _ string) { corruptByte(t, warc, size+2000) }, false},
		"no journal":           {func(t *testing.T, _, journal string) { shorten(t, journal, 0) }, true},
		"a torn journal":       {func(t *testing.T, _, journal string) { add(t, journal, `com,example)/ 2023`) }, true},
		"zeros in the journal": {func(t *testing.T, _, journal string) {
			write(t, strings.Repeat("\x00", 50)+read(t, journal)[50:], journal)
		}, true},
		"no file for the journal": {func(t *testing.T, _, journal string) { os.Remove(journal) }, true},
		"a journal that is ahead": {func(t *testing.T, _, journal string) {
			add(t, journal, string(warc.Line{URL: parse(t, "http://example.com/"), Offset: 1 << 30}.AppendLine(nil,
				"x")))
		}, true},
		"a sorted index as well": {func(t *testing.T, _, journal string) {
			write(t, "old", strings.TrimSuffix(journal, opened)+unplaced)
			write(t, "old", strings.TrimSuffix(journal, opened))
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			dir, warc, journal := killed(t, live)
			c.change(t, warc, journal)
			closed(t, openWARC(t, dir))
			want := []string{"http://example.com/again", "http://example.com/kept", "http://example.com/synced"}
			if c.last {
				want = append(want, "http://example.com/last")
			}
			if name == "a torn request" { // a response without its request is valid
				a := warctest.Open(t, dir)
				warctest.Index(t, a)
				if len(a.Captures()) != len(want) {
					t.Errorf("%d captures, want %d", len(a.Captures()), len(want))
				}
				return
			}
			wantCaptured(t, dir, want...)
		})
	}
}

func member(t testing.TB, text string) []byte {
	t.Helper()
	var b bytes.Buffer
	zip := gzip.NewWriter(&b)
	io.WriteString(zip, text)
	zip.Close()
	return b.Bytes()
}

func shorten(t testing.TB, path string, size int64) {
	t.Helper()
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
}

func corruptByte(t testing.TB, path string, at int64) {
	t.Helper()
	b := []byte(read(t, path))
	b[at] ^= 0xff
	write(t, string(b), path)
}

func TestEmptyFilesAreRemovedAndFinishedFilesAreNot(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	const stem = "archived-20260101000000000-00007-w"
	write(t, string(member(t, "WARC/1.1\r\nWARC-Type: warcinfo\r\nContent-Length: 0\r\n\r\n\r\n\r\n")), dir,
		stem+zipped+opened)
	write(t, "", dir, stem+indexed+opened)
	write(t, "of another", dir, "archived-20260101000000000-00009-other"+zipped+opened)
	const done = "archived-20260101000000000-00008-w"
	write(t, "done", dir, done+zipped)
	write(t, "done", dir, done+indexed)
	write(t, "left over", dir, done+indexed+opened)
	closed(t, openWARC(t, dir))
	names, _ := filepath.Glob(filepath.Join(dir, "archived*"))
	for i := range names {
		names[i] = filepath.Base(names[i])
	}
	want := []string{done + indexed, done + zipped, "archived-20260101000000000-00009-other" + zipped + opened}
	if slices.Sort(names); !slices.Equal(names, want) {
		t.Errorf("there are %q, want %q", names, want)
	}
}

func TestTheSamePayloadIsArchivedOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := openWARC(t, dir)
	chunked := page(t, "http://example.com/chunked", "")
	x := chunked.Page.Recording
	x.Head, x.Chunked = []byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), true
	const tail = "2\r\nsa\r\n2\r\nme\r\n0\r\n\r\n"
	x.Tail = &fetched.Body{Head: []byte(tail + "unasked"), Size: int64(len(tail + "unasked")), Release: func() {}}
	cut := page(t, "http://example.com/cut", "same")
	cut.Page.Recording.Cut = fetched.CutLength
	keep(t, w, cut)
	keep(t, w, page(t, "http://example.com/1", "same"), page(t, "http://example.com/2", "same"))
	keep(t, w, chunked, page(t, "http://example.com/empty/1", ""), page(t, "http://example.com/empty/2", ""))
	closed(t, w)
	captured(t, dir)
	a := warctest.Open(t, dir)
	for uri, kind := range map[string]string{"cut": "response", "1": "response", "2": "revisit", "chunked": "revisit",
		"empty/1": "response", "empty/2": "response"} {
		a.One(t, kind, "http://example.com/"+uri)
	}
	if r := a.One(t, "revisit", "http://example.com/2"); r.Get("WARC-Refers-To-Target-URI") != "http://example.com/1" ||
		r.Get("WARC-Profile") != "http://netpreserve.org/warc/1.1/revisit/identical-payload-digest" {
		t.Errorf("the revisit is %s", r.Head)
	}
}

func TestDataAfterTheLastChunkIsNotArchived(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := openWARC(t, dir)
	r := page(t, "http://example.com/", "")
	x := r.Page.Recording
	x.Head, x.Chunked = []byte("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), true
	const tail = "4;x\r\nsame\r\n0\r\nA: 1\r\nB: 2\r\n\r\n"
	x.Tail = &fetched.Body{Head: []byte(tail + "HTTP/1.1 200"), Size: int64(len(tail + "HTTP/1.1 200")),
		Release: func() {}}
	keep(t, w, r)
	closed(t, w)
	captured(t, dir)
	if got := warctest.Open(t, dir).One(t, "response", "http://example.com/"); string(got.HTTP.Body) != tail {
		t.Errorf("the body is %q, want %q", got.HTTP.Body, tail)
	}
}

func TestArchiveMetadataDescribeThePage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := openWARC(t, dir)
	full := page(t, "http://example.com/full", "<p>one")
	full.NearDuplicateOf = full.Entry.URL
	full.Document = &fetched.Document{
		Charset: "windows-1251", Guessed: true, Simhash: "00ff", MinHash: []string{"aa", "bb"},
		MainText: &fetched.MainText{
			Extractor: "auto/main", TextShare: 0.25, Hard: "little\r\nof it", Language: "rus", DeclaredLanguage: "ru",
			Quality: crawler.Quality{Words: 7, MeanLine: 3.5},
		},
	}
	plain := page(t, "http://example.com/plain", "<p>two")
	plain.Document = &fetched.Document{Charset: "utf-8"}
	data := page(t, "http://example.com/data", "three")
	data.Document = nil
	blocked := page(t, "http://example.com/blocked", "four")
	blocked.Outcome, blocked.Document, blocked.Page.BlockPage = crawler.OutcomeBlocked, nil, "anubis"
	data.Rights = []crawler.Statement{{Vocabulary: rights.VocabularyAIPref, Statement: "train-ai", Value: "n",
		Source: rights.InRobots, Where: "http://example.com/robots.txt", At: "2023-11-14T22:13:20.000Z"}}
	keep(t, w, full, plain, data, blocked)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	a := warctest.Open(t, dir)
	a.Check(t)
	for url, want := range map[string]string{
		"full": "charset: windows-1251\r\ncharset_guessed: true\r\nextractor: auto/main\r\ntext_share: 0.25\r\nhard: little  of it\r\n" +
			"language: rus\r\ndeclared_language: ru\r\n" +
			`quality: {"words":7,"mean_line":3.5,"stop_share":0,"symbol_share":0,"link_share":0,"duplicate_share":0}` +
			"\r\n" +
			"simhash: 00ff\r\nminhash: aa bb\r\nnear_duplicate_of: http://example.com/full\r\n",
		"plain": "charset: utf-8\r\n", "blocked": "block_page: anubis\r\n",
		"data": `rights: [{"vocabulary":"aipref","statement":"train-ai","value":"n","source":"robots.txt",` +
			`"where":"http://example.com/robots.txt","at":"2023-11-14T22:13:20.000Z"}]` + "\r\n" +
			`usage: {"content_usage":{"train-ai":"n"}}` + "\r\n",
	} {
		block := string(a.One(t, "metadata", "http://example.com/"+url).Block)
		_, got, _ := strings.Cut(block, "fetchTimeMs: ")
		if _, got, _ = strings.Cut(got, "\r\n"); got != want {
			t.Errorf("%s: the metadata are %q, want %q", url, got, want)
		}
	}
}

func TestNotModifiedRefersToTheUnchangedCapture(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	w := openWARC(t, dir)
	first := page(t, "http://example.com/", "first")
	first.Page.Header = http.Header{"Etag": {`"1"`}}
	unchanged, unknown := page(t, "http://example.com/", ""), page(t, "http://example.com/unknown", "")
	for _, r := range []*fetched.Result{unchanged, unknown} {
		r.Page.Status, r.Page.Body, r.Outcome = http.StatusNotModified, nil, crawler.OutcomeNotModified
		r.Page.Recording.Head = []byte("HTTP/1.1 304 Not Modified\r\n\r\n")
		r.Page.Started = r.Page.Started.Add(time.Hour)
	}
	keep(t, w, first)
	keep(t, w, unchanged, unknown)
	closed(t, w)
	captured(t, dir)
	a := warctest.Open(t, dir)
	r := a.One(t, "revisit", "http://example.com/")
	if r.Get("WARC-Profile") != "http://netpreserve.org/warc/1.1/revisit/server-not-modified" ||
		r.Get("WARC-Refers-To-Date") != "2023-11-14T22:13:20.000000Z" {
		t.Errorf("the revisit is %s", r.Head)
	}
	if r := a.One(t, "response", "http://example.com/unknown"); r.HTTP.First != "HTTP/1.1 304 Not Modified" {
		t.Errorf("got %q", r.HTTP.First)
	}
}

func TestAPageThatIsKnownFromAnEarlierRunRefersToItsResponse(t *testing.T) {
	t.Parallel()
	before, now := t.TempDir(), t.TempDir()
	w := openWARC(t, before)
	first := page(t, "http://example.com/earlier", "body")
	keep(t, w, first)
	closed(t, w)
	w = openWARC(t, now)
	same, other, unchanged := page(t, "http://example.com/same", "body"), page(t, "http://example.com/other", "other"),
		page(t, "http://example.com/unchanged", "")
	unchanged.Page.Status, unchanged.Page.Body, unchanged.Outcome = http.StatusNotModified, nil, crawler.OutcomeNotModified
	unchanged.Page.Recording.Head = []byte("HTTP/1.1 304 Not Modified\r\n\r\n")
	for _, r := range []*fetched.Result{same, other, unchanged} {
		r.Earlier = &fetched.Earlier{Capture: first.Capture}
	}
	keep(t, w, same, other, unchanged)
	closed(t, w)
	a := warctest.Open(t, now)
	a.Earlier = []*warctest.Archive{warctest.Open(t, before)}
	a.Check(t)
	id := a.Earlier[0].One(t, "response", "http://example.com/earlier").Get("WARC-Record-ID")
	for path, profile := range map[string]string{"same": "identical-payload-digest", "unchanged": "server-not-modified"} {
		r := a.One(t, "revisit", "http://example.com/"+path)
		if r.Get("WARC-Profile") != "http://netpreserve.org/warc/1.1/revisit/"+profile || r.Get("WARC-Refers-To") != id {
			t.Errorf("the revisit of %s is %s, want it to refer to %s", path, r.Head, id)
		}
	}
	if r := a.One(t, "response", "http://example.com/other"); other.Capture == nil ||
		other.Capture.URL != "http://example.com/other" || !other.Capture.Date.Equal(other.Page.Started) {
		t.Errorf("the response %s is noted as %+v", r.Head, other.Capture)
	}
	if *same.Capture != *first.Capture {
		t.Errorf("the content of /same is noted as %+v, want the earlier response", same.Capture)
	}
}

func TestTextCannotBreakAHeaderOrAFileName(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	job := archived
	job.Name, job.UserAgent = "../j\r\nob", "Trawl\r\nWARC-Type: request\r\n\r\n\xff\u2028"
	w, err := NewWARC(WARCConfig{Dir: dir, Job: job, Worker: "a/b\r\nc:d", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	hostile := page(t, "http://example.com/a%0d%0aWARC-Type:%20x?<\"\\>", "x")
	hostile.Page.Header = http.Header{"Content-Type": {"text/html\r\nx: \"y\""}}
	hostile.Entry.Referrer = parse(t, "http://example.com/?\\%0D%0A")
	keep(t, w, hostile)
	closed(t, w)
	if got := captured(t, dir); len(got) != 1 || got[0] != hostile.Page.URL.String() {
		t.Errorf("captured %q", got)
	}
	info := warctest.Open(t, dir).Of("warcinfo")[0]
	if !strings.Contains(string(info.Block), "http-header-user-agent: Trawl  WARC-Type: request    \uFFFD \r\n") {
		t.Errorf("the warcinfo is %q", info.Block)
	}
}

func TestTwoArchiveWritersCannotShareAName(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	first := openWARC(t, dir)
	if _, err := NewWARC(WARCConfig{Dir: dir, Job: archived, Worker: "w"}); err == nil ||
		!strings.Contains(err.Error(), "in use by") {
		t.Errorf("got %v", err)
	}
	if _, err := NewWARC(WARCConfig{Dir: dir, SegmentSize: -1}); err == nil || !strings.Contains(err.Error(), "-1") {
		t.Errorf("got %v", err)
	}
	closed(t, first)
	closed(t, first)
}
