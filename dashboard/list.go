package dashboard

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"os"

	"github.com/trawlcrawler/trawl/crawler"
)

// maxLine is the longest line of a list, in bytes. A longer one is refused.
const maxLine = 64 << 10

// errBroken says that a list could not be read to its end.
var errBroken = errors.New("the list cannot be read to its end")

// list is a list of URLs as it comes in: a line of text or of JSON for each.
// Lines that are empty or begin with # are passed over. It holds one line at a
// time.
type list struct {
	lines *bufio.Reader
	read  func(line []byte) (string, error)

	line    int64 // the last one that was read
	refused crawler.Seeding
	err     error // why it was not read to its end
}

func newList(body io.Reader, read func([]byte) (string, error)) *list {
	return &list{lines: bufio.NewReaderSize(body, maxLine), read: read}
}

// urls yields a string for each line: what it says to be a URL, or "". Lines
// that say nothing that could be understood are refused here. It can be ranged
// over once.
func (l *list) urls() iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for {
			line, err := l.next()
			if err == io.EOF {
				return
			}
			if err != nil {
				l.err = err
				yield("", err)
				return
			}
			if !yield(line, nil) {
				return
			}
		}
	}
}

// next reads a line, or returns io.EOF behind the last.
func (l *list) next() (string, error) {
	line, err := l.lines.ReadSlice('\n')
	switch {
	case err == io.EOF && len(line) == 0:
		return "", io.EOF
	case err == bufio.ErrBufferFull:
		l.line++
		l.refuse(line, fmt.Errorf("the line has more than %d bytes", maxLine))
		return "", l.skip()
	case err != nil && err != io.EOF:
		return "", broken(err)
	}
	l.line++
	return l.understand(line), nil
}

// skip passes over the rest of a line.
func (l *list) skip() error {
	for {
		_, err := l.lines.ReadSlice('\n')
		switch {
		case err == nil, err == io.EOF: // which the next line finds, too
			return nil
		case err != bufio.ErrBufferFull:
			return broken(err)
		}
	}
}

// broken says why a list ends early, and keeps what its limits say.
func broken(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) || errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	return fmt.Errorf("%w: %w", errBroken, err)
}

// byteOrderMark may stand before the first line, if Windows wrote it.
var byteOrderMark = []byte("\ufeff")

// understand returns what a line says to be a URL, or "".
func (l *list) understand(line []byte) string {
	if l.line == 1 {
		line = bytes.TrimPrefix(line, byteOrderMark)
	}
	line = bytes.TrimSpace(line)
	if len(line) == 0 || line[0] == '#' {
		return ""
	}
	url, err := l.read(line)
	if err != nil {
		l.refuse(line, err)
	}
	return url
}

// shownLine is how much of a line that was refused is shown, in bytes.
const shownLine = 200

func (l *list) refuse(line []byte, why error) {
	shown := line
	if len(line) > shownLine {
		shown = append(bytes.Clone(line[:shownLine]), "…"...)
	}
	l.refused.Refuse(crawler.Refusal{Line: l.line, URL: string(bytes.ToValidUTF8(shown, []byte("\ufffd"))), Reason: why.Error()})
}

// plainLine takes a line as it is.
func plainLine(line []byte) (string, error) { return string(line), nil }

// jsonLine checks a seed in JSON. A field that is not known is an error: it may be one that was meant
// to do something.
func jsonLine(line []byte) (string, error) {
	seed, err := crawler.ParseSeedJSON(line)
	return seed.String(), err
}
