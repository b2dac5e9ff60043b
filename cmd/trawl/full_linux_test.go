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
	"github.com/trawlcrawler/trawl/internal/testfleet"
	"github.com/trawlcrawler/trawl/internal/testsite"
)

// zeros is a file without an end.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestAWorkerWhoseDiskIsFullLeavesSitesAlone(t *testing.T) {
	t.Parallel()
	const hosts, pages = 3, 30
	g := testsite.Graph{Hosts: hosts, PagesPerHost: pages, LinksPerPage: 5}
	site := g.Serve(t)
	o := newOffice(t)
	if err := os.Mkdir(o.Out, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", o.Out, "tmpfs", 0, "size=4m"); err != nil {
		t.Skip("a small disk can not be mounted here:", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(o.Out, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	o.Scheduler()
	w := o.Worker()
	job := jobOf(t, g, site)
	job.Delay, job.Throttle = crawler.Duration(100*time.Millisecond), 0
	o.Create(job)
	more(t, site, 20)
	ballast := filepath.Join(o.Out, "ballast")
	file, err := os.Create(ballast)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(file, zeros{}); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("got %v, want a full disk", err)
	}
	file.Close()
	o.until("the worker is not ready", func(context.Context) bool {
		status, text := get(t, w.Address(), "/readyz")
		return status == 503 && strings.Contains(text, "no space left")
	})
	o.sees(job.Name, w.Name, "no space left", "free some space there")
	watching := o.start("job", "watch", job.Name)
	watching.says("worker " + w.Name + ":")
	o.until("sites are left alone", func(context.Context) bool { return time.Since(lastStart(site)) > 2*promptly })
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	o.seesNoMore(job.Name)
	o.Done(job.Name)
	watching.soonEnds().exits(done, "no space left")
	testfleet.Pages(o.Export(job.Name)).Expect(t, "pages", g.URLs(site))
	if again := testfleet.Asked(site).Again(); again > 10*hosts {
		t.Errorf("%d pages were asked for again, want no more than were under way", again)
	}
	o.until("the worker is ready", func(context.Context) bool { status, _ := get(t, w.Address(), "/readyz"); return status == 200 })
}
