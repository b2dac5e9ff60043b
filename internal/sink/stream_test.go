package sink

import (
	"bytes"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// calls counts the writes to a buffer.
type calls struct {
	bytes.Buffer
	n int
}

func (c *calls) Write(b []byte) (int, error) {
	c.n++
	return c.Buffer.Write(b)
}

func TestAStreamWritesEachBatchInOneCall(t *testing.T) {
	t.Parallel()
	var out calls
	s := NewStream(&out, false)
	var visits sync.WaitGroup
	for b := range 100 {
		visits.Go(func() { keep(t, s, pages(t, b, 10)...) })
	}
	visits.Wait()
	closed(t, s)
	wantOnce(t, records(t, out.String()), 100, 10)
	if out.n != 100 {
		t.Errorf("%d writes, want one a batch", out.n)
	}
}

func TestAStreamReportsThatItsReaderIsGone(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	r.Close()
	if err := NewStream(w, false).Keep(t.Context(), pages(t, 0, 1)); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("got %v, want EPIPE", err)
	}
}

// shortWriter accepts a few bytes and then fails once.
type shortWriter struct {
	bytes.Buffer
	fails error
}

func (w *shortWriter) Write(b []byte) (int, error) {
	if w.fails == nil {
		return w.Buffer.Write(b)
	}
	err := w.fails
	w.fails = nil
	n, _ := w.Buffer.Write(b[:10])
	return n, err
}

func TestAStreamWritesNothingAfterATornLine(t *testing.T) {
	t.Parallel()
	w := &shortWriter{fails: io.ErrClosedPipe}
	s := NewStream(w, false)
	for range 2 {
		if err := s.Keep(t.Context(), pages(t, 0, 1)); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("got %v", err)
		}
	}
	if w.Len() != 10 {
		t.Errorf("the stream continued: %q", w.String())
	}
}

func TestAStreamListsLinksIfConfigured(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	keep(t, NewStream(&out, true), pages(t, 0, 1)...)
	if !strings.Contains(out.String(), `"links":["http://example.com/0/0"]`) {
		t.Error(out.String())
	}
}
