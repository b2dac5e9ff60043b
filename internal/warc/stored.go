package warc

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/klauspost/compress/gzip"
)

// Stored is a record that was read from a compressed WARC file.
type Stored struct {
	Version string // "WARC/1.1"
	// Fields are the named fields in their order, with the names as written.
	Fields []Field
	// HeadLength is the size of the version line, the fields and the empty line, in bytes.
	HeadLength int64
	// Block is the beginning of the block, as much of it as was asked for.
	Block []byte
	// Length is the size of the whole block in bytes, and Digest its SHA-1.
	Length int64
	Digest SHA1
	Member Member
}

// Field is a named field of a record, or a header line of a message.
type Field struct{ Name, Value string }

// Member is the gzip member that contains a record (RFC 1952, 2.3).
type Member struct {
	// Length is the size of the whole member in bytes, HeadLength that of its header, and
	// FootLength that of its trailer.
	Length, HeadLength, FootLength int64
	// CRC and Inflated are what the trailer says: the CRC-32 of the content and its size.
	CRC, Inflated uint32
}

// Get returns the value of a field, or "". Names are compared without regard to case.
func (s *Stored) Get(name string) string {
	for _, f := range s.Fields {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

// Whole reports whether Block is the whole block.
func (s *Stored) Whole() bool { return int64(len(s.Block)) == s.Length }

const (
	gzipHead   = 10      // bytes of a header without optional fields, as encoders here write it
	gzipFoot   = 8       // bytes of a trailer
	maxRecHead = 1 << 20 // bytes of the fields of a record; more is damage
)

// Read reads the record of a capture and verifies the checksum of its member. It keeps up to
// most bytes of the block. The error wraps [ErrNotWhole] when the record is damaged.
func Read(in io.ReaderAt, c Capture, most int64) (*Stored, error) {
	raw := &Counter{R: io.NewSectionReader(in, c.Offset, c.Length)}
	end := &ending{r: raw}
	// As few calls as possible: each may open the file, or be a request.
	buffered := bufio.NewReaderSize(end, int(min(c.Length, 1<<20)))
	s, err := readStored(buffered, most)
	if read := raw.N - int64(buffered.Buffered()); err == nil && read != c.Length {
		err = fmt.Errorf("it has %d bytes instead of %d: %w", read, c.Length, errNoRecord)
	}
	if err != nil {
		return nil, fmt.Errorf("%s, at byte %d: %w", c.File, c.Offset, notWhole(raw, err))
	}
	s.Member = Member{
		Length: c.Length, HeadLength: gzipHead, FootLength: gzipFoot,
		CRC: binary.LittleEndian.Uint32(end.last[:4]), Inflated: binary.LittleEndian.Uint32(end.last[4:]),
	}
	return s, nil
}

// ending remembers the last bytes that it reads: those of a member are its trailer.
type ending struct {
	r    io.Reader
	last [gzipFoot]byte
}

// Read reads from r.
func (e *ending) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	if kept := min(n, gzipFoot); kept > 0 {
		copy(e.last[:], e.last[kept:])
		copy(e.last[gzipFoot-kept:], p[n-kept:n])
	}
	return n, err
}

// readStored reads the record in one member.
func readStored(in *bufio.Reader, most int64) (*Stored, error) {
	zip, err := gzip.NewReader(in)
	if err != nil {
		return nil, err
	}
	zip.Multistream(false)
	text := bufio.NewReader(zip)
	s := new(Stored)
	if err := s.readHead(text); err != nil {
		return nil, err
	}
	if s.Length, err = strconv.ParseInt(s.Get("Content-Length"), 10, 64); err != nil || s.Length < 0 {
		return nil, fmt.Errorf("its Content-Length is %q: %w", s.Get("Content-Length"), errNoRecord)
	}
	if err := s.readBlock(text, most); err != nil {
		return nil, err
	}
	end, err := io.ReadAll(text) // reads the trailer as well
	if err == nil && string(end) != "\r\n\r\n" {
		err = fmt.Errorf("%d bytes follow its block: %w", len(end), errNoRecord)
	}
	return s, err
}

// readHead reads the version and the named fields. A line that begins with white space
// continues the field before it (WARC 1.1, 4).
func (s *Stored) readHead(text *bufio.Reader) error {
	for {
		line, err := text.ReadString('\n')
		if s.HeadLength += int64(len(line)); err != nil || s.HeadLength > maxRecHead {
			return errors.Join(err, errNoRecord)
		}
		line = strings.TrimRight(line, "\r\n")
		name, value, named := strings.Cut(line, ":")
		switch {
		case s.Version == "" && strings.HasPrefix(line, "WARC/"):
			s.Version = line
		case s.Version == "":
			return fmt.Errorf("%q is not a version of WARC: %w", line[:min(len(line), maxQuoted)], errNoRecord)
		case line == "":
			return nil
		case strings.ContainsAny(line[:1], " \t") && len(s.Fields) > 0:
			last := &s.Fields[len(s.Fields)-1]
			last.Value += " " + strings.TrimSpace(line)
		case named:
			s.Fields = append(s.Fields, Field{strings.TrimSpace(name), strings.TrimSpace(value)})
		}
	}
}

// readBlock reads the block, and keeps its beginning.
func (s *Stored) readBlock(text io.Reader, most int64) error {
	h := newSHA1()
	s.Block = make([]byte, min(most, s.Length))
	if _, err := io.ReadFull(text, s.Block); err != nil {
		return noEOF(err)
	}
	h.Write(s.Block)
	if _, err := io.CopyN(h, text, s.Length-int64(len(s.Block))); err != nil {
		return noEOF(err)
	}
	h.Sum(s.Digest[:0])
	return nil
}

// noEOF names the end of a member within its record for what it is.
func noEOF(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}
