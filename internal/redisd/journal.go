package redisd

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
)

// journal is redis.log, the output of all servers of a folder so far.
type journal struct {
	path  string
	start int64 // where the output of this server begins
}

// openJournal returns the journal of a folder, and the file that the next server writes to.
func openJournal(dir string) (journal, *os.File, error) {
	path := filepath.Join(dir, "redis.log")
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return journal{}, nil, err
	}
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		f.Close()
		return journal{}, nil, err
	}
	return journal{path, end}, f, nil
}

// lastLines returns the last few lines that this server wrote.
func (j journal) lastLines() string {
	const most, lines = 8 << 10, 10
	text, err := os.ReadFile(j.path)
	if err != nil {
		return err.Error()
	}
	text = text[min(j.start, int64(len(text))):]
	text = bytes.TrimSpace(text[max(0, len(text)-most):])
	all := bytes.Split(text, []byte("\n"))
	return string(bytes.Join(all[max(0, len(all)-lines):], []byte("\n")))
}
