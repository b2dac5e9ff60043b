package s3

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"net/http"
	"net/url"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/encrypt"

	"github.com/trawlcrawler/trawl/internal/output"
)

// The driver is registered here, so that an import is enough.
func init() { output.Register("s3", driver{}) }

// driver opens buckets of S3 and of services with the same API: Cloudflare R2, MinIO,
// Ceph, and Google Cloud Storage with HMAC keys.
type driver struct{}

// Advice says what a bucket and its credentials need.
func (driver) Advice() string {
	return "create the bucket, let these credentials list and write there, set AWS_REGION, or ?region= in the URL, and credentials as for the aws command"
}

// attempts is how often a request is made before its error is returned. It is small
// because the spool retries anyway.
const attempts = 3

// Open creates a client for one bucket.
func (driver) Open(_ context.Context, name string, options url.Values) (output.Bucket, error) {
	cfg, err := parseOptions(options)
	if err != nil {
		return nil, err
	}
	transport, err := minio.DefaultTransport(cfg.secure)
	if err != nil {
		return nil, err
	}
	client, err := minio.New(cfg.endpoint, &minio.Options{
		Creds: cfg.credentials, Secure: cfg.secure, Region: cfg.region, BucketLookup: cfg.lookup,
		Transport: transport, MaxRetries: attempts,
	})
	if err != nil {
		return nil, err
	}
	client.SetS3EnableDualstack(cfg.dualstack)
	if cfg.accelerate {
		client.SetS3TransferAccelerate("s3-accelerate.amazonaws.com")
	}
	return &bucket{calls: callsOf(client), name: name, encryption: cfg.encryption, close: transport.CloseIdleConnections},
		nil
}

// bucket is a bucket of such a service.
type bucket struct {
	calls
	name       string
	encryption encrypt.ServerSide // nil for the bucket's default
	close      func()
}

// calls are the calls of a client that a bucket makes. They are functions, so that no field
// of a bucket has the type of the client. Otherwise the client could be reached by reflection
// from the interface that a bucket becomes, and the linker would keep all its methods.
type calls struct {
	list   func(ctx context.Context, bucket string, o minio.ListObjectsOptions) iter.Seq[minio.ObjectInfo]
	stat   func(ctx context.Context, bucket, key string, o minio.StatObjectOptions) (minio.ObjectInfo, error)
	remove func(ctx context.Context, bucket, key string, o minio.RemoveObjectOptions) error
	get    func(ctx context.Context, bucket, key string, o minio.GetObjectOptions) (
		io.ReadCloser, minio.ObjectInfo, http.Header, error)
	put func(ctx context.Context, bucket, key string, content io.Reader, size int64, o minio.PutObjectOptions) (
		minio.UploadInfo, error)
}

func callsOf(client *minio.Client) calls {
	core := minio.Core{Client: client}
	return calls{
		list: client.ListObjectsIter, stat: client.StatObject, get: core.GetObject, put: client.PutObject,
		remove: client.RemoveObject,
	}
}

// List requests a thousand keys at a time.
func (b *bucket) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		for o := range b.list(ctx, b.name, minio.ListObjectsOptions{Prefix: prefix}) {
			if !yield(o.Key, classified(o.Err)) || o.Err != nil {
				return
			}
		}
	}
}

// Stat requests the metadata of an object.
func (b *bucket) Stat(ctx context.Context, key string) (output.Object, error) {
	o, err := b.stat(ctx, b.name, key, minio.StatObjectOptions{})
	if err != nil {
		return output.Object{}, classified(err)
	}
	return output.Object{Size: o.Size, MD5: digestOf(o), ContentType: o.ContentType}, nil
}

// digestOf returns the MD5 digest in the ETag of an object, or nil if the ETag is not
// one. The ETag of an object that was uploaded in parts contains a dash. The ETag of an
// object that is encrypted with a KMS key or a customer key is not a digest.
func digestOf(o minio.ObjectInfo) []byte {
	how := o.Metadata.Get("X-Amz-Server-Side-Encryption")
	if how != "" && how != "AES256" || o.Metadata.Get("X-Amz-Server-Side-Encryption-Customer-Algorithm") != "" {
		return nil
	}
	digest, err := hex.DecodeString(o.ETag)
	if err != nil || len(digest) != 16 {
		return nil
	}
	return digest
}

// Read makes one request.
func (b *bucket) Read(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
	var opts minio.GetObjectOptions
	switch {
	case length >= 0:
		if err := opts.SetRange(offset, offset+length-1); err != nil {
			return nil, err
		}
	case offset > 0:
		if err := opts.SetRange(offset, 0); err != nil { // to the end
			return nil, err
		}
	}
	r, _, _, err := b.get(ctx, b.name, key, opts)
	if err != nil {
		return nil, classified(err)
	}
	return r, nil
}

// Write uploads more than 16 MiB in parts. The service checks the MD5 digest of each
// part. The content is not also signed: over plain HTTP that would require a transfer
// encoding that not every service supports.
func (b *bucket) Write(ctx context.Context, key string, content io.ReadSeeker, o output.Object) error {
	_, err := b.put(ctx, b.name, key, content, o.Size, minio.PutObjectOptions{
		ContentType: o.ContentType, ServerSideEncryption: b.encryption, SendContentMd5: true,
		DisableContentSha256: true,
	})
	return classified(err)
}

// Delete removes an object. An object that does not exist is not an error.
func (b *bucket) Delete(ctx context.Context, key string) error {
	return classified(b.remove(ctx, b.name, key, minio.RemoveObjectOptions{}))
}

// Close closes idle connections.
func (b *bucket) Close() error {
	b.close()
	return nil
}

// classified wraps the error that a response of the service stands for.
func classified(err error) error {
	var answer minio.ErrorResponse
	if !errors.As(err, &answer) {
		return err
	}
	switch answer.StatusCode {
	case http.StatusNotFound:
		return fmt.Errorf("%w: %w", fs.ErrNotExist, err)
	case http.StatusForbidden, http.StatusUnauthorized:
		return fmt.Errorf("%w: %w", fs.ErrPermission, err)
	}
	return err
}
