package export

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrExists is in the errors of drafts whose name is taken.
var ErrExists = errors.New("it is there already")

// marker is the file by which a folder is known to be an export, and may be
// replaced by another.
const marker = ".trawl-export"

// Draft is a file or folder that is being written, beside its place and under
// another name. Who looks there finds what was there before, or all of it.
type Draft struct {
	// Path is where it lies until it is placed; "" for standard output.
	Path string

	out   io.Writer // standard output
	final string
	file  *os.File // nil for a folder
	by    []*Draft // that belong to this one
}

// NewStream returns a draft that goes to a pipe or a terminal as it is written.
func NewStream(w io.Writer) *Draft { return &Draft{out: w} }

// NewFile begins a file. The error wraps [ErrExists] when there is one of that
// name, unless it may be replaced.
func NewFile(final string, replace bool) (*Draft, error) {
	switch info, err := os.Stat(final); {
	case err == nil && info.IsDir():
		return nil, fmt.Errorf("%q is a folder, and a file was to be written", final)
	case err == nil && !replace:
		return nil, fmt.Errorf("%q: %w", final, ErrExists)
	}
	file, err := os.CreateTemp(filepath.Dir(final), "."+filepath.Base(final)+"-*.part")
	if err != nil {
		return nil, cannotWrite(final, err)
	}
	_ = file.Chmod(0o644)
	return &Draft{Path: file.Name(), final: final, file: file}, nil
}

// NewFolder begins a folder. One that is there, unless it is empty, is replaced
// only if that is wanted and it was made by an export: the error wraps
// [ErrExists] otherwise.
func NewFolder(final string, replace bool) (*Draft, error) {
	final = filepath.Clean(final)
	entries, err := os.ReadDir(final)
	switch {
	case err == nil && len(entries) > 0 && !replace:
		return nil, fmt.Errorf("%q: %w", final, ErrExists)
	case err == nil && len(entries) > 0 && !made(final):
		return nil, fmt.Errorf("%q: %w, and no export has made it: it is not replaced", final, ErrExists)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, cannotWrite(final, err)
	}
	dir, err := os.MkdirTemp(filepath.Dir(final), "."+filepath.Base(final)+"-*.part")
	if err != nil {
		return nil, cannotWrite(final, err)
	}
	d := &Draft{Path: dir, final: final}
	err = errors.Join(os.Chmod(dir, 0o755), os.WriteFile(filepath.Join(dir, marker), nil, 0o644))
	if err != nil {
		return nil, errors.Join(cannotWrite(final, err), d.Discard())
	}
	return d, nil
}

func made(dir string) bool {
	_, err := os.Lstat(filepath.Join(dir, marker))
	return err == nil
}

func cannotWrite(path string, err error) error {
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	return fmt.Errorf("%q can not be written: %w", path, err)
}

// Beside begins another file, which is placed before this one, and discarded with
// it.
func (d *Draft) Beside(final string, replace bool) (*Draft, error) {
	other, err := NewFile(final, replace)
	if err == nil {
		d.by = append(d.by, other)
	}
	return other, err
}

// Name is where the draft will be: "" for standard output.
func (d *Draft) Name() string { return d.final }

// Write writes to a file or a stream.
func (d *Draft) Write(b []byte) (int, error) {
	if d.file != nil {
		return d.file.Write(b)
	}
	return d.out.Write(b)
}

// Place gives the draft its name, once it is on disk.
func (d *Draft) Place() error {
	if d.out != nil {
		return nil
	}
	for _, other := range d.by {
		if err := other.Place(); err != nil {
			return errors.Join(err, d.Discard())
		}
	}
	if d.file != nil {
		if err := errors.Join(d.file.Sync(), d.file.Close()); err != nil {
			return errors.Join(cannotWrite(d.final, err), d.Discard())
		}
	}
	if err := d.clear(); err != nil {
		return errors.Join(cannotWrite(d.final, err), d.Discard())
	}
	if err := os.Rename(d.Path, d.final); err != nil {
		return errors.Join(cannotWrite(d.final, err), d.Discard())
	}
	return nil
}

// clear removes the folder that this one replaces: over a folder, nothing can be
// renamed.
func (d *Draft) clear() error {
	if d.file != nil {
		return nil
	}
	if !made(d.final) {
		err := os.Remove(d.final) // an empty one
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	}
	return os.RemoveAll(d.final)
}

// Discard removes what was written.
func (d *Draft) Discard() error {
	if d.out != nil {
		return nil
	}
	if d.file != nil {
		d.file.Close()
	}
	err := os.RemoveAll(d.Path)
	for _, other := range d.by {
		err = errors.Join(err, other.Discard())
	}
	return err
}
