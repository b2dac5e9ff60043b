package sitemap

import (
	"bufio"
	"errors"
	"io"
	"strings"
)

// Bounds of a text sitemap.
const (
	longestLine = 64 << 10 // bytes; a longer line is not a URL
	maxNoise    = 1000     // after this many lines without any URL, the text is not a sitemap
)

// text reads a sitemap that is a list with one URL per line. It skips empty lines and
// lines that begin with #.
type text struct {
	lines *bufio.Reader
	out   *output
	base  base
}

// read returns why reading stopped, or nil at the regular end.
func (t *text) read() error {
	noise := 0
	for {
		line, err := t.line()
		if line != "" && !strings.HasPrefix(line, "#") {
			u, bad := t.base.line(line)
			if bad != nil {
				noise++
			}
			if err := t.out.put(line, u, bad, Location{Priority: usualPriority}); err != nil {
				return err
			}
		}
		switch {
		case noise > 0 && t.out.count == 0 && (noise == maxNoise || err != nil):
			return notSitemap("no line of it is a URL")
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}

// line returns the next line without surrounding white space. It returns only the
// beginning of a line that is too long.
func (t *text) line() (string, error) {
	part, err := t.lines.ReadSlice('\n')
	line := trim(string(part))
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = t.lines.ReadSlice('\n')
	}
	if err != nil && err != io.EOF { // the line is incomplete and may mean something else
		return "", err
	}
	return line, err
}
