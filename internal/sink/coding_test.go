package sink

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestATornCompressedSegmentIsTruncatedToItsLastCompleteBatch(t *testing.T) {
	t.Parallel()
	for _, c := range []Compression{Gzip, Zstandard} {
		coding, err := c.coding(false)
		if err != nil {
			t.Fatal(err)
		}
		var file []byte
		ends := []int64{0}
		for _, lines := range []string{"{\"a\":1}\n", strings.Repeat("x", 300_000) + "\n", noise(200_000) + "\n"} {
			if file, err = coding.pack(file, []byte(lines)); err != nil {
				t.Fatal(err)
			}
			ends = append(ends, int64(len(file)))
		}
		for batch, begin := range ends[:3] {
			end := ends[batch+1]
			for at := begin; at < end; at += max(1, (end-begin)/50) {
				got, err := coding.whole(bytes.NewReader(file[:at]), at)
				if err != nil || got != begin {
					t.Fatalf("%s: of %d bytes %d are complete, %v; want %d", c, at, got, err, begin)
				}
			}
		}
		for behind, tail := range map[string][]byte{"nothing": nil, "zeros": make([]byte, 5000),
			"noise": []byte(noise(5000))} {
			torn := append(bytes.Clone(file), tail...)
			if got, err := coding.whole(bytes.NewReader(torn), int64(len(torn))); err != nil || got != ends[3] {
				t.Errorf("%s followed by %s: %d complete bytes, %v; want %d", c, behind, got, err, ends[3])
			}
		}
		damaged := bytes.Clone(file)
		damaged[ends[1]+(ends[2]-ends[1])/2] ^= 0xff
		if got, err := coding.whole(bytes.NewReader(damaged), int64(len(damaged))); err != nil || got != ends[1] {
			t.Errorf("%s damaged in the second batch: %d complete bytes, %v; want %d", c, got, err, ends[1])
		}
	}
}

// brokenDisk is a file whose reads fail.
type brokenDisk struct{}

func (brokenDisk) ReadAt([]byte, int64) (int, error) { return 0, syscall.EIO }

func TestAReadErrorTruncatesNothing(t *testing.T) {
	t.Parallel()
	for _, c := range []Compression{Uncompressed, Gzip, Zstandard} {
		coding, err := c.coding(false)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := coding.whole(brokenDisk{}, 1000); !errors.Is(err, syscall.EIO) {
			t.Errorf("%q: got %v", c, err)
		}
	}
}

func TestASegmentGetsItsFinalNameWhenItIsFinished(t *testing.T) {
	t.Parallel()
	for _, c := range []Compression{Uncompressed, Gzip, Zstandard} {
		dir := t.TempDir()
		j := openJSONL(t, JSONLConfig{Dir: dir, Compression: c})
		if left := glob(t, dir, "pages*"); len(left) > 0 {
			t.Errorf("%q exist before anything was kept", left)
		}
		keep(t, j, pages(t, 0, 3)...)
		name := filepath.Join(dir, "pages-00001.jsonl"+string(c))
		if _, err := os.Stat(name); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s: %v", name, err)
		}
		wantOnce(t, records(t, unpacked(t, name+opened)), 1, 3)
		closed(t, j)
		wantOnce(t, records(t, unpacked(t, name)), 1, 3)
		if left := glob(t, dir, "pages*"); len(left) != 1 {
			t.Errorf("%q remain", left)
		}
	}
}

func TestAnOldSegmentIsFinishedUnlessItIsEmpty(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ticker := time.NewTicker(time.Hour)
	ticks := make(chan time.Time)
	ticker.C = ticks
	j, err := newJSONL(JSONLConfig{Dir: dir, MaxAge: 1}.WithDefaults(), ticker)
	if err != nil {
		t.Fatal(err)
	}
	for b := range 2 {
		keep(t, j, pages(t, b, 2)...)
		ticks <- time.Time{}
		ticks <- time.Time{} // received after the previous tick was handled
		ticks <- time.Time{}
	}
	finished := glob(t, dir, "pages-*.jsonl")
	if len(finished) != 2 || len(glob(t, dir, "pages-*.open")) > 0 {
		t.Errorf("the finished segments are %q", finished)
	}
	wantOnce(t, kept(t, dir, "pages-*.jsonl"), 2, 2)
	closed(t, j)
}

func TestAnUnknownCompressionIsRefused(t *testing.T) {
	t.Parallel()
	if _, err := NewJSONL(JSONLConfig{Dir: t.TempDir(), Compression: ".lzma"}); err == nil ||
		!strings.Contains(err.Error(), `".lzma"`) {
		t.Errorf("got %v", err)
	}
}
