package seedfile

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
)

// readLines reads a list; a line that cannot be used is what is wrong with it.
func readLines(r io.Reader, longest int) (lines []string, last error) {
	for line, err := range SeedLines(r, longest) {
		if bad, ok := AsLineError(err); ok {
			line, err = bad.Error(), nil
			if !strings.HasPrefix(bad.Text, "http://a.test/xxx") || !strings.HasSuffix(bad.Text, "…") {
				line = "not how the line begins: " + bad.Text
			}
		}
		lines, last = append(lines, line), err
	}
	return lines, last
}

func TestAListOfSeedsIsReadLineByLine(t *testing.T) {
	t.Parallel()
	const longest = 30
	long := "http://a.test/" + strings.Repeat("x", longest)
	const tooLong = "the line is too long: at most 30 bytes are allowed"
	for name, c := range map[string]struct {
		list string
		want []string
	}{
		"nothing":                      {"", nil},
		"no end of the last line":      {"a\nb", []string{"a", "b"}},
		"Windows, blanks and comments": {"\ufeffa\r\n\r\n# c\r\n \td \r\n", []string{"a", "", "", "d"}},
		"a long line in between":       {"a\n" + long + "\nb\n", []string{"a", tooLong, "b"}},
		"a long line at the end":       {"a\n" + long, []string{"a", tooLong}},
		"a line just so long":          {long[:longest] + "\r\nb", []string{long[:longest], "b"}},
		"a line longer than any buffer": {
			"a\n" + long + strings.Repeat("y", 300_000) + "\nb", []string{"a", tooLong, "b"},
		},
		"several long ones": {long + "\n" + long + "\nb", []string{tooLong, tooLong, "b"}},
	} {
		got, err := readLines(iotest.OneByteReader(strings.NewReader(c.list)), longest)
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("%s (-want +got), %v:\n%s", name, err, diff)
		}
	}
}

func TestAListInUTF16IsRead(t *testing.T) {
	t.Parallel()
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		var text []byte
		for _, unit := range utf16.Encode([]rune("\ufeffhttp://a.test/é\r\nhttp://b.test/😀\r\n")) {
			text = order.AppendUint16(text, unit)
		}
		got, err := readLines(iotest.HalfReader(bytes.NewReader(append(text, 'x'))), 100) // and half a character
		if diff := cmp.Diff([]string{"http://a.test/é", "http://b.test/😀"}, got); diff != "" || err != nil {
			t.Errorf("%v:\n%s", err, diff)
		}
	}
}

func TestAListThatBreaksOffEndsWithTheError(t *testing.T) {
	t.Parallel()
	broken := errors.New("the disk is broken")
	got, err := readLines(io.MultiReader(strings.NewReader("a\nb"), iotest.ErrReader(broken)), 100)
	if diff := cmp.Diff([]string{"a", ""}, got); diff != "" || !errors.Is(err, broken) {
		t.Errorf("half a line is no line; it ended with %v:\n%s", err, diff)
	}
}

func TestALineOfSeveralColumnsIsItsFirst(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]Seed{
		"http://a.test/b\t12\tThe b of a":                  {URL: "http://a.test/b"},
		"http://a.test/b \t":                               {URL: "http://a.test/b"},
		"http://a.test/caf\xe9\t1":                         {URL: "http://a.test/caf%E9"},
		`{"url": "http://a.test/` + "\xfc" + `"}`:          {URL: "http://a.test/%FC"},
		`{"url": "http://a.test/b\tc", "priority": "low"}`: {URL: "http://a.test/b\tc", Priority: crawler.PriorityLow},
		`{"url": "http://a.test/b", "changed": true}`:      {URL: "http://a.test/b", Changed: true},
	} {
		got, err := ParseSeed(line)
		if err != nil || got != want {
			t.Errorf("%q is read as %+v, %v; want %+v", line, got, err, want)
		}
		if again, err := ParseSeed(got.String()); got.Priority == "" && (err != nil || again != got) {
			t.Errorf("%q is written and read as %+v, %v", line, again, err)
		}
	}
}

func TestAllLinesOfAListAreThoseOfPagesThatHaveChanged(t *testing.T) {
	t.Parallel()
	lines := func(yield func(string, error) bool) {
		for _, line := range []string{"http://a.test/1", "", `{"url": "http://a.test/2", "priority": "low"}`, "{broken"} {
			if !yield(line, nil) {
				return
			}
		}
	}
	var got []string
	for line, err := range Changed(lines) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, line)
	}
	want := []string{`{"url":"http://a.test/1","changed":true}`, "",
		`{"url":"http://a.test/2","priority":"low","changed":true}`, "{broken"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
