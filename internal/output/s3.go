package output

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
)

// s3Driver opens buckets of S3 and of services with the same API: Cloudflare R2, MinIO,
// Ceph, and Google Cloud Storage with HMAC keys.
type s3Driver struct{}

// Advice says what a bucket and its credentials need.
func (s3Driver) Advice() string {
	return "create the bucket, let these credentials list and write there, set AWS_REGION, or ?region= in the URL, and credentials as for the aws command"
}

// attempts is how often a request is made before its error is returned. It is small
// because the spool retries anyway.
const attempts = 3

// Open creates a client for one bucket.
func (s3Driver) Open(_ context.Context, name string, options url.Values) (Bucket, error) {
	cfg, err := parseS3Options(options)
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
	return &s3Bucket{client: minio.Core{Client: client}, name: name, encryption: cfg.encryption, transport: transport},
		nil
}

// s3Bucket is a bucket of such a service.
type s3Bucket struct {
	client     minio.Core
	name       string
	encryption encrypt.ServerSide // nil for the bucket's default
	transport  *http.Transport
}

// List requests a thousand keys at a time.
func (b *s3Bucket) List(ctx context.Context, prefix string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		for o := range b.client.ListObjectsIter(ctx, b.name, minio.ListObjectsOptions{Prefix: prefix}) {
			if !yield(o.Key, s3Error(o.Err)) || o.Err != nil {
				return
			}
		}
	}
}

// Stat requests the metadata of an object.
func (b *s3Bucket) Stat(ctx context.Context, key string) (Object, error) {
	o, err := b.client.StatObject(ctx, b.name, key, minio.StatObjectOptions{})
	if err != nil {
		return Object{}, s3Error(err)
	}
	return Object{Size: o.Size, MD5: digestOf(o), ContentType: o.ContentType}, nil
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
func (b *s3Bucket) Read(ctx context.Context, key string, offset, length int64) (io.ReadCloser, error) {
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
	r, _, _, err := b.client.GetObject(ctx, b.name, key, opts)
	if err != nil {
		return nil, s3Error(err)
	}
	return r, nil
}

// Write uploads more than 16 MiB in parts. The service checks the MD5 digest of each
// part. The content is not also signed: over plain HTTP that would require a transfer
// encoding that not every service supports.
func (b *s3Bucket) Write(ctx context.Context, key string, content io.ReadSeeker, o Object) error {
	_, err := b.client.Client.PutObject(ctx, b.name, key, content, o.Size, minio.PutObjectOptions{
		ContentType: o.ContentType, ServerSideEncryption: b.encryption, SendContentMd5: true,
		DisableContentSha256: true,
	})
	return s3Error(err)
}

// Delete removes an object. An object that does not exist is not an error.
func (b *s3Bucket) Delete(ctx context.Context, key string) error {
	return s3Error(b.client.RemoveObject(ctx, b.name, key, minio.RemoveObjectOptions{}))
}

// Close closes idle connections.
func (b *s3Bucket) Close() error {
	b.transport.CloseIdleConnections()
	return nil
}

// s3Error wraps the error that a response of the service stands for.
func s3Error(err error) error {
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
