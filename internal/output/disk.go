package output

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/url"
	"os"
	"path/filepath"
	"strings"
)

// fileDriver opens folders as buckets: file:///folder.
type fileDriver struct{}

// Advice says what a folder needs.
func (fileDriver) Advice() string {
	return "make the folder and let this user write there, or add ?create_dir=true to the URL"
}

// Open opens a folder, which must exist unless the option create_dir is set.
func (fileDriver) Open(_ context.Context, name string, options url.Values) (Bucket, error) {
	if err := OnlyOptions(options, "create_dir"); err != nil {
		return nil, err
	}
	if os.PathSeparator != '/' {
		name = strings.TrimPrefix(name, "/") // /C:/folder is C:/folder
	}
	dir, err := filepath.Abs(filepath.FromSlash(name))
	if err != nil {
		return nil, err
	}
	if options.Get("create_dir") != "" {
		if err := os.MkdirAll(dir, 0o777); err != nil {
			return nil, err
		}
	}
	info, err := os.Stat(dir)
	switch {
	case err != nil:
		return nil, err
	case !info.IsDir():
		return nil, fmt.Errorf("%q is not a folder", dir)
	}
	return disk{folder(dir)}, nil
}

// disk is a folder that is used as a bucket: each key is the path of a file.
type disk struct{ folder }

// local returns an error for keys that lead out of the folder.
func local(key string) error {
	if !filepath.IsLocal(filepath.FromSlash(key)) {
		return fmt.Errorf("the key %q leads out of the folder", key)
	}
	return nil
}

// List reads one folder. A folder that does not exist is empty, as a prefix would be,
// unless it is the bucket itself.
func (d disk) List(_ context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		entries, err := d.entries(prefix)
		if err != nil {
			yield("", err)
			return
		}
		for _, e := range entries {
			key := prefix + e.Name()
			if e.IsDir() {
				key += "/"
			}
			if !yield(key, nil) {
				return
			}
		}
	}
}

func (d disk) entries(prefix string) ([]os.DirEntry, error) {
	if prefix != "" {
		if err := local(prefix); err != nil {
			return nil, err
		}
	}
	entries, err := os.ReadDir(d.path(prefix))
	if prefix != "" && errors.Is(err, fs.ErrNotExist) {
		_, err = os.Stat(string(d.folder))
	}
	return entries, causeOf(err)
}

// Stat returns the size of a file.
func (d disk) Stat(_ context.Context, key string) (Object, error) {
	if err := local(key); err != nil {
		return Object{}, err
	}
	info, err := os.Stat(d.path(key))
	if err == nil && info.IsDir() {
		err = fs.ErrNotExist
	}
	if err != nil {
		return Object{}, causeOf(err)
	}
	return Object{Size: info.Size()}, nil
}

// Read opens a part of a file.
func (d disk) Read(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	if err := local(key); err != nil {
		return nil, err
	}
	return d.open(ctx, key, offset, length)
}

// Write writes a file under a temporary name and renames it once it is on disk. It does
// not create a bucket that was removed.
func (d disk) Write(ctx context.Context, key string, content io.ReadSeeker, o Object) error {
	if err := local(key); err != nil {
		return err
	}
	if _, err := os.Stat(string(d.folder)); err != nil {
		return causeOf(err)
	}
	return d.put(ctx, key, content, o.Size)
}

// Delete removes a file.
func (d disk) Delete(_ context.Context, key string) error {
	if err := local(key); err != nil {
		return err
	}
	return causeOf(os.Remove(d.path(key)))
}

// Close does nothing: a folder has no connections.
func (disk) Close() error { return nil }
