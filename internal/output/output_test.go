package output

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
)

// forEachLocation opens a location of each kind that needs no service, and passes a function that
// puts a file there.
func forEachLocation(t *testing.T, do func(t *testing.T, l *Location, put func(name, content string))) {
	t.Helper()
	for kind, where := range map[string]string{"folder": t.TempDir(), "file": "file://" + t.TempDir(),
		"mem": "mem://"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			root, err := Open(t.Context(), where)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := root.Close(); err != nil {
					t.Error(err)
				}
			})
			l := root.In("news")
			do(t, l, func(name, content string) {
				switch p := l.place.(type) {
				case folder:
					write(t, content, p.path(name))
				case bucket:
					o := Object{Size: int64(len(content))}
					if err := p.Write(t.Context(), p.prefix+name, strings.NewReader(content), o); err != nil {
						t.Fatal(err)
					}
				}
			})
		})
	}
}

func write(t *testing.T, content, path string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func gzipped(t *testing.T, members ...string) string {
	t.Helper()
	var b bytes.Buffer
	for _, m := range members {
		w := gzip.NewWriter(&b)
		_, err := io.WriteString(w, m)
		if err = errors.Join(err, w.Close()); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

func zstdCompressed(t *testing.T, frames ...string) string {
	t.Helper()
	e, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	var b []byte
	for _, f := range frames {
		b = e.EncodeAll([]byte(f), b)
	}
	return string(b)
}

// linesOf reads the lines of a file with their offsets.
func linesOf(t *testing.T, l *Location, name string) []string {
	t.Helper()
	var lines []string
	err := l.EachLine(t.Context(), name, func(offset int64, line []byte) error {
		lines = append(lines, fmt.Sprintf("%d:%s", offset, line))
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	return lines
}

func TestLinesAreReadFromEachLocationAndCompression(t *testing.T) {
	t.Parallel()
	forEachLocation(t, func(t *testing.T, l *Location, put func(name, content string)) {
		for name, content := range map[string]string{
			"pages-1.jsonl":          "a\nb\n",
			"pages-2.jsonl.open":     "a\nb\ntorn",
			"pages-3.jsonl.gz":       gzipped(t, "a\n", "b\n"),
			"pages-4.jsonl.zst":      zstdCompressed(t, "a\n", "b\n"),
			"pages-5.jsonl.gz.open":  gzipped(t, "a\nb\n", "c\n")[:len(gzipped(t, "a\nb\n"))+9],
			"pages-6.jsonl.zst.open": zstdCompressed(t, "a\nb\n", "c\n")[:len(zstdCompressed(t, "a\nb\n"))+4],
		} {
			put(name, content)
			if diff := cmp.Diff([]string{"0:a", "2:b"}, linesOf(t, l, name)); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
		for _, empty := range []string{"pages-7.jsonl.gz.open", "pages-7.jsonl.zst.open", "pages-7.jsonl.open"} {
			put(empty, "")
			if lines := linesOf(t, l, empty); lines != nil {
				t.Errorf("%s: %q", empty, lines)
			}
		}
	})
}

func TestTheUndamagedPartsOfAFinishedSegmentAreRead(t *testing.T) {
	t.Parallel()
	record := func(i int) string { return fmt.Sprintf("{\"n\":%d}\n", i) }
	// broken changes a byte within the second of three batches.
	broken := func(pack func(*testing.T, ...string) string) string {
		one, two := pack(t, record(1)+record(2)), pack(t, record(3)+record(4))
		text := []byte(one + two + pack(t, record(5), record(6)))
		text[len(one)+len(two)-5] ^= 0x55
		return string(text)
	}
	cut := func(text string, end int) string { return text[:len(text)-end] }
	for name, c := range map[string]struct {
		content string
		want    []int
		says    string
	}{
		"lines, the last one torn.jsonl":    {record(1) + record(2) + `{"n":3`, []int{1, 2}, "is incomplete"},
		"lines, without the last end.jsonl": {record(1) + cut(record(2), 1), []int{1, 2}, "is incomplete"},
		"nothing.jsonl":                     {"", nil, "empty"},
		"nothing.jsonl.gz":                  {"", nil, "empty"},
		"gzip, cut short.jsonl.gz": {
			cut(gzipped(t, record(1)+record(2), record(3)), 3), []int{1, 2, 3}, "unexpected EOF",
		},
		"gzip, cut within a head.jsonl.gz": {
			cut(gzipped(t, record(1), record(3)), len(gzipped(t, record(3)))-4), []int{1}, "EOF",
		},
		"gzip, changed.jsonl.gz": {broken(gzipped), []int{1, 2, 5, 6}, "damaged"},
		"gzip, with a hole.jsonl.gz": {
			gzipped(t, record(1)) + strings.Repeat("\x00", 4096) + gzipped(t, record(2), record(3)), []int{1, 2, 3},
			"damaged",
		},
		"gzip, not gzip at all.jsonl.gz": {"<html>", nil, "damaged"},
		"zstd, cut short.jsonl.zst": {
			cut(zstdCompressed(t, record(1)+record(2), record(3)), 9), []int{1, 2}, "EOF",
		},
		"zstd, changed.jsonl.zst": {broken(zstdCompressed), []int{1, 2, 5, 6}, "damaged"},
		"zstd, with a hole.jsonl.zst": {
			zstdCompressed(t, record(1)) + strings.Repeat("\x00", 4096) + zstdCompressed(t, record(2), record(3)),
			[]int{1, 2, 3}, "damaged",
		},
		"gzip, one member cut within it.jsonl.gz": {cut(gzipped(t, manyRecords(2000)), 2000), nil, "unexpected EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			forEachLocation(t, func(t *testing.T, l *Location, put func(name, content string)) {
				put(name, c.content)
				var got []int
				err := l.EachLine(t.Context(), name, func(_ int64, line []byte) error {
					var record struct{ N int }
					if err := json.Unmarshal(line, &record); err == nil { // a reader may skip a changed batch
						got = append(got, record.N)
					}
					return nil
				})
				if !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), c.says) ||
					!strings.Contains(err.Error(), l.String()) {
					t.Errorf("the error is %v, want a damaged file with %q", err, c.says)
				}
				got = slices.DeleteFunc(got, func(n int) bool {
					return strings.Contains(name, "changed") && (n == 3 || n == 4)
				})
				switch {
				case strings.Contains(name, "one member"):
					if len(got) < 100 || got[len(got)-1] != len(got) {
						t.Errorf("%d lines are read from a member that was cut", len(got))
					}
				default:
					if diff := cmp.Diff(c.want, got); diff != "" {
						t.Error(diff)
					}
				}
			})
		})
	}
}

// manyRecords returns n records that do not compress well.
func manyRecords(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "{\"n\":%d,\"digest\":\"%x\"}\n", i+1, sha256.Sum256([]byte{byte(i), byte(i >> 8)}))
	}
	return b.String()
}

func TestTheReadersErrorForADamagedFileIsReturnedUnchanged(t *testing.T) {
	t.Parallel()
	forEachLocation(t, func(t *testing.T, l *Location, put func(name, content string)) {
		put("pages-1.jsonl.gz", gzipped(t, "{}\n")+"hole"+gzipped(t, "{}\n"))
		enough, read := errors.New("enough"), 0
		err := l.EachLine(t.Context(), "pages-1.jsonl.gz", func(int64, []byte) error {
			if read++; read == 2 {
				return enough
			}
			return nil
		})
		if err != enough {
			t.Errorf("got %v", err)
		}
	})
}

func TestAnOutputRecordsTheJobThatOwnsIt(t *testing.T) {
	t.Parallel()
	created := time.Date(2026, 11, 29, 6, 0, 0, 7e6, time.UTC)
	forEachLocation(t, func(t *testing.T, l *Location, put func(name, content string)) {
		wantOwner := func(want string, at time.Time) {
			t.Helper()
			was, err := l.OfAnother(t.Context(), "news", at)
			got := ""
			if was != nil {
				got = fmt.Sprint(was.Job, " ", was.Created.UTC().Format(time.DateTime))
			}
			if err != nil || got != want {
				t.Errorf("the owner is %q (%v), want %q", got, err, want)
			}
		}
		wantOwner("", created)
		if err := l.NoteSettled(t.Context(), Settled{Job: "news", Records: 3,
			Ended: created.Add(-time.Hour)}); err != nil {
			t.Fatal(err)
		}
		wantOwner("news 0001-01-01 00:00:00", created) // written by a version that recorded no owner
		wantOwner("", created.Add(-2*time.Hour))
		if err := l.SetOwner(t.Context(), Owner{Job: "news", Created: created}); err != nil {
			t.Fatal(err)
		}
		wantOwner("", created)
		wantOwner("news 2026-11-29 06:00:00", created.Add(time.Millisecond))
		if s, err := l.Settled(t.Context()); s != nil || err != nil {
			t.Errorf("URLs that an earlier job settled count for the next job: %+v, %v", s, err)
		}
		put(".job.json", "{")
		if _, err := l.Owner(t.Context()); err == nil || !strings.Contains(err.Error(), "remove it") {
			t.Errorf("for a damaged note: %v", err)
		}
	})
}

func TestOnlySegmentsOfAKindAreListedInTheOrderOfTheirNames(t *testing.T) {
	t.Parallel()
	forEachLocation(t, func(t *testing.T, l *Location, put func(name, content string)) {
		for _, name := range []string{
			"pages-w-00002.jsonl.gz", "pages-w-00001.jsonl", "pages-w-00003.jsonl.zst.open", "pages.jsonl",
			"pagesque.jsonl", "pages-1.parquet",
			".pages-w.lock", ".pages-9.jsonl", "manifest.jsonl", "example.org/pages-1.jsonl", "earlier/pages-1.jsonl",
		} {
			put(name, "{}\n")
		}
		want := []string{"pages-w-00001.jsonl", "pages-w-00002.jsonl.gz", "pages-w-00003.jsonl.zst.open", "pages.jsonl"}
		got, err := l.Segments(t.Context(), "pages")
		if err != nil {
			t.Fatal(err)
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

func TestASegmentIsFoundIfItIsFinishedAfterTheListing(t *testing.T) {
	t.Parallel()
	forEachLocation(t, func(t *testing.T, l *Location, put func(name, content string)) {
		put("pages-1.jsonl", "a\n")
		if got := linesOf(t, l, "pages-1.jsonl.open"); len(got) != 1 {
			t.Errorf("got %q", got)
		}
	})
}

func TestAPartOfAFileIsRead(t *testing.T) {
	t.Parallel()
	forEachLocation(t, func(t *testing.T, l *Location, put func(name, content string)) {
		put("pages.parquet", "0123456789")
		f, err := l.OpenAt(t.Context(), "pages.parquet")
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(io.NewSectionReader(f, 3, f.Size()-5)); err != nil || string(text) != "34567" {
			t.Errorf("got %q, %v", text, err)
		}
		if n, err := f.ReadAt(make([]byte, 3), 8); n != 2 || err != io.EOF {
			t.Errorf("at the end: %d, %v", n, err)
		}
	})
}

func TestAPartOfAFileIsReadAtOnce(t *testing.T) {
	t.Parallel()
	forEachLocation(t, func(t *testing.T, l *Location, put func(name, content string)) {
		put("blocks", "0123456789")
		for _, c := range []struct {
			offset, length int64
			want           string
			err            error
		}{{0, -1, "0123456789", nil}, {3, 5, "34567", nil}, {8, -1, "89", nil}, {8, 3, "", io.ErrUnexpectedEOF}} {
			got, err := l.ReadPart(t.Context(), "blocks", c.offset, c.length)
			if string(got) != c.want || !errors.Is(err, c.err) {
				t.Errorf("%d bytes from %d on: %q, %v", c.length, c.offset, got, err)
			}
		}
	})
}

func TestARemovedFileIsMissing(t *testing.T) {
	t.Parallel()
	forEachLocation(t, func(t *testing.T, l *Location, put func(name, content string)) {
		put("one", "1")
		put("two", "2")
		if err := l.Remove(t.Context(), "one"); err != nil {
			t.Fatal(err)
		}
		if names, err := l.Names(t.Context()); err != nil || !slices.Equal(names, []string{"two"}) {
			t.Errorf("left are %q, %v", names, err)
		}
	})
}

func TestAMissingFileIsNamed(t *testing.T) {
	t.Parallel()
	forEachLocation(t, func(t *testing.T, l *Location, _ func(name, content string)) {
		_, open := l.Open(t.Context(), "pages-1.jsonl")
		_, openAt := l.OpenAt(t.Context(), "pages-1.jsonl")
		_, readPart := l.ReadPart(t.Context(), "pages-1.jsonl", 0, 1)
		for _, err := range []error{open, openAt, readPart} {
			if !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), Join(l.String(), "pages-1.jsonl")) {
				t.Errorf("got %v", err)
			}
		}
	})
}

func TestJoinAddsANameBeforeTheParameters(t *testing.T) {
	t.Parallel()
	for _, c := range [][3]string{
		{"/data/out", "news", "/data/out/news"},
		{"", "news", "news"},
		{"s3://bucket", "news", "s3://bucket/news"},
		{"s3://bucket/a/?region=x&endpoint=http://y/z", "news", "s3://bucket/a/news?region=x&endpoint=http://y/z"},
		{"mem://", "news", "mem://news"},
	} {
		if got := Join(c[0], c[1]); got != c[2] {
			t.Errorf("Join(%q, %q) = %q, want %q", c[0], c[1], got, c[2])
		}
	}
}

func TestTheErrorForAnInvalidBucketURLSaysHowToFixIt(t *testing.T) {
	t.Parallel()
	for where, want := range map[string]string{
		"ftp://host/x":     "s3://, gs://, azblob://, file://, mem://",
		"s3:///prefix":     "s3://bucket/prefix",
		"file://data/out":  "file:///path/to/folder",
		"file://":          "file:///path/to/folder",
		"s3://b?nonsense=": "nonsense",
		"azblob://c":       "trawl/drivers/azure",
		"gs://b/prefix":    "make build-full",
		"s3://%zz":         "invalid URL escape",

		"s3://b?endpoint=http://127.0.0.1/path":             "without a path",
		"s3://b?use_path_style=perhaps":                     "neither true nor false",
		"s3://b?ssetype=rot13":                              "neither AES256 nor aws:kms",
		"s3://b?ssetype=AES256&kmskeyid=k":                  "goes with ssetype=aws:kms",
		"s3://b?request_checksum_calculation=when_required": "it takes region, endpoint",
		"file:///tmp?metadata=skip":                         "it takes create_dir",
		"mem://?nomd5":                                      "it takes none",
	} {
		_, err := Open(t.Context(), where)
		if !errors.Is(err, ErrURL) || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), where) {
			t.Errorf("%s: got %v, want an error with %q", where, err, want)
		}
	}
}

func TestFoldersInALocationAreListed(t *testing.T) {
	t.Parallel()
	forEachLocation(t, func(t *testing.T, l *Location, put func(name, content string)) {
		if names, err := l.In("missing").Folders(t.Context()); err != nil || len(names) > 0 {
			t.Errorf("a missing location contains %q (%v)", names, err)
		}
		put("b/pages-00001.jsonl", "")
		put("a/deep/pages-00001.jsonl", "")
		put(".hidden/x", "")
		put("file", "")
		names, err := l.Folders(t.Context())
		if err != nil || !slices.Equal(names, []string{"a", "b"}) {
			t.Errorf("the folders are %q (%v)", names, err)
		}
	})
}

// Workers that start at the same moment check the same bucket, with the same probe.
func TestABucketIsCheckedByManyAtOnce(t *testing.T) {
	t.Parallel()
	where := "file://" + t.TempDir()
	var checking sync.WaitGroup
	for range 4 {
		checking.Go(func() {
			l, err := Open(t.Context(), where)
			if err != nil {
				t.Error(err)
				return
			}
			defer l.Close()
			for range 100 {
				if err := l.Check(t.Context()); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	checking.Wait()
}
