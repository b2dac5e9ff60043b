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

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// zeros is a file without an end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// smallDisk makes a folder on a disk of four megabytes.
func smallDisk(t *testing.T, dir string) {
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

// fill fills the disk of a folder, until room is made.
func fill(t *testing.T, dir string) (makeRoom func()) {
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

func TestAWorkerWhoseDiskIsFullLeavesSitesAlone(t *testing.T) {
	t.Parallel()
	const hosts, pages = 3, 30
	g := testsite.Graph{Hosts: hosts, PagesPerHost: pages, LinksPerPage: 5}
	site := g.Serve(t)
	o := newOffice(t)
	smallDisk(t, o.Out)
	o.Scheduler()
	w := o.Worker()
	job := jobOf(t, g, site)
	job.Delay, job.Throttle = crawler.Duration(100*time.Millisecond), 0
	o.Create(job)
	more(t, site, 20)
	makeRoom := fill(t, o.Out)
	o.until("the worker is not ready", func(context.Context) bool {
		status, text := get(t, w.Address(), "/readyz")
		return status == 503 && strings.Contains(text, "no space left")
	})
	o.sees(job.Name, w.Name, "no space left", "free some space there")
	watching := o.start("job", "watch", job.Name)
	watching.says("worker " + w.Name + ":")
	o.until("sites are left alone", func(context.Context) bool { return time.Since(lastStart(site)) > 2*promptly })
	makeRoom()
	o.seesNoMore(job.Name)
	o.Done(job.Name)
	watching.soonEnds().exits(done, "no space left")
	testfleet.Pages(o.Export(job.Name)).Expect(t, "pages", g.URLs(site))
	if again := testfleet.Asked(site).Again(); again > 10*hosts {
		t.Errorf("%d pages were asked for again, want no more than were under way", again)
	}
	o.until("the worker is ready", func(context.Context) bool {
		status, _ := get(t, w.Address(), "/readyz")
		return status == 200
	})
}

func TestAWorkerWhoseSpoolIsOnAFullDiskLosesNothing(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 2, PagesPerHost: 60, LinksPerPage: 5}
	site := g.Serve(t)
	o, c := newOffice(t), newCloud(t)
	o.Out = c.bucket("crawls/fleet")
	spool := o.path("spool")
	smallDisk(t, spool)
	o.Scheduler()
	w := o.Worker("--spool", spool, "--ship-every", "1s")
	job := jobOf(t, g, site)
	job.Delay, job.Throttle, job.Format = crawler.Duration(50*time.Millisecond), 0,
		[]string{"jsonl.gz", "warc", "parquet"}
	o.Create(job)
	more(t, site, 20)
	makeRoom := fill(t, spool)
	o.sees(job.Name, w.Name, "no space left", "free some space there")
	makeRoom()
	o.seesNoMore(job.Name)
	o.Done(job.Name)
	o.rests(spool)
	testfleet.Pages(o.Export(job.Name)).Expect(t, "pages", g.URLs(site))
}

func TestWhatAFullDiskCannotTakeIsAskedForOnce(t *testing.T) {
	t.Parallel()
	for _, formats := range []string{"jsonl", "jsonl.zst", "files", "warc", "parquet", "warc,parquet,jsonl",
		"links,items,markdown,jsonl"} {
		t.Run(formats, func(t *testing.T) {
			t.Parallel()
			g := testsite.Graph{Hosts: 2, PagesPerHost: 20, LinksPerPage: 5}
			site, o := g.Serve(t), newOffice(t)
			smallDisk(t, o.Out)
			o.Scheduler()
			w := o.Worker()
			job := jobOf(t, g, site)
			job.Delay, job.Throttle, job.Format = crawler.Duration(50*time.Millisecond), 0, strings.Split(formats, ",")
			makeRoom := fill(t, o.Out)
			o.Create(job)
			o.sees(job.Name, w.Name, "no space left", "free some space there")
			o.until("sites are left alone", func(context.Context) bool {
				return time.Since(lastStart(site)) > promptly
			})
			makeRoom()
			o.Done(job.Name)
			testfleet.Pages(o.Export(job.Name)).Expect(t, "pages", g.URLs(site))
			if again := testfleet.Asked(site).Again(); again > 0 {
				t.Errorf("%d pages were asked for again", again)
			}
			if said := strings.Count(w.Log(), "level=ERROR"); said > 5 {
				t.Errorf("the worker logs %d errors", said)
			}
		})
	}
}

func TestAFolderThatIsRemovedUnderItsWorkerIsWrittenAgain(t *testing.T) {
	t.Parallel()
	for _, formats := range []string{"jsonl", "jsonl.gz", "warc", "parquet", "jsonl.zst,warc,parquet"} {
		t.Run(formats, func(t *testing.T) {
			t.Parallel()
			g := testsite.Graph{Hosts: 2, PagesPerHost: 40, LinksPerPage: 5}
			site, o := g.Serve(t), newOffice(t)
			o.Scheduler()
			o.Worker()
			job := jobOf(t, g, site)
			job.Delay, job.Throttle, job.Format = crawler.Duration(100*time.Millisecond), 0, strings.Split(formats, ",")
			o.Create(job)
			more(t, site, 30)
			removeFolder(t, filepath.Join(o.Out, job.Name))
			o.Done(job.Name)
			testfleet.Pages(o.Export(job.Name)).Expect(t, "pages", g.URLs(site))
			if again := testfleet.Asked(site).Again(); again > 0 {
				t.Errorf("%d pages were asked for again", again)
			}
		})
	}
}

// removeFolder removes a folder in one step. While its files go one by one, the worker may finish
// a file just before that file is removed, and the file is lost.
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

func TestACrawlOnThisMachineWaitsForRoomAndGoesOnByItself(t *testing.T) {
	t.Parallel()
	g, site, o, command := onSmallDisk(t)
	crawl := o.start(command...)
	for times := range 2 {
		more(t, site, 20)
		makeRoom := fill(t, o.path("out"))
		crawl.saysTimes(times+1, "the crawl waits, and continues by itself when there is room")
		makeRoom()
		crawl.saysTimes(times+1, "there is room again: the crawl continues")
	}
	crawl.wait().exits(done)
	o.complete(g, site)
}

func TestACrawlThatWaitsForRoomCanBeInterrupted(t *testing.T) {
	t.Parallel()
	g, site, o, command := onSmallDisk(t)
	crawl := o.start(command...)
	more(t, site, 20)
	makeRoom := fill(t, o.path("out"))
	crawl.says("the crawl waits")
	crawl.signal(os.Interrupt)
	crawl.wait().exits(interrupted, "the same command resumes the crawl")
	makeRoom()
	o.run(command...).exits(done)
	o.complete(g, site)
}

func TestACrawlWhosePrivateRedisIsOnTheFullDiskGoesOnByItself(t *testing.T) {
	t.Parallel()
	for name, redis := range map[string]func(o *office){
		"redis-server": func(o *office) { o.withRedis() },
		"built in":     func(o *office) { o.withoutRedis() },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, site, o, command := onSmallDisk(t)
			redis(o)
			o.set("TRAWL_REDIS", "")
			crawl := o.start(command...)
			more(t, site, 20)
			makeRoom := fill(t, o.path("out"))
			crawl.says("o space left on device") // whichever comes first, Redis or a page
			makeRoom()
			crawl.wait().exits(done)
			o.complete(g, site)
		})
	}
}

// onSmallDisk is a crawl into the folder "out" on a disk of its own, over the
// office's Redis, that takes some seconds.
func onSmallDisk(t *testing.T) (testsite.Graph, *testsite.Site, *office, []string) {
	t.Helper()
	g := testsite.Graph{Hosts: 1, PagesPerHost: 100, LinksPerPage: 5}
	site, o := g.Serve(t), newOffice(t)
	smallDisk(t, o.path("out"))
	return g, site, o, []string{
		"crawl", site.URL(0, "/"), "--delay", "50ms", "--throttle", "0", "--job", "site", "--format",
		"jsonl,warc,parquet", "--out", "out",
	}
}

// complete expects every page of a site in the folder "out", and few that were asked
// for twice.
func (o *office) complete(g testsite.Graph, site *testsite.Site) {
	o.t.Helper()
	end := o.run("export", "out").exits(done)
	fetched(parseRecords(o.t, "out", end.stdout)).expect(o.t, "pages", g.URLs(site))
	if again := testfleet.Asked(site).Again(); again > 20 {
		o.t.Errorf("%d pages were asked for again, want no more than were under way", again)
	}
}
