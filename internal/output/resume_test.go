package output

import (
	"bytes"
	"compress/gzip"
	"errors"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
)

// batched returns lines of a file, compressed in batches as a sink does it.
func batched(t *testing.T, end string, batches ...string) string {
	t.Helper()
	var all bytes.Buffer
	for _, text := range batches {
		switch end {
		case Gzip:
			w := gzip.NewWriter(&all)
			_, err := w.Write([]byte(text))
			if err := errors.Join(err, w.Close()); err != nil {
				t.Fatal(err)
			}
		case Zstd:
			w, err := zstd.NewWriter(nil)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(w.EncodeAll([]byte(text), nil))
		default:
			all.WriteString(text)
		}
	}
	return all.String()
}

func TestLinesAreReadFromEveryMark(t *testing.T) {
	t.Parallel()
	const want = "{1} {22} {333} {} {5}"
	for _, end := range []string{Plain, Gzip, Zstd} {
		content := batched(t, end, "{1}\n{22}\n", "{333}\n", "{}\n{5}\n")
		forEachLocation(t, func(t *testing.T, l *Location, put func(name, content string)) {
			name := "pages-00001" + end
			put(name, content)
			var lines []string
			var marks []Mark
			read := func(from Mark) (bool, string) {
				t.Helper()
				lines, marks = nil, nil
				ended, err := l.LinesFrom(t.Context(), name, from, func(line []byte, next Mark) error {
					lines, marks = append(lines, string(line)), append(marks, next)
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
				return ended, strings.Join(lines, " ")
			}
			if ended, got := read(Mark{}); got != want || !ended {
				t.Fatalf("%s: from the beginning, got %q, ended %v; want %q", end, got, ended, want)
			}
			for i, mark := range marks {
				rest := strings.Join(strings.Split(want, " ")[i+1:], " ")
				if ended, got := read(mark); got != rest || !ended {
					t.Errorf("%s: from %+v, got %q, ended %v; want %q", end, mark, got, ended, rest)
				}
			}
		})
	}
}

func TestOnlyWholeBatchesOfAGrowingFileAreRead(t *testing.T) {
	t.Parallel()
	for _, end := range []string{Plain, Gzip, Zstd} {
		one, two := batched(t, end, "{1}\n{2}\n"), batched(t, end, "{3}\n")
		forEachLocation(t, func(t *testing.T, l *Location, put func(name, content string)) {
			name := "pages-00001" + end
			var got []string
			var at Mark
			read := func() bool {
				t.Helper()
				ended, err := l.LinesFrom(t.Context(), name+Growing, at, func(line []byte, next Mark) error {
					got, at = append(got, string(line)), next
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
				return ended
			}
			if read() || len(got) > 0 { // it does not exist
				t.Errorf("%s: got %q", end, got)
			}
			for length := range len(one) + len(two) + 1 {
				put(name+Growing, (one + two)[:length])
				if read() {
					t.Fatalf("%s: a growing file has ended", end)
				}
			}
			if text := strings.Join(got, " "); text != "{1} {2} {3}" {
				t.Errorf("%s: got %q", end, text)
			}
			put(name, one+two)
		})
	}
}

func TestADamagedFileIsReadUpToAndAfterTheDamage(t *testing.T) {
	t.Parallel()
	for _, end := range []string{Gzip, Zstd} {
		one, two, three := batched(t, end, "{1}\n"), batched(t, end, "{2}\n"), batched(t, end, "{3}\n")
		damaged := []byte(two)
		damaged[len(damaged)-2] ^= 0xff // in the checksum
		forEachLocation(t, func(t *testing.T, l *Location, put func(name, content string)) {
			put("pages-00001"+end, one+string(damaged)+three)
			var got []string
			ended, err := l.LinesFrom(t.Context(), "pages-00001"+end, Mark{}, func(line []byte, _ Mark) error {
				got = append(got, string(line))
				return nil
			})
			if text := strings.Join(got, " "); text != "{1} {3}" || !ended || !errors.Is(err, ErrDamaged) {
				t.Errorf("%s: got %q, ended %v, %v", end, text, ended, err)
			}
		})
	}
}
