package output

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/url"
	"path"
	"slices"
	"strings"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
)

// Schemes lists those of the URLs that name buckets.
var Schemes = []string{"s3", "gs", "azblob", "file", "mem"}

// bucket is a place in a bucket: the objects whose keys begin with a prefix, which
// is empty or ends in a slash.
type bucket struct {
	*blob.Bucket
	prefix string
}

// openBucket opens the bucket that a URL names. It makes no request.
func openBucket(ctx context.Context, where string) (bucket, error) {
	u, err := url.Parse(where)
	if err != nil {
		return bucket{}, fmt.Errorf("%q is no URL of a bucket: %w", where, err)
	}
	if u.Scheme = strings.ToLower(u.Scheme); !slices.Contains(Schemes, u.Scheme) {
		return bucket{}, fmt.Errorf("%q names a bucket of an unknown kind: write a folder, or one of s3://, gs://, azblob://, file://, mem://", where)
	}
	prefix := ""
	switch {
	case u.Scheme == "file" && (u.Host != "" || u.Path == ""):
		return bucket{}, fmt.Errorf("%q names no folder: write file:///path/to/folder", where)
	case u.Scheme == "file":
		u.RawQuery = fileOptions(u.Query())
	case u.Scheme != "mem" && u.Host == "":
		return bucket{}, fmt.Errorf("%q names no bucket: write %s://bucket/prefix", where, u.Scheme)
	case u.Scheme == "mem":
		prefix = u.Host + u.Path
		u.Host, u.Path = "", ""
	default:
		prefix, u.Path, u.RawPath = u.Path, "", ""
	}
	b, err := blob.OpenBucket(ctx, u.String())
	if err != nil {
		return bucket{}, fmt.Errorf("the bucket %q can not be opened: %w (%s)", where, err, advice[u.Scheme])
	}
	return bucket{b, beneath("", prefix)}, nil
}

// advice is what to do about a bucket that can not be opened.
var advice = map[string]string{
	"s3":     "make the bucket, let these credentials list and write there, set AWS_REGION, or ?region= in the URL, and credentials as for the aws command",
	"gs":     "make the bucket, let these credentials list and write there, set GOOGLE_APPLICATION_CREDENTIALS, or log in with gcloud auth application-default login",
	"azblob": "make the container, let these credentials list and write there, set AZURE_STORAGE_ACCOUNT, and AZURE_STORAGE_KEY or AZURE_STORAGE_SAS_TOKEN, or log in with az login",
	"file":   "make the folder and let this user write there, or add ?create_dir=true to the URL",
	"mem":    "write mem:// alone",
}

// fileOptions has files written beside their final names, so that they can be
// renamed there, and nothing else besides.
func fileOptions(options url.Values) string {
	if !options.Has("no_tmp_dir") {
		options.Set("no_tmp_dir", "true")
	}
	if !options.Has("metadata") {
		options.Set("metadata", "skip")
	}
	return options.Encode()
}

// beneath joins prefixes.
func beneath(prefix, name string) string {
	if name = strings.Trim(name, "/"); name == "" {
		return prefix
	}
	return prefix + name + "/"
}

func (b bucket) names(ctx context.Context) ([]string, error) { return b.list(ctx, false) }

// list returns the names of what lies directly under the prefix: of objects, or of
// what has other objects under it.
func (b bucket) list(ctx context.Context, folders bool) ([]string, error) {
	objects := b.List(&blob.ListOptions{Prefix: b.prefix, Delimiter: "/"})
	var names []string
	for {
		object, err := objects.Next(ctx)
		if err == io.EOF {
			slices.Sort(names)
			return names, nil
		}
		if err != nil {
			return nil, missing(err)
		}
		if name := strings.TrimSuffix(strings.TrimPrefix(object.Key, b.prefix), "/"); object.IsDir == folders && name != "" {
			names = append(names, name)
		}
	}
}

func (b bucket) open(ctx context.Context, name string, offset, length int64) (io.ReadCloser, error) {
	r, err := b.NewRangeReader(ctx, b.prefix+name, offset, length, nil)
	if err != nil {
		return nil, missing(err)
	}
	return r, nil
}

func (b bucket) size(ctx context.Context, name string) (int64, error) {
	attributes, err := b.Attributes(ctx, b.prefix+name)
	if err != nil {
		return 0, missing(err)
	}
	return attributes.Size, nil
}

func (b bucket) put(ctx context.Context, name string, content io.Reader) (err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w, err := b.NewWriter(ctx, b.prefix+name, &blob.WriterOptions{ContentType: contentType(name), DisableContentTypeDetection: true})
	if err != nil {
		return err
	}
	if _, err = io.Copy(w, content); err != nil {
		cancel() // so that Close keeps nothing
		return errors.Join(err, w.Close())
	}
	return w.Close()
}

// contentType is the media type of a file, by its name.
func contentType(name string) string {
	if t := mime.TypeByExtension(path.Ext(name)); t != "" {
		return t
	}
	return "application/octet-stream"
}

func (b bucket) verify(ctx context.Context, name string, size int64, digest []byte) error {
	has, err := b.Attributes(ctx, b.prefix+name)
	switch {
	case err != nil:
		return missing(err)
	case has.Size != size:
		return fmt.Errorf("%d of %d bytes are there", has.Size, size)
	case len(has.MD5) > 0 && !bytes.Equal(has.MD5, digest):
		return fmt.Errorf("it arrived damaged: its MD5 digest is %x, and should be %x", has.MD5, digest)
	}
	return nil
}

// probe is the name of an object that is written to find out whether it can be.
const probe = ".trawl-probe"

func (b bucket) check(ctx context.Context) error {
	there, err := b.IsAccessible(ctx)
	if err == nil && !there {
		err = ErrMissing
	}
	if err != nil {
		return err
	}
	if err := b.put(ctx, probe, strings.NewReader("")); err != nil {
		return err
	}
	if err := b.Delete(ctx, b.prefix+probe); err != nil && gcerrors.Code(err) != gcerrors.PermissionDenied {
		return err
	}
	return nil
}

func (b bucket) in(name string) place { return bucket{b.Bucket, beneath(b.prefix, name)} }

func (b bucket) close() error { return b.Bucket.Close() }

// missing marks errors about what is not there.
func missing(err error) error {
	if gcerrors.Code(err) == gcerrors.NotFound {
		return fmt.Errorf("%w: %w", ErrMissing, err)
	}
	return err
}
