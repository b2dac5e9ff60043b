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
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/seedfile"
)

// maxLine is the longest line of a list, in bytes. A longer one is refused.
const maxLine = 64 << 10

// errBroken says that a list could not be read completely.
var errBroken = errors.New("the list cannot be read completely")

// list reads a list of URLs as it arrives, one line of text or JSON for each. It skips
// lines that are empty or start with #. It holds one line in memory at a time.
type list struct {
	lines *bufio.Reader
	read  func(line []byte) (string, error)
	more  func() // called after a line with a URL, valid or not, was processed; nil for nothing

	line    int64 // number of the last line that was read
	refused crawler.Seeding
	err     error // why it was not read completely
}

func newList(body io.Reader, read func([]byte) (string, error)) *list {
	return &list{lines: bufio.NewReaderSize(body, maxLine), read: read}
}

// urls yields a string for each line: what should be a URL, or "". Lines that cannot be
// parsed are refused here. It can be ranged over once.
func (l *list) urls() iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for {
			refused := l.refused.Refused
			line, err := l.next()
			if err == io.EOF {
				return
			}
			says := line != "" || l.refused.Refused > refused
			if err != nil {
				l.err = err
				yield("", err)
				return
			}
			if !yield(line, nil) {
				return
			}
			if says && l.more != nil {
				l.more()
			}
		}
	}
}

// next reads a line, or returns io.EOF after the last.
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

// skip reads past the rest of a line.
func (l *list) skip() error {
	for {
		_, err := l.lines.ReadSlice('\n')
		switch {
		case err == nil, err == io.EOF: // the next call finds the end, too
			return nil
		case err != bufio.ErrBufferFull:
			return broken(err)
		}
	}
}

// broken wraps the reason why a list ends early, except errors about its limits.
func broken(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) || errors.Is(err, os.ErrDeadlineExceeded) {
		return err
	}
	return fmt.Errorf("%w: %w", errBroken, err)
}

// byteOrderMark may precede the first line, if Windows wrote it.
var byteOrderMark = []byte("\ufeff")

// understand returns what should be a URL in a line, or "".
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

// shownLine is how much of a refused line is shown, in bytes.
const shownLine = 200

func (l *list) refuse(line []byte, why error) {
	shown := line
	if len(line) > shownLine {
		shown = append(bytes.Clone(line[:shownLine]), "…"...)
	}
	queue.Refuse(&l.refused, crawler.Refusal{Line: l.line, URL: string(bytes.ToValidUTF8(shown, []byte("\ufffd"))),
		Reason: why.Error()})
}

// plainLine returns a line unchanged.
func plainLine(line []byte) (string, error) { return string(line), nil }

// jsonLine parses a seed in JSON. An unknown field is an error, because the client may rely
// on it.
func jsonLine(line []byte) (string, error) {
	seed, err := seedfile.ParseSeedJSON(line)
	return seed.String(), err
}
