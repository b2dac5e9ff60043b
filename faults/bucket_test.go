package faults_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/testfleet"
)

// A machine that never comes back takes its spool with it: what was settled and not
// shipped is fetched again by others, in every format, and the job ends with all of it.
func TestAMachineThatNeverComesBackTakesNothingFromTheBucket(t *testing.T) {
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
			c.goesOn(8 * 10)
			lost.Kill()
			if err := os.RemoveAll(spool); err != nil {
				t.Fatal(err)
			}
			numbers := c.Done(c.job.Name)
			testfleet.Pages(c.Export(c.job.Name)).Expect(t, "pages", c.graph.URLs(c.site))
			if numbers.Reclaimed == 0 {
				t.Error("nothing was fetched again: the worker had nothing in its spool when it was killed")
			}
			if numbers.Unshipped != 0 || numbers.Recorded() != int64(len(c.graph.URLs(c.site))) {
				t.Errorf("at the end %d records are settled and %d not shipped, of %d: %+v", numbers.Recorded(), numbers.Unshipped, len(c.graph.URLs(c.site)), numbers)
			}
			c.polite()
			t.Logf("%d pages, of which %d were lost and fetched again", len(c.graph.URLs(c.site)), numbers.Reclaimed)
		})
	}
}

// A worker that is started again on the same machine brings what the one before had:
// nothing of it is fetched again.
func TestAMachineThatComesBackShipsWhatItHad(t *testing.T) {
	t.Parallel()
	c := newBucketCrawl(t, 4, size(30, 300))
	c.job.LostAfter = crawler.DefaultJob().LostAfter
	c.Scheduler()
	w, spool := c.shippingWorker("--ship-every", "1m")
	c.begin()
	c.goesOn(4 * 10)
	w.Kill()
	_, urls := c.heldBy(w)
	c.Worker("--spool", spool)
	numbers := c.whole(urls).numbers
	if numbers.Reclaimed != 0 || numbers.Unshipped != 0 || numbers.Shipped != numbers.Recorded() {
		t.Errorf("%d of %d records were shipped, %d fetched again", numbers.Shipped, numbers.Recorded(), numbers.Reclaimed)
	}
}

// A budget of pages is exact, whatever a lost machine had fetched of it.
func TestALostMachineDoesNotSpendTheBudget(t *testing.T) {
	t.Parallel()
	c := newBucketCrawl(t, 8, size(30, 300))
	c.job.Pages = int64(size(150, 1500))
	c.Scheduler()
	lost, spool := c.shippingWorker("--ship-every", "1m")
	c.shippingWorker()
	c.begin()
	c.goesOn(8 * 10)
	lost.Kill()
	if err := os.RemoveAll(spool); err != nil {
		t.Fatal(err)
	}
	numbers := c.Done(c.job.Name)
	pages := testfleet.Pages(c.Export(c.job.Name))
	if int64(len(pages)) != c.job.Pages || numbers.Pages() != c.job.Pages || numbers.Reclaimed == 0 {
		t.Errorf("%d pages are in the bucket and %d counted, of a budget of %d; %d were fetched again",
			len(pages), numbers.Pages(), c.job.Pages, numbers.Reclaimed)
	}
}

// newBucketCrawl is a crawl into a bucket, whose lost workers are soon known to be lost.
func newBucketCrawl(t *testing.T, hosts, pagesPerHost int) *crawl {
	t.Helper()
	c := newCrawl(t, hosts, pagesPerHost)
	bucket := t.TempDir()
	c.Out = "file://" + bucket
	c.job.LostAfter = crawler.Duration(8 * time.Second)
	return c
}

// shippingWorker starts a worker on a machine of its own, with a spool there.
func (c *crawl) shippingWorker(flags ...string) (w *testfleet.Process, spool string) {
	c.t.Helper()
	spool = filepath.Join(c.t.TempDir(), "spool")
	return c.Worker(append(flags, "--spool", spool, "--concurrency", "4")...), spool
}
