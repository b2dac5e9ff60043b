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

// lists what lies in a folder, without locks.
func lists(t *testing.T, dir string) []string {
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

func put(t *testing.T, path string) {
	t.Helper()
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755),
		os.WriteFile(path, []byte("{}\n"), 0o644)); err != nil {
		t.Fatal(err)
	}
}

// created is a job of a name, created so many seconds after another.
func created(name string, second int) crawler.Status {
	job := crawler.DefaultJob()
	job.Name = name
	return crawler.Status{Job: job, Created: time.Date(2026, 11, 29, 6, 0, second, 0, time.UTC)}
}

func TestTheResultsOfAnEarlierJobOfTheNameAreSetAside(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	o, err := OpenOutlet(t.Context(), OutletConfig{Where: root})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	claim := func(second int) string {
		t.Helper()
		aside, err := o.claim(t.Context(), created("news", second), "news")
		if err != nil {
			t.Fatal(err)
		}
		return aside
	}
	dir := filepath.Join(root, "news")
	if aside := claim(1); aside != "" {
		t.Errorf("of nothing, %s is set aside", aside)
	}
	put(t, filepath.Join(dir, "pages-w-00001.jsonl"))
	put(t, filepath.Join(dir, "example.org", "index.html"))
	put(t, filepath.Join(dir, ".trawl", "crawl.json"))
	if aside := claim(1); aside != "" {
		t.Errorf("a job's own results are set aside: %s", aside)
	}
	writer, err := sink.NewJSONL(sink.JSONLConfig{Dir: dir, Worker: "w2"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := o.claim(t.Context(), created("news", 2), "news"); !errors.Is(err, sink.ErrInUse) {
		t.Errorf("while an earlier job is written: %v", err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	aside := claim(2)
	if got, want := lists(t, aside), []string{".job.json", ".trawl", "example.org",
		"pages-w-00001.jsonl"}; !slices.Equal(got, want) {
		t.Errorf("set aside are %q, want %q", got, want)
	}
	if got, want := lists(t, dir), []string{".job.json", filepath.Base(aside)}; !slices.Equal(got, want) {
		t.Errorf("there stay %q, want %q", got, want)
	}
	if again := claim(2); again != "" {
		t.Errorf("a second worker sets %s aside", again)
	}
	if last := claim(3); last != "" || len(lists(t, dir)) != 2 {
		t.Errorf("of a job without results %q is set aside", last)
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
		_, err := o.claim(t.Context(), created("news", second), "news")
		if got := ""; err != nil && (want == "" || !strings.Contains(err.Error(), want)) || err == nil && want != got {
			t.Errorf("job %d: %v, want %q", second, err, want)
		}
	}
	if _, err := o.claim(t.Context(), created("news", 0), "news"); err != nil {
		t.Errorf("the job itself: %v", err)
	}
}
