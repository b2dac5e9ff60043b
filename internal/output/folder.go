package output

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// folder is a location on disk.
type folder string

func (f folder) path(name string) string { return filepath.Join(string(f), filepath.FromSlash(name)) }

func (f folder) names(context.Context) ([]string, error) {
	entries, err := os.ReadDir(string(f))
	if err != nil {
		return nil, causeOf(err)
	}
	var names []string
	for _, e := range entries {
		if !e.IsDir() {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

func (f folder) open(_ context.Context, name string, offset, length int64) (io.ReadCloser, error) {
	file, err := os.Open(f.path(name))
	if err != nil {
		return nil, causeOf(err)
	}
	if length < 0 && offset == 0 {
		return file, nil
	}
	if _, err := file.Seek(offset, io.SeekStart); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	if length < 0 {
		return file, nil
	}
	return struct {
		io.Reader
		io.Closer
	}{io.LimitReader(file, length), file}, nil
}

func (f folder) size(_ context.Context, name string) (int64, error) {
	info, err := os.Stat(f.path(name))
	if err != nil {
		return 0, causeOf(err)
	}
	return info.Size(), nil
}

func (f folder) put(_ context.Context, name string, content io.ReadSeeker, size int64) error {
	path := f.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return causeOf(err)
	}
	draft, err := os.CreateTemp(filepath.Dir(path), ".put-*")
	if err != nil {
		return causeOf(err)
	}
	n, err := io.Copy(draft, content)
	if err == nil && n != size {
		err = fmt.Errorf("got %d of %d bytes", n, size)
	}
	if err == nil {
		err = errors.Join(draft.Chmod(0o644), draft.Sync())
	}
	if err = errors.Join(err, draft.Close()); err == nil {
		err = os.Rename(draft.Name(), path)
	}
	if err != nil {
		return errors.Join(causeOf(err), os.Remove(draft.Name()))
	}
	syncDir(filepath.Dir(path))
	return nil
}

// syncDir makes a rename in a folder outlast a power failure. Not all systems can.
func syncDir(dir string) {
	if d, err := os.Open(dir); err == nil {
		_ = d.Sync()
		_ = d.Close()
	}
}

func (f folder) remove(_ context.Context, name string) error { return causeOf(os.Remove(f.path(name))) }

func (f folder) check(context.Context) error {
	probe, err := os.CreateTemp(string(f), ".probe-*")
	if err != nil {
		return causeOf(err)
	}
	return errors.Join(probe.Close(), os.Remove(probe.Name()))
}

func (f folder) in(name string) place { return folder(f.path(name)) }

func (f folder) close() error { return nil }

// causeOf strips the operation and the path, which a location adds itself.
func causeOf(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
