package output

import (
	"context"
	"errors"
	"io"
	"os"
)

// Held is a file as it was when it was opened. It stays readable even if its writer
// renames or removes it. Data that is appended later is not part of it.
type Held struct {
	held
	size int64
}

type held interface {
	io.ReaderAt
	io.Closer
}

// Size returns the size of the file in bytes when it was opened.
func (h *Held) Size() int64 { return h.size }

// Hold opens a file that may be renamed or removed while it is read. The error wraps
// [ErrMissing] if it does not exist. The caller closes it.
func (l *Location) Hold(ctx context.Context, name string) (*Held, error) {
	file, size, err := l.place.hold(ctx, name)
	if err != nil {
		return nil, l.trouble("open", name, err)
	}
	return &Held{file, size}, nil
}

func (f folder) hold(_ context.Context, name string) (held, int64, error) {
	file, err := os.Open(f.path(name))
	if err != nil {
		return nil, 0, causeOf(err)
	}
	info, err := file.Stat()
	if err != nil {
		return nil, 0, errors.Join(causeOf(err), file.Close())
	}
	return file, info.Size(), nil
}

// hold needs to do nothing to keep an object readable, because objects never change.
func (b bucket) hold(ctx context.Context, name string) (held, int64, error) {
	size, err := b.size(ctx, name)
	return object{&File{ctx: ctx, location: &Location{place: b}, name: name, size: size}}, size, err
}

// object is a file of a bucket. Each read of it is a request.
type object struct{ *File }

func (object) Close() error { return nil }
