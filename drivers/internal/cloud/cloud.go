// Package cloud adapts the buckets of the Go Cloud Development Kit, gocloud.dev/blob, to
// those of Trawl.
package cloud

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/url"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"

	"github.com/trawlcrawler/trawl/internal/output"
)

// Driver opens buckets by URLs of the kit. The package that knows the scheme there must
// be imported.
type Driver struct {
	Scheme  string
	Advises string // what Advice returns
}

// Advice tells the user what to do about a bucket that cannot be opened or written.
func (d Driver) Advice() string { return d.Advises }

// Open opens the bucket with a name. The options are those of the kit.
func (d Driver) Open(ctx context.Context, name string, options url.Values) (output.Bucket, error) {
	u := url.URL{Scheme: d.Scheme, Host: name, RawQuery: options.Encode()}
	b, err := blob.OpenBucket(ctx, u.String())
	if err != nil {
		return nil, err
	}
	return Wrap(b), nil
}

// Wrap makes a bucket of the kit one of Trawl, which closes it.
func Wrap(b *blob.Bucket) output.Bucket { return bucket{b} }

type bucket struct{ blob *blob.Bucket }

// List asks for a page of keys at a time.
func (b bucket) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		objects := b.blob.List(&blob.ListOptions{Prefix: prefix, Delimiter: "/"})
		for {
			o, err := objects.Next(ctx)
			if errors.Is(err, io.EOF) {
				return
			}
			if err != nil {
				yield("", classified(err))
				return
			}
			if !yield(o.Key, nil) {
				return
			}
		}
	}
}

// Stat describes an object.
func (b bucket) Stat(ctx context.Context, key string) (output.Object, error) {
	a, err := b.blob.Attributes(ctx, key)
	if err != nil {
		return output.Object{}, classified(err)
	}
	o := output.Object{Size: a.Size, ContentType: a.ContentType}
	if len(a.MD5) > 0 {
		o.MD5 = a.MD5
	}
	return o, nil
}

// Read opens a part of an object.
func (b bucket) Read(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	r, err := b.blob.NewRangeReader(ctx, key, offset, length, nil)
	if err != nil {
		return nil, classified(err)
	}
	return r, nil
}

// Write stores an object, with its digest.
func (b bucket) Write(ctx context.Context, key string, content io.ReadSeeker, o output.Object) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w, err := b.blob.NewWriter(ctx, key, &blob.WriterOptions{ContentType: o.ContentType, ContentMD5: o.MD5,
		DisableContentTypeDetection: true})
	if err != nil {
		return classified(err)
	}
	if _, err := io.Copy(w, content); err != nil {
		cancel() // so that Close stores nothing
		return errors.Join(classified(err), w.Close())
	}
	return classified(w.Close())
}

// Delete removes an object.
func (b bucket) Delete(ctx context.Context, key string) error {
	return classified(b.blob.Delete(ctx, key))
}

// Close ends the connections of the bucket.
func (b bucket) Close() error { return b.blob.Close() }

// classified marks what an error of the kit means.
func classified(err error) error {
	switch gcerrors.Code(err) {
	case gcerrors.NotFound:
		return fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	case gcerrors.PermissionDenied:
		return fmt.Errorf("%w: %w", fs.ErrPermission, err)
	}
	return err
}
