package charset

import (
	"compress/gzip"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/text/encoding/htmlindex"
)

// roffMark matches what is no text in a page of man.
var roffMark = regexp.MustCompile(`(?m)^[.'].*$|\\f.|\\[-&|(].?.?`)

// TestUndeclaredCharsetsAreGuessed encodes Debian's manual pages of ten languages in the
// charsets that these were written in before UTF-8.
func TestUndeclaredCharsetsAreGuessed(t *testing.T) {
	t.Parallel()
	right, total := 0, 0
	for _, c := range []struct {
		language string
		charsets []string
	}{
		{"ru", []string{"windows-1251", "koi8-r", "iso-8859-5"}}, {"ja", []string{"shift_jis", "euc-jp"}},
		{"zh_CN", []string{"gbk"}}, {"zh_TW", []string{"big5"}}, {"ko", []string{"euc-kr"}},
		{"pl", []string{"iso-8859-2", "windows-1250"}},
		{"cs", []string{"iso-8859-2", "windows-1250"}}, {"hu", []string{"iso-8859-2", "windows-1250"}},
		{"tr", []string{"iso-8859-9", "windows-1254"}}, {"de", []string{"windows-1252"}},
		{"fr", []string{"windows-1252"}},
		{"uk", []string{"windows-1251"}},
	} {
		files, _ := filepath.Glob("/usr/share/man/" + c.language + "/man*/*.gz")
		for i, file := range files {
			if i >= 15 {
				break
			}
			text := manual(t, file)
			for _, charset := range c.charsets {
				page, want, ok := encoded(t, text, charset)
				if !ok {
					continue
				}
				total++
				src := NewSource(MediaType{Essence: "text/html"}, page, false)
				if got, _ := src.Encoding.NewDecoder().Bytes(page); string(got) == want {
					right++
				} else {
					t.Logf("%s in %s is guessed to be %s", file, charset, src.Charset)
				}
			}
		}
	}
	if total == 0 {
		t.Skip("no manual pages in other languages are installed")
	}
	t.Logf("%d of %d pages are read right", right, total)
	if right*100 < total*98 {
		t.Errorf("%d of %d pages are read right, want 98 %%", right, total)
	}
}

// manual returns the text of a page of man.
func manual(t *testing.T, file string) string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return roffMark.ReplaceAllString(string(b), "")
}

// encoded returns 400 letters or more of a text in a charset, and what a reader must get.
// ok is false if it has fewer than 200 letters beyond ASCII and spaces, or the charset
// does not have them.
func encoded(t *testing.T, text, charset string) (page []byte, want string, ok bool) {
	t.Helper()
	e, err := htmlindex.Get(charset)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	high := 0
	b.WriteString("<html><head><title>x</title></head><body><p>")
	for _, line := range strings.Split(text, "\n") {
		if b.Len() > 1500 {
			break
		}
		if _, err := e.NewEncoder().String(line); err != nil {
			continue
		}
		for _, r := range line {
			if r >= utf8.RuneSelf {
				high++
			}
		}
		b.WriteString(line + "\n")
	}
	page, err = e.NewEncoder().Bytes([]byte(b.String()))
	if err != nil || high < leastHigh || b.Len() < 400 {
		return nil, "", false
	}
	return page, b.String(), true
}
