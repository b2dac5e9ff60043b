package output

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"path"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// This file reads the lines after the damage in a compressed file. Each batch of lines is
// a gzip member or a zstd frame, which can be decompressed by itself, and begins with a
// mark by which it can be found.

// The first bytes of gzip members (RFC 1952, 2.3.1) and zstd frames (RFC 8878, 3.1.1).
var (
	memberMark = []byte{0x1f, 0x8b, 8}
	frameMark  = []byte{0x28, 0xb5, 0x2f, 0xfd}
)

// whole reports whether a line ends with a complete record: a JSON object, or an index
// line, which ends in one.
func whole(line []byte) bool {
	begin := bytes.IndexByte(line, '{')
	return begin >= 0 && json.Valid(line[begin:])
}

// salvage calls do with the lines of a damaged file, except for the first read lines,
// which were processed before. It skips lines that are not whole records.
func (l *Location) salvage(ctx context.Context, name string, read int, do func(offset int64, line []byte) error) error {
	var unit func(r io.Reader, out io.Writer) (n int64, err error)
	mark := memberMark
	switch path.Ext(name) {
	case ".gz":
		unit = readMember
	case ".zst":
		unit, mark = readFrame, frameMark
	default: // an uncompressed file was read to its end
		return nil
	}
	file, err := l.OpenAt(ctx, name)
	if err != nil {
		return err
	}
	in := &watchedAt{ReaderAt: file}
	out := &salvaged{ctx: ctx, skip: read, do: do}
	for at := int64(0); at < file.Size(); {
		n, err := unit(io.NewSectionReader(in, at, file.Size()-at), out)
		switch {
		case in.failed != nil:
			return in.failed
		case out.failed != nil:
			return out.failed
		case err == nil:
			at += n
			continue
		}
		out.rest = out.rest[:0] // what follows is not the rest of this line
		if at, err = find(in, at+1, file.Size(), mark); err != nil {
			return err
		}
	}
	return nil
}

// find returns the offset of the first mark at or after from, or end if there isn't one.
func find(in io.ReaderAt, from, end int64, mark []byte) (int64, error) {
	block := make([]byte, 1<<20)
	for from < end {
		n, err := in.ReadAt(block, from)
		if err != nil && err != io.EOF {
			return end, err
		}
		if i := bytes.Index(block[:n], mark); i >= 0 {
			return from + int64(i), nil
		}
		if n < len(block) {
			break
		}
		from += int64(n - len(mark) + 1)
	}
	return end, nil
}

// readMember decompresses one gzip member and returns its length.
func readMember(r io.Reader, out io.Writer) (int64, error) {
	raw := &counted{r: r}
	in := bufio.NewReaderSize(raw, 256<<10)
	zip, err := gzip.NewReader(in)
	if err != nil {
		return 0, err
	}
	zip.Multistream(false)
	_, err = io.Copy(out, zip)
	return raw.n - int64(in.Buffered()), err
}

// counted counts the bytes read.
type counted struct {
	r io.Reader
	n int64
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// maxMarks is how many marks may occur within one frame by chance.
const maxMarks = 3

// readFrame decompresses one zstd frame and returns its length. The frame ends where the
// next one begins, but a mark may also be part of the frame's data, so readFrame tries
// the next few marks.
func readFrame(r io.Reader, out io.Writer) (int64, error) {
	in, _ := r.(*io.SectionReader)
	var first []byte // what could be decoded up to the first mark
	for end, tries := int64(0), 0; ; tries++ {
		var err error
		if end, err = find(in, end+1, in.Size(), frameMark); err != nil {
			return 0, err
		}
		text, err := decodeFrame(io.NewSectionReader(in, 0, end))
		if tries == 0 {
			first = text
		}
		switch {
		case err == nil:
			_, err = out.Write(text)
			return end, err
		case end == in.Size(), tries == maxMarks, !errors.Is(err, io.ErrUnexpectedEOF):
			_, failed := out.Write(first)
			return 0, errors.Join(err, failed)
		}
	}
}

// decodeFrame decodes a frame and returns what it could decode.
func decodeFrame(r io.Reader) ([]byte, error) {
	frame, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	defer frame.Close()
	var text bytes.Buffer
	_, err = io.Copy(&text, frame)
	return text.Bytes(), err
}

// watchedAt remembers why reading the file failed.
type watchedAt struct {
	io.ReaderAt
	failed error
}

func (w *watchedAt) ReadAt(p []byte, offset int64) (int, error) {
	n, err := w.ReaderAt.ReadAt(p, offset)
	if err != nil && err != io.EOF {
		w.failed = err
	}
	return n, err
}

// salvaged receives the text of a damaged file and passes on the lines that are whole.
type salvaged struct {
	ctx    context.Context
	skip   int // lines at the beginning that were processed before
	do     func(offset int64, line []byte) error
	rest   []byte // of a line whose end has not come yet
	offset int64  // of rest in the text
	failed error  // what do returned
}

// Write fails if do returned an error.
func (s *salvaged) Write(text []byte) (int, error) {
	for rest := text; ; {
		part, after, ended := bytes.Cut(rest, []byte("\n"))
		s.rest = append(s.rest, part...)
		if !ended {
			return len(text), nil
		}
		if s.failed = s.line(s.rest); s.failed != nil {
			return 0, s.failed
		}
		s.offset += int64(len(s.rest)) + 1
		s.rest, rest = s.rest[:0], after
	}
}

func (s *salvaged) line(line []byte) error {
	if s.skip > 0 {
		s.skip--
		return nil
	}
	if err := s.ctx.Err(); err != nil || !whole(line) {
		return err
	}
	return s.do(s.offset, line)
}
