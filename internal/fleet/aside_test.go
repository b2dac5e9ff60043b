package fleet

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/sink"
)

// listDir lists the files in a folder, without lock files.
func listDir(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".lock") {
			names = append(names, e.Name())
		}
	}
	return names
}

// createFile writes a small file, and the folders of its path.
func createFile(t *testing.T, path string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755),
		os.WriteFile(path, []byte("{}\n"), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// jobCreatedAt returns a job with this name that was created at this second.
func jobCreatedAt(name string, second int) crawler.Status {
	job := crawler.DefaultJob()
	job.Name = name
	return crawler.Status{Job: job, Created: time.Date(2026, 11, 29, 6, 0, second, 0, time.UTC)}
}

func TestTheResultsOfAnEarlierJobWithTheSameNameAreSetAside(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	o, err := OpenOutlet(t.Context(), OutletConfig{Where: root})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	claim := func(second int) string {
		t.Helper()
		aside, err := o.claim(t.Context(), jobCreatedAt("news", second), "news")
		if err != nil {
			t.Fatal(err)
		}
		return aside
	}
	dir := filepath.Join(root, "news")
	if aside := claim(1); aside != "" {
		t.Errorf("without any results, %s was set aside", aside)
	}
	createFile(t, filepath.Join(dir, "pages-w-00001.jsonl"))
	createFile(t, filepath.Join(dir, "example.org", "index.html"))
	createFile(t, filepath.Join(dir, ".trawl", "crawl.json"))
	if aside := claim(1); aside != "" {
		t.Errorf("the job's own results were set aside: %s", aside)
	}
	writer, err := sink.NewJSONL(sink.JSONLConfig{Dir: dir, Worker: "w2"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.claim(t.Context(), jobCreatedAt("news", 2), "news"); !errors.Is(err, sink.ErrInUse) {
		t.Errorf("while an earlier job is still being written: got %v, want ErrInUse", err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	aside := claim(2)
	if got, want := listDir(t, aside), []string{".job.json", ".trawl", "example.org",
		"pages-w-00001.jsonl"}; !slices.Equal(got, want) {
		t.Errorf("files set aside: got %q, want %q", got, want)
	}
	if got, want := listDir(t, dir), []string{".job.json", filepath.Base(aside)}; !slices.Equal(got, want) {
		t.Errorf("files left in place: got %q, want %q", got, want)
	}
	if again := claim(2); again != "" {
		t.Errorf("a second worker set %s aside", again)
	}
	if last := claim(3); last != "" || len(listDir(t, dir)) != 2 {
		t.Errorf("for a job without results, %q was set aside", last)
	}
}

func TestAJobDoesNotWriteBesideAnEarlierOneInABucket(t *testing.T) {
	t.Parallel()
	bucket := t.TempDir()
	o, err := OpenOutlet(t.Context(), OutletConfig{Where: "file://" + filepath.ToSlash(bucket), Spool: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	for second, want := range []string{"", "earlier job \"news\": move them to another prefix"} {
		_, err := o.claim(t.Context(), jobCreatedAt("news", second), "news")
		if got := ""; err != nil && (want == "" || !strings.Contains(err.Error(), want)) || err == nil && want != got {
			t.Errorf("job %d: got %v, want %q", second, err, want)
		}
	}
	if _, err := o.claim(t.Context(), jobCreatedAt("news", 0), "news"); err != nil {
		t.Errorf("the first job again: %v", err)
	}
}
