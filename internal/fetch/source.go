package fetch

import (
	"bytes"
	"io"
)

// drainBytes is how much of an unwanted body is read so that its connection can be reused.
const drainBytes = 64 << 10

// source is a body as it is received. It remembers how it ended, to tell a broken
// connection from a corrupt coding, and how it began, for a body that is not encoded as its
// header says.
type source struct {
	r     io.Reader
	meter *meter // nil if there is no minimum rate
	n     int64  // bytes received
	err   error  // how it ended; nil until it does
	first []byte // the first bytes, up to its capacity
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

// empty reports whether the body ended without a byte.
func (s *source) empty() bool { return s.n == 0 && s.err == io.EOF }

// broke reports whether the body ended early.
func (s *source) broke() bool { return s.err != nil && s.err != io.EOF }

// again returns a reader for the source from its beginning. If more was received than is
// remembered, it reads only that, and whole is false.
func (s *source) again() (r io.Reader, whole bool) {
	first := bytes.NewReader(s.first)
	if s.n > int64(len(s.first)) {
		return first, false
	}
	s.first = nil
	return io.MultiReader(first, s), true
}

// drain reads the rest of the body, up to most bytes. A connection can be reused only if
// the body was read to its end.
func (s *source) drain(most int64) {
	if s.err == nil {
		io.CopyN(io.Discard, s, most)
	}
}
