package spool_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/internal/sink"
	"github.com/trawlcrawler/trawl/internal/spool"
	"github.com/trawlcrawler/trawl/internal/test/warctest"
)

var errUnavailable = errors.New("no response")

func TestAllPagesAreInTheBucketAfterClose(t *testing.T) {
	t.Parallel()
	bucket := t.TempDir()
	d, dir := openBlobStore(t, "file://"+bucket), t.TempDir()
	s := openSpool(t, d, spool.Config{Dir: dir})
	k, staging := openSinks(t, s, 0, sink.Names...)
	for b := range 40 {
		must(t, k.Keep(t.Context(), pages(t, b, 5)))
	}
	must(t, k.Close())
	staging.Close()
	must(t, s.Flush(t.Context()))
	wantBatches(t, urlsOf(t, d.In("news"), "pages"), 40, 5)
	wantBatches(t, urlsOf(t, d.In("news"), "manifest"), 40, 5)
	warctest.Open(t, filepath.Join(bucket, "news")).Check(t)
	if _, err := os.Stat(staging.Dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the staging folder still exists: %v", err)
	}
	came := d.uploads()
	for _, name := range came {
		if strings.HasSuffix(name, ".open") || strings.HasSuffix(name, ".part") ||
			strings.HasPrefix(filepath.Base(name), ".") {
			t.Errorf("%s was uploaded", name)
		}
	}
	if n := len(slices.Compact(slices.Sorted(slices.Values(came)))); n != len(came) {
		t.Errorf("%d of %d files were uploaded again", len(came)-n, len(came))
	}
	must(t, s.Close())
}

func TestBodiesAreUploadedBeforeTheirManifestAndArchivesBeforeTheirIndex(t *testing.T) {
	t.Parallel()
	d := openBlobStore(t, "mem://")
	s := openSpool(t, d, spool.Config{Dir: t.TempDir()})
	k, staging := openSinks(t, s, 0, "files", "warc")
	for b := range 5 {
		must(t, k.Keep(t.Context(), pages(t, b, 5)))
	}
	must(t, k.Close())
	staging.Close()
	must(t, s.Flush(t.Context()))
	must(t, s.Close())
	last := func(end string) int {
		at := -1
		for i, name := range d.uploads() {
			if strings.HasSuffix(name, end) {
				at = i
			}
		}
		return at
	}
	if bodies, manifest := last(".html"), last(".jsonl"); bodies < 0 || manifest < bodies {
		t.Errorf("the last body was upload %d, the manifest upload %d", bodies, manifest)
	}
	if archive, index := last(".warc.gz"), last(".cdxj"); archive < 0 || index < archive {
		t.Errorf("the archive was upload %d, its index upload %d", archive, index)
	}
}

func TestAnOldSegmentIsUploadedWhileItsWriterContinues(t *testing.T) {
	t.Parallel()
	d := openBlobStore(t, "mem://")
	s := openSpool(t, d, spool.Config{Dir: t.TempDir()})
	k, staging := openSinks(t, s, time.Millisecond, "jsonl.zst")
	must(t, k.Keep(t.Context(), pages(t, 0, 5)))
	waitFor(t, func() bool { return len(d.uploads()) > 0 })
	wantBatches(t, urlsOf(t, d.In("news"), "pages"), 1, 5)
	must(t, k.Keep(t.Context(), pages(t, 1, 5)))
	must(t, k.Close())
	staging.Close()
	must(t, s.Flush(t.Context()))
	must(t, s.Close())
	wantBatches(t, urlsOf(t, d.In("news"), "pages"), 2, 5)
}

// waitFor polls until a condition holds.
func waitFor(t *testing.T, condition func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute) // the condition never holds
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("the condition does not hold in time")
		}
	}
}

func TestTheSpoolFillsWhileTheBucketIsUnavailableAndThenRecovers(t *testing.T) {
	t.Parallel()
	d := openBlobStore(t, "mem://")
	d.setUnavailable(errUnavailable)
	s := openSpool(t, d, spool.Config{Dir: t.TempDir(), Limit: 200 << 10})
	k, staging := openSinks(t, s, time.Millisecond, "jsonl", "files")
	batches := 0
	var full error
	for full == nil {
		if full = k.Keep(t.Context(), pages(t, batches, 5)); full == nil {
			batches++
		}
	}
	if !errors.Is(full, spool.ErrFull) || !strings.Contains(full.Error(), "continues by itself") {
		t.Errorf("got %v", full)
	}
	if batches < 10 || batches > 1000 {
		t.Errorf("%d batches fit into the spool", batches)
	}
	waitFor(t, func() bool { return s.Trouble() != nil })
	if err := s.Trouble(); !errors.Is(err, errUnavailable) {
		t.Errorf("the error is %v", err)
	}
	d.setUnavailable(nil)
	waitFor(t, func() bool { return k.Keep(t.Context(), pages(t, batches, 5)) == nil })
	waitFor(t, func() bool { return s.Trouble() == nil })
	must(t, k.Close())
	staging.Close()
	must(t, s.Flush(t.Context()))
	must(t, s.Close())
	wantBatches(t, urlsOf(t, d.In("news"), "pages"), batches+1, 5)
	wantBatches(t, urlsOf(t, d.In("news"), "manifest"), batches+1, 5)
}

func TestKeepWaitsForSpaceOrForTheEndOfItsContext(t *testing.T) {
	t.Parallel()
	d := openBlobStore(t, "mem://")
	d.setUnavailable(errUnavailable)
	s := openSpool(t, d, spool.Config{Dir: t.TempDir(), Limit: 100, Patience: time.Hour})
	k, staging := openSinks(t, s, time.Millisecond, "jsonl")
	must(t, k.Keep(t.Context(), pages(t, 0, 1)))
	ctx, cancel := context.WithCancel(t.Context())
	gaveUp := make(chan error)
	go func() { gaveUp <- k.Keep(ctx, pages(t, 1, 1)) }()
	waitFor(t, func() bool { return s.Trouble() != nil })
	cancel()
	if err := <-gaveUp; !errors.Is(err, context.Canceled) || !errors.Is(err, spool.ErrFull) {
		t.Errorf("got %v", err)
	}
	waits := make(chan error)
	go func() { waits <- k.Keep(t.Context(), pages(t, 1, 1)) }()
	d.setUnavailable(nil)
	must(t, <-waits)
	must(t, k.Close())
	staging.Close()
	must(t, s.Flush(t.Context()))
	must(t, s.Close())
	wantBatches(t, urlsOf(t, d.In("news"), "pages"), 2, 1)
}

func TestARewrittenBodyIsUploadedAgain(t *testing.T) {
	t.Parallel()
	d := openBlobStore(t, "mem://")
	s := openSpool(t, d, spool.Config{Dir: t.TempDir()})
	k, staging := openSinks(t, s, 0, "files")
	const url = "https://example.com/a.html"
	must(t, k.Keep(t.Context(), pages(t, 0, 1)))
	for _, body := range []string{"old", "new", "body"} {
		must(t, k.Keep(t.Context(), append(pages(t, 0, 0), page(t, url, body))))
		must(t, s.Flush(t.Context()))
	}
	must(t, k.Close())
	staging.Close()
	must(t, s.Flush(t.Context()))
	must(t, s.Close())
	if got := urlsOf(t, d.In("news"), "manifest"); got[url] != 3 {
		t.Errorf("the manifest lists it %d times", got[url])
	}
}

func TestFilesThatASinkCouldNotFinishAreKept(t *testing.T) {
	t.Parallel()
	d, dir := openBlobStore(t, "mem://"), t.TempDir()
	s := openSpool(t, d, spool.Config{Dir: dir})
	k, staging := openSinks(t, s, 0, "jsonl")
	must(t, k.Keep(t.Context(), pages(t, 0, 3)))
	staging.Close() // without its sinks
	must(t, s.Flush(t.Context()))
	must(t, k.Close())
	must(t, s.Close())
	s = openSpool(t, d, spool.Config{Dir: dir})
	must(t, s.Flush(t.Context()))
	must(t, s.Close())
	wantBatches(t, urlsOf(t, d.In("news"), "pages"), 1, 3)
}
