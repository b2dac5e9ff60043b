package sitemap

import (
	"bufio"
	"errors"
	"io"
	"strings"

	"github.com/trawlcrawler/trawl/crawler"
)

// Bounds of a text sitemap.
const (
	longestLine = 64 << 10 // bytes; what is longer is no URL
	mostNoise   = 1000     // lines without a URL among them: it is another kind of text
)

// text reads a sitemap that is a list, one URL a line. Empty lines and those
// that begin with # are passed over.
type text struct {
	lines *bufio.Reader
	out   *output
}

// read returns how the sitemap ended, nil when it did well.
func (t *text) read() error {
	noise := 0
	for {
		line, err := t.line()
		if line != "" && !strings.HasPrefix(line, "#") {
			u, bad := crawler.ParseURL(line)
			if bad != nil {
				noise++
			}
			if err := t.out.put(line, u, bad, Location{Priority: usualPriority}); err != nil {
				return err
			}
		}
		switch {
		case noise > 0 && t.out.count == 0 && (noise == mostNoise || err != nil):
			return notSitemap("no line of it is a URL")
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
	}
}

// line returns the next line without the white space around it. Of one that is
// too long it returns the beginning.
func (t *text) line() (string, error) {
	part, err := t.lines.ReadSlice('\n')
	line := trim(string(part))
	for errors.Is(err, bufio.ErrBufferFull) {
		_, err = t.lines.ReadSlice('\n')
	}
	if err != nil && err != io.EOF { // the line is cut: it says another thing
		return "", err
	}
	return line, err
}
