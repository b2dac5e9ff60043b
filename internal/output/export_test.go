package output

import "context"

// OpenBucket opens the bucket that a URL names, for tests of drivers.
func OpenBucket(ctx context.Context, where string) (Bucket, error) {
	b, err := openBucket(ctx, where)
	return b.Bucket, err
}
