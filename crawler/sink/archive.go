package sink

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"strings"
)

// Ends of names.
const (
	zipped   = ".warc.gz"
	indexed  = ".cdxj"
	opened   = ".open" // behind the name of a file that is still written
	unplaced = ".part" // behind that of an index that is being sorted
)

// mostIndex is how many bytes of index a file has at most: they are sorted in
// memory.
const mostIndex = 64 << 20

// archive is a WARC file that is being written, under its name with ".open"
// behind it, and the journal of its index. A line goes into the journal only
// when its record is on disk, so that after a kill or a loss of power what lies
// behind the journal's last record is all that must be looked at.
type archive struct {
	*segment
	in      *folder
	final   string   // the name of the whole file
	journal *segment // lines of what is on disk; for whoever syncs
	fresh   []byte   // lines of what is not known to be
	index   int64    // bytes of both
	begin   int64    // bytes of the warcinfo
}

// openArchive begins the file of that final name, or opens what was left of it
// by a kill, to be mended.
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

// indexOf names the index of a WARC file.
func indexOf(final string) string { return strings.TrimSuffix(final, zipped) + indexed }

// note takes in the captures of a batch that was written from base on.
func (a *archive) note(captures []capture, base int64) {
	was := len(a.fresh)
	for _, c := range captures {
		c.offset += base
		a.fresh = c.appendLine(a.fresh, a.final)
	}
	a.index += int64(len(a.fresh) - was)
}

// full reports whether n bytes more are for the next file.
func (a *archive) full(n, limit int64) bool {
	return a.size > a.begin && a.size+n > limit || a.index >= mostIndex
}

// finish puts the archive on disk with its sorted index, and under its name.
// Until the last step a kill leaves what the next start finishes again.
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
	if err := a.write(name+unplaced, sortedLines(lines)); err != nil {
		return err
	}
	for _, step := range [][2]string{{name + unplaced, name}, {a.name, a.final}} {
		if err := a.in.Rename(step[0], step[1]); err != nil {
			return trouble("finishing", a.dir, step[1], err)
		}
	}
	return a.remove(a.journal.name)
}

// write makes a file and puts it on disk.
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

// abandon closes the files as they are, for the next start to mend.
func (a *archive) abandon() error {
	return errors.Join(a.rescue(), a.segment.Close(), a.journal.Close())
}

// drop removes an archive that holds nothing.
func (a *archive) drop() error {
	return errors.Join(a.abandon(), a.remove(a.name, a.journal.name, indexOf(a.final)+unplaced))
}

// mend cuts back what a kill left to its last whole record, and takes the
// captures that the journal does not have into the index. It reports whether
// there is anything to keep.
func (a *archive) mend(log *slog.Logger) (worthy bool, err error) {
	f := a.file.(*os.File)
	info, err := f.Stat()
	if err != nil {
		return false, trouble("opening", a.dir, a.name, err)
	}
	known, ok := a.journaled()
	if !ok || known > info.Size() { // a loss of power, or somebody cut the file
		known, a.journal.size = 0, 0
		if err := a.journal.cut(); err != nil {
			return false, err
		}
	}
	a.index = a.journal.size
	s := scan(f, known, info.Size())
	if s.trouble != nil {
		return false, trouble("reading", a.dir, a.name, s.trouble)
	}
	a.size = s.end
	a.note(s.captures, 0)
	if a.size < info.Size() {
		log.Warn("a torn last record was cut off", "folder", a.dir, "file", a.name, "bytes", info.Size()-a.size)
		if err := a.cut(); err != nil {
			return false, err
		}
	}
	return a.index > 0, nil
}

// journaled returns where the last record that the journal has ends, and whether the
// journal can be trusted.
func (a *archive) journaled() (end int64, ok bool) {
	lines, err := a.lines()
	if err != nil {
		return 0, false
	}
	return indexEnd(lines)
}

// lines reads the journal, which is bounded.
func (a *archive) lines() ([]byte, error) {
	lines := make([]byte, a.journal.size)
	if n, err := a.journal.ReadAt(lines, 0); n < len(lines) {
		return nil, trouble("reading", a.dir, a.journal.name, err)
	}
	return lines, nil
}
