// Package outputtest checks that drivers of buckets keep what [output.Bucket] promises.
package outputtest

import (
	"bytes"
	"context"
	"crypto/md5"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/internal/output"
)

// Bucket checks a driver with empty buckets that open returns, one for each test. Large is
// the size in bytes of the largest object that is stored.
func Bucket(t *testing.T, large int, open func(t *testing.T) output.Bucket) {
	t.Helper()
	for sentence, check := range map[string]func(*bucket){
		"an object is read as it was written": readBack,
		"a large object is read as it was written": func(b *bucket) {
			b.wantContent("large", strings.Repeat("0123456789abcdef", large/16))
		},
		"an object is replaced":                         replaced,
		"parts of an object are read":                   parts,
		"what lies directly beneath a prefix is listed": listed,
		"what does not exist is said to be missing":     missing,
		"an object that is deleted is missing":          deleted,
		"a write that is given up leaves nothing":       givenUp,
	} {
		t.Run(sentence, func(t *testing.T) {
			t.Parallel()
			b := &bucket{t, open(t)}
			t.Cleanup(func() {
				if err := b.Close(); err != nil {
					t.Error(err)
				}
			})
			check(b)
		})
	}
}

// bucket is a bucket under test.
type bucket struct {
	t *testing.T
	output.Bucket
}

func describe(content string) output.Object {
	sum := md5.Sum([]byte(content))
	return output.Object{Size: int64(len(content)), MD5: sum[:], ContentType: "text/plain"}
}

func (b *bucket) write(key, content string) {
	b.t.Helper()
	if err := b.Write(b.t.Context(), key, strings.NewReader(content), describe(content)); err != nil {
		b.t.Fatalf("write %q: %v", key, err)
	}
}

func (b *bucket) read(key string, offset, length int64) string {
	b.t.Helper()
	r, err := b.Read(b.t.Context(), key, offset, length)
	if err != nil {
		b.t.Fatalf("read %q: %v", key, err)
	}
	text, err := io.ReadAll(r)
	if err = errors.Join(err, r.Close()); err != nil {
		b.t.Fatalf("read %q: %v", key, err)
	}
	return string(text)
}

func (b *bucket) list(prefix string) []string {
	b.t.Helper()
	var keys []string
	for key, err := range b.List(b.t.Context(), prefix) {
		if err != nil {
			b.t.Fatalf("list %q: %v", prefix, err)
		}
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// wantContent checks that a content can be read back, and what the bucket reports about it.
func (b *bucket) wantContent(key, content string) {
	b.t.Helper()
	b.write(key, content)
	if got := b.read(key, 0, -1); got != content {
		b.t.Errorf("%q has %d bytes that differ from the %d written", key, len(got), len(content))
	}
	o, err := b.Stat(b.t.Context(), key)
	if want := describe(content); err != nil || o.Size != want.Size || o.MD5 != nil && !bytes.Equal(o.MD5, want.MD5) {
		b.t.Errorf("%q is described as %+v (%v), want %+v", key, o, err, want)
	}
}

func readBack(b *bucket) {
	for key, content := range map[string]string{
		"plain": "text", "in/two/folders": "more", "empty": "", "with space, ä and +%3A.html": "name",
		".hidden": "note",
	} {
		b.wantContent(key, content)
	}
}

func replaced(b *bucket) {
	b.wantContent("key", "a first content")
	b.wantContent("key", "another")
}

func parts(b *bucket) {
	b.write("key", "0123456789")
	for _, c := range []struct {
		offset, length int64
		want           string
	}{{0, -1, "0123456789"}, {0, 1, "0"}, {3, 4, "3456"}, {3, -1, "3456789"}, {9, 1, "9"}} {
		if got := b.read("key", c.offset, c.length); got != c.want {
			b.t.Errorf("from %d on, %d bytes are %q, want %q", c.offset, c.length, got, c.want)
		}
	}
}

func listed(b *bucket) {
	for _, key := range []string{"a", "b/1", "b/2", "b/c/3", "b.txt", "d/e/4"} {
		b.write(key, "x")
	}
	for prefix, want := range map[string][]string{
		"": {"a", "b.txt", "b/", "d/"}, "b/": {"b/1", "b/2", "b/c/"}, "d/": {"d/e/"}, "nowhere/": nil,
	} {
		if diff := cmp.Diff(want, b.list(prefix)); diff != "" {
			b.t.Errorf("beneath %q (-want +got):\n%s", prefix, diff)
		}
	}
	for range b.List(b.t.Context(), "") {
		break // a caller may stop listing at any time
	}
}

func missing(b *bucket) {
	b.write("folder/key", "x")
	for _, key := range []string{"key", "folder", "folder/other"} {
		_, stat := b.Stat(b.t.Context(), key)
		_, read := b.Read(b.t.Context(), key, 0, 1)
		if !errors.Is(stat, fs.ErrNotExist) {
			b.t.Errorf("stat %q: got %v", key, stat)
		}
		if key != "folder" && !errors.Is(read, fs.ErrNotExist) { // a folder on a disk can be opened
			b.t.Errorf("read %q: got %v", key, read)
		}
	}
}

func deleted(b *bucket) {
	b.write("key", "x")
	if err := b.Delete(b.t.Context(), "key"); err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.Stat(b.t.Context(), "key"); !errors.Is(err, fs.ErrNotExist) {
		b.t.Errorf("got %v", err)
	}
}

// interrupted is a content whose reader fails in the middle.
type interrupted struct {
	content *strings.Reader
	fail    context.CancelFunc
}

// Read reads a little at a time, and fails near the end.
func (c interrupted) Read(p []byte) (int, error) {
	if c.content.Len() < 8 {
		c.fail()
		return 0, context.Canceled
	}
	return c.content.Read(p[:min(len(p), 4)])
}

// Seek moves to an offset in the content.
func (c interrupted) Seek(offset int64, whence int) (int64, error) {
	return c.content.Seek(offset, whence)
}

func givenUp(b *bucket) {
	ctx, cancel := context.WithCancel(b.t.Context())
	defer cancel()
	content := "this content is never read to its end"
	if err := b.Write(ctx, "key", interrupted{strings.NewReader(content), cancel}, describe(content)); err == nil {
		b.t.Error("half a content is written without an error")
	}
	if keys := b.list(""); len(keys) > 0 {
		b.t.Errorf("the bucket has %q", keys)
	}
}
