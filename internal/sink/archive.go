package sink

import (
	"errors"
	"github.com/trawlcrawler/trawl/internal/warc"
	"io/fs"
	"log/slog"
	"os"
	"strings"
)

// Endings of file names.
const (
	zipped   = ".warc.gz"
	indexed  = ".cdxj"
	opened   = ".open" // appended to the name of a file that is still being written
	unplaced = ".part" // appended to the name of a file that is complete but not yet in place
)

// maxIndex is the largest index of one file, in bytes. The index is sorted in memory.
const maxIndex = 64 << 20

// archive is a WARC file that is being written, under its final name with ".open"
// appended, together with the journal of its index. A line enters the journal only after
// its record is on disk. After a kill or a power failure, only the bytes after the
// journal's last record need to be read.
type archive struct {
	*segment
	in      *folder
	final   string   // name of the finished file
	journal *segment // index lines of records on disk; used by the goroutine that syncs
	fresh   []byte   // index lines of records that may not be on disk yet
	index   int64    // bytes of journal and fresh
	begin   int64    // bytes of the warcinfo record
}

// openArchive begins the file with that final name, or opens what a kill left of it, to
// be repaired.
func openArchive(in *folder, final string) (*archive, error) {
	f, err := in.OpenFile(final+opened, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, trouble("opening", in.dir, final+opened, err)
	}
	a := &archive{segment: &segment{file: f, dir: in.dir, name: final + opened}, in: in, final: final}
	a.journal, err = openSegment(in, indexOf(final)+opened, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return a, nil
}

// indexOf returns the name of the index of a WARC file.
func indexOf(final string) string { return strings.TrimSuffix(final, zipped) + indexed }

// note adds the captures of a batch that was written at offset base.
func (a *archive) note(captures []warc.Line, base int64) {
	was := len(a.fresh)
	for _, c := range captures {
		c.Offset += base
		a.fresh = c.AppendLine(a.fresh, a.final)
	}
	a.index += int64(len(a.fresh) - was)
}

// full reports whether n more bytes belong in the next file.
func (a *archive) full(n, limit int64) bool {
	return a.size > a.begin && a.size+n > limit || a.index >= maxIndex
}

// finish puts the archive and its sorted index on disk and gives them their names. If the
// process is killed before the last step, the next start finishes the archive.
func (a *archive) finish() error {
	if err := a.vanished(); err != nil {
		return errors.Join(err, a.abandon())
	}
	err := a.segment.end()
	if err == nil {
		err = a.journal.append(a.fresh)
	}
	if err == nil {
		err = a.place()
	}
	return errors.Join(err, a.journal.Close())
}

func (a *archive) place() error {
	lines, err := a.lines()
	if err != nil {
		return err
	}
	name := indexOf(a.final)
	if err := a.write(name+unplaced, warc.SortedLines(lines)); err != nil {
		return err
	}
	for _, step := range [][2]string{{name + unplaced, name}, {a.name, a.final}} {
		if err := a.in.Rename(step[0], step[1]); err != nil {
			return trouble("finishing", a.dir, step[1], err)
		}
	}
	return a.remove(a.journal.name)
}

// write creates a file with this content and puts it on disk.
func (a *archive) write(name string, content []byte) error {
	f, err := a.in.OpenFile(name, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return trouble("writing", a.dir, name, err)
	}
	if _, err = f.Write(content); err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return trouble("writing", a.dir, name, err)
	}
	return nil
}

func (a *archive) remove(names ...string) error {
	for _, name := range names {
		if err := a.in.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return trouble("removing", a.dir, name, err)
		}
	}
	return nil
}

// abandon closes the files as they are. The next start repairs them.
func (a *archive) abandon() error {
	return errors.Join(a.rescue(), a.segment.Close(), a.journal.Close())
}

// drop removes an archive that holds no records.
func (a *archive) drop() error {
	return errors.Join(a.abandon(), a.remove(a.name, a.journal.name, indexOf(a.final)+unplaced))
}

// mend cuts a file that a kill left back to its last whole record, and adds the captures
// that the journal lacks to the index. It reports whether there is anything to keep.
func (a *archive) mend(log *slog.Logger) (worthy bool, err error) {
	f := a.file.(*os.File)
	info, err := f.Stat()
	if err != nil {
		return false, trouble("opening", a.dir, a.name, err)
	}
	known, ok := a.journaled()
	if !ok || known > info.Size() { // a power failure, or the file was truncated
		known, a.journal.size = 0, 0
		if err := a.journal.cut(); err != nil {
			return false, err
		}
	}
	a.index = a.journal.size
	s := warc.Scan(f, known, info.Size())
	if s.Trouble != nil {
		return false, trouble("reading", a.dir, a.name, s.Trouble)
	}
	a.size = s.End
	a.note(s.Captures, 0)
	if a.size < info.Size() {
		log.Warn("cut off a torn last record", "folder", a.dir, "file", a.name, "bytes", info.Size()-a.size)
		if err := a.cut(); err != nil {
			return false, err
		}
	}
	return a.index > 0, nil
}

// journaled returns where the journal's last record ends, and whether the journal can be
// trusted.
func (a *archive) journaled() (end int64, ok bool) {
	lines, err := a.lines()
	if err != nil {
		return 0, false
	}
	return warc.IndexEnd(lines)
}

// lines reads the journal, which [maxIndex] bounds.
func (a *archive) lines() ([]byte, error) {
	lines := make([]byte, a.journal.size)
	if n, err := a.journal.ReadAt(lines, 0); n < len(lines) {
		return nil, trouble("reading", a.dir, a.journal.name, err)
	}
	return lines, nil
}
