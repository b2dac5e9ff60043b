package output

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
)

// File is a file that is read in parts. It implements [io.ReaderAt].
type File struct {
	ctx      context.Context // of the caller that opened it, because ReadAt takes none
	location *Location
	name     string
	size     int64
}

// Size returns the size of the file in bytes when it was opened.
func (f *File) Size() int64 { return f.size }

// ReadAt reads len(p) bytes from offset on.
func (f *File) ReadAt(p []byte, offset int64) (int, error) {
	if offset < 0 {
		return 0, fmt.Errorf("read %q: negative offset %d", Join(f.location.where, f.name), offset)
	}
	want := min(int64(len(p)), f.size-offset)
	if want <= 0 {
		if len(p) == 0 {
			return 0, nil
		}
		return 0, io.EOF
	}
	r, err := f.location.place.open(f.ctx, f.name, offset, want)
	// Finished in the meantime.
	if final, grows := strings.CutSuffix(f.name, Growing); grows && errors.Is(err, ErrMissing) {
		r, err = f.location.place.open(f.ctx, final, offset, want)
	}
	if err != nil {
		return 0, f.location.trouble("read", f.name, err)
	}
	n, err := io.ReadFull(r, p[:want])
	if err = errors.Join(err, r.Close()); err != nil {
		return n, f.location.trouble("read", f.name, err)
	}
	if want < int64(len(p)) {
		return n, io.EOF
	}
	return n, nil
}
