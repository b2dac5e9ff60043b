package frontier

import (
	"crypto/sha256"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/visit"
)

// recognise looks pages up, each given as its URL and its content. For each it returns the URL of
// the first page with the same content.
func (b *testJob) recognise(lease visit.HostLease, pages ...string) []string {
	b.t.Helper()
	asked := make([]queue.Content, len(pages)/2)
	for i := range asked {
		asked[i] = queue.Content{URL: url(b.t, pages[2*i]), Digest: sha256.Sum256([]byte(pages[2*i+1]))}
	}
	first, err := lease.Recognise(b.t.Context(), asked)
	if err != nil {
		b.t.Fatal(err)
	}
	var all []string
	for _, u := range first {
		all = append(all, u.String())
	}
	return all
}

func recognisesCopies(t *testing.T, b *testJob) {
	const one, two, three = "http://a.test/1", "https://a.test/2?x", "http://a.test/3"
	b.admit(2, one, "http://b.test/1")
	lease := b.open("a.test")
	for _, c := range []struct {
		pages, want []string
	}{
		{[]string{one, "x", two, "y", three, "x"}, []string{"", "", one}},
		{[]string{one, "x", two, "x", three, "y"}, []string{"", one, two}},
		{[]string{one, "z"}, []string{""}},
	} {
		if diff := cmp.Diff(c.want, b.recognise(lease, c.pages...)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", c.pages, diff)
		}
	}
	if got := b.recognise(b.open("b.test"), "http://b.test/1", "x"); got[0] != "" {
		t.Errorf("a page counts as a copy of another host's page: %s", got[0])
	}
}

func limitsContents(t *testing.T, b *testJob) {
	b.admit(1, "http://a.test/1")
	lease := b.open("a.test")
	b.recognise(lease, "http://a.test/1", "x")
	contents := make([]any, 0, 2*maxContents)
	for i := range maxContents - 1 {
		contents = append(contents, strconv.Itoa(i), "")
	}
	key := b.base(shardOf("a.test", b.job.Shards)) + nameContent + "a.test"
	if err := b.rdb.HSet(t.Context(), key, contents...).Err(); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if got := b.recognise(lease, "http://a.test/2", "y", "http://a.test/3", "x"); got[0] != "" ||
			got[1] != "http://a.test/1" {
			t.Errorf("recognised %q, want no new page, and the first of the old pages", got)
		}
	}
	if n := b.rdb.HLen(t.Context(), key).Val(); n != maxContents {
		t.Errorf("%d contents are stored, want %d", n, maxContents)
	}
}

// BenchmarkRecognise takes and settles URLs of one host, like BenchmarkTakeSettle, and looks up
// each batch of pages. No page is a copy.
func BenchmarkRecognise(b *testing.B) {
	eachRedis(b, func(b *testing.B, url string) {
		for _, batch := range []int{1, 64} {
			b.Run(strconv.Itoa(batch)+" pages", func(b *testing.B) {
				f := newTestJob(b, url, 1)
				waiting := f.refill(0)
				lease := f.open(webHost(0))
				m, pages := startMeter(b, f.rdb), 0
				for n := 1; b.Loop(); waiting -= batch {
					if waiting < batch {
						b.StopTimer()
						m.stop()
						waiting += f.refill(n)
						n++
						m.start()
						b.StartTimer()
					}
					f.takeRecogniseAndSettle(lease, batch, &pages)
				}
				m.report(b.N * batch)
				if bytes, err := f.rdb.MemoryUsage(b.Context(), f.base(0)+nameContent+string(webHost(0)),
					0).Result(); err == nil {
					b.ReportMetric(float64(bytes)/float64(min(pages, maxContents)), "bytes/page")
				}
			})
		}
	})
}

func (b *testJob) takeRecogniseAndSettle(lease visit.HostLease, n int, pages *int) {
	b.t.Helper()
	taken, err := lease.Take(b.t.Context(), n, 0)
	if err != nil || len(taken) != n {
		b.t.Fatalf("took %d of %d, %v", len(taken), n, err)
	}
	contents := make([]queue.Content, n)
	for i, t := range taken {
		*pages++
		contents[i] = queue.Content{URL: t.Entry.URL, Digest: sha256.Sum256([]byte(strconv.Itoa(*pages)))}
	}
	if _, err := lease.Recognise(b.t.Context(), contents); err != nil {
		b.t.Fatal(err)
	}
	b.settle(lease, crawler.OutcomeFetched, taken...)
}
