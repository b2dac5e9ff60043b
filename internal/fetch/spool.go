package fetch

import (
	"bytes"
	"io"
	"math/bits"
	"os"
	"sync"
)

// spool is an encoded body as it was received: a chunk in memory, the rest in a file. If a
// coding needs a large window, the whole body is received first, so that a slow server
// cannot tie up the memory for it. It is for use by one goroutine.
type spool struct {
	f     *Fetcher
	first *chunk
	size  int64
	file  *os.File // nil until there is more than a chunk
}

// take receives r until it ends. ended is nil if it ended normally, errCut if there were
// more than limit bytes, and otherwise the error of r. err is an internal error.
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

// head returns the beginning of the body.
func (s *spool) head() []byte { return s.first[:min(s.size, int64(len(s.first)))] }

// reader returns a reader for the body from its beginning.
func (s *spool) reader() io.Reader {
	head := bytes.NewReader(s.head())
	if s.file == nil {
		return head
	}
	return io.MultiReader(head, io.NewSectionReader(s.file, 0, s.size-int64(len(s.first))))
}

// release releases the body.
func (s *spool) release() {
	if s.first != nil {
		s.f.chunks.Put(s.first)
		s.first = nil
	}
	if s.file != nil {
		s.file.Close()
	}
}

// heads is reusable memory for the heads of bodies that outgrow a chunk. It has four sizes for
// each doubling, so that a fifth of the memory is unused at most, and the largest size of a head.
// It is safe for concurrent use.
type heads struct {
	most  int64                     // bytes
	pools [64 * headSteps]sync.Pool // of *head, by the class of the size
}

// headSteps is how many sizes of heads there are for each doubling.
const headSteps = 4

// head is a piece of memory from heads.
type head struct{ bytes []byte }

// size returns the size of the memory for a head of n bytes, at most h.most.
func (h *heads) size(n int64) int64 {
	step := max(1, int64(1)<<bits.Len64(uint64(n-1))/(2*headSteps))
	return min((n+step-1)/step*step, h.most)
}

// pool returns the pool of a size.
func (h *heads) pool(size int64) *sync.Pool {
	doublings := bits.Len64(uint64(size - 1))
	step := max(1, int64(1)<<doublings/(2*headSteps))
	return &h.pools[doublings*headSteps+int((size-1)/step)%headSteps]
}

// get returns size(n) bytes of memory with arbitrary contents.
func (h *heads) get(n int64) *head {
	size := h.size(n)
	if old, ok := h.pool(size).Get().(*head); ok && int64(len(old.bytes)) == size {
		return old
	}
	return &head{make([]byte, size)}
}

// put takes memory back for reuse. It ignores nil.
func (h *heads) put(m *head) {
	if m != nil {
		h.pool(int64(len(m.bytes))).Put(m)
	}
}
