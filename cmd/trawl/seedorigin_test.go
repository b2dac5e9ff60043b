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

// sown is what --json shows of seeds.
type sown struct {
	Admitted, Seen, Refused int64
	Refusals                []struct {
		List, URL, Reason string
		Line              int64
	}
}

// waiting creates a job that waits for seeds.
func (o *office) waiting(name string) {
	o.t.Helper()
	job := crawler.DefaultJob()
	job.Name, job.Delay = name, 0
	o.Create(job)
}

// knows waits until so many URLs are admitted to a job.
func (o *office) knows(job string, urls int64) {
	o.t.Helper()
	o.until(fmt.Sprintf("job %s knows %d URLs", job, urls), func(ctx context.Context) bool {
		numbers, err := o.Client.Counters(ctx, job)
		return err == nil && numbers.Seen == urls
	})
}

// pipe makes the standard input of the next command one that the test writes.
func (o *office) pipe() (write func(text string), end func()) {
	o.t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		o.t.Fatal(err)
	}
	o.t.Cleanup(func() { r.Close(); w.Close() })
	o.stdin = r
	return func(text string) {
		if _, err := w.WriteString(text); err != nil {
			o.t.Error(err)
		}
	}, func() { w.Close() }
}

func squeezed(text string) string {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	return string(w.EncodeAll([]byte(text), nil))
}

// lineUp is lines with the URLs of so many pages of example hosts.
func lineUp(host string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "http://%s.example/%d\n", host, i)
	}
	return b.String()
}

func TestSeedsComeFromAnywhere(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.waiting("news")
	o.write("plain.txt", "\ufeff# sites\n\n"+lineUp("plain", 3)+
		"example.com\r\n  http://plain.example/0  \nftp://plain.example/")
	o.write("more.txt.gz", gzipped(t, lineUp("gz", 2000)+"mailto:a@b.example\n"))
	o.write("still-more", squeezed(lineUp("zst", 2000)))
	o.write("torn.gz", gzipped(t, lineUp("torn", 2000))[:2000])
	o.write("binary", string([]byte{0x1f, 0x8b, 0, 0, 0}))
	from := func(admitted, seen, refused int64, args ...string) (got sown) {
		t.Helper()
		o.answer(&got, append([]string{"seed", "news"}, args...)...)
		if got.Admitted != admitted || got.Seen != seen || got.Refused != refused {
			t.Errorf("of %v %d are new, %d known, %d refused, want %d, %d and %d", args, got.Admitted, got.Seen,
				got.Refused, admitted, seen, refused)
		}
		return got
	}
	from(2, 0, 0, "http://a.example/", "https://b.example:8443/x?y=z#f")
	from(0, 2, 0, "http://A.example:80/#top", "https://b.example:8443/x?y=z") // the same again
	got := from(2003, 1, 3, "plain.txt", "more.txt.gz")
	if r := got.Refusals; len(r) != 3 || r[0].List != "plain.txt" || r[0].Line != 6 || r[0].URL != "example.com" ||
		r[1].Line != 8 || r[2].List != "more.txt.gz" || r[2].Line != 2001 ||
		!strings.Contains(r[2].Reason, "mailto:a@b.example") {
		t.Errorf("the refusals are %+v", r)
	}
	write, end := o.pipe()
	write("http://pipe.example/\n")
	end()
	from(2001, 0, 0, "-", "still-more")
	from(0, 4004, 3, "plain.txt", "more.txt.gz", "still-more")

	o.run("seed", "news", "plain.txt", "http://c.example/", "nowhere.txt").exits(usage, `"nowhere.txt"`)
	o.run("seed", "news", "plain.txt", "http://c.example/", "ftp://c.example/").exits(done,
		"plain.txt, line 6: ", "plain.txt, line 8: ", `left out: "ftp://c.example/"`, "1 new, 4 known, 3 refused")
	o.run("seed", "news", "ftp://c.example/").exits(usage, "none of the seeds")
	o.run("seed", "news").exits(usage, "no seeds")
	o.run("seed", "news", "http://d.example/", "torn.gz").exits(failed, "read torn.gz: ")
	o.run("seed", "news", "binary").exits(failed, "binary")
	o.run("seed").exits(usage)
	if numbers, err := o.Client.Counters(testfleet.Soon(t), "news"); err != nil || numbers.Seen < 4008 ||
		numbers.Seen >= 4008+2000 {
		t.Errorf("the job knows %d URLs (%v), want 4008 and what could be read of the torn list", numbers.Seen, err)
	}
}

func TestASeedingIsInterruptedAndDoneAgain(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.waiting("news")
	write, _ := o.pipe() // does not end
	write(lineUp("pipe", 3))
	p := o.start("seed", "news", "-")
	o.knows("news", 3) // what was written is not kept waiting for more
	p.signal(os.Interrupt)
	p.soonEnds().exits(interrupted, "3 URLs, 3 new", "interrupted")
	o.write("list.txt", lineUp("pipe", 5))
	o.run("seed", "news", "list.txt").exits(done, "2 new, 3 known")
}

func TestAJobWaitsForItsSeeds(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 2, PagesPerHost: 3, LinksPerPage: 2}
	site := g.Serve(t)
	o := newOffice(t)
	o.Scheduler()
	o.Worker()
	o.waiting("news")
	write, end := o.pipe()
	p := o.start("seed", "news", "-")
	write(site.URL(0, "/") + "\n")
	// All of the first host is fetched, and the seeds have not ended.
	until(t, site, func(l *testsite.Log) bool { return len(l.Requests()) == 4 })
	o.until("nothing is left to do", func(ctx context.Context) bool {
		numbers, err := o.Client.Counters(ctx, "news")
		return err == nil && numbers.Pages() == 3 && numbers.Idle()
	})
	write(site.URL(1, "/") + "\n")
	until(t, site, func(l *testsite.Log) bool { return len(l.Requests()) == 8 })
	end()
	p.soonEnds().exits(done, "2 new")
	if numbers := o.Done("news"); numbers.Pages() != 6 {
		t.Errorf("%d pages are fetched, want 6", numbers.Pages())
	}
}
