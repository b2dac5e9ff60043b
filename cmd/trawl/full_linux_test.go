package main_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/internal/test/testfleet"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// zeros is an endless reader of zero bytes.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// mountSmallDisk creates a folder and mounts a disk of four megabytes there.
func mountSmallDisk(t *testing.T, dir string) {
	t.Helper()
	if err := os.Mkdir(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=4m"); err != nil {
		t.Skip("cannot mount a small disk, run it as root:", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}

// fillDisk fills the disk of a folder. The returned function frees the space again.
func fillDisk(t *testing.T, dir string) (makeRoom func()) {
	t.Helper()
	ballast := filepath.Join(dir, "ballast")
	file, err := os.Create(ballast)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(file, zeros{}); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("got %v, want a full disk", err)
	}
	file.Close()
	return func() {
		t.Helper()
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
	}
}

func TestAWorkerWithAFullDiskStopsRequesting(t *testing.T) {
	t.Parallel()
	const hosts, pages = 3, 30
	g := testsite.Graph{Hosts: hosts, PagesPerHost: pages, LinksPerPage: 5}
	site := g.Serve(t)
	ft := newFleetTest(t)
	mountSmallDisk(t, ft.Out)
	ft.Scheduler()
	w := ft.Worker()
	job := jobOf(t, g, site)
	job.Delay, job.Throttle = 100*time.Millisecond, 0
	ft.Create(job)
	waitForMoreRequests(t, site, 20)
	makeRoom := fillDisk(t, ft.Out)
	ft.waitUntil("the worker is not ready", func(context.Context) bool {
		status, text := get(t, w.Address(), "/readyz")
		return status == 503 && strings.Contains(text, "no space left")
	})
	ft.waitForTrouble(job.Name, w.Name, "no space left", "free some space there")
	watching := ft.start("job", "watch", job.Name)
	watching.waitForOutput("worker " + w.Name + ":")
	ft.waitUntil("requests stop", func(context.Context) bool {
		return time.Since(lastStart(site)) > 2*reactionTime
	})
	makeRoom()
	ft.waitForNoTrouble(job.Name)
	ft.Done(job.Name)
	watching.waitSoon().exits(done, "no space left")
	testfleet.Pages(ft.Export(job.Name)).Expect(t, "pages", g.URLs(site))
	if again := testfleet.Asked(site).Again(); again > 10*hosts {
		t.Errorf("%d pages were requested again, want no more than were in flight", again)
	}
	ft.waitUntil("the worker is ready", func(context.Context) bool {
		status, _ := get(t, w.Address(), "/readyz")
		return status == 200
	})
}

func TestAWorkerWithItsSpoolOnAFullDiskLosesNothing(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 2, PagesPerHost: 60, LinksPerPage: 5}
	site := g.Serve(t)
	ft, s3 := newFleetTest(t), newS3Server(t)
	ft.Out = s3.bucket("crawls/fleet")
	spool := ft.path("spool")
	mountSmallDisk(t, spool)
	ft.Scheduler()
	w := ft.Worker("--spool", spool, "--ship-every", "1s")
	job := jobOf(t, g, site)
	job.Delay, job.Throttle, job.Format = 50*time.Millisecond, 0,
		[]string{"jsonl.gz", "warc", "parquet"}
	ft.Create(job)
	waitForMoreRequests(t, site, 20)
	makeRoom := fillDisk(t, spool)
	ft.waitForTrouble(job.Name, w.Name, "no space left", "free some space there")
	makeRoom()
	ft.waitForNoTrouble(job.Name)
	ft.Done(job.Name)
	ft.waitForEmptySpool(spool)
	testfleet.Pages(ft.Export(job.Name)).Expect(t, "pages", g.URLs(site))
}

func TestPagesOnAFullDiskAreRequestedOnce(t *testing.T) {
	t.Parallel()
	for _, formats := range []string{"jsonl", "jsonl.zst", "files", "warc", "parquet", "warc,parquet,jsonl",
		"links,items,markdown,jsonl"} {
		t.Run(formats, func(t *testing.T) {
			t.Parallel()
			g := testsite.Graph{Hosts: 2, PagesPerHost: 20, LinksPerPage: 5}
			site, ft := g.Serve(t), newFleetTest(t)
			mountSmallDisk(t, ft.Out)
			ft.Scheduler()
			w := ft.Worker()
			job := jobOf(t, g, site)
			job.Delay, job.Throttle, job.Format = 50*time.Millisecond, 0, strings.Split(formats, ",")
			makeRoom := fillDisk(t, ft.Out)
			ft.Create(job)
			ft.waitForTrouble(job.Name, w.Name, "no space left", "free some space there")
			ft.waitUntil("requests stop", func(context.Context) bool {
				return time.Since(lastStart(site)) > reactionTime
			})
			makeRoom()
			ft.Done(job.Name)
			testfleet.Pages(ft.Export(job.Name)).Expect(t, "pages", g.URLs(site))
			if again := testfleet.Asked(site).Again(); again > 0 {
				t.Errorf("%d pages were requested again", again)
			}
			if said := strings.Count(w.Log(), "level=ERROR"); said > 5 {
				t.Errorf("the worker logs %d errors", said)
			}
		})
	}
}

func TestAnOutputFolderRemovedDuringACrawlIsRestored(t *testing.T) {
	t.Parallel()
	for _, formats := range []string{"jsonl", "jsonl.gz", "warc", "parquet", "jsonl.zst,warc,parquet"} {
		t.Run(formats, func(t *testing.T) {
			t.Parallel()
			g := testsite.Graph{Hosts: 2, PagesPerHost: 40, LinksPerPage: 5}
			site, ft := g.Serve(t), newFleetTest(t)
			ft.Scheduler()
			ft.Worker()
			job := jobOf(t, g, site)
			job.Delay, job.Throttle, job.Format = 100*time.Millisecond, 0, strings.Split(formats, ",")
			ft.Create(job)
			waitForMoreRequests(t, site, 30)
			removeFolder(t, filepath.Join(ft.Out, job.Name))
			ft.Done(job.Name)
			testfleet.Pages(ft.Export(job.Name)).Expect(t, "pages", g.URLs(site))
			if again := testfleet.Asked(site).Again(); again > 0 {
				t.Errorf("%d pages were requested again", again)
			}
		})
	}
}

// removeFolder removes a folder in one step. If its files were removed one by one, the worker
// could finish a file just before its removal, and the file would be lost.
func removeFolder(t *testing.T, dir string) {
	t.Helper()
	aside := filepath.Join(t.TempDir(), "removed")
	if err := os.Rename(dir, aside); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(aside); err != nil {
		t.Fatal(err)
	}
}

func TestALocalCrawlWaitsForDiskSpaceAndResumes(t *testing.T) {
	t.Parallel()
	g, site, ft, command := crawlOnSmallDisk(t)
	crawl := ft.start(command...)
	for times := range 2 {
		waitForMoreRequests(t, site, 20)
		makeRoom := fillDisk(t, ft.path("out"))
		crawl.waitForOutputs(times+1, "the crawl waits, and continues by itself when there is room")
		makeRoom()
		crawl.waitForOutputs(times+1, "there is room again: the crawl continues")
	}
	crawl.wait().exits(done)
	ft.expectExported(g, site)
}

func TestACrawlWaitingForDiskSpaceCanBeInterrupted(t *testing.T) {
	t.Parallel()
	g, site, ft, command := crawlOnSmallDisk(t)
	crawl := ft.start(command...)
	waitForMoreRequests(t, site, 20)
	makeRoom := fillDisk(t, ft.path("out"))
	crawl.waitForOutput("the crawl waits")
	crawl.signal(os.Interrupt)
	crawl.wait().exits(interrupted, "the same command resumes the crawl")
	makeRoom()
	ft.run(command...).exits(done)
	ft.expectExported(g, site)
}

func TestACrawlWithItsPrivateRedisOnAFullDiskResumes(t *testing.T) {
	t.Parallel()
	for name, redis := range map[string]func(ft *fleetTest){
		"redis-server": func(ft *fleetTest) { ft.withRedis() },
		"built in":     func(ft *fleetTest) { ft.withoutRedis() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, site, ft, command := crawlOnSmallDisk(t)
			redis(ft)
			ft.set("TRAWL_REDIS", "")
			crawl := ft.start(command...)
			waitForMoreRequests(t, site, 20)
			makeRoom := fillDisk(t, ft.path("out"))
			crawl.waitForOutput("o space left on device") // from Redis or from the output, whichever fails first
			makeRoom()
			crawl.wait().exits(done)
			ft.expectExported(g, site)
		})
	}
}

// crawlOnSmallDisk prepares a crawl of some seconds into the folder "out", which is on a disk of
// its own. The crawl uses the Redis of the fleet.
func crawlOnSmallDisk(t *testing.T) (testsite.Graph, *testsite.Site, *fleetTest, []string) {
	t.Helper()
	g := testsite.Graph{Hosts: 1, PagesPerHost: 100, LinksPerPage: 5}
	site, ft := g.Serve(t), newFleetTest(t)
	mountSmallDisk(t, ft.path("out"))
	return g, site, ft, []string{
		"crawl", site.URL(0, "/"), "--delay", "50ms", "--throttle", "0", "--job", "site", "--format",
		"jsonl,warc,parquet", "--out", "out",
	}
}

// expectExported expects every page of a site in the folder "out", and few repeated requests.
func (ft *fleetTest) expectExported(g testsite.Graph, site *testsite.Site) {
	ft.t.Helper()
	end := ft.run("export", "out").exits(done)
	fetched(parseRecords(ft.t, "out", end.stdout)).expect(ft.t, "pages", g.URLs(site))
	if again := testfleet.Asked(site).Again(); again > 20 {
		ft.t.Errorf("%d pages were requested again, want no more than were in flight", again)
	}
}
