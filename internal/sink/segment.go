package sink

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
)

// file is the part of *os.File that a segment uses.
type file interface {
	io.ReaderAt
	io.WriterAt
	Truncate(size int64) error
	Sync() error
	Close() error
}

// segment is one file of whole batches: of lines, of gzip members, or of zstd frames. It
// is not safe for concurrent use.
type segment struct {
	file
	dir, name string
	size      int64 // bytes of whole batches: the offset of the next one
	torn      bool  // part of a batch follows size and still has to be cut off
	unsynced  bool  // data was written since the last Sync began
}

// openSegment opens a segment of lines, or begins it. A last line without a newline was
// left by a writer that was killed while writing. Its Keep never returned, so the line is
// cut off.
func openSegment(in *folder, name string, log *slog.Logger) (*segment, error) {
	return openCoded(in, name, wholeLines, log)
}

// openCoded opens a segment of batches, or begins it. whole finds the whole batches.
func openCoded(in *folder, name string, whole func(io.ReaderAt, int64) (int64, error),
	log *slog.Logger) (*segment, error) {
	f, err := in.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, trouble("opening", in.dir, name, err)
	}
	s := &segment{file: f, dir: in.dir, name: name}
	if err := s.mend(f, whole, log); err != nil {
		f.Close()
		return nil, err
	}
	return s, nil
}

// mend finds where the last whole batch ends and cuts off what follows.
func (s *segment) mend(f *os.File, whole func(io.ReaderAt, int64) (int64, error), log *slog.Logger) error {
	info, err := f.Stat()
	if err != nil {
		return trouble("opening", s.dir, s.name, err)
	}
	if s.size, err = whole(f, info.Size()); err != nil {
		return trouble("reading", s.dir, s.name, err)
	}
	if s.size == info.Size() {
		return nil
	}
	log.Warn("cut off a torn last record", "folder", s.dir, "file", s.name, "bytes", info.Size()-s.size)
	return s.cut()
}

// wholeLines returns how many bytes end in a newline. It reads backwards from the end, a
// block at a time, so that a long torn line takes no memory.
func wholeLines(f io.ReaderAt, size int64) (int64, error) {
	block := make([]byte, min(size, 64<<10))
	for end := size; end > 0; {
		begin := max(0, end-int64(len(block)))
		part := block[:end-begin]
		if _, err := f.ReadAt(part, begin); err != nil {
			return 0, err
		}
		if i := bytes.LastIndexByte(part, '\n'); i >= 0 {
			return begin + int64(i) + 1, nil
		}
		end = begin
	}
	return 0, nil
}

// append writes a batch with one call. If that fails, it cuts off the written part, now
// or at the latest before the next batch.
func (s *segment) append(lines []byte) error {
	if s.torn {
		if err := s.cut(); err != nil {
			return err
		}
	}
	if _, err := s.WriteAt(lines, s.size); err != nil {
		s.torn = true
		return errors.Join(trouble("writing", s.dir, s.name, err), s.cut())
	}
	s.size += int64(len(lines))
	s.unsynced = true
	return nil
}

// stream writes a batch piece by piece, so that it need not fit in memory. As with
// append, nothing of the batch remains when it fails.
func (s *segment) stream(write func(io.Writer) error) error {
	if s.torn {
		if err := s.cut(); err != nil {
			return err
		}
	}
	pieces := &pieces{s: s, at: s.size}
	out := bufio.NewWriterSize(pieces, 256<<10)
	err := write(out)
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		s.torn = true
		return errors.Join(err, s.cut())
	}
	s.size, s.unsynced = pieces.at, true
	return nil
}

// pieces writes after the whole batches of a segment.
type pieces struct {
	s  *segment
	at int64
}

func (p *pieces) Write(b []byte) (int, error) {
	n, err := p.s.WriteAt(b, p.at)
	p.at += int64(n)
	if err != nil {
		err = trouble("writing", p.s.dir, p.s.name, err)
	}
	return n, err
}

// cut removes what follows the whole batches.
func (s *segment) cut() error {
	if err := s.Truncate(s.size); err != nil {
		return trouble("cutting a torn batch off", s.dir, s.name, err)
	}
	s.torn = false
	return nil
}

// end puts the segment on disk and closes it.
func (s *segment) end() error {
	err := s.Sync()
	if err = errors.Join(err, s.Close()); err != nil {
		return trouble("closing", s.dir, s.name, err)
	}
	return nil
}

// ErrVanished is wrapped in errors about files that were removed while they were written.
var ErrVanished = errors.New("the file was removed while it was written")

// vanished returns an error if the segment's name no longer leads to its file.
func (s *segment) vanished() error {
	f, ok := s.file.(*os.File)
	if !ok {
		return nil
	}
	is, err := f.Stat()
	if err != nil {
		return nil
	}
	named, err := os.Stat(filepath.Join(s.dir, s.name))
	if err == nil && os.SameFile(is, named) || err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return trouble("writing", s.dir, s.name, ErrVanished)
}

// rescue writes the content of a segment whose file has vanished to its old path, for the
// next start to finish. The content is available as long as the file is open.
func (s *segment) rescue() error {
	if s.size == 0 || s.vanished() == nil {
		return nil
	}
	if err := os.MkdirAll(s.dir, 0o755); err != nil {
		return trouble("making the output folder", s.dir, "", err)
	}
	path := filepath.Join(s.dir, s.name)
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return trouble("writing", s.dir, s.name, err)
	}
	if _, err = io.Copy(f, io.NewSectionReader(s.file, 0, s.size)); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return errors.Join(trouble("writing", s.dir, s.name, err), os.Remove(path))
	}
	return nil
}
