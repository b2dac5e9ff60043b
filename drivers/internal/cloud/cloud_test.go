package cloud_test

import (
	"testing"

	"gocloud.dev/blob/memblob"

	"github.com/trawlcrawler/trawl/drivers/internal/cloud"
	"github.com/trawlcrawler/trawl/internal/output"
	"github.com/trawlcrawler/trawl/internal/test/outputtest"
)

func TestABucketOfTheKitKeepsWhatOursPromise(t *testing.T) {
	t.Parallel()
	outputtest.Bucket(t, 1<<20, func(*testing.T) output.Bucket { return cloud.Wrap(memblob.OpenBucket(nil)) })
}
