package main_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/testbrowser"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// maxShot is how large a screenshot in the docs may be, in bytes.
const maxShot = 150_000

// The screenshots of the docs are of a fleet of real processes that crawls for some minutes:
//
//	make shots
func TestScreenshotsOfTheDocs(t *testing.T) {
	dir := os.Getenv("TRAWL_SHOTS")
	if dir == "" {
		t.Skip("the screenshots take minutes: run make shots")
	}
	ft := newFleetTest(t)
	url := shotFleet(t, ft)
	b := testbrowser.New(t)
	for _, shot := range []struct {
		name, path, selector string
		width                int64
		dark                 bool
	}{
		{"fleet", "/", "#job-shop", 1400, false}, {"fleet-dark", "/", "#job-shop", 1400, true},
		{"job", "/jobs/shop", "#speed svg", 1400, false}, {"job-dark", "/jobs/shop", "#speed svg", 1400, true},
		{"job-phone", "/jobs/shop", "#speed svg", 390, false},
		{"hosts", "/jobs/shop/hosts", "#hosts table", 1400, false},
		{"hosts-dark", "/jobs/shop/hosts", "#hosts table", 1400, true},
		{"errors", "/jobs/shop/errors", "#causes table", 1400, false},
		{"errors-dark", "/jobs/shop/errors", "#causes table", 1400, true},
	} {
		b.Window(shot.width, 900, shot.dark)
		b.Open(strings.TrimSuffix(url, "/")+shot.path, shot.selector)
		path := filepath.Join(dir, "dashboard-"+shot.name+".png")
		b.Picture(path)
		info, err := os.Stat(path)
		if err != nil || info.Size() > maxShot {
			t.Errorf("%s has %d bytes (%v), want at most %d", path, info.Size(), err, maxShot)
		}
	}
	b.Calm(strings.TrimSuffix(url, "/"))
}

// shotFleet starts a fleet with jobs in several states, and returns its dashboard once one of them
// has run for a while.
func shotFleet(t *testing.T, ft *fleetTest) (dashboard string) {
	t.Helper()
	ft.Scheduler()
	ft.Workers(2, "--concurrency", "16")
	_, dashboard = ft.Dashboard()
	g := testsite.Graph{Hosts: 12, PagesPerHost: 600, LinksPerPage: 12}
	site := g.Serve(t)
	site.Handle("/broken", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
	}))
	job := jobOf(t, g, site)
	job.Name, job.Delay, job.Retries = "shop", 250*time.Millisecond, 0
	job.HostTries = 1
	for i := range 12 {
		job.Seeds = append(job.Seeds, site.URL(i, fmt.Sprintf("/retired/%d", i)), site.URL(i, "/broken"))
	}
	for range 2 {
		job.Seeds = append(job.Seeds, "http://"+closedAddress(t)+"/")
	}
	ft.Create(job)
	small := testsite.Graph{Hosts: 3, PagesPerHost: 40, LinksPerPage: 5}
	for name, change := range map[string]func(*crawler.Job){
		"archive":  func(*crawler.Job) {},
		"news":     func(j *crawler.Job) { j.Delay = time.Second },
		"products": func(j *crawler.Job) { j.Schedule = "@daily" },
		"images":   func(j *crawler.Job) { j.Handlers = []string{"thumbnails"} },
	} {
		job := jobOf(t, small, small.Serve(t))
		job.Name = name
		change(&job)
		ft.Create(job)
	}
	ft.waitForState("archive", crawler.StateDone)
	ft.waitUntil("news has pages", func(ctx context.Context) bool {
		n, err := ft.Client.Counters(ctx, "news")
		return err == nil && n.Pages() > 20
	})
	ft.run("job", "pause", "news").exits(done)
	ft.waitUntil("shop has run for a while", func(ctx context.Context) bool {
		n, err := ft.Client.Counters(ctx, "shop")
		return err == nil && n.Pages() > 4000
	})
	return dashboard
}
