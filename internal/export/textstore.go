package export

import (
	"errors"
	"fmt"
	"os"
)

// textStore keeps texts in a temporary file, so that memory does not depend on their size: 32 bytes
// each.
type textStore struct {
	file *os.File
	size int64
	at   map[uint64]extent
}

// extent is where a text is in the file.
type extent struct {
	offset int64
	length int32
}

// longestText is how many bytes of a text are kept, which is more than is compared.
const longestText = 2 << 20

func newTextStore() (*textStore, error) {
	file, err := os.CreateTemp("", "trawl-diff-")
	if err != nil {
		return nil, fmt.Errorf("keep texts to compare: %w", err)
	}
	return &textStore{file: file, at: make(map[uint64]extent)}, nil
}

// keep keeps a text under a key.
func (s *textStore) keep(key uint64, text string) error {
	if text == "" {
		return nil
	}
	text = text[:min(len(text), longestText)]
	n, err := s.file.WriteAt([]byte(text), s.size)
	if err != nil {
		return fmt.Errorf("keep texts to compare: %w", err)
	}
	s.at[key] = extent{s.size, int32(n)}
	s.size += int64(n)
	return nil
}

// get returns the text of a key; "" if none was kept.
func (s *textStore) get(key uint64) (string, error) {
	e, ok := s.at[key]
	if !ok {
		return "", nil
	}
	text := make([]byte, e.length)
	if _, err := s.file.ReadAt(text, e.offset); err != nil {
		return "", fmt.Errorf("read texts to compare: %w", err)
	}
	return string(text), nil
}

// close removes the file.
func (s *textStore) close() error { return errors.Join(s.file.Close(), os.Remove(s.file.Name())) }
