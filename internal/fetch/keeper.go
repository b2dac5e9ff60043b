package fetch

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"hash"
	"io"
	"os"

	"github.com/trawlcrawler/trawl/internal/fetched"
)

// chunk is the memory for the beginning of a body. It does not count towards Memory, and
// most bodies need no more.
type chunk [64 << 10]byte

// errCut means that there was more than the limit.
var errCut = errors.New("the body is longer than its limit")

// keeper receives one body: its head into memory, the rest into a file. It is for use by
// one goroutine, and is reused after it hands out the body.
type keeper struct {
	f        *Fetcher
	deadline *deadline
	limit    int64 // of the whole body, in bytes
	most     int64 // of the head
	exact    bool  // the whole body is most bytes long
	waits    bool  // the body is released late
	head     []byte
	charged  int64    // bytes of shared memory taken for the head
	first    *chunk   // contains the head; nil if the head outgrew it
	large    *head    // contains the head after that
	way      *chunk   // buffer for bytes on their way to the file; nil until needed
	spill    *os.File // nil until needed
	size     int64
	hash     hash.Hash
	probe    [1]byte
}

func newKeeper(f *Fetcher) *keeper { return &keeper{f: f, hash: sha256.New()} }

// keeper returns a keeper that keeps up to limit bytes of a body. length is the length of
// the whole body, or -1. waits says that the body is released late.
func (f *Fetcher) keeper(d *deadline, limit, length int64, waits bool) *keeper {
	k := f.keepers.Get().(*keeper)
	k.deadline, k.limit, k.most, k.waits = d, limit, min(limit, f.cfg.HeadBytes), waits
	k.exact = length >= 0 && length <= k.most
	if k.exact {
		k.most = length
	}
	k.first = f.chunks.Get().(*chunk)
	k.head = k.first[:0:min(int64(len(k.first)), k.most)]
	return k
}

// fill receives r until it ends. ended is nil if it ended normally, errCut if there was
// more than the limit, and otherwise the error of r. err is an internal error.
func (k *keeper) fill(r io.Reader) (ended, err error) {
	for k.size < k.limit {
		space, err := k.space()
		if err != nil {
			return nil, err
		}
		n, ended := r.Read(space[:min(int64(len(space)), k.limit-k.size)])
		if err := k.take(space[:n]); err != nil {
			return nil, err
		}
		if ended != nil {
			return unlessEOF(ended), nil
		}
	}
	return k.beyond(r), nil
}

// beyond checks whether r has more than was kept.
func (k *keeper) beyond(r io.Reader) error {
	for {
		n, err := r.Read(k.probe[:])
		if n > 0 {
			return errCut
		}
		if err != nil {
			return unlessEOF(err)
		}
	}
}

func unlessEOF(err error) error {
	if err == io.EOF {
		return nil
	}
	return err
}

// space returns the buffer that the next bytes must be read into.
func (k *keeper) space() ([]byte, error) {
	if len(k.head) == cap(k.head) && int64(cap(k.head)) < k.most {
		if err := k.grow(); err != nil {
			return nil, err
		}
	}
	if len(k.head) < cap(k.head) {
		return k.head[len(k.head):cap(k.head)], nil
	}
	if k.way == nil {
		k.way = k.f.chunks.Get().(*chunk)
	}
	return k.way[:], nil
}

// grow enlarges the head. The first call takes all the memory that the head may need,
// because asking for more later could deadlock.
func (k *keeper) grow() error {
	if k.charged == 0 {
		all := k.f.heads.size(k.most)
		if err := k.f.memory.take(k.deadline, all); err != nil {
			return err
		}
		k.charged = all
	}
	size := min(2*int64(cap(k.head)), k.most)
	if k.exact {
		size = k.most
	}
	large := k.f.heads.get(size)
	n := copy(large.bytes, k.head)
	k.f.heads.put(k.large)
	k.large, k.head = large, large.bytes[:n:min(int64(len(large.bytes)), k.most)]
	if k.first != nil {
		k.way, k.first = k.first, nil
	}
	return nil
}

// take keeps p, which was read into space.
func (k *keeper) take(p []byte) error {
	k.hash.Write(p)
	k.size += int64(len(p))
	if len(k.head) < cap(k.head) {
		k.head = k.head[:len(k.head)+len(p)]
		return nil
	}
	if len(p) == 0 {
		return nil
	}
	return k.overflow(p)
}

func (k *keeper) overflow(p []byte) (err error) {
	if k.spill == nil {
		if k.spill, err = spillFile(k.f.cfg.TempDir); err != nil {
			return err
		}
	}
	return spilled(k.spill.Write(p))
}

// short is the size up to which a body is moved out of its chunk if it is released late.
// With a hundred or more such bodies waiting, their chunks would hold several times their
// size.
const short = len(chunk{}) / 4

// body returns what was kept. The keeper must not be used afterwards.
func (k *keeper) body() *fetched.Body {
	if k.waits && k.first != nil && len(k.head) <= short {
		k.head = bytes.Clone(k.head)
		k.f.chunks.Put(k.first)
		k.first = nil
	}
	h := &holding{f: k.f, first: k.first, large: k.large, spill: k.spill}
	if k.charged > 0 {
		h.charged = int64(len(k.large.bytes))
		k.f.memory.give(k.charged - h.charged)
	}
	h.body = fetched.Body{Head: k.head, Spill: k.spill, Size: k.size, Release: h.release}
	k.hash.Sum(h.body.Digest[:0])
	if k.way != nil {
		k.f.chunks.Put(k.way)
	}
	k.hash.Reset()
	*k = keeper{f: k.f, hash: k.hash}
	k.f.keepers.Put(k)
	return &h.body
}
