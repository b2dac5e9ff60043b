package output

import (
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
)

// ErrMissing is in the errors of locations, and of files, that are not there. It
// is [fs.ErrNotExist].
var ErrMissing = fs.ErrNotExist

// Location is where the output of a crawl, or that of several, each beneath its
// name, lies. It is safe for concurrent use.
type Location struct {
	where string
	place place
	root  bool // closes the place
}

// place is what a location needs of a folder or a bucket. Names have slashes.
type place interface {
	// names lists what lies directly here, without what lies deeper, in the order
	// of their bytes.
	names(ctx context.Context) ([]string, error)
	// open opens length bytes of a file from offset on; all that follow where
	// length is below 0.
	open(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error)
	size(ctx context.Context, name string) (int64, error)
	// hold opens a file that stays readable when it is renamed or removed, where the
	// place has files that change.
	hold(ctx context.Context, name string) (held, int64, error)
	// put writes a file, whole or not at all.
	put(ctx context.Context, name string, content io.Reader) error
	// verify fails unless a file has a size and, where the place knows it, an MD5
	// digest.
	verify(ctx context.Context, name string, size int64, digest []byte) error
	// check fails unless the place is there and can be written to.
	check(ctx context.Context) error
	// folders lists what lies directly here and has something beneath it.
	folders(ctx context.Context) ([]string, error)
	// in is the place beneath this one that has the name.
	in(name string) place
	close() error
}

var scheme = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*://`)

// IsBucket reports whether an output is named as a bucket: by a URL.
func IsBucket(where string) bool { return scheme.MatchString(where) }

// Open opens the output in a folder, or in a bucket that is named by a URL:
//
//	s3://bucket/prefix      gs://bucket/prefix      azblob://container/prefix
//	file:///folder          mem://
//
// Parameters behind a question mark are those of gocloud.dev/blob, as region,
// endpoint and use_path_style are for S3; credentials come from where the tools of
// each cloud look for them. A location of "mem://" is empty, lies in the memory of
// this process, and ends with it. Neither folder nor bucket need be there: it is
// the first use of it that fails then, and [Location.Check] finds out.
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

// String is how the location was named.
func (l *Location) String() string { return l.where }

// In returns the location beneath this one that has a name, as that of a job.
// It lasts as long as l, and closing it does nothing.
func (l *Location) In(name string) *Location {
	return &Location{where: Join(l.where, name), place: l.place.in(name)}
}

// Join names the output beneath another one.
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

// Names lists the files that lie directly in the location, in the order of their
// bytes, without those that are hidden: whose names begin with a dot. The error
// wraps [ErrMissing] when there is no such folder or bucket; a bucket has every
// prefix.
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

// Open opens a file as it is. The error wraps [ErrMissing] when it is not there.
func (l *Location) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	r, err := l.place.open(ctx, name, 0, -1)
	if errors.Is(err, ErrMissing) && strings.HasSuffix(name, Growing) { // it was finished meanwhile
		r, err = l.place.open(ctx, strings.TrimSuffix(name, Growing), 0, -1)
	}
	if err != nil {
		return nil, l.trouble("open", name, err)
	}
	return r, nil
}

// OpenAt opens a file to read parts of it, and tells its size in bytes. In a
// bucket each ReadAt is a request: read larger parts of it.
func (l *Location) OpenAt(ctx context.Context, name string) (*File, error) {
	size, err := l.place.size(ctx, name)
	if err != nil {
		return nil, l.trouble("open", name, err)
	}
	return &File{ctx: ctx, location: l, name: name, size: size}, nil
}

// trouble words an error of the place. The cause stays in the chain.
func (l *Location) trouble(doing, name string, err error) error {
	if name != "" {
		return fmt.Errorf("%s %q: %w", doing, Join(l.where, name), err)
	}
	return fmt.Errorf("%s %q: %w", doing, l.where, err)
}

// Close ends the connections of the location that [Open] returned.
func (l *Location) Close() error {
	if !l.root {
		return nil
	}
	return l.place.close()
}

// Put brings a file in under a name, in which there may be folders: whole or not
// at all. What had the name before is replaced. It reads the content, of which
// there are size bytes, from its beginning, and makes sure that the place has it.
func (l *Location) Put(ctx context.Context, name string, content io.ReadSeeker, size int64) error {
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return err
	}
	sum := md5.New()
	err := l.place.put(ctx, name, io.TeeReader(content, sum))
	if err == nil {
		err = l.place.verify(ctx, name, size, sum.Sum(nil))
	}
	if err != nil {
		return l.trouble("write", name, err)
	}
	return nil
}

// Check makes sure that the place is there and can be written to. The error says
// what to do.
func (l *Location) Check(ctx context.Context) error {
	if err := l.place.check(ctx); err != nil {
		return fmt.Errorf("the output %q can not be written: %w (%s)", l.where, err, l.advice())
	}
	return nil
}

func (l *Location) advice() string {
	if name, _, ok := strings.Cut(l.where, "://"); ok {
		return advice[strings.ToLower(name)]
	}
	return "make the folder, or let this user write there"
}
