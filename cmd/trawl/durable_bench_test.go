package main_test

import (
	"crypto/rand"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// BenchmarkCrawlIntoABucket measures the cost of settling pages only after they are in the
// bucket. The two settings alternate, N rounds each with -benchtime Nx, over a real Redis and
// a bucket in memory. Each crawl ends when all pages are in the bucket. The figures are medians
// of the rounds.
func BenchmarkCrawlIntoABucket(b *testing.B) {
	const shared = "/dev/shm"
	if _, err := os.Stat(shared); err != nil {
		b.Skipf("there is no %s for a bucket in memory", shared)
	}
	g := testsite.Graph{Hosts: 20, PagesPerHost: 500, LinksPerPage: 10}
	site := g.Serve(b)
	pages := float64(len(g.URLs(site)))
	rates := make(map[string][]float64)
	var ratios []float64
	for i := 0; b.Loop(); i++ {
		kinds := []string{"disk", "shipped"}
		if i%2 == 1 {
			slices.Reverse(kinds)
		}
		for _, durable := range kinds {
			rates[durable] = append(rates[durable], pages/timeBucketCrawl(b, shared, durable, i, g, site).Seconds())
		}
		ratios = append(ratios, rates["shipped"][i]/rates["disk"][i])
	}
	for durable, all := range rates {
		b.ReportMetric(medianOf(all), durable+"-pages/s")
	}
	b.ReportMetric(medianOf(ratios), "shipped/disk")
	b.ReportMetric(0, "ns/op")
}

// timeBucketCrawl crawls a site into a bucket and returns the duration.
func timeBucketCrawl(b *testing.B, parent, durable string, round int, g testsite.Graph,
	site *testsite.Site) time.Duration {
	b.Helper()
	bucket, err := os.MkdirTemp(parent, "trawl-bucket-*")
	if err != nil {
		b.Fatal(err)
	}
	defer os.RemoveAll(bucket)
	s := newShell(b)
	args := []string{
		"crawl", "--delay", "0", "--per-host", "4", "--scope", "any", "--out", "file://" + bucket, "--durable", durable,
		"--ship-every", "1s",
		"--redis", redistest.New(b), "--job", fmt.Sprintf("%s-%d", durable, round) + "-" +
			strings.ToLower(rand.Text()[:6]),
	}
	for _, root := range g.Roots() {
		args = append(args, site.URL(root.Host, g.Path(root.Page)))
	}
	began := time.Now()
	s.run(args...).exits(done)
	return time.Since(began)
}

func medianOf(all []float64) float64 {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2]
}
