package fetch

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/trawlcrawler/trawl/internal/fetched"
)

func TestBodiesOfEverySizeReadBackWhole(t *testing.T) {
	t.Parallel()
	const c = len(chunk{})
	for _, cfg := range []struct {
		name string
		head int64
	}{{"a head of a few bytes", 10}, {"a head of a chunk", int64(c)}, {"a head of some chunks", int64(3*c + 1)}} {
		t.Run(cfg.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			f := newFetcher(t, Config{HeadBytes: cfg.head, TempDir: dir})
			server := serve(t, func(w http.ResponseWriter, r *http.Request) {
				size, _ := strconv.Atoi(r.URL.Query().Get("size"))
				if r.URL.Path == "/length" {
					w.Header().Set("Content-Length", strconv.Itoa(size))
				}
				w.Write(noise(size))
			})
			for _, size := range []int{0, 1, 10, 11, short, short + 1, c - 1, c, c + 1, 2 * c, 3*c + 1, 3*c + 2,
				8*c + 7} {
				for i, path := range []string{"/length", "/chunks", "/length", "/chunks"} {
					req := request(t, server.URL+path+"?size="+strconv.Itoa(size))
					req.Waits = i < 2
					page := get(t, f, req)
					wantNoFault(t, page)
					want := noise(size)
					if got := content(t, page); !bytes.Equal(got, want) || page.Body.Digest != sha256.Sum256(want) {
						t.Errorf("%s of %d bytes: got %d different bytes", path, size, len(got))
					}
					if inFile, must := page.Body.Spill != nil,
						int64(size) > cfg.head; inFile != must || int64(len(page.Body.Head)) > cfg.head {
						t.Errorf("%s of %d bytes: head of %d, in a file %t", path, size, len(page.Body.Head), inFile)
					}
					if req.Waits && size <= short && cap(page.Body.Head) > 2*short {
						t.Errorf("%s of %d bytes: the head has a capacity of %d", path, size, cap(page.Body.Head))
					}
					page.Release()
				}
			}
			if names, _ := os.ReadDir(dir); len(names) != 0 {
				t.Errorf("files left in the folder: %v", names)
			}
			if held := f.memory.held.Load(); held != 0 {
				t.Errorf("still held: %d bytes", held)
			}
		})
	}
}

func TestHeadsNeverExceedTheMemoryLimit(t *testing.T) {
	t.Parallel()
	const memory, size = 16 << 20, 8 << 20
	f := newFetcher(t, Config{Memory: memory})
	body := noise(size)
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Write(body) })
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			page, err := f.Fetch(context.Background(), request(t, server.URL))
			if err != nil {
				t.Error(err)
				return
			}
			defer page.Release()
			if page.Fault != nil || page.Body.Digest != sha256.Sum256(body) {
				t.Errorf("got %d bytes, fault %s", page.Body.Size, faultText(page))
			}
		})
	}
	all.Wait()
	if peak := f.memory.peak.Load(); peak > memory || peak == 0 {
		t.Errorf("at most %d bytes were held, want up to %d", peak, memory)
	}
	if held := f.memory.held.Load(); held != 0 {
		t.Errorf("still held: %d bytes", held)
	}
}

// fullMemory returns a fetcher whose memory is full until the page is released,
// a request that needs it, and a channel that signals a waiting fetch.
func fullMemory(t *testing.T) (*Fetcher, *fetched.Page, fetched.Request, <-chan struct{}) {
	const size = 1 << 20
	f := newFetcher(t, Config{Memory: size, HeadBytes: size})
	waiting := make(chan struct{}, 1)
	f.memory.waiting = func() { waiting <- struct{}{} }
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Write(prose(size)) })
	req := request(t, server.URL)
	return f, get(t, f, req), req, waiting
}

func TestABodyWaitsForMemory(t *testing.T) {
	t.Parallel()
	f, first, req, waiting := fullMemory(t)
	var released sync.WaitGroup
	released.Go(func() {
		<-waiting
		first.Body.Release()
	})
	second := get(t, f, req)
	released.Wait()
	wantNoFault(t, second)
	if second.Body.Size != f.cfg.Memory || second.Truncated {
		t.Errorf("got %d bytes, truncated %t, want %d, whole", second.Body.Size, second.Truncated, f.cfg.Memory)
	}
	if peak := f.memory.peak.Load(); peak != f.cfg.Memory {
		t.Errorf("at most %d bytes were held, want %d", peak, f.cfg.Memory)
	}
}

func TestAWaitForMemoryEndsWithItsContext(t *testing.T) {
	t.Parallel()
	f, first, req, waiting := fullMemory(t)
	ctx, cancel := context.WithCancel(context.Background())
	go func() {
		<-waiting
		cancel()
	}()
	page, err := f.Fetch(ctx, req)
	if page != nil || !errors.Is(err, context.Canceled) {
		t.Errorf("got %+v, %v, want %v", page, err, context.Canceled)
	}
	first.Release()
	if held := f.memory.held.Load(); held != 0 {
		t.Errorf("still held: %d bytes", held)
	}
}

func TestABodyReturnsUnusedMemory(t *testing.T) {
	t.Parallel()
	f := newFetcher(t, Config{})
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Write(prose(100_000))
		w.(http.Flusher).Flush()
	})
	page := get(t, f, request(t, server.URL))
	if held := f.memory.held.Load(); held != 128<<10 {
		t.Errorf("memory held: got %d, want %d", held, 128<<10)
	}
	var all sync.WaitGroup
	for range 3 {
		all.Go(page.Body.Release)
	}
	all.Wait()
	if held := f.memory.held.Load(); held != 0 {
		t.Errorf("after release: got %d, want 0", held)
	}
}

func TestASmallBodyTakesNoMemoryFromTheLimit(t *testing.T) {
	t.Parallel()
	f := newFetcher(t, Config{})
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Write(prose(27_000)) })
	get(t, f, request(t, server.URL))
	if peak := f.memory.peak.Load(); peak != 0 {
		t.Errorf("peak: got %d, want 0", peak)
	}
}

// replaceByFile replaces a folder by a file.
func replaceByFile(t *testing.T, dir string) {
	t.Helper()
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir, nil, 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestARemovedFolderIsCreatedAgain(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "spill")
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	f := newFetcher(t, Config{HeadBytes: 1, TempDir: dir})
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Write(prose(1000)) })
	page, err := f.Fetch(context.Background(), request(t, server.URL))
	if err != nil || page.Body == nil || page.Body.Size != 1000 {
		t.Fatalf("got %+v, %v, want the page", page, err)
	}
	page.Body.Release()
	if err := f.Room(3 << 20); err != nil {
		t.Errorf("no memory is left: %v", err)
	}
}

func TestFailingToCreateAFileIsAnError(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := newFetcher(t, Config{HeadBytes: 1, TempDir: dir})
	replaceByFile(t, dir)
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Write(prose(1000)) })
	page, err := f.Fetch(context.Background(), request(t, server.URL))
	if page != nil || !errors.Is(err, fetched.ErrSpill) || f.Room(1) == nil {
		t.Errorf("got %+v, %v, want an error", page, err)
	}
}

func TestAPausedDeadlineDoesNotExpire(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		d := startDeadline(t.Context(), time.Minute)
		defer d.stop()
		time.Sleep(40 * time.Second)
		d.pause()
		time.Sleep(time.Hour)
		if d.passed() {
			t.Fatal("the deadline expired during the pause")
		}
		d.resume()
		resumed := time.Now()
		<-d.ctx.Done()
		if left := time.Since(resumed); left != 20*time.Second || !d.passed() {
			t.Errorf("the deadline expired %s after the pause, want 20s", left)
		}
	})
}

// BenchmarkFetch fetches a page of typical size over a reused connection.
func BenchmarkFetch(b *testing.B) {
	for _, coding := range []string{"", "gzip", "br", "zstd"} {
		b.Run("27KB "+coding, func(b *testing.B) {
			page := prose(27_000)
			if coding != "" {
				page = encode(b, coding, page)
			}
			server := serve(b, func(w http.ResponseWriter, _ *http.Request) {
				if coding != "" {
					w.Header().Set("Content-Encoding", coding)
				}
				w.Write(page)
			})
			f := newFetcher(b, Config{})
			req := request(b, server.URL)
			b.SetBytes(27_000)
			b.ReportAllocs()
			for b.Loop() {
				page, err := f.Fetch(b.Context(), req)
				if err != nil || page.Fault != nil || page.Body.Size != 27_000 {
					b.Fatal(err, page)
				}
				page.Release()
			}
		})
	}
}
