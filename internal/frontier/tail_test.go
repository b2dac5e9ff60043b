package frontier

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/tail"
)

// report reports a page of the job.
func (b *testJob) report(n int) {
	b.t.Helper()
	b.must(b.store.Report(b.t.Context(), b.job.Name, tail.Batch{
		Rows: []tail.Row{{URL: fmt.Sprintf("http://a.test/%d", n)}}, LeftOut: 2}))
}

// tail returns the URLs that were reported since a position, and the whole excerpt.
func (b *testJob) tail(since int64) (urls []string, found tail.Excerpt) {
	b.t.Helper()
	found, err := b.store.Tail(b.t.Context(), b.job.Name, since)
	b.must(err)
	for _, r := range found.Rows {
		urls = append(urls, r.URL)
	}
	return urls, found
}

func reportsWhileWatched(t *testing.T, b *testJob) {
	ctx, key := t.Context(), jobBase(b.job.Name)+nameTail
	b.status()
	if b.store.Watched(b.job.Name).All {
		t.Error("a job is watched before anyone reads its pages")
	}
	b.report(0)
	urls, found := b.tail(0)
	if len(urls) > 0 || found.Next != 0 {
		t.Errorf("a job that no one watched has %+v", found)
	}
	if b.status(); !b.store.Watched(b.job.Name).All {
		t.Error("the job is not watched after its pages were read")
	}
	watch := func(until time.Duration) { // a reader may take longer than its term on a slow machine
		b.must(b.rdb.HSet(ctx, jobBase(b.job.Name)+nameJob, "watched", time.Now().Add(until).UnixMilli()).Err())
	}
	watch(time.Hour)
	b.report(1)
	b.report(2)
	urls, found = b.tail(0)
	if diff := cmp.Diff([]string{"http://a.test/1", "http://a.test/2"}, urls); diff != "" || found.LeftOut != 4 {
		t.Errorf("recent pages, with %d left out (-want +got):\n%s", found.LeftOut, diff)
	}
	watch(time.Hour)
	b.report(3)
	if urls, next := b.tail(found.Next); len(urls) != 1 || urls[0] != "http://a.test/3" || next.Next <= found.Next {
		t.Errorf("after position %d, there is %v up to %d", found.Next, urls, next.Next)
	}
	watch(time.Hour)
	for i := range 2 * tailBatches {
		b.report(i)
	}
	last := fmt.Sprintf("http://a.test/%d", 2*tailBatches-1)
	if urls, _ := b.tail(0); len(urls) != tailBatches || urls[tailBatches-1] != last {
		t.Errorf("the ring has %d reports, want the last %d: %v", len(urls), tailBatches, urls)
	}
	if ttl := b.rdb.PTTL(ctx, key).Val(); ttl <= 0 || ttl > tailTerm {
		t.Errorf("the ring is kept for %v, want up to %v", ttl, tailTerm)
	}
	b.must(b.rdb.Set(ctx, key, "garbage", 0).Err())
	if urls, _ := b.tail(0); len(urls) > 0 {
		t.Errorf("garbage has pages: %v", urls)
	}
	watch(time.Hour)
	b.report(4) // replaces the garbage
	b.must(b.rdb.LPush(ctx, key, "garbage").Err())
	if urls, _ := b.tail(0); len(urls) != 1 {
		t.Errorf("beside garbage, there is %v", urls)
	}
	watch(-time.Minute)
	b.report(5)
	if b.status(); b.store.Watched(b.job.Name).All {
		t.Error("the job is still watched a minute after")
	}
	if urls, _ := b.tail(0); len(urls) != 1 {
		t.Errorf("a report that no one waits for is kept: %v", urls)
	}
	if _, err := b.store.Tail(ctx, b.job.Name+"-gone", 0); !errors.Is(err, queue.ErrNoJob) {
		t.Errorf("of a job that does not exist: %v", err)
	}
}

// hostTail returns the URLs of the last pages of a host.
func (b *testJob) hostTail(h crawler.Host) (urls []string) {
	b.t.Helper()
	rows, err := b.store.HostTail(b.t.Context(), b.job.Name, h)
	b.must(err)
	for _, r := range rows {
		urls = append(urls, r.URL)
	}
	return urls
}

func reportsHostWhileWatched(t *testing.T, b *testJob) {
	ctx, job := t.Context(), jobBase(b.job.Name)+nameJob
	report := func(n int) {
		b.must(b.store.ReportHost(ctx, b.job.Name, "a.test", []tail.Row{{URL: fmt.Sprint("http://a.test/", n)},
			{URL: fmt.Sprint("http://a.test/", n, "/next")}}))
	}
	b.status()
	report(0)
	if urls := b.hostTail("a.test"); len(urls) > 0 {
		t.Errorf("a host that no one watched has %v", urls)
	}
	if b.status(); len(b.store.Watched(b.job.Name).Hosts) != 1 || b.store.Watched(b.job.Name).All {
		t.Errorf("after its pages were read, %+v is watched", b.store.Watched(b.job.Name))
	}
	report(1)
	if diff := cmp.Diff([]string{"http://a.test/1/next", "http://a.test/1"}, b.hostTail("a.test")); diff != "" {
		t.Errorf("the last pages (-want +got):\n%s", diff)
	}
	for i := range tail.HostRows {
		report(i)
	}
	if urls := b.hostTail("a.test"); len(urls) != tail.HostRows {
		t.Errorf("%d pages are kept, want %d", len(urls), tail.HostRows)
	}
	for i := range 2 * mostWatchedHosts {
		b.hostTail(crawler.Host(fmt.Sprintf("h%d.test", i)))
	}
	b.status()
	if hosts := b.store.Watched(b.job.Name).Hosts; len(hosts) != mostWatchedHosts || hosts[0] != "h8.test" {
		t.Errorf("%v are watched, want the last %d", hosts, mostWatchedHosts)
	}
	key := hostTailKeys(b.job.Name, "a.test")[1]
	if ttl := b.rdb.PTTL(ctx, key).Val(); ttl <= 0 || ttl > hostTailTerm {
		t.Errorf("the pages are kept for %v, want up to %v", ttl, hostTailTerm)
	}
	b.must(b.rdb.HSet(ctx, job, "watched_hosts", fmt.Sprint(time.Now().Add(-time.Minute).UnixMilli(), " a.test")).Err())
	b.must(b.rdb.Set(ctx, key, "garbage", 0).Err())
	report(1)
	if b.status(); len(b.store.Watched(b.job.Name).Hosts) > 0 {
		t.Error("the host is still watched a minute after")
	}
	if urls := b.hostTail("a.test"); len(urls) > 0 {
		t.Errorf("garbage has pages, or a report that no one waits for is kept: %v", urls)
	}
	report(2) // replaces the garbage
	b.must(b.rdb.LPush(ctx, key, "garbage").Err())
	if urls := b.hostTail("a.test"); len(urls) != 2 {
		t.Errorf("beside garbage, there is %v", urls)
	}
	if _, err := b.store.HostTail(ctx, b.job.Name+"-gone", "a.test"); !errors.Is(err, queue.ErrNoJob) {
		t.Errorf("of a job that does not exist: %v", err)
	}
}
