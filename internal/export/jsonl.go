package export

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// pressed returns a writer that compresses according to the name of the draft.
func pressed(out *draft) (io.WriteCloser, error) {
	b := bufio.NewWriterSize(out, 1<<20)
	switch {
	case strings.HasSuffix(out.Name(), ".gz"):
		return stacked{gzip.NewWriter(b), b}, nil
	case strings.HasSuffix(out.Name(), ".zst"):
		frames, err := zstd.NewWriter(b)
		return stacked{frames, b}, err
	}
	return stacked{nopCloser{b}, b}, nil
}

// stacked is a writer on top of a buffer.
type stacked struct {
	io.WriteCloser
	under *bufio.Writer
}

func (s stacked) Close() error { return errors.Join(s.WriteCloser.Close(), s.under.Flush()) }

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// jsonl writes records unchanged, or chosen fields of them in the order in which they
// were chosen.
type jsonl struct {
	out    io.WriteCloser
	fields []Field
	line   bytes.Buffer
}

func newJSONL(out *draft, o Order) (Writer, error) {
	w, err := pressed(out)
	return &jsonl{out: w, fields: o.Fields}, err
}

func (w *jsonl) Write(r *Record) error {
	w.line.Reset()
	if len(w.fields) == 0 {
		w.line.Write(r.Line)
	} else if err := w.choose(r); err != nil {
		return err
	}
	w.line.WriteByte('\n')
	_, err := w.out.Write(w.line.Bytes())
	return err
}

func (w *jsonl) choose(r *Record) error {
	line, err := r.AppendFields(w.line.AvailableBuffer(), w.fields)
	if err != nil {
		return err
	}
	w.line.Write(line)
	return nil
}

func (w *jsonl) Close() error { return w.out.Close() }
