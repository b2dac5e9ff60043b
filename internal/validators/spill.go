package validators

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
)

// kind says what a fact is.
type kind byte

const (
	aRecord  kind = iota // a record of the URL, fetched at
	aCapture             // a response of the URL in an archive
	aLine                // a line of the URL
)

// fact is something about a URL that was read in an output.
type fact struct {
	url      uint64 // fingerprint
	kind     kind
	trusted  bool   // of a line: its record was checked before
	at       uint32 // of a record, and of that of a line: when it was fetched, unix seconds
	captured uint32 // of a line: when the archived response was requested; 0 without one
	line     line   // of a line
}

const factSize = 8 + 1 + 4 + 4 + 8 // bytes

func (f fact) append(b []byte) []byte {
	b = binary.BigEndian.AppendUint64(b, f.url)
	k := byte(f.kind)
	if f.trusted {
		k |= 0x80
	}
	b = append(b, k)
	b = binary.BigEndian.AppendUint32(b, f.at)
	b = binary.BigEndian.AppendUint32(b, f.captured)
	return binary.BigEndian.AppendUint64(b, uint64(f.line))
}

func factOf(b []byte) fact {
	return fact{
		url: binary.BigEndian.Uint64(b), kind: kind(b[8] &^ 0x80), trusted: b[8]&0x80 != 0,
		at: binary.BigEndian.Uint32(b[9:]), captured: binary.BigEndian.Uint32(b[13:]),
		line: line(binary.BigEndian.Uint64(b[17:])),
	}
}

// parts is the number of parts that URLs are divided into, so that one part at a time is sorted in
// memory.
const parts = 64

// spillAt is how many bytes of facts a part keeps in memory before it writes them to its file.
const spillAt = 64 << 10

// spill keeps facts by parts of the URLs: small ones in memory, the rest on disk.
type spill struct {
	dir   string
	parts [parts]struct {
		buffer []byte
		file   *os.File // nil until the buffer was full
	}
}

func (s *spill) add(f fact) error {
	p := &s.parts[f.url>>(64-6)]
	if p.buffer = f.append(p.buffer); len(p.buffer) < spillAt {
		return nil
	}
	if p.file == nil {
		var err error
		if p.file, err = scratch(s.dir); err != nil {
			return err
		}
	}
	if _, err := p.file.Write(p.buffer); err != nil {
		return fmt.Errorf("sort what is known of earlier fetches: %w", err)
	}
	p.buffer = p.buffer[:0]
	return nil
}

// part returns the facts of a part in the order in which they were added, and frees them.
func (s *spill) part(n int) (all []fact, err error) {
	p := &s.parts[n]
	if p.file != nil {
		if _, err := p.file.Seek(0, io.SeekStart); err != nil {
			return nil, fmt.Errorf("sort what is known of earlier fetches: %w", err)
		}
		in, one := bufio.NewReaderSize(p.file, spillAt), make([]byte, factSize)
		for {
			if _, err := io.ReadFull(in, one); err == io.EOF {
				break
			} else if err != nil {
				return nil, fmt.Errorf("sort what is known of earlier fetches: %w", err)
			}
			all = append(all, factOf(one))
		}
		err = p.file.Close()
		p.file = nil
	}
	for at := 0; at < len(p.buffer); at += factSize {
		all = append(all, factOf(p.buffer[at:]))
	}
	p.buffer = nil
	return all, err
}

func (s *spill) close() error {
	var errs []error
	for i := range s.parts {
		if file := s.parts[i].file; file != nil {
			errs = append(errs, file.Close())
		}
	}
	return errors.Join(errs...)
}
