package output

import (
	"bytes"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"mime"
	"net/url"
	"path"
	"slices"
	"strings"
)

// bucket is a location in a bucket: the objects whose keys begin with a prefix, which is
// empty or ends in a slash.
type bucket struct {
	Bucket
	prefix string
}

// openBucket opens the bucket that a URL names. It makes no request.
func openBucket(ctx context.Context, where string) (bucket, error) {
	trouble := func(err error) (bucket, error) {
		return bucket{}, fmt.Errorf("cannot open the bucket %q: %w", where, err)
	}
	u, err := url.Parse(where)
	if err != nil {
		return trouble(fmt.Errorf("%w: %w", ErrURL, err))
	}
	scheme := strings.ToLower(u.Scheme)
	driver, err := registered.driver(scheme)
	if err != nil {
		return trouble(err)
	}
	name, prefix, err := split(scheme, u)
	if err != nil {
		return trouble(err)
	}
	b, err := driver.Open(ctx, name, u.Query())
	switch {
	case errors.Is(err, ErrURL):
		return trouble(err)
	case err != nil:
		return trouble(fmt.Errorf("%w (%s)", err, driver.Advice()))
	}
	return bucket{b, beneath("", prefix)}, nil
}

// split splits a URL into the name of a bucket and a prefix in it. The bucket of a file
// URL is the folder itself. With mem://, which has one bucket, everything is prefix.
func split(scheme string, u *url.URL) (name, prefix string, err error) {
	switch {
	case scheme == "file" && (u.Host != "" || u.Path == ""):
		return "", "", fmt.Errorf("%w: it names no folder: write file:///path/to/folder", ErrURL)
	case scheme == "file":
		return u.Path, "", nil
	case scheme == "mem":
		return "", u.Host + u.Path, nil
	case u.Host == "":
		return "", "", fmt.Errorf("%w: it names no bucket: write %s://bucket/prefix", ErrURL, scheme)
	}
	return u.Host, u.Path, nil
}

// OnlyOptions returns an error, which wraps [ErrURL], if there is an option that is not known.
func OnlyOptions(options url.Values, known ...string) error {
	for name := range options {
		switch {
		case slices.Contains(known, name):
		case len(known) == 0:
			return fmt.Errorf("%w: unknown parameter %q: it takes none", ErrURL, name)
		default:
			return fmt.Errorf("%w: unknown parameter %q: it takes %s", ErrURL, name, strings.Join(known, ", "))
		}
	}
	return nil
}

// beneath appends a name to a prefix.
func beneath(prefix, name string) string {
	if name = strings.Trim(name, "/"); name == "" {
		return prefix
	}
	return prefix + name + "/"
}

func (b bucket) names(ctx context.Context) ([]string, error) { return b.list(ctx, false) }

// list returns the names directly under the prefix: those of objects, or, with folders,
// those that have objects beneath them.
func (b bucket) list(ctx context.Context, folders bool) ([]string, error) {
	var names []string
	for key, err := range b.List(ctx, b.prefix) {
		if err != nil {
			return nil, err
		}
		name, folder := strings.CutSuffix(strings.TrimPrefix(key, b.prefix), "/")
		if folder == folders && name != "" {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

func (b bucket) open(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
	return b.Read(ctx, b.prefix+name, offset, length)
}

func (b bucket) size(ctx context.Context, name string) (int64, error) {
	o, err := b.Stat(ctx, b.prefix+name)
	return o.Size, err
}

// put reads the content twice. The first pass computes its digest, which drivers pass to
// the service. Drivers may read the content again if a request fails.
func (b bucket) put(ctx context.Context, name string, content io.ReadSeeker, size int64) error {
	want := Object{Size: size}
	if err := b.write(ctx, name, content, &want); err != nil {
		return err
	}
	return b.verify(ctx, name, want)
}

// write is put, but does not verify what has arrived. It sets the digest and the media type of the
// object.
func (b bucket) write(ctx context.Context, name string, content io.ReadSeeker, o *Object) (err error) {
	if o.MD5, err = digest(content); err != nil {
		return err
	}
	o.ContentType = contentType(name)
	return b.Write(ctx, b.prefix+name, content, *o)
}

// digest returns the MD5 digest of a content and rewinds the content.
func digest(content io.ReadSeeker) ([]byte, error) {
	sum := md5.New()
	if _, err := io.Copy(sum, content); err != nil {
		return nil, err
	}
	_, err := content.Seek(0, io.SeekStart)
	return sum.Sum(nil), err
}

// contentType returns the media type of a file by its name.
func contentType(name string) string {
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "application/octet-stream"
}

func (b bucket) remove(ctx context.Context, name string) error { return b.Delete(ctx, b.prefix+name) }

// verify returns an error unless an object has the expected size and, where the bucket
// knows it, the expected digest.
func (b bucket) verify(ctx context.Context, name string, want Object) error {
	has, err := b.Stat(ctx, b.prefix+name)
	switch {
	case err != nil:
		return err
	case has.Size != want.Size:
		return fmt.Errorf("it has %d of %d bytes", has.Size, want.Size)
	case has.MD5 != nil && !bytes.Equal(has.MD5, want.MD5):
		return fmt.Errorf("it arrived damaged: its MD5 digest is %x, and should be %x", has.MD5, want.MD5)
	}
	return nil
}

// probe is the name of an object that is written to find out whether the bucket is
// writable.
const probe = ".trawl-probe"

func (b bucket) check(ctx context.Context) error {
	for _, err := range b.List(ctx, b.prefix) {
		if err != nil {
			return err
		}
		break // listing works
	}
	// It is not verified: another process that checks the bucket at the same time may have removed it.
	if err := b.write(ctx, probe, strings.NewReader(""), &Object{}); err != nil {
		return err
	}
	// Credentials that may not delete are good enough. The probe then stays; its name is
	// hidden.
	err := b.Delete(ctx, b.prefix+probe)
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (b bucket) in(name string) place { return bucket{b.Bucket, beneath(b.prefix, name)} }

func (b bucket) close() error { return b.Close() }
