package spool_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/internal/sink"
	"github.com/trawlcrawler/trawl/internal/spool"
	"github.com/trawlcrawler/trawl/internal/test/warctest"
)

// childDir names the environment variable that makes the test binary a child process, which keeps
// pages through a spool until it is killed.
const childDir = "TRAWL_TEST_SPOOL_DIR"

// keepUntilKilled keeps pages from several goroutines, and prints the URL of each page once it is
// kept.
func keepUntilKilled(dir string) {
	t := fatal{}
	s := openSpool(t, openBlobStore(t, "file://"+filepath.Join(dir, "bucket")),
		spool.Config{Dir: filepath.Join(dir, "spool")})
	k, _ := openSinks(t, s, 50*time.Millisecond, sink.Names...)
	var out sync.Mutex
	for writer := range 4 {
		go func() {
			for b := 0; ; b++ {
				results := pages(t, os.Getpid()*10_000_000+writer*1_000_000+b, 3)
				must(t, k.Keep(context.Background(), results))
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

func TestARepeatedlyKilledWriterLosesNoPagesAndLeavesNoTornFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"bucket", "spool"} {
		must(t, os.Mkdir(filepath.Join(dir, name), 0o755))
	}
	d := openBlobStore(t, "file://"+filepath.Join(dir, "bucket"))
	acknowledged := map[string]bool{}
	for range 6 {
		killWhileKeeping(t, dir, acknowledged)
		urlsOf(t, d.In("news"), "pages") // fails if a file is torn
		urlsOf(t, d.In("news"), "manifest")
	}
	s := openSpool(t, d, spool.Config{Dir: filepath.Join(dir, "spool")})
	must(t, s.Flush(t.Context()))
	must(t, s.Close())
	for _, kind := range []string{"pages", "manifest"} {
		got := urlsOf(t, d.In("news"), kind)
		for url := range acknowledged {
			if got[url] == 0 {
				t.Errorf("%s was acknowledged but is missing in the %s", url, kind)
			}
		}
	}
	archive := warctest.Open(t, filepath.Join(dir, "bucket", "news"))
	archive.Check(t)
	captured := map[string]bool{}
	for _, r := range archive.Captures() {
		captured[r.Get("WARC-Target-URI")] = true
	}
	for url := range acknowledged {
		if !captured[url] {
			t.Errorf("%s was acknowledged but is not in the archive", url)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "spool", "*", "*", "*")); len(left) > 0 {
		t.Errorf("%q remain in the spool", left)
	}
}

// killWhileKeeping kills a child after a random number of acknowledgements, and returns its whole
// output.
func killWhileKeeping(t *testing.T, dir string, acknowledged map[string]bool) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), childDir+"="+dir)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	must(t, err)
	must(t, child.Start())
	left := 1 + rand.IntN(300)
	lines := bufio.NewScanner(out)
	for ; lines.Scan(); left-- {
		acknowledged[lines.Text()] = true
		if left == 0 {
			must(t, child.Process.Kill())
		}
	}
	if err := child.Wait(); left > 0 {
		t.Fatalf("the child exited by itself: %v", err)
	}
}
