package output

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/url"
	"sync"
)

// Driver opens the buckets of one service. [Register] registers it.
type Driver interface {
	// Open opens the bucket with a name. It makes no request, so it succeeds even while
	// the service is unavailable. The options are the parameters of the URL. The error
	// wraps [ErrURL] if the driver does not support one of them.
	Open(ctx context.Context, name string, options url.Values) (Bucket, error)
	// Advice tells the user what to do about a bucket that cannot be opened or written.
	Advice() string
}

// Bucket stores objects under keys, in which slashes separate folders. It is safe for
// concurrent use.
//
// Errors wrap [fs.ErrNotExist] if the bucket or the object does not exist, and
// [fs.ErrPermission] if the service denies access. Any other error counts as transient,
// and writers retry.
type Bucket interface {
	// List yields the keys directly beneath a prefix, which is empty or ends in a slash,
	// in any order. Keys with further slashes are folded into one that ends in the first
	// of these. A prefix without keys is not an error.
	List(ctx context.Context, prefix string) iter.Seq2[string, error]
	// Stat describes an object.
	Stat(ctx context.Context, key string) (Object, error)
	// Read opens length bytes of an object from offset on, or all that follow if length
	// is negative. Length is never 0.
	Read(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error)
	// Write stores an object, whole or not at all, and replaces an object with the same
	// key. The content has o.Size bytes and the MD5 digest o.MD5. If ctx ends first,
	// nothing is stored.
	Write(ctx context.Context, key string, content io.ReadSeeker, o Object) error
	// Delete removes an object.
	Delete(ctx context.Context, key string) error
	// Close closes the connections of the bucket.
	Close() error
}

// Object is what a bucket knows about one object.
type Object struct {
	Size        int64  // in bytes
	MD5         []byte // nil if the bucket does not know it
	ContentType string // a media type; Stat may leave it empty
}

// ErrURL is wrapped in errors about URLs that can never open a bucket, whatever its
// state: the scheme has no driver, the bucket has no name, or a parameter is unknown.
var ErrURL = errors.New("unsupported URL")

// registry holds the driver of each scheme.
type registry struct {
	mu      sync.RWMutex
	drivers map[string]Driver
}

var registered = registry{drivers: map[string]Driver{"file": fileDriver{}, "mem": memDriver{}}}

// Register registers a driver for URLs with a scheme, scheme://bucket/prefix. A driver's
// package calls it in init, so importing the package is enough. Register panics if the
// scheme already has a driver.
func Register(scheme string, d Driver) {
	registered.mu.Lock()
	defer registered.mu.Unlock()
	if registered.drivers[scheme] != nil {
		panic(fmt.Sprintf("output: two drivers for %s://", scheme))
	}
	registered.drivers[scheme] = d
}

// driver returns the driver of a scheme. The error says how to get one.
func (r *registry) driver(scheme string) (Driver, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if d := r.drivers[scheme]; d != nil {
		return d, nil
	}
	if scheme == "s3" { // the command links it
		return nil, fmt.Errorf("%w: this program has no driver for s3://: import _ %q", ErrURL,
			"github.com/trawlcrawler/trawl/s3")
	}
	if module := separate[scheme]; module != "" {
		return nil, fmt.Errorf("%w: this build has no driver for %s://: use the full build of trawl (make build-full, or the image trawl-full), "+
			"or import %q in your own program", ErrURL, scheme, module)
	}
	return nil, fmt.Errorf("%w: unknown scheme: write a folder, or one of s3://, gs://, azblob://, file://, mem://",
		ErrURL)
}

// separate lists the drivers that Trawl has but does not link unless a program imports
// them: the libraries of these clouds take longer to compile than everything else.
var separate = map[string]string{
	"gs":     "github.com/trawlcrawler/trawl/drivers/gcs",
	"azblob": "github.com/trawlcrawler/trawl/drivers/azure",
}
