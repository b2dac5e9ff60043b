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

// seedbed is a job, in a Redis of many, that seeds are brought to by the command.
type seedbed struct {
	*shell
	job    string
	client *tasks.Client
}

func newSeedbed(t *testing.T) *seedbed {
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
	b := &seedbed{newShell(t), job.Name, client}
	b.set("TRAWL_REDIS", url)
	return b
}

// seed runs trawl seed and reads what it prints.
func (b *seedbed) seed(args ...string) crawler.Seeding {
	b.t.Helper()
	e := b.run(append([]string{"seed", b.job, "--json"}, args...)...).exits(done)
	var sum crawler.Seeding
	if err := json.Unmarshal([]byte(e.stdout), &sum); err != nil {
		b.t.Fatalf("%v in %q", err, e.stdout)
	}
	return sum
}

// pipe makes a text the standard input of the next command.
func (b *seedbed) pipe(text string) {
	b.t.Helper()
	read, write, err := os.Pipe()
	if err != nil {
		b.t.Fatal(err)
	}
	go func() {
		_, _ = io.WriteString(write, text)
		write.Close()
	}()
	b.t.Cleanup(func() { read.Close() })
	b.stdin = read
}

// numbered is a list of n URLs on three hosts, from a number on.
func numbered(from, n int) string {
	var b strings.Builder
	for i := from; i < from+n; i++ {
		fmt.Fprintf(&b, "https://site%d.example/page/%d\n", i%3, i)
	}
	return b.String()
}

// zipped packs a text as gzip, in members as several runs of gzip append them.
func zipped(t *testing.T, members ...string) string {
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

// zstandard packs a text as zstd.
func zstandard(t *testing.T, text string) string {
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
	list := numbered(0, 2000)
	files := map[string]string{
		"plain.txt":   list,
		"windows.txt": "\ufeff" + strings.ReplaceAll(list, "\n", "\r\n"),
		"open.txt":    strings.TrimSuffix(list, "\n"),
		"list.gz":     zipped(t, list),
		"members.gz":  zipped(t, numbered(0, 1500), numbered(1500, 500)),
		"list.zst":    zstandard(t, list),
		"packed":      zstandard(t, list), // told by its bytes, not by its name
		"first.txt":   numbered(0, 900),
		"second.gz":   zipped(t, numbered(900, 1100)),
	}
	for name, c := range map[string]struct {
		args  []string
		stdin string
	}{
		"arguments":               {args: strings.Fields(numbered(0, 2000))},
		"a file":                  {args: []string{"plain.txt"}},
		"a file of Windows":       {args: []string{"windows.txt"}},
		"without a last newline":  {args: []string{"open.txt"}},
		"gzip":                    {args: []string{"list.gz"}},
		"gzip of several members": {args: []string{"members.gz"}},
		"zstd":                    {args: []string{"list.zst"}},
		"zstd of another name":    {args: []string{"packed"}},
		"several":                 {args: []string{"first.txt", "second.gz"}},
		"a pipe":                  {args: []string{"-"}, stdin: list},
		"a pipe of gzip":          {args: []string{"-"}, stdin: zipped(t, list)},
		"a pipe of zstd":          {args: []string{"-"}, stdin: zstandard(t, list)},
		"a pipe between files":    {args: []string{"first.txt", "-"}, stdin: numbered(900, 1100)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newSeedbed(t)
			for file, text := range files {
				b.write(file, text)
			}
			for pass, want := range []crawler.Seeding{{Admitted: 2000}, {Seen: 2000}} {
				if c.stdin != "" {
					b.pipe(c.stdin)
				}
				if sum := b.seed(c.args...); sum.Admitted != want.Admitted || sum.Seen != want.Seen ||
					sum.Refused != 0 {
					t.Errorf("in pass %d it became %+v, want %+v", pass, sum, want)
				}
			}
			// The same URLs, however they came.
			b.write("again.txt", list)
			if sum := b.seed("again.txt"); sum.Admitted != 0 {
				t.Errorf("%d URLs of the list were not seeded", sum.Admitted)
			}
		})
	}
}

func TestSeedsThatAreRefusedAreToldByTheirLines(t *testing.T) {
	t.Parallel()
	b := newSeedbed(t)
	b.write("list.txt", "# sites\n\nhttps://a.example/\nnowhere\nftp://a.example/\n  https://b.example/  \n")
	sum := b.seed("list.txt")
	if sum.Admitted != 2 || sum.Refused != 2 || len(sum.Refusals) != 2 ||
		sum.Refusals[0].Line != 4 || sum.Refusals[1].Line != 5 || sum.Refusals[1].URL != "ftp://a.example/" {
		t.Errorf("it became %+v", sum)
	}
	b.run("seed", b.job, "list.txt").exits(done, "line 4: ", `"nowhere" is not a URL`,
		"4 URLs, 0 new, 2 known, 2 refused")
	b.run("seed", b.job, "nowhere://").exits(usage, "none of the seeds can be crawled")
	b.run("seed", b.job, "missing.txt").exits(usage, `"missing.txt" is neither a URL`)
	b.write("torn.gz", zipped(t, numbered(0, 1000))[:100])
	b.run("seed", b.job, "torn.gz").exits(failed, "read torn.gz: ")
	b.run("seed", "no-"+b.job, "list.txt").exits(usage, "there is no job of this name")
}

// The hosts are in the scope of the job because they are seeds, and the worker,
// which took the job up before, knows it from their first page on.
func TestTheLinksOfSeedsThatAreBroughtLaterAreFollowed(t *testing.T) {
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
	// One after the other, each when the one before is being crawled.
	lines := func(yield func(string, error) bool) {
		for i, url := range list {
			if !yield(url, nil) {
				return
			}
			until(t, site, func(l *testsite.Log) bool { return len(l.ByHost()) > i })
		}
	}
	if sum, err := f.Client.Seed(testfleet.Patience(t), job.Name, lines, nil); err != nil || sum.Admitted != 20 {
		t.Fatalf("%+v, %v", sum, err)
	}
	f.Done(job.Name)
	testfleet.Pages(f.Export(job.Name)).Expect(t, "pages", g.URLs(site))
}

func TestSeedsAreBroughtWithAPriority(t *testing.T) {
	t.Parallel()
	b := newSeedbed(t)
	b.write("list.ndjson", `{"url": "https://a.example/low", "priority": "low"}
{"url": "https://a.example/urgent"}
{"url": "https://a.example/x", "priority": "high", "note": "x"}
`)
	if sum := b.seed("--priority", "urgent", "list.ndjson", "https://a.example/argument"); sum.Admitted != 3 ||
		sum.Refused != 1 || !strings.Contains(sum.Refusals[0].Reason, `unknown field "note"`) ||
		sum.Refusals[0].Line != 3 {
		t.Errorf("it became %+v", sum)
	}
	for path, says := range map[string][]string{
		"low":      {"priority low", "behind 2 others of its host"},
		"urgent":   {"priority urgent", "behind 0 others of its host"},
		"argument": {"priority urgent", "behind 1 other of its host"},
	} {
		if e := b.run("explain", b.job, "https://a.example/"+path).exits(done); !strings.Contains(e.stdout, says[0]) ||
			!strings.Contains(e.stdout, says[1]) {
			t.Errorf("of %s trawl does not say %q, but:\n%s", path, says, e.stdout)
		}
	}
	b.run("seed", b.job, "--priority", "soon", "https://a.example/").exits(usage,
		`"soon" is not a priority: want urgent, high, normal or low`)
}
