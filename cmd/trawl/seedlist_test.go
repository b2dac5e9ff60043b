package main_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
	"github.com/trawlcrawler/trawl/tasks"
)

// seedJob adds seeds to a job with trawl seed. The job is in a shared Redis.
type seedJob struct {
	*shell
	job    string
	client *tasks.Client
}

func newSeedJob(t *testing.T) *seedJob {
	t.Helper()
	url := redistest.New(t)
	client, err := tasks.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	job := crawler.DefaultJob()
	job.Name = redistest.Name(t)
	if err := client.Create(t.Context(), job); err != nil {
		t.Fatal(err)
	}
	sj := &seedJob{newShell(t), job.Name, client}
	sj.set("TRAWL_REDIS", url)
	return sj
}

// seed runs trawl seed --json and decodes its output.
func (sj *seedJob) seed(args ...string) crawler.Seeding {
	sj.t.Helper()
	e := sj.run(append([]string{"seed", sj.job, "--json"}, args...)...).exits(done)
	var sum crawler.Seeding
	if err := json.Unmarshal([]byte(e.stdout), &sum); err != nil {
		sj.t.Fatalf("%v in %q", err, e.stdout)
	}
	return sum
}

// pipe sets the standard input of the next command to a text.
func (sj *seedJob) pipe(text string) {
	sj.t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		sj.t.Fatal(err)
	}
	go func() {
		_, _ = io.WriteString(write, text)
		write.Close()
	}()
	sj.t.Cleanup(func() { read.Close() })
	sj.stdin = read
}

// numberedURLs returns a list of n URLs on three hosts, numbered from a start.
func numberedURLs(from, n int) string {
	var b strings.Builder
	for i := from; i < from+n; i++ {
		fmt.Fprintf(&b, "https://site%d.example/page/%d\n", i%3, i)
	}
	return b.String()
}

// gzipMembers compresses each text as one gzip member.
func gzipMembers(t *testing.T, members ...string) string {
	t.Helper()
	var b bytes.Buffer
	for _, text := range members {
		w := gzip.NewWriter(&b)
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// zstdCompress compresses a text with zstd.
func zstdCompress(t *testing.T, text string) string {
	t.Helper()
	w, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	return string(w.EncodeAll([]byte(text), nil))
}

func TestSeedsComeFromArgumentsFilesAndPipes(t *testing.T) {
	t.Parallel()
	list := numberedURLs(0, 2000)
	files := map[string]string{
		"plain.txt":   list,
		"windows.txt": "\ufeff" + strings.ReplaceAll(list, "\n", "\r\n"),
		"open.txt":    strings.TrimSuffix(list, "\n"),
		"list.gz":     gzipMembers(t, list),
		"members.gz":  gzipMembers(t, numberedURLs(0, 1500), numberedURLs(1500, 500)),
		"list.zst":    zstdCompress(t, list),
		"packed":      zstdCompress(t, list), // recognized by its content, not by its name
		"first.txt":   numberedURLs(0, 900),
		"second.gz":   gzipMembers(t, numberedURLs(900, 1100)),
	}
	for name, c := range map[string]struct {
		args  []string
		stdin string
	}{
		"arguments":               {args: strings.Fields(numberedURLs(0, 2000))},
		"a file":                  {args: []string{"plain.txt"}},
		"a file of Windows":       {args: []string{"windows.txt"}},
		"without a last newline":  {args: []string{"open.txt"}},
		"gzip":                    {args: []string{"list.gz"}},
		"gzip of several members": {args: []string{"members.gz"}},
		"zstd":                    {args: []string{"list.zst"}},
		"zstd of another name":    {args: []string{"packed"}},
		"several":                 {args: []string{"first.txt", "second.gz"}},
		"a pipe":                  {args: []string{"-"}, stdin: list},
		"a pipe of gzip":          {args: []string{"-"}, stdin: gzipMembers(t, list)},
		"a pipe of zstd":          {args: []string{"-"}, stdin: zstdCompress(t, list)},
		"a pipe between files":    {args: []string{"first.txt", "-"}, stdin: numberedURLs(900, 1100)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			sj := newSeedJob(t)
			for file, text := range files {
				sj.write(file, text)
			}
			for pass, want := range []crawler.Seeding{{Admitted: 2000}, {Seen: 2000}} {
				if c.stdin != "" {
					sj.pipe(c.stdin)
				}
				if sum := sj.seed(c.args...); sum.Admitted != want.Admitted || sum.Seen != want.Seen ||
					sum.Refused != 0 {
					t.Errorf("in pass %d the result is %+v, want %+v", pass, sum, want)
				}
			}
			// All sources had the same URLs.
			sj.write("again.txt", list)
			if sum := sj.seed("again.txt"); sum.Admitted != 0 {
				t.Errorf("%d URLs of the list were not seeded", sum.Admitted)
			}
		})
	}
}

func TestRefusedSeedsAreReportedWithTheirLines(t *testing.T) {
	t.Parallel()
	sj := newSeedJob(t)
	sj.write("list.txt", "# sites\n\nhttps://a.example/\nnowhere\nftp://a.example/\n  https://b.example/  \n")
	sum := sj.seed("list.txt")
	if sum.Admitted != 2 || sum.Refused != 2 || len(sum.Refusals) != 2 ||
		sum.Refusals[0].Line != 4 || sum.Refusals[1].Line != 5 || sum.Refusals[1].URL != "ftp://a.example/" {
		t.Errorf("the result is %+v", sum)
	}
	sj.run("seed", sj.job, "list.txt").exits(done, "line 4: ", `"nowhere" is not a URL`,
		"4 URLs, 0 new, 2 known, 2 refused")
	sj.run("seed", sj.job, "nowhere://").exits(usage, "none of the seeds can be crawled")
	sj.run("seed", sj.job, "missing.txt").exits(usage, `"missing.txt" is neither a URL`)
	sj.write("torn.gz", gzipMembers(t, numberedURLs(0, 1000))[:100])
	sj.run("seed", sj.job, "torn.gz").exits(failed, "read torn.gz: ")
	sj.run("seed", "no-"+sj.job, "list.txt").exits(usage, "there is no job of this name")
}

// Seeds extend the scope of the job to their hosts. The worker serves the job already, and must
// know the new scope from the first page of a host on.
func TestLinksOfSeedsAddedLaterAreFollowed(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 20, PagesPerHost: 12, LinksPerPage: 4}
	site := g.Serve(t)
	f := testfleet.New(t)
	f.Scheduler()
	f.Workers(2)
	job := crawler.DefaultJob()
	job.Name, job.Delay = redistest.Name(t), 0
	f.Create(job)
	var list []string
	for _, at := range g.Roots() {
		list = append(list, site.URL(at.Host, g.Path(at.Page)))
	}
	// Add each seed when the crawl of the previous one has begun.
	lines := func(yield func(string, error) bool) {
		for i, url := range list {
			if !yield(url, nil) {
				return
			}
			waitForSite(t, site, func(l *testsite.Log) bool { return len(l.ByHost()) > i })
		}
	}
	if sum, err := f.Client.Seed(testfleet.Patience(t), job.Name, lines, nil); err != nil || sum.Admitted != 20 {
		t.Fatalf("%+v, %v", sum, err)
	}
	f.Done(job.Name)
	testfleet.Pages(f.Export(job.Name)).Expect(t, "pages", g.URLs(site))
}

func TestSeedsAreAddedWithAPriority(t *testing.T) {
	t.Parallel()
	sj := newSeedJob(t)
	sj.write("list.ndjson", `{"url": "https://a.example/low", "priority": "low"}
{"url": "https://a.example/urgent"}
{"url": "https://a.example/x", "priority": "high", "note": "x"}
`)
	if sum := sj.seed("--priority", "urgent", "list.ndjson", "https://a.example/argument"); sum.Admitted != 3 ||
		sum.Refused != 1 || !strings.Contains(sum.Refusals[0].Reason, `unknown field "note"`) ||
		sum.Refusals[0].Line != 3 {
		t.Errorf("the result is %+v", sum)
	}
	for path, says := range map[string][]string{
		"low":      {"priority low", "behind 2 others of its host"},
		"urgent":   {"priority urgent", "behind 0 others of its host"},
		"argument": {"priority urgent", "behind 1 other of its host"},
	} {
		e := sj.run("explain", sj.job, "https://a.example/"+path).exits(done)
		if !strings.Contains(e.stdout, says[0]) || !strings.Contains(e.stdout, says[1]) {
			t.Errorf("for %s, trawl does not print %q, but:\n%s", path, says, e.stdout)
		}
	}
	sj.run("seed", sj.job, "--priority", "soon", "https://a.example/").exits(usage,
		`"soon" is not a priority: want urgent, high, normal or low`)
}
