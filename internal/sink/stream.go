package sink

import (
	"context"
	"fmt"
	"io"
	"sync"

	"github.com/trawlcrawler/trawl/internal/fetched"
)

// Stream writes records to a pipe, a terminal or any other writer, one per line. It
// cannot take back what it wrote, so a failure is final, even in the middle of a line:
// nothing more is written, and every later Keep returns the same error.
type Stream struct {
	w     io.Writer
	links bool

	mu     sync.Mutex
	broken error
}

// NewStream returns a Stream that writes to w. w must not buffer, as a bufio.Writer does.
// The caller closes w. links lists the links of a page in its record instead of counting
// them.
func NewStream(w io.Writer, links bool) *Stream {
	return &Stream{w: w, links: links}
}

// Keep writes the records of results with one call. When the reader of a pipe is gone,
// the error wraps [syscall.EPIPE] or [io.ErrClosedPipe].
func (s *Stream) Keep(ctx context.Context, results []*fetched.Result) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	b, err := batchOf(results, s.links)
	if err != nil {
		return err
	}
	defer b.free()
	return s.write(b)
}

// Needs returns the zero value: records are enough.
func (*Stream) Needs() fetched.Needs { return fetched.Needs{} }

func (s *Stream) write(b *batch) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil || len(b.lines) == 0 {
		return s.broken
	}
	n, err := s.w.Write(b.lines)
	if err == nil && n < len(b.lines) {
		err = io.ErrShortWrite
	}
	if err != nil {
		s.broken = fmt.Errorf("writing records to the output stream: %w", err)
	}
	return s.broken
}

// Close does nothing, because the writer belongs to the caller.
func (s *Stream) Close() error { return nil }
