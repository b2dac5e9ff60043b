package fetch

import (
	"bytes"
	"io"
	"os"
)

// spool is a body under its codings, as it came: a chunk in memory, the rest in
// a file. What must look far back to remove a coding waits until the body is
// there, so that no slow server keeps the memory for it. It is for one
// goroutine.
type spool struct {
	f     *Fetcher
	first *chunk
	size  int64
	file  *os.File // nil until there is more than a chunk
}

// take takes r in until it ends. ended is nil when it ended well, errCut when
// there was more than limit bytes, and otherwise what r failed with; err is our
// own trouble.
func (s *spool) take(r io.Reader, limit int64) (ended, err error) {
	s.first = s.f.chunks.Get().(*chunk)
	whole := io.LimitReader(r, limit+1)
	n, ended := io.ReadFull(whole, s.first[:])
	s.size = int64(n)
	if ended == nil {
		ended, err = s.overflow(whole)
	} else if ended == io.ErrUnexpectedEOF || ended == io.EOF {
		ended = nil
	}
	if ended == nil && s.size > limit {
		s.size, ended = limit, errCut
	}
	return ended, err
}

func (s *spool) overflow(r io.Reader) (ended, err error) {
	way := s.f.chunks.Get().(*chunk)
	defer s.f.chunks.Put(way)
	for {
		n, ended := r.Read(way[:])
		if n > 0 && s.file == nil {
			if s.file, err = spillFile(s.f.cfg.TempDir); err != nil {
				return nil, err
			}
		}
		if n > 0 {
			if err := spilled(s.file.Write(way[:n])); err != nil {
				return nil, err
			}
			s.size += int64(n)
		}
		if ended != nil {
			return unlessEOF(ended), nil
		}
	}
}

// head is how the body begins.
func (s *spool) head() []byte { return s.first[:min(s.size, int64(len(s.first)))] }

// reader reads the body from its beginning.
func (s *spool) reader() io.Reader {
	head := bytes.NewReader(s.head())
	if s.file == nil {
		return head
	}
	return io.MultiReader(head, io.NewSectionReader(s.file, 0, s.size-int64(len(s.first))))
}

// release lets the body go.
func (s *spool) release() {
	if s.first != nil {
		s.f.chunks.Put(s.first)
		s.first = nil
	}
	if s.file != nil {
		s.file.Close()
	}
}
