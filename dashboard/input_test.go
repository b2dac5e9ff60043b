package dashboard

import (
	"io"
	"strings"
)

// readerOf returns a reader of body, or nil for "".
func readerOf(text string) io.Reader {
	if text == "" {
		return nil
	}
	return strings.NewReader(text)
}

// endlessLine is a line that never ends.
type endlessLine struct{}

func (endlessLine) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}
