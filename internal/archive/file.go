package archive

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"github.com/klauspost/compress/gzip"
)

// waczFile is an archive in a WACZ file. The names in it are only compared, and never
// become names of files.
type waczFile struct {
	file     *os.File
	indexed  []*zip.File
	archives map[string]io.ReaderAt // WARC files by their base names
	damaged  map[string]error       // those that cannot be read, and why
}

func openFile(name string) (source, error) {
	file, err := os.Open(name)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%q does not exist: name a folder with WARC files or a .wacz file (%w)", name, ErrEmpty)
	}
	if err != nil {
		return nil, err
	}
	w := &waczFile{file: file, archives: make(map[string]io.ReaderAt), damaged: make(map[string]error)}
	if err := w.look(); err != nil {
		return nil, errors.Join(fmt.Errorf("open %q: %w: %w", name, ErrDamaged, err), file.Close())
	}
	return w, nil
}

// look finds the indexes and the WARC files.
func (w *waczFile) look() error {
	info, err := w.file.Stat()
	if err != nil {
		return err
	}
	all, err := zip.NewReader(w.file, info.Size())
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return err
	}
	for _, f := range all.File {
		name := path.Base(f.Name)
		switch folder := path.Dir(f.Name); {
		case folder == "indexes" && isIndex(name):
			w.indexed = append(w.indexed, f)
		case folder == "archive" && isWARC(name):
			w.archive(name, f, info.Size())
		}
	}
	return nil
}

func isIndex(name string) bool {
	name = strings.TrimSuffix(name, ".gz")
	return strings.HasSuffix(name, ".cdx") || strings.HasSuffix(name, ".cdxj")
}

// archive notes a WARC file, which must be stored so that its records can be found.
func (w *waczFile) archive(name string, f *zip.File, size int64) {
	offset, err := f.DataOffset()
	switch {
	case err != nil:
		w.damaged[name] = err
	case f.Method != zip.Store:
		w.damaged[name] = errors.New("it is compressed within the WACZ file, which the format forbids")
	case f.UncompressedSize64 > uint64(size-offset):
		w.damaged[name] = errors.New("it is longer than the WACZ file")
	default:
		w.archives[name] = io.NewSectionReader(w.file, offset, int64(f.UncompressedSize64))
	}
}

func (w *waczFile) indexes(_ context.Context, do func(name string, lines io.Reader) error) error {
	for _, f := range w.indexed {
		if err := w.index(f, do); err != nil {
			return err
		}
	}
	return nil
}

// index reads an index. What follows damage is lost; do learns of the damage by an error
// of its reader.
func (w *waczFile) index(f *zip.File, do func(string, io.Reader) error) error {
	raw, err := f.Open()
	if err != nil {
		return do(f.Name, broken{err})
	}
	defer raw.Close()
	if !strings.HasSuffix(f.Name, ".gz") {
		return do(f.Name, raw)
	}
	lines, err := gzip.NewReader(raw)
	if err != nil {
		return do(f.Name, broken{err})
	}
	return do(f.Name, lines)
}

// broken is a reader that cannot read.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

func (w *waczFile) open(_ context.Context, name string) (io.ReaderAt, error) {
	if r, ok := w.archives[name]; ok {
		return r, nil
	}
	if err := w.damaged[name]; err != nil {
		return nil, fmt.Errorf("%q: %w: %w", name, ErrDamaged, err)
	}
	return nil, fmt.Errorf("%q: %w: the WACZ file does not contain it", name, ErrDamaged)
}

func (w *waczFile) close() error { return w.file.Close() }
