package fetch

import (
	"bytes"
	"io"
)

// drainBytes is how much of a body that nobody wants is read so that its
// connection can be used again.
const drainBytes = 64 << 10

// source is a body as it comes off the wire. It remembers how it ended, so that
// a broken connection can be told from a corrupt coding, and how it began, for
// a body that turns out not to be in the coding that its header names.
type source struct {
	r     io.Reader
	meter *meter // nil: it may be as slow as it likes
	n     int64  // bytes that came
	err   error  // how it ended; nil while it goes on
	first []byte // what came first, up to its capacity
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.wire(p)
	s.n += int64(n)
	if room := cap(s.first) - len(s.first); room > 0 {
		s.first = append(s.first, p[:min(n, room)]...)
	}
	if err != nil {
		s.err = err
	}
	return n, err
}

func (s *source) wire(p []byte) (int, error) {
	if s.meter == nil {
		return s.r.Read(p)
	}
	return s.meter.readFrom(s.r, p)
}

// empty reports whether it ended without a byte.
func (s *source) empty() bool { return s.n == 0 && s.err == io.EOF }

// broke reports whether it ended before its end.
func (s *source) broke() bool { return s.err != nil && s.err != io.EOF }

// again reads the source from its beginning. Where more came than was
// remembered it reads only that, and whole is false.
func (s *source) again() (r io.Reader, whole bool) {
	first := bytes.NewReader(s.first)
	if s.n > int64(len(s.first)) {
		return first, false
	}
	s.first = nil
	return io.MultiReader(first, s), true
}

// drain reads what is left, if it is no more than most bytes. A connection goes
// back to the others only when its body was read to the end.
func (s *source) drain(most int64) {
	if s.err == nil {
		io.CopyN(io.Discard, s, most)
	}
}
