package main_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/output"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// cloud is a server that speaks as S3 does, with a bucket "crawls". It may be away.
type cloud struct {
	*httptest.Server
	away atomic.Bool
}

func newCloud(t *testing.T) *cloud {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket("crawls"); err != nil {
		t.Fatal(err)
	}
	c := &cloud{}
	s3 := gofakes3.New(backend).Server()
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c.away.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		s3.ServeHTTP(w, r)
	}))
	t.Cleanup(c.Close)
	return c
}

// bucket is the URL of a place in the cloud.
func (c *cloud) bucket(path string) string {
	return "s3://" + path + "?anonymous=true&region=us-east-1&use_path_style=true&endpoint=" + c.URL
}

// rests waits until nothing of the fleet is left in its spool.
func (o *office) rests(spool string) {
	o.t.Helper()
	o.until("everything is in the bucket", func(context.Context) bool {
		left := 0
		_ = filepath.WalkDir(spool, func(path string, e os.DirEntry, err error) error {
			if err == nil && !e.IsDir() && !strings.HasPrefix(e.Name(), ".") {
				left++
			}
			return nil
		})
		return left == 0
	})
}

func TestWorkersThatAreKilledLoseNothingOnTheWayToABucket(t *testing.T) {
	t.Parallel()
	const hosts, pages = 6, 60
	g := testsite.Graph{Hosts: hosts, PagesPerHost: pages, LinksPerPage: 5}
	site := g.Serve(t)
	o, c := newOffice(t), newCloud(t)
	o.Out = c.bucket("crawls/fleet")
	spool := o.path("spool")
	o.Scheduler()
	flags := []string{"--spool", spool, "--ship-every", "1s"}
	w := o.Worker(flags...)
	job := jobOf(t, g, site)
	job.Format = []string{"jsonl.gz", "jsonl.zst", "files", "warc"}
	job.Delay, job.Throttle = crawler.Duration(20_000_000), 0
	o.Create(job)
	for range 2 { // a URL that three workers were lost with is given up, as on a slow machine one may be
		more(t, site, 15)
		w.Kill()
		w = o.Worker(flags...)
		testfleet.Pages(o.Kept(job.Name)) // fails at a record that is torn
	}
	o.Done(job.Name)
	o.rests(spool)
	testfleet.Pages(o.Export(job.Name)).Expect(t, "pages", g.URLs(site))
	root, err := output.Open(t.Context(), o.Out)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	names, err := root.In(job.Name).Names(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ends := map[string]int{}
	for _, name := range names {
		for _, end := range []string{".jsonl.gz", ".jsonl.zst", ".warc.gz", ".cdxj", ".jsonl", ".open"} {
			if strings.HasSuffix(name, end) {
				ends[end]++
			}
		}
	}
	if ends[".warc.gz"] == 0 || ends[".warc.gz"] != ends[".cdxj"] || ends[".jsonl.gz"] == 0 ||
		ends[".jsonl.zst"] == 0 || ends[".jsonl"] == 0 || ends[".open"] > 0 {
		t.Errorf("there are %v in %q", ends, names)
	}
}

func TestACrawlGoesOnByItselfWhenItsBucketIsBack(t *testing.T) {
	t.Parallel()
	const hosts, pages = 3, 100
	g := testsite.Graph{Hosts: hosts, PagesPerHost: pages, LinksPerPage: 5}
	site := g.Serve(t)
	o, c := newOffice(t), newCloud(t)
	o.Out = c.bucket("crawls/fleet")
	o.Scheduler()
	w := o.Worker("--spool", o.path("spool"), "--spool-limit", "40kB", "--ship-every", "1s")
	job := jobOf(t, g, site)
	job.Delay, job.Throttle = crawler.Duration(20_000_000), 0
	o.Create(job)
	more(t, site, 20)
	c.away.Store(true)
	o.until("the worker is not ready", func(context.Context) bool {
		status, text := get(t, w.Address(), "/readyz")
		return status == 503 && strings.Contains(text, "bucket")
	})
	o.sees(job.Name, w.Name, "the bucket cannot be written")
	o.until("the spool is full", func(context.Context) bool { return strings.Contains(w.Log(), "spool is full") })
	o.sees(job.Name, w.Name, "spool is full", "raise --spool-limit")
	c.away.Store(false)
	o.Done(job.Name)
	o.seesNoMore(job.Name)
	o.rests(o.path("spool"))
	testfleet.Pages(o.Export(job.Name)).Expect(t, "pages", g.URLs(site))
	o.until("the worker is ready", func(context.Context) bool {
		status, _ := get(t, w.Address(), "/readyz")
		return status == 200
	})
}

func TestTheMirrorOfWhatWentToABucketIsOnThisMachine(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, bodies{"/": "<title>Home</title><a href=/next.html>next</a>",
		"/next.html": "<title>Next</title>"})
	c, s := newCloud(t), newShell(t)
	s.withRedis()
	s.run("crawl", site.URL(0, "/"), "--delay", "0", "--job", "site", "--format", "mirror", "--out",
		c.bucket("crawls/site")).exits(done)
	pages, err := filepath.Glob(s.path("crawl-site/mirror/*/*.html"))
	if err != nil || len(pages) != 2 {
		t.Errorf("the mirror has the pages %q (%v), want two", pages, err)
	}
}

func TestACrawlOnThisMachineGoesOnByItselfWhenItsBucketIsBack(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 1, PagesPerHost: 100, LinksPerPage: 5}
	site := g.Serve(t)
	o, c := newOffice(t), newCloud(t)
	out := c.bucket("crawls/site")
	crawl := o.start("crawl", site.URL(0, "/"), "--delay", "20ms", "--throttle", "0", "--job", "site", "--out", out,
		"--spool-limit", "40kB", "--ship-every", "1s")
	more(t, site, 10)
	c.away.Store(true)
	crawl.says("spool is full")
	crawl.says("the crawl waits, and continues by itself when there is room")
	c.away.Store(false)
	crawl.wait().exits(done, "there is room again: the crawl continues")
	end := o.run("export", out).exits(done)
	fetched(parseRecords(t, out, end.stdout)).expect(t, "pages", g.URLs(site))
}

func TestABucketThatIsNotThereIsSaidBeforeAnythingIsFetched(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 1, PagesPerHost: 3, LinksPerPage: 2}
	site := g.Serve(t)
	c, s := newCloud(t), newShell(t)
	for _, c := range []struct {
		out    string
		status int
		says   string
	}{
		{c.bucket("nowhere/x"), failed, "create the bucket"},
		{"file://" + s.path("not-there"), failed, "make the folder"},
		{"s3://crawls/x?nonsense=1", usage, "nonsense"},
		{"ftp://crawls/x", usage, "s3://, gs://, azblob://, file://, mem://"},
		{"gs://crawls/x", usage, "github.com/trawlcrawler/trawl/drivers/gcs"},
		{"azblob://crawls/x", usage, "make build-full"},
	} {
		s.run("crawl", site.URL(0, "/"), "--delay", "0", "--job", "job", "--out", c.out).exits(c.status, c.says)
	}
	if n := len(site.Requests()); n > 0 {
		t.Errorf("%d requests were made", n)
	}
}

func TestACrawlOnThisMachineGoesToABucketAndIsReadFromThere(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 1, PagesPerHost: 30, LinksPerPage: 4}
	site := g.Serve(t)
	c, s := newCloud(t), newShell(t)
	s.withRedis()
	out := c.bucket("crawls/site")
	s.run("crawl", site.URL(0, "/"), "--delay", "0", "--job", "site", "--out", out).exits(done)
	for _, named := range []string{out, "crawl-site"} {
		end := s.run("export", named).exits(done)
		fetched(parseRecords(t, named, end.stdout)).expect(t, "pages", g.URLs(site))
		if end := s.run("audit", named).exits(done); !strings.Contains(end.stdout, "no violation") {
			t.Errorf("audit says\n%s", end.stdout)
		}
	}
	if end := s.run("explain", "crawl-site", site.URL(0, "/")).exits(done); !strings.Contains(end.stdout,
		"status 200") {
		t.Errorf("explain says\n%s", end.stdout)
	}
	s.run("crawl", site.URL(0, "/"), "--delay", "0", "--job", "other", "--out", out).exits(usage,
		"choose another prefix")
}
