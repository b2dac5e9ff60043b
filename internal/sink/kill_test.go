package sink

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/tabular"
	"github.com/trawlcrawler/trawl/internal/test/race"
	"github.com/trawlcrawler/trawl/internal/test/warctest"
	"github.com/trawlcrawler/trawl/internal/validators"
)

// childDir is the variable that makes the test binary a child process, which writes to
// the folder until it is killed.
const childDir = "TRAWL_TEST_SINK_DIR"

// writeUntilKilled keeps pages from several goroutines at the same time, and prints the
// URL of each page once it is kept.
func writeUntilKilled(dir string) {
	s, err := Open(Names, dir, Options{SegmentSize: 64 << 10, Job: archived, Validators: true})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	var out sync.Mutex
	for writer := range 8 {
		go func() {
			for b := 0; ; b++ {
				results := pages(fatal{}, writer*1_000_000+b, 3)
				keep(fatal{}, s, results...)
				out.Lock()
				for _, r := range results {
					fmt.Println(r.Entry.URL)
				}
				out.Unlock()
			}
		}()
	}
	select {}
}

// fatal is the testing.TB of a child process.
type fatal struct{ testing.TB }

func (fatal) Helper() {}
func (fatal) Fatal(args ...any) {
	fmt.Fprintln(os.Stderr, args...)
	os.Exit(1)
}

func TestAKilledProcessLosesNoAcknowledgedPages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	acknowledged := map[string]bool{}
	for round := range 3 {
		if round > 0 {
			race.Skip(t) // one kill is enough for the detector
		}
		killWhileWriting(t, dir, acknowledged)
		wantRows(t, dir, acknowledged)
		reopened, err := Open(Names, dir, Options{Job: archived, Validators: true})
		if err != nil {
			t.Fatal(err)
		}
		closed(t, reopened)
		for _, format := range []string{"pages-*.jsonl", "pages-*.jsonl.gz", "pages-*.jsonl.zst"} {
			wantAll(t, kept(t, dir, format), acknowledged)
		}
		manifest := kept(t, dir, "manifest-*.jsonl")
		wantAll(t, manifest, acknowledged)
		wantBodies(t, dir, manifest)
		articles := kept(t, dir, "markdown-*.jsonl")
		wantAll(t, articles, acknowledged)
		wantArticles(t, dir, articles)
		wantCaptures(t, dir, acknowledged)
		wantLinks(t, dir, acknowledged)
		wantValidators(t, dir, acknowledged)
		wantRows(t, dir, acknowledged)
		if left := glob(t, dir, "?*.parquet.*"); len(left) > 0 {
			t.Errorf("%q remain", left)
		}
	}
}

// killWhileWriting kills a child after a random number of acknowledgements, and returns
// everything that it printed.
func killWhileWriting(t *testing.T, dir string, acknowledged map[string]bool) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), childDir+"="+dir)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	left := 1 + rand.IntN(500)
	lines := bufio.NewScanner(out)
	for ; lines.Scan(); left-- {
		acknowledged[lines.Text()] = true
		if left == 0 {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := child.Wait(); left > 0 {
		t.Fatalf("the child ended by itself: %v", err)
	}
}

func wantAll(t *testing.T, recs []crawler.Record, acknowledged map[string]bool) {
	t.Helper()
	found := map[string]bool{}
	for _, rec := range recs {
		found[rec.URL] = true
	}
	for url := range acknowledged {
		if !found[url] {
			t.Errorf("%s was acknowledged but lost", url)
		}
	}
}

// wantValidators checks that all pages have validators, and that each of these refers to a record
// and a response that are there.
func wantValidators(t *testing.T, dir string, acknowledged map[string]bool) {
	t.Helper()
	on := map[string]bool{}
	for _, rec := range kept(t, dir, "pages-*.jsonl") {
		on[rec.URL+rec.FetchedAt] = true
	}
	ids := map[string]bool{}
	for _, r := range warctest.Open(t, dir).Of("response") {
		id := strings.TrimSuffix(strings.TrimPrefix(r.Get("WARC-Record-ID"), "<urn:uuid:"), ">")
		ids[strings.ReplaceAll(id, "-", "")] = true
	}
	found := map[string]bool{}
	for _, name := range glob(t, dir, "validators-*.jsonl.zst") {
		for _, text := range strings.Split(strings.TrimSpace(unpacked(t, name)), "\n") {
			var l validators.Line
			if err := json.Unmarshal([]byte(text), &l); err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			found[l.URL] = true
			if !on[l.Record.URL+l.Record.FetchedAt] {
				t.Errorf("%s: its record of %s is not there", l.URL, l.Record.FetchedAt)
			}
			if l.Capture == nil || !ids[l.Capture.ID] {
				t.Errorf("%s: its response %v is not there", l.URL, l.Capture)
			}
		}
	}
	for url := range acknowledged {
		if !found[url] {
			t.Errorf("%s has no validators", url)
		}
	}
}

func wantBodies(t *testing.T, dir string, recs []crawler.Record) {
	t.Helper()
	for _, rec := range recs {
		if got := read(t, dir, rec.Path); got != "body" {
			t.Errorf("%s has %q", rec.Path, got)
		}
	}
}

func wantArticles(t *testing.T, dir string, recs []crawler.Record) {
	t.Helper()
	for _, rec := range recs {
		if got := read(t, dir, rec.Path); !strings.HasPrefix(got, "---\nurl: \""+rec.URL) ||
			!strings.HasSuffix(got, "---\n\nThis page.\n") {
			t.Errorf("%s has %q", rec.Path, got)
		}
	}
}

func wantCaptures(t *testing.T, dir string, acknowledged map[string]bool) {
	t.Helper()
	a := warctest.Open(t, dir)
	a.Check(t)
	captured := map[string]bool{}
	for _, r := range a.Captures() {
		captured[r.Get("WARC-Target-URI")] = true
	}
	for url := range acknowledged {
		if !captured[url] {
			t.Errorf("%s was acknowledged but is not in the archive", url)
		}
	}
}

func wantLinks(t *testing.T, dir string, acknowledged map[string]bool) {
	t.Helper()
	linked := map[string]bool{}
	for _, file := range glob(t, dir, "links-*.jsonl") {
		for line := range strings.Lines(read(t, file)) {
			var link fetched.LinkRecord
			if err := json.Unmarshal([]byte(line), &link); err != nil || !strings.HasSuffix(line, "\n") {
				t.Fatalf("%q is not a link: %v", line, err)
			}
			linked[link.From] = true
		}
	}
	for url := range acknowledged {
		if !linked[url] {
			t.Errorf("%s was acknowledged but its links are lost", url)
		}
	}
}

// wantRows checks that each acknowledged page is in a table or in an intake, and that all
// tables are complete.
func wantRows(t *testing.T, dir string, acknowledged map[string]bool) {
	t.Helper()
	found := map[string]bool{}
	for _, file := range glob(t, dir, "pages-*.parquet") {
		for _, row := range rowsOf[tabular.PageRow](t, []byte(read(t, file))) {
			found[row.URL] = true
		}
		linked := map[string]bool{}
		for _, row := range rowsOf[tabular.LinkRow](t, []byte(read(t, strings.Replace(file, "pages-", "links-", 1)))) {
			linked[row.From] = true
		}
		for _, row := range rowsOf[tabular.PageRow](t, []byte(read(t, file))) {
			if !linked[row.URL] {
				t.Errorf("%s has no links", row.URL)
			}
		}
	}
	for _, file := range glob(t, dir, "pages-*.parquet.open") {
		text := read(t, file)
		for line := range strings.Lines(text[:strings.LastIndexByte(text, '\n')+1]) {
			found[records(t, line)[0].URL] = true
		}
	}
	for url := range acknowledged {
		if !found[url] {
			t.Errorf("%s was acknowledged but is neither in a table nor in an intake", url)
		}
	}
}
