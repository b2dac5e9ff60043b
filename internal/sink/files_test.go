package sink

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
)

func openFiles(t testing.TB, cfg FilesConfig) *Files {
	t.Helper()
	f, err := NewFiles(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// paths keeps a page for each URL, with the URL as its body, and returns the paths.
func paths(t *testing.T, dir string, f *Files, urls ...string) []string {
	t.Helper()
	var names []string
	for _, url := range urls {
		keep(t, f, page(t, url, url))
		recs := kept(t, dir, f.manifest.stem+"-*.jsonl")
		names = append(names, recs[len(recs)-1].Path)
	}
	for i, url := range urls {
		if got := read(t, dir, names[i]); got != url {
			t.Errorf("%s holds the body of %s, want of %s", names[i], got, url)
		}
	}
	return names
}

func TestEachURLHasItsOwnFileAndTheSameOneInTheNextRun(t *testing.T) {
	t.Parallel()
	const host = "http://example.com"
	for name, urls := range map[string][]string{
		"a file before a folder":      {host + "/a", host + "/a/b", host + "/a/c", host + "/a/"},
		"a folder before a file":      {host + "/a/b", host + "/a", host + "/a/b/c"},
		"names that differ in case":   {host + "/README", host + "/readme", host + "/ReadMe"},
		"folders that differ in case": {host + "/A/b", host + "/a/b", host + "/a/c"},
		"accents that differ in form": {host + "/%C3%A9", host + "/e%CC%81", host + "/%C3%89"},
		"schemes":                     {host + "/a", "https://example.com/a"},
		"an index by two names":       {host + "/", host + "/index.html"},
		"encodings of one path":       {host + "/%61", host + "/a"},
		"a query and a similar path":  {host + "/page?q=1", host + "/page@q=1"},
		"a name with another's suffix": {
			host + "/a", "https://example.com/a", host + "/a~" + suffixOf("https://example.com/a"),
		},
		"a suffix that is already in use": {
			host + "/a", host + "/a~" + suffixOf("https://example.com/a"), "https://example.com/a",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			f := openFiles(t, FilesConfig{Dir: dir})
			first := paths(t, dir, f, urls...)
			folded := map[string]bool{}
			for _, name := range first {
				folded[fold(name)] = true
			}
			if len(folded) != len(urls) {
				t.Errorf("%d URLs share the names %q", len(urls), first)
			}
			closed(t, f)
			slices.Reverse(urls)
			again := paths(t, dir, openFiles(t, FilesConfig{Dir: dir}), urls...)
			slices.Reverse(again)
			if !slices.Equal(first, again) {
				t.Errorf("names changed\nfrom %q\n  to %q", first, again)
			}
		})
	}
}

func suffixOf(url string) string {
	_, hash, _ := strings.Cut(suffixed("x", url), "~")
	return hash
}

func TestWorkersThatShareAFolderRespectEachOthersNames(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, b := openFiles(t, FilesConfig{Dir: dir, Worker: "a"}), openFiles(t, FilesConfig{Dir: dir, Worker: "b"})
	first := paths(t, dir, a, "http://example.com/", "http://example.com/x/y")
	second := paths(t, dir, b, "http://example.com/index.html", "http://example.com/x", "http://example.com/")
	if first[0] != second[2] || first[0] == second[0] || first[1] == second[1] {
		t.Errorf("one worker has %q, the other %q", first, second)
	}
	if got := read(t, dir, first[0]); got != "http://example.com/" {
		t.Errorf("%s holds the body of %s", first[0], got)
	}
}

func TestAFileWhoseRecordWasLostIsRewritten(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, "of a process that was killed", dir, "example.com", "a")
	write(t, "half of", dir, ".manifest-7.part")
	write(t, "another's", dir, ".manifest-w-7.part")
	names := paths(t, dir, openFiles(t, FilesConfig{Dir: dir}), "http://example.com/a")
	if names[0] != "example.com/a" {
		t.Errorf("its path is now %s", names[0])
	}
	if _, err := os.Stat(filepath.Join(dir, ".manifest-7.part")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("an unfinished file still exists: %v", err)
	}
	read(t, dir, ".manifest-w-7.part")
}

func TestOnlyBodiesOfFetchedPagesBecomeFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := openFiles(t, FilesConfig{Dir: dir})
	gone, bodiless, pageless := page(t, "http://a/gone", "x"), page(t, "http://a/none", ""), page(t, "http://a/no", "")
	gone.Outcome, bodiless.Page.Body, pageless.Page = crawler.OutcomeGone, nil, nil
	moved := page(t, "http://a/old", "moved")
	moved.Redirects = []crawler.URL{parse(t, "http://a/mid"), parse(t, "http://b/new.txt")}
	empty := page(t, "http://a/empty", "")
	keep(t, f, gone, bodiless, pageless, moved, empty)
	var got []string
	for _, rec := range kept(t, dir, "manifest-*.jsonl") {
		got = append(got, rec.Path)
	}
	if want := []string{"", "", "", "b/new.txt", "a/empty"}; !slices.Equal(got, want) {
		t.Errorf("paths are %q, want %q", got, want)
	}
	if read(t, dir, "b", "new.txt") != "moved" || read(t, dir, "a", "empty") != "" {
		t.Error("the files differ from the fetched bodies")
	}
}

func TestABodyThatIsPartlyOnDiskIsWrittenCompletely(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := openFiles(t, FilesConfig{Dir: dir})
	spill, err := os.CreateTemp(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	defer spill.Close()
	rest := strings.Repeat("\x00\xff\r\n", 1<<20)
	if _, err := spill.WriteString(rest); err != nil {
		t.Fatal(err)
	}
	r := page(t, "http://example.com/big", "head")
	r.Page.Body.Spill, r.Page.Body.Size = spill, int64(len("head")+len(rest))
	keep(t, f, r)
	if read(t, dir, "example.com", "big") != "head"+rest {
		t.Error("the file differs from the body")
	}
	r.Page.Body.Size++
	if err := f.Keep(t.Context(), []*fetched.Result{r}); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %v for an incomplete body", err)
	}
	if read(t, dir, "example.com", "big") != "head"+rest || len(kept(t, dir, "manifest-*.jsonl")) != 1 {
		t.Error("the failed Keep changed the folder")
	}
	wantNoDrafts(t, dir)
}

func wantNoDrafts(t *testing.T, dir string) {
	t.Helper()
	if drafts, _ := filepath.Glob(filepath.Join(dir, ".*.part")); len(drafts) > 0 {
		t.Errorf("unfinished files remain: %q", drafts)
	}
}

func TestAFileHasTheModificationTimeOfItsResponse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := openFiles(t, FilesConfig{Dir: dir})
	dated, undated := page(t, "http://example.com/dated", ""), page(t, "http://example.com/undated", "")
	dated.Page.Header.Set("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT")
	undated.Page.Header.Set("Last-Modified", "a while ago")
	began := time.Now().Add(-time.Hour)
	keep(t, f, dated, undated)
	if got := modified(t, dir, "example.com/dated"); !got.Equal(time.Date(1994, 11, 6, 8, 49, 37, 0, time.UTC)) {
		t.Errorf("modified %v", got)
	}
	if got := modified(t, dir, "example.com/undated"); got.Before(began) {
		t.Errorf("modified %v", got)
	}
}

func modified(t *testing.T, dir, name string) time.Time {
	t.Helper()
	info, err := os.Stat(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return info.ModTime()
}

func TestASymbolicLinkInTheFolderIsNotFollowed(t *testing.T) {
	t.Parallel()
	dir, outside := t.TempDir(), t.TempDir()
	write(t, "secret", outside, "file")
	for link, target := range map[string]string{
		"example.com": outside, "other.com/file": filepath.Join(outside, "file"), "inside.com": "other.com",
	} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, link)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Skip("no symbolic links here:", err)
		}
	}
	f := openFiles(t, FilesConfig{Dir: dir})
	names := paths(t, dir, f, "http://example.com/file", "http://other.com/file", "http://inside.com/file")
	for _, name := range names {
		if !strings.Contains(name, "~") {
			t.Errorf("%s leads through a symbolic link", name)
		}
	}
	if read(t, outside, "file") != "secret" {
		t.Error("a file outside was written")
	}
}

func TestASymbolicLinkCreatedLaterIsAnErrorWithItsPath(t *testing.T) {
	t.Parallel()
	dir, outside := t.TempDir(), t.TempDir()
	f := openFiles(t, FilesConfig{Dir: dir})
	paths(t, dir, f, "http://example.com/a")
	if err := os.RemoveAll(filepath.Join(dir, "example.com")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(outside, filepath.Join(dir, "example.com")); err != nil {
		t.Skip("no symbolic links here:", err)
	}
	err := f.Keep(t.Context(), []*fetched.Result{page(t, "http://example.com/b", "")})
	if err == nil || !strings.Contains(err.Error(), filepath.Join(dir, "example.com", "b")) {
		t.Errorf("got %v", err)
	}
	if left, _ := os.ReadDir(outside); len(left) > 0 {
		t.Errorf("%s was written outside", left[0].Name())
	}
	wantNoDrafts(t, dir)
}

func TestVisitsWriteFilesConcurrently(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := openFiles(t, FilesConfig{Dir: dir})
	var visits sync.WaitGroup
	for b := range 100 {
		visits.Go(func() { keep(t, f, pages(t, b, 5)...) })
	}
	visits.Wait()
	closed(t, f)
	recs := kept(t, dir, "manifest-*.jsonl")
	wantOnce(t, recs, 100, 5)
	wantBodies(t, dir, recs)
	for _, rec := range recs {
		if rec.Digest == "" || rec.Bytes != 4 {
			t.Errorf("%s: %d bytes, digest %q", rec.URL, rec.Bytes, rec.Digest)
		}
	}
}

func TestAnInvalidManifestLineIsSkipped(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, "nonsense\n"+`{"final_url":"http://example.com/index.html","path":"example.com/index.html"}`+"\n", dir,
		"manifest-w-00001.jsonl")
	f := openFiles(t, FilesConfig{Dir: dir})
	keep(t, f, page(t, "http://example.com/", ""))
	if got := read(t, dir, "manifest-00001.jsonl.open"); !strings.Contains(got, `"path":"example.com/index~`) {
		t.Errorf("the name of another URL was reused: %s", got)
	}
}

func TestNoFileIsWrittenWhenTheContextIsDone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := openFiles(t, FilesConfig{Dir: dir})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := f.Keep(ctx, pages(t, 0, 1)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, "example.com")); err == nil {
		t.Error("a file was written")
	}
}

func BenchmarkFiles(b *testing.B) {
	f := openFiles(b, FilesConfig{Dir: b.TempDir()})
	body := strings.Repeat("x", 20_000)
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		r := pages(b, n/1000, 1)[0]
		r.Entry.URL = parse(b, "http://example.com/"+suffixOf(string(rune(n))))
		r.Page.Body.Head, r.Page.Body.Size, r.Page.Body.Digest = []byte(body), int64(len(body)), sha256.Sum256(nil)
		keep(b, f, r)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "files/s")
}

func TestARenderedPageIsKeptAsItIsShownWithWhatElseTheJobAsksFor(t *testing.T) {
	t.Parallel()
	const shown = "<p>shown</p>"
	dir := t.TempDir()
	f := openFiles(t, FilesConfig{Dir: dir})
	r := page(t, "http://example.com/a/", "sent")
	r.Rendered = &fetched.Rendered{
		Why: "always", Screenshot: []byte("\x89PNG"), PDF: []byte("%PDF"), KeepOriginal: true,
		Body: &fetched.Body{Head: []byte(shown), Size: int64(len(shown)), Release: func() {}},
	}
	plain := page(t, "http://example.com/b", "sent")
	failed := page(t, "http://example.com/c", "sent")
	failed.Rendered = &fetched.Rendered{Why: "try", Error: "the page crashed", KeepOriginal: true}
	keep(t, f, r, plain, failed)
	closed(t, f)

	recs := kept(t, dir, "manifest-*.jsonl")
	got := recs[0].Rendered
	for name, want := range map[string]string{
		recs[0].Path: shown, got.Original: "sent", got.Screenshot: "\x89PNG", got.PDF: "%PDF",
		recs[1].Path: "sent", recs[2].Path: "sent",
	} {
		if text := read(t, dir, name); text != want {
			t.Errorf("%s has %q, want %q", name, text, want)
		}
	}
	if want := recs[0].Path + ".png"; got.Screenshot != want {
		t.Errorf("the screenshot is in %s, want %s", got.Screenshot, want)
	}
	if recs[1].Rendered != nil || recs[2].Rendered.Original != "" || recs[2].Rendered.Error == "" {
		t.Errorf("the other pages are recorded as %+v and %+v", recs[1].Rendered, recs[2].Rendered)
	}
}
