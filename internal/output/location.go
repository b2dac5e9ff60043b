package output

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
)

// ErrMissing is wrapped in errors about locations and files that do not exist. It is
// [fs.ErrNotExist].
var ErrMissing = fs.ErrNotExist

// Location is a folder or bucket with the output of a crawl, or of several, each beneath
// its name. It is safe for concurrent use.
type Location struct {
	where string
	place place
	root  bool // Close closes the place
}

// place is what a location needs from a folder or a bucket. Names have slashes.
type place interface {
	// names lists the files directly here, without those in subfolders, in byte order.
	names(ctx context.Context) ([]string, error)
	// open opens length bytes of a file from offset on, or all that follow if length is
	// negative.
	open(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error)
	size(ctx context.Context, name string) (int64, error)
	// hold opens a file that stays readable when it is renamed or removed, if files of
	// the place can change.
	hold(ctx context.Context, name string) (held, int64, error)
	// put writes a file, whole or not at all, and verifies that all of its bytes have
	// arrived. It reads the content from its beginning.
	put(ctx context.Context, name string, content io.ReadSeeker, size int64) error
	// remove removes a file.
	remove(ctx context.Context, name string) error
	// check returns an error unless the place exists and is writable.
	check(ctx context.Context) error
	// folders lists the names directly here that have something beneath them.
	folders(ctx context.Context) ([]string, error)
	// in returns the place with the name beneath this one.
	in(name string) place
	close() error
}

var scheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*://`)

// IsBucket reports whether an output is named as a bucket, by a URL.
func IsBucket(where string) bool { return scheme.MatchString(where) }

// Open opens the output in a folder, or in a bucket that is named by a URL:
//
//	s3://bucket/prefix      file:///folder      mem://
//
// Other drivers that the program imports ([Register]) add more, such as
// gs://bucket/prefix and azblob://container/prefix. Parameters follow a question mark,
// such as region, endpoint and use_path_style for S3. Credentials come from where the
// tools of each cloud look for them. A location "mem://" is empty at first, and exists
// only in the memory of this process. The folder or bucket need not exist: then the first
// use fails, and [Location.Check] finds out early. The error wraps [ErrURL] if the URL
// cannot be used, whatever the state of the bucket.
func Open(ctx context.Context, where string) (*Location, error) {
	if !IsBucket(where) {
		return &Location{where: where, place: folder(where), root: true}, nil
	}
	b, err := openBucket(ctx, where)
	if err != nil {
		return nil, err
	}
	return &Location{where: where, place: b, root: true}, nil
}

// String returns the name that the location was opened with.
func (l *Location) String() string { return l.where }

// In returns the location with a name, such as that of a job, beneath this one. It is
// usable until l is closed. Closing it does nothing.
func (l *Location) In(name string) *Location {
	return &Location{where: Join(l.where, name), place: l.place.in(name)}
}

// Join returns the name of the output beneath another one.
func Join(where, name string) string {
	if !IsBucket(where) {
		return filepath.Join(where, filepath.FromSlash(name))
	}
	path, query, asked := strings.Cut(where, "?")
	path = strings.TrimSuffix(path, "/") + "/" + name
	if asked {
		path += "?" + query
	}
	return path
}

// Names lists the files directly in the location, in byte order, except for hidden files,
// whose names begin with a dot. The error wraps [ErrMissing] if the folder or bucket does
// not exist. In a bucket every prefix exists.
func (l *Location) Names(ctx context.Context) ([]string, error) {
	all, err := l.place.names(ctx)
	if err != nil {
		return nil, l.trouble("list", "", err)
	}
	names := all[:0]
	for _, name := range all {
		if !strings.HasPrefix(name, ".") {
			names = append(names, name)
		}
	}
	return names, nil
}

// Open opens a file without decompressing it. The error wraps [ErrMissing] if it does not
// exist.
func (l *Location) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	r, err := l.place.open(ctx, name, 0, -1)
	if errors.Is(err, ErrMissing) && strings.HasSuffix(name, Growing) { // it was finished in the meantime
		r, err = l.place.open(ctx, strings.TrimSuffix(name, Growing), 0, -1)
	}
	if err != nil {
		return nil, l.trouble("open", name, err)
	}
	return r, nil
}

// OpenAt opens a file for reading parts of it, and determines its size. In a bucket each
// ReadAt is a request, so read large parts.
func (l *Location) OpenAt(ctx context.Context, name string) (*File, error) {
	size, err := l.place.size(ctx, name)
	if err != nil {
		return nil, l.trouble("open", name, err)
	}
	return &File{ctx: ctx, location: l, name: name, size: size}, nil
}

// trouble describes an error of the place. It wraps the cause.
func (l *Location) trouble(doing, name string, err error) error {
	if name != "" {
		return fmt.Errorf("%s %q: %w", doing, Join(l.where, name), err)
	}
	return fmt.Errorf("%s %q: %w", doing, l.where, err)
}

// Close closes the connections of a location that [Open] returned.
func (l *Location) Close() error {
	if !l.root {
		return nil
	}
	return l.place.close()
}

// Put stores a file under a name, which may contain folders: whole or not at all. It
// replaces a file with the same name. It reads size bytes of content from its beginning,
// and verifies that they have arrived.
func (l *Location) Put(ctx context.Context, name string, content io.ReadSeeker, size int64) error {
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return err
	}
	if err := l.place.put(ctx, name, content, size); err != nil {
		return l.trouble("write", name, err)
	}
	return nil
}

// ReadPart reads length bytes of a file from offset on, or all that follow if length is negative.
// Length must not be 0. The error wraps [io.ErrUnexpectedEOF] if the file has fewer.
func (l *Location) ReadPart(ctx context.Context, name string, offset, length int64) ([]byte, error) {
	r, err := l.place.open(ctx, name, offset, length)
	if err != nil {
		return nil, l.trouble("read", name, err)
	}
	content, err := io.ReadAll(r)
	if err = errors.Join(err, r.Close()); err == nil && length >= 0 && int64(len(content)) != length {
		err = io.ErrUnexpectedEOF
	}
	if err != nil {
		return nil, l.trouble("read", name, err)
	}
	return content, nil
}

// Remove removes a file. The error wraps [ErrMissing] if it does not exist; some buckets do not
// tell.
func (l *Location) Remove(ctx context.Context, name string) error {
	if err := l.place.remove(ctx, name); err != nil {
		return l.trouble("remove", name, err)
	}
	return nil
}

// Check returns an error unless the place exists and is writable. The error says what to
// do.
func (l *Location) Check(ctx context.Context) error {
	if err := l.place.check(ctx); err != nil {
		return fmt.Errorf("cannot write the output %q: %w (%s)", l.where, err, l.advice())
	}
	return nil
}

func (l *Location) advice() string {
	if scheme, _, ok := strings.Cut(l.where, "://"); ok {
		if driver, err := registered.driver(strings.ToLower(scheme)); err == nil {
			return driver.Advice()
		}
	}
	return "make the folder, or let this user write there"
}
