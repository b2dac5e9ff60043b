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

	"github.com/trawlcrawler/trawl/internal/output"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// s3Server is an S3 server with a bucket "crawls". It answers 503 while down is set.
type s3Server struct {
	*httptest.Server
	down atomic.Bool
}

func newS3Server(t *testing.T) *s3Server {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket("crawls"); err != nil {
		t.Fatal(err)
	}
	c := &s3Server{}
	s3 := gofakes3.New(backend).Server()
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c.down.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		s3.ServeHTTP(w, r)
	}))
	t.Cleanup(c.Close)
	return c
}

// bucket returns the URL of a path in the server's buckets.
func (c *s3Server) bucket(path string) string {
	return "s3://" + path + "?anonymous=true&region=us-east-1&use_path_style=true&endpoint=" + c.URL
}

// waitForEmptySpool waits until no file is left in the spool.
func (ft *fleetTest) waitForEmptySpool(spool string) {
	ft.t.Helper()
	ft.waitUntil("everything is in the bucket", func(context.Context) bool {
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

func TestKilledWorkersLoseNothingOnTheWayToABucket(t *testing.T) {
	t.Parallel()
	const hosts, pages = 6, 60
	g := testsite.Graph{Hosts: hosts, PagesPerHost: pages, LinksPerPage: 5}
	site := g.Serve(t)
	ft, s3 := newFleetTest(t), newS3Server(t)
	ft.Out = s3.bucket("crawls/fleet")
	spool := ft.path("spool")
	ft.Scheduler()
	flags := []string{"--spool", spool, "--ship-every", "1s"}
	w := ft.Worker(flags...)
	job := jobOf(t, g, site)
	job.Format = []string{"jsonl.gz", "jsonl.zst", "files", "warc"}
	job.Delay, job.Throttle = 20_000_000, 0
	ft.Create(job)
	for range 2 { // two kills: a URL in flight when three workers were lost is given up
		waitForMoreRequests(t, site, 15)
		w.Kill()
		w = ft.Worker(flags...)
		testfleet.Pages(ft.Kept(job.Name)) // fails if a record is torn
	}
	ft.Done(job.Name)
	ft.waitForEmptySpool(spool)
	testfleet.Pages(ft.Export(job.Name)).Expect(t, "pages", g.URLs(site))
	root, err := output.Open(t.Context(), ft.Out)
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

func TestAFleetResumesWhenItsBucketIsBack(t *testing.T) {
	t.Parallel()
	const hosts, pages = 3, 100
	g := testsite.Graph{Hosts: hosts, PagesPerHost: pages, LinksPerPage: 5}
	site := g.Serve(t)
	ft, s3 := newFleetTest(t), newS3Server(t)
	ft.Out = s3.bucket("crawls/fleet")
	ft.Scheduler()
	w := ft.Worker("--spool", ft.path("spool"), "--spool-limit", "40kB", "--ship-every", "1s")
	job := jobOf(t, g, site)
	job.Delay, job.Throttle = 20_000_000, 0
	ft.Create(job)
	waitForMoreRequests(t, site, 20)
	s3.down.Store(true)
	ft.waitUntil("the worker is not ready", func(context.Context) bool {
		status, text := get(t, w.Address(), "/readyz")
		return status == 503 && strings.Contains(text, "bucket")
	})
	ft.waitForTrouble(job.Name, w.Name, "the bucket cannot be written")
	ft.waitUntil("the spool is full", func(context.Context) bool { return strings.Contains(w.Log(), "spool is full") })
	ft.waitForTrouble(job.Name, w.Name, "spool is full", "raise the setting spool_limit")
	s3.down.Store(false)
	ft.Done(job.Name)
	ft.waitForNoTrouble(job.Name)
	ft.waitForEmptySpool(ft.path("spool"))
	testfleet.Pages(ft.Export(job.Name)).Expect(t, "pages", g.URLs(site))
	ft.waitUntil("the worker is ready", func(context.Context) bool {
		status, _ := get(t, w.Address(), "/readyz")
		return status == 200
	})
}

func TestTheMirrorOfABucketCrawlIsStoredLocally(t *testing.T) {
	t.Parallel()
	site := testsite.Serve(t, bodyServer{"/": "<title>Home</title><a href=/next.html>next</a>",
		"/next.html": "<title>Next</title>"})
	s3, s := newS3Server(t), newShell(t)
	s.withRedis()
	s.run("crawl", site.URL(0, "/"), "--delay", "0", "--job", "site", "--format", "mirror", "--out",
		s3.bucket("crawls/site")).exits(done)
	pages, err := filepath.Glob(s.path("crawl-site/mirror/*/*.html"))
	if err != nil || len(pages) != 2 {
		t.Errorf("the mirror contains %q (%v), want two pages", pages, err)
	}
}

func TestALocalCrawlResumesWhenItsBucketIsBack(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 1, PagesPerHost: 100, LinksPerPage: 5}
	site := g.Serve(t)
	ft, s3 := newFleetTest(t), newS3Server(t)
	out := s3.bucket("crawls/site")
	crawl := ft.start("crawl", site.URL(0, "/"), "--delay", "20ms", "--throttle", "0", "--job", "site", "--out", out,
		"--spool-limit", "40kB", "--ship-every", "1s")
	waitForMoreRequests(t, site, 10)
	s3.down.Store(true)
	crawl.waitForOutput("spool is full")
	crawl.waitForOutput("the crawl waits, and continues by itself when there is room")
	s3.down.Store(false)
	crawl.wait().exits(done, "there is room again: the crawl continues")
	end := ft.run("export", out).exits(done)
	fetched(parseRecords(t, out, end.stdout)).expect(t, "pages", g.URLs(site))
}

func TestAMissingBucketIsReportedBeforeAnyRequest(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 1, PagesPerHost: 3, LinksPerPage: 2}
	site := g.Serve(t)
	s3, s := newS3Server(t), newShell(t)
	for _, c := range []struct {
		out    string
		status int
		says   string
	}{
		{s3.bucket("nowhere/x"), failed, "create the bucket"},
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

func TestALocalCrawlIsWrittenToABucketAndReadBack(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 1, PagesPerHost: 30, LinksPerPage: 4}
	site := g.Serve(t)
	s3, s := newS3Server(t), newShell(t)
	s.withRedis()
	out := s3.bucket("crawls/site")
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
