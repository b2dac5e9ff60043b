package fetch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"

	"github.com/trawlcrawler/trawl/crawler"
)

// holding is a body and what is to be given back for it.
type holding struct {
	body    crawler.Body
	f       *Fetcher
	first   *chunk   // that the head lies in, if it does
	large   *head    // or this
	charged int64    // bytes of memory
	spill   *os.File // may be nil
	once    sync.Once
}

// release may be called again, and at the same time.
func (h *holding) release() {
	h.once.Do(func() {
		h.body.Head, h.body.Spill = nil, nil
		if h.first != nil {
			h.f.chunks.Put(h.first)
		}
		h.f.heads.put(h.large)
		if h.charged > 0 {
			h.f.memory.give(h.charged)
		}
		if h.spill != nil {
			h.spill.Close()
		}
	})
}

// spillFile opens a file in dir that has no name any more.
func spillFile(dir string) (*os.File, error) {
	file, err := os.CreateTemp(dir, "trawl-body-")
	if errors.Is(err, fs.ErrNotExist) && dir != "" { // somebody removed it
		if err = os.MkdirAll(dir, 0o755); err == nil {
			file, err = os.CreateTemp(dir, "trawl-body-")
		}
	}
	if err != nil {
		return nil, fmt.Errorf("fetch: %w: no temporary file: %w", crawler.ErrSpill, err)
	}
	if err := os.Remove(file.Name()); err != nil {
		file.Close()
		return nil, fmt.Errorf("fetch: %w: unlink a temporary file: %w", crawler.ErrSpill, err)
	}
	return file, nil
}

// spilled words the error of a write to such a file.
func spilled(_ int, err error) error {
	if err != nil {
		return fmt.Errorf("fetch: %w: %w", crawler.ErrSpill, err)
	}
	return nil
}

// Room returns why there is no room on the disk for so many bytes of a body that memory
// does not hold.
func (f *Fetcher) Room(bytes int64) error {
	file, err := spillFile(f.cfg.TempDir)
	if err != nil {
		return err
	}
	zeros := make([]byte, min(bytes, 1<<20))
	for left := bytes; left > 0 && err == nil; left -= int64(len(zeros)) {
		err = spilled(file.Write(zeros[:min(left, int64(len(zeros)))]))
	}
	return errors.Join(err, file.Close())
}
