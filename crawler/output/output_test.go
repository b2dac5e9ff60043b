package output

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/zstd"
)

// places opens a location of each kind that needs no service, and hands out what
// puts a file there.
func places(t *testing.T, do func(t *testing.T, l *Location, put func(name, content string))) {
	t.Helper()
	for kind, where := range map[string]string{"folder": t.TempDir(), "file": "file://" + t.TempDir(), "mem": "mem://"} {
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
					if err := p.WriteAll(t.Context(), p.prefix+name, []byte(content), nil); err != nil {
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

func zipped(t *testing.T, members ...string) string {
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

func framed(t *testing.T, frames ...string) string {
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

// linesOf reads the lines of a file with their places.
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

func TestLinesAreReadHoweverTheyAreCompressedAndWhereverTheyLie(t *testing.T) {
	t.Parallel()
	places(t, func(t *testing.T, l *Location, put func(name, content string)) {
		for name, content := range map[string]string{
			"pages-1.jsonl":          "a\nb\n",
			"pages-2.jsonl":          "a\nb\ntorn",
			"pages-3.jsonl.gz":       zipped(t, "a\n", "b\n"),
			"pages-4.jsonl.zst":      framed(t, "a\n", "b\n"),
			"pages-5.jsonl.gz.open":  zipped(t, "a\nb\n", "c\n")[:len(zipped(t, "a\nb\n"))+9],
			"pages-6.jsonl.zst.open": framed(t, "a\nb\n", "c\n")[:len(framed(t, "a\nb\n"))+4],
		} {
			put(name, content)
			if diff := cmp.Diff([]string{"0:a", "2:b"}, linesOf(t, l, name)); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
		for _, begun := range []string{"pages-7.jsonl.gz.open", "pages-7.jsonl.zst.open", "pages-7.jsonl.open"} {
			put(begun, "")
			if lines := linesOf(t, l, begun); lines != nil {
				t.Errorf("%s: %q", begun, lines)
			}
		}
	})
}

func TestAFinishedSegmentThatIsDamagedIsNotPassedOver(t *testing.T) {
	t.Parallel()
	places(t, func(t *testing.T, l *Location, put func(name, content string)) {
		whole := zipped(t, "a\n", "b\n")
		put("pages-1.jsonl.gz", whole[:len(whole)-3])
		err := l.EachLine(t.Context(), "pages-1.jsonl.gz", func(int64, []byte) error { return nil })
		if !errors.Is(err, io.ErrUnexpectedEOF) || !strings.Contains(err.Error(), l.String()) {
			t.Errorf("got %v", err)
		}
	})
}

func TestSegmentsOfAKindAreListedByNameAndNothingElse(t *testing.T) {
	t.Parallel()
	places(t, func(t *testing.T, l *Location, put func(name, content string)) {
		for _, name := range []string{
			"pages-w-00002.jsonl.gz", "pages-w-00001.jsonl", "pages-w-00003.jsonl.zst.open", "pages.jsonl", "pagesque.jsonl", "pages-1.parquet",
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

func TestASegmentThatIsFinishedMeanwhileIsStillFound(t *testing.T) {
	t.Parallel()
	places(t, func(t *testing.T, l *Location, put func(name, content string)) {
		put("pages-1.jsonl", "a\n")
		if got := linesOf(t, l, "pages-1.jsonl.open"); len(got) != 1 {
			t.Errorf("got %q", got)
		}
	})
}

func TestAPartOfAFileIsRead(t *testing.T) {
	t.Parallel()
	places(t, func(t *testing.T, l *Location, put func(name, content string)) {
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

func TestWhatIsNotThereIsMissingAndNamed(t *testing.T) {
	t.Parallel()
	places(t, func(t *testing.T, l *Location, _ func(name, content string)) {
		_, open := l.Open(t.Context(), "pages-1.jsonl")
		_, openAt := l.OpenAt(t.Context(), "pages-1.jsonl")
		for _, err := range []error{open, openAt} {
			if !errors.Is(err, ErrMissing) || !strings.Contains(err.Error(), Join(l.String(), "pages-1.jsonl")) {
				t.Errorf("got %v", err)
			}
		}
	})
}

func TestOutputsAreJoinedBeforeTheirParameters(t *testing.T) {
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

func TestAURLOfNoBucketIsRefusedWithWhatToWrite(t *testing.T) {
	t.Parallel()
	for where, want := range map[string]string{
		"ftp://host/x":     "s3://, gs://, azblob://, file://, mem://",
		"s3:///prefix":     "s3://bucket/prefix",
		"gs://":            "gs://bucket/prefix",
		"file://data/out":  "file:///path/to/folder",
		"file://":          "file:///path/to/folder",
		"s3://b?nonsense=": "nonsense",
		"azblob://c":       "AZURE_STORAGE_ACCOUNT",
		"s3://%zz":         "no URL of a bucket",
	} {
		_, err := Open(t.Context(), where)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), where) {
			t.Errorf("%s: got %v, want it to say %q", where, err, want)
		}
	}
}

func TestFoldersBeneathALocationAreListed(t *testing.T) {
	t.Parallel()
	places(t, func(t *testing.T, l *Location, put func(name, content string)) {
		if names, err := l.In("nowhere").Folders(t.Context()); err != nil || len(names) > 0 {
			t.Errorf("in a place that is not there, there are %q (%v)", names, err)
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
