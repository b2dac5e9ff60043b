package export

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrExists is wrapped in errors about drafts whose name is taken.
var ErrExists = errors.New("it already exists")

// marker is the file that identifies a folder as an export, which another export may
// replace.
const marker = ".trawl-export"

// draft is a file or folder that is being written beside its final place under a
// temporary name. At the final place, readers find either what was there before or the
// complete result.
type draft struct {
	// Path is where the draft is until it is placed; "" for standard output.
	Path string

	out   io.Writer // standard output
	final string
	file  *os.File // nil for a folder
	by    []*draft // drafts that belong to this one
}

// newStream returns a draft for a pipe or a terminal, which is written directly.
func newStream(w io.Writer) *draft { return &draft{out: w} }

// newFile begins a file. The error wraps [ErrExists] if a file with that name exists and
// replace is not set.
func newFile(final string, replace bool) (*draft, error) {
	switch info, err := os.Stat(final); {
	case err == nil && info.IsDir():
		return nil, fmt.Errorf("%q is a folder: name a file", final)
	case err == nil && !replace:
		return nil, fmt.Errorf("%q: %w", final, ErrExists)
	}
	file, err := os.CreateTemp(filepath.Dir(final), "."+filepath.Base(final)+"-*.part")
	if err != nil {
		return nil, cannotWrite(final, err)
	}
	_ = file.Chmod(0o644)
	return &draft{Path: file.Name(), final: final, file: file}, nil
}

// newFolder begins a folder. A folder that exists and is not empty is replaced only if
// replace is set and an export created it. Otherwise the error wraps [ErrExists].
func newFolder(final string, replace bool) (*draft, error) {
	final = filepath.Clean(final)
	entries, err := os.ReadDir(final)
	switch {
	case err == nil && len(entries) > 0 && !replace:
		return nil, fmt.Errorf("%q: %w", final, ErrExists)
	case err == nil && len(entries) > 0 && !made(final):
		return nil, fmt.Errorf("%q: %w, and no export created it: it is not replaced", final, ErrExists)
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, cannotWrite(final, err)
	}
	dir, err := os.MkdirTemp(filepath.Dir(final), "."+filepath.Base(final)+"-*.part")
	if err != nil {
		return nil, cannotWrite(final, err)
	}
	d := &draft{Path: dir, final: final}
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
	return fmt.Errorf("%q cannot be written: %w", path, err)
}

// Beside begins another file, which is placed before this one, or discarded with it.
func (d *draft) Beside(final string, replace bool) (*draft, error) {
	other, err := newFile(final, replace)
	if err == nil {
		d.by = append(d.by, other)
	}
	return other, err
}

// Name returns the final name of the draft; "" for standard output.
func (d *draft) Name() string { return d.final }

// Write writes to a file or a stream.
func (d *draft) Write(b []byte) (int, error) {
	if d.file != nil {
		return d.file.Write(b)
	}
	return d.out.Write(b)
}

// Place syncs the draft to disk and gives it its final name.
func (d *draft) Place() error {
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

// clear removes the folder that this one replaces, because a folder cannot be renamed
// over another.
func (d *draft) clear() error {
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
func (d *draft) Discard() error {
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
