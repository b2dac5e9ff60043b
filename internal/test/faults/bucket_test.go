package faults_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
)

// A lost machine loses its spool: pages that were settled but not shipped are fetched again by
// others, in every format, and the job ends with all pages.
func TestALostMachineLosesNoPagesFromTheBucket(t *testing.T) {
	t.Parallel()
	for name, formats := range map[string][]string{
		"jsonl": {"jsonl"}, "jsonl.zst": {"jsonl.zst"}, "warc": {"warc"}, "parquet": {"parquet"}, "files": {"files"},
		"several": {"warc", "parquet", "jsonl.gz", "links"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newBucketCrawl(t, 8, size(30, 300))
			c.job.Format = formats
			c.Scheduler()
			lost, spool := c.shippingWorker("--ship-every", "1m")
			c.shippingWorker()
			c.begin()
			c.waitForMore(8 * 10)
			lost.Kill()
			if err := os.RemoveAll(spool); err != nil {
				t.Fatal(err)
			}
			counters := c.Done(c.job.Name)
			testfleet.Pages(c.Export(c.job.Name)).Expect(t, "pages", c.graph.URLs(c.site))
			if counters.Reclaimed == 0 {
				t.Error("nothing was fetched again: the spool was empty when the worker was killed")
			}
			if counters.Unshipped != 0 || counters.Recorded() != int64(len(c.graph.URLs(c.site))) {
				t.Errorf("at the end %d records are settled and %d not shipped, of %d: %+v", counters.Recorded(),
					counters.Unshipped, len(c.graph.URLs(c.site)), counters)
			}
			c.wantPolite()
			t.Logf("%d pages, %d of them lost and fetched again", len(c.graph.URLs(c.site)), counters.Reclaimed)
		})
	}
}

// A worker that starts again on the same machine ships the files of the previous process: nothing
// is fetched again.
func TestARestartedWorkerShipsItsSpool(t *testing.T) {
	t.Parallel()
	c := newBucketCrawl(t, 4, size(30, 300))
	c.job.LostAfter = crawler.DefaultJob().LostAfter
	c.Scheduler()
	w, spool := c.shippingWorker("--ship-every", "1m")
	c.begin()
	c.waitForMore(4 * 10)
	w.Kill()
	_, urls := c.heldBy(w)
	c.Worker("--spool", spool)
	counters := c.wantComplete(urls).counters
	if counters.Reclaimed != 0 || counters.Unshipped != 0 || counters.Shipped != counters.Recorded() {
		t.Errorf("%d of %d records were shipped, %d fetched again", counters.Shipped, counters.Recorded(),
			counters.Reclaimed)
	}
}

// A budget of pages is exact, also when a lost machine had fetched some of them.
func TestALostMachineDoesNotSpendTheBudget(t *testing.T) {
	t.Parallel()
	c := newBucketCrawl(t, 8, size(30, 300))
	c.job.Pages = int64(size(150, 1500))
	// The other worker must not be considered lost by mistake on a busy machine: what it had
	// fetched would be fetched again, and shipped by both.
	c.job.LostAfter = 30 * time.Second
	c.Scheduler()
	lost, spool := c.shippingWorker("--ship-every", "1m")
	c.shippingWorker()
	c.begin()
	c.waitForMore(8 * 10)
	lost.Kill()
	if err := os.RemoveAll(spool); err != nil {
		t.Fatal(err)
	}
	counters := c.Done(c.job.Name)
	pages := testfleet.Pages(c.Export(c.job.Name))
	if int64(len(pages)) != c.job.Pages || counters.Pages() != c.job.Pages || counters.Reclaimed == 0 {
		t.Errorf("%d pages are in the bucket and %d counted, with a budget of %d; %d were fetched again",
			len(pages), counters.Pages(), c.job.Pages, counters.Reclaimed)
	}
}

// newBucketCrawl returns a crawl into a bucket. It soon considers silent workers lost.
func newBucketCrawl(t *testing.T, hosts, pagesPerHost int) *crawl {
	t.Helper()
	c := newCrawl(t, hosts, pagesPerHost)
	bucket := t.TempDir()
	c.Out = "file://" + bucket
	c.job.LostAfter = 8 * time.Second
	return c
}

// shippingWorker starts a worker on a machine of its own, with a spool there.
func (c *crawl) shippingWorker(flags ...string) (w *testfleet.Process, spool string) {
	c.t.Helper()
	spool = filepath.Join(c.t.TempDir(), "spool")
	return c.Worker(append(flags, "--spool", spool, "--concurrency", "4")...), spool
}
