package main_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// seedOutput has the fields of trawl seed --json that the tests check.
type seedOutput struct {
	Admitted, Seen, Refused int64
	Refusals                []struct {
		List, URL, Reason string
		Line              int64
	}
}

// createEmptyJob creates a job that waits for seeds.
func (ft *fleetTest) createEmptyJob(name string) {
	ft.t.Helper()
	job := crawler.DefaultJob()
	job.Name, job.Delay = name, 0
	ft.Create(job)
}

// waitForSeen waits until a number of URLs is admitted to a job.
func (ft *fleetTest) waitForSeen(job string, urls int64) {
	ft.t.Helper()
	ft.waitUntil(fmt.Sprintf("job %s knows %d URLs", job, urls), func(ctx context.Context) bool {
		numbers, err := ft.Client.Counters(ctx, job)
		return err == nil && numbers.Seen == urls
	})
}

// pipe connects the standard input of the next command to functions that write and close it.
func (ft *fleetTest) pipe() (write func(text string), end func()) {
	ft.t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		ft.t.Fatal(err)
	}
	ft.t.Cleanup(func() { r.Close(); w.Close() })
	ft.stdin = r
	return func(text string) {
		if _, err := w.WriteString(text); err != nil {
			ft.t.Error(err)
		}
	}, func() { w.Close() }
}

func zstdCompressed(text string) string {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	return string(w.EncodeAll([]byte(text), nil))
}

// exampleURLs returns n lines with URLs of an example host.
func exampleURLs(host string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "http://%s.example/%d\n", host, i)
	}
	return b.String()
}

func TestSeedsOfSeveralSourcesAreCounted(t *testing.T) {
	t.Parallel()
	ft := newFleetTest(t)
	ft.createEmptyJob("news")
	ft.write("plain.txt", "\ufeff# sites\n\n"+exampleURLs("plain", 3)+
		"example.com\r\n  http://plain.example/0  \nftp://plain.example/")
	ft.write("more.txt.gz", gzipped(t, exampleURLs("gz", 2000)+"mailto:a@b.example\n"))
	ft.write("still-more", zstdCompressed(exampleURLs("zst", 2000)))
	ft.write("torn.gz", gzipped(t, exampleURLs("torn", 2000))[:2000])
	ft.write("binary", string([]byte{0x1f, 0x8b, 0, 0, 0}))
	from := func(admitted, seen, refused int64, args ...string) (got seedOutput) {
		t.Helper()
		ft.runJSON(&got, append([]string{"seed", "news"}, args...)...)
		if got.Admitted != admitted || got.Seen != seen || got.Refused != refused {
			t.Errorf("%v: %d new, %d known, %d refused, want %d, %d and %d", args, got.Admitted, got.Seen,
				got.Refused, admitted, seen, refused)
		}
		return got
	}
	from(2, 0, 0, "http://a.example/", "https://b.example:8443/x?y=z#f")
	from(0, 2, 0, "http://A.example:80/#top", "https://b.example:8443/x?y=z") // the same URLs in another spelling
	got := from(2003, 1, 3, "plain.txt", "more.txt.gz")
	if r := got.Refusals; len(r) != 3 || r[0].List != "plain.txt" || r[0].Line != 6 || r[0].URL != "example.com" ||
		r[1].Line != 8 || r[2].List != "more.txt.gz" || r[2].Line != 2001 ||
		!strings.Contains(r[2].Reason, "mailto:a@b.example") {
		t.Errorf("the refusals are %+v", r)
	}
	write, end := ft.pipe()
	write("http://pipe.example/\n")
	end()
	from(2001, 0, 0, "-", "still-more")
	from(0, 4004, 3, "plain.txt", "more.txt.gz", "still-more")

	ft.run("seed", "news", "plain.txt", "http://c.example/", "nowhere.txt").exits(usage, `"nowhere.txt"`)
	ft.run("seed", "news", "plain.txt", "http://c.example/", "ftp://c.example/").exits(done,
		"plain.txt, line 6: ", "plain.txt, line 8: ", `left out: "ftp://c.example/"`, "1 new, 4 known, 3 refused")
	ft.run("seed", "news", "ftp://c.example/").exits(usage, "none of the seeds")
	ft.run("seed", "news").exits(usage, "no seeds")
	ft.run("seed", "news", "http://d.example/", "torn.gz").exits(failed, "read torn.gz: ")
	ft.run("seed", "news", "binary").exits(failed, "binary")
	ft.run("seed").exits(usage)
	if numbers, err := ft.Client.Counters(testfleet.Soon(t), "news"); err != nil || numbers.Seen < 4008 ||
		numbers.Seen >= 4008+2000 {
		t.Errorf("the job knows %d URLs (%v), want 4008 and the readable part of the torn list", numbers.Seen, err)
	}
}

func TestAnInterruptedSeedingIsRepeated(t *testing.T) {
	t.Parallel()
	ft := newFleetTest(t)
	ft.createEmptyJob("news")
	write, _ := ft.pipe() // the pipe stays open
	write(exampleURLs("pipe", 3))
	p := ft.start("seed", "news", "-")
	ft.waitForSeen("news", 3) // the command adds lines without waiting for more input
	p.signal(os.Interrupt)
	p.waitSoon().exits(interrupted, "3 URLs, 3 new", "interrupted")
	ft.write("list.txt", exampleURLs("pipe", 5))
	ft.run("seed", "news", "list.txt").exits(done, "2 new, 3 known")
}

func TestAJobWaitsForItsSeeds(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 2, PagesPerHost: 3, LinksPerPage: 2}
	site := g.Serve(t)
	ft := newFleetTest(t)
	ft.Scheduler()
	ft.Worker()
	ft.createEmptyJob("news")
	write, end := ft.pipe()
	p := ft.start("seed", "news", "-")
	write(site.URL(0, "/") + "\n")
	// The first host is crawled completely while the pipe is still open.
	waitForSite(t, site, func(l *testsite.Log) bool { return len(l.Requests()) == 4 })
	ft.waitUntil("nothing is left to do", func(ctx context.Context) bool {
		numbers, err := ft.Client.Counters(ctx, "news")
		return err == nil && numbers.Pages() == 3 && numbers.Idle()
	})
	write(site.URL(1, "/") + "\n")
	waitForSite(t, site, func(l *testsite.Log) bool { return len(l.Requests()) == 8 })
	end()
	p.waitSoon().exits(done, "2 new")
	if numbers := ft.Done("news"); numbers.Pages() != 6 {
		t.Errorf("%d pages are fetched, want 6", numbers.Pages())
	}
}
