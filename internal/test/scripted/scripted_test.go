package scripted_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/render"
	"github.com/trawlcrawler/trawl/internal/test/scripted"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

func TestMain(m *testing.M) { os.Exit(testfleet.Main(m)) }

// job crawls the site and renders what needs it.
func job(site *scripted.Site) crawler.Job {
	j := crawler.DefaultJob()
	j.Name, j.Seeds, j.Delay, j.Throttle = "scripted", []string{site.URL(0, "/")}, 0, 0
	j.Render, j.Links = crawler.RenderAuto, true
	j.RenderTime = 10 * time.Minute // longer than any page takes on a busy machine
	j.Rendering = crawler.Rendering{Click: []string{".more", ".tab"}, Scroll: 10}
	return j
}

// browserOrSkip skips the test if there is no browser.
func browserOrSkip(t *testing.T) {
	t.Helper()
	if _, err := render.Find(""); err != nil {
		t.Skipf("%v", err)
	}
}

func TestAFleetThatLosesWorkersAndBrowsersFindsEverything(t *testing.T) {
	t.Parallel()
	browserOrSkip(t)
	site := scripted.Serve(t)
	f := testfleet.New(t)
	f.Scheduler()
	workers := f.Workers(2)
	f.Create(job(site))

	// Browsers are killed, then the worker that renders, then the browsers of the next one, and that.
	soon := testfleet.Soon(t)
	for i, pages := range []int{4, 10, 18, 28} {
		if err := site.Until(soon, func(l *testsite.Log) bool { return rendered(l) >= pages }); err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			killBrowsers(t, workers)
			continue
		}
		killRendering(t, workers)
		workers = append(workers, f.Worker())
	}
	f.Done("scripted")
	check(t, f, site)
	for _, w := range workers {
		if w.Lives() {
			w.Terminate()
		}
	}
	f.NoBrowsers()
}

// rendered returns how many pages of patterns were requested.
func rendered(l *testsite.Log) int {
	n := 0
	for _, r := range l.Requests() {
		if r.Path != "/" && strings.Count(r.Path, "/") == 2 && strings.HasSuffix(r.Path, "/") {
			n++
		}
	}
	return n
}

// check compares what the fleet has kept and requested with what it must.
func check(t *testing.T, f *testfleet.Fleet, site *scripted.Site) {
	t.Helper()
	want, never, got := site.Want(), site.Never(), make(map[string]bool)
	for _, rec := range f.Export("scripted") {
		if got[rec.URL] {
			t.Errorf("%s is exported twice", rec.URL)
		}
		if rec.Outcome != crawler.OutcomeFetched {
			if !slices.ContainsFunc(never, func(path string) bool { return rec.URL == site.URL(0, path) }) {
				t.Errorf("%s is %s: %s", rec.URL, rec.Outcome, rec.Error)
			}
			continue
		}
		got[rec.URL] = true
		checkRendered(t, rec)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pages (-want +got):\n%s", diff)
	}
	for _, path := range never {
		if n := site.Count(path); n > 0 {
			t.Errorf("%s was requested %d times, want never", path, n)
		}
	}
	if said, status := f.Run("audit", filepath.Join(f.Out, "scripted")); status != 0 {
		t.Errorf("the audit ends with %d:\n%s", status, said)
	}
}

// checkRendered checks that the record of a pattern's page says how it was rendered.
func checkRendered(t *testing.T, rec crawler.Record) {
	t.Helper()
	for _, p := range scripted.Patterns {
		if !strings.HasSuffix(rec.URL, "/"+p.Name+"/") || p.Static {
			continue
		}
		switch r := rec.Rendered; {
		case r == nil:
			t.Errorf("%s was not rendered", rec.URL)
		case r.Why != "try" && r.Why != "learned":
			t.Errorf("%s was rendered because of %q", rec.URL, r.Why)
		case r.Error != "":
			t.Errorf("%s could not be rendered: %s", rec.URL, r.Error)
		}
	}
}

// browsersOf returns the processes of browsers that a worker has started.
func browsersOf(worker int) []int {
	var all []int
	text, _ := exec.Command("pgrep", "-P", strconv.Itoa(worker)).Output() // an error means none
	for word := range strings.FieldsSeq(string(text)) {
		if pid, err := strconv.Atoi(word); err == nil {
			all = append(all, pid)
		}
	}
	return all
}

// killBrowsers kills the browsers of workers.
func killBrowsers(t *testing.T, workers []*testfleet.Process) {
	t.Helper()
	for _, w := range workers {
		for _, pid := range browsersOf(w.PID()) {
			if err := syscall.Kill(pid, syscall.SIGKILL); err != nil && err != syscall.ESRCH {
				t.Errorf("kill browser %d: %v", pid, err)
			}
		}
	}
}

// killRendering kills a worker that lives and has a browser, or any that lives.
func killRendering(t *testing.T, workers []*testfleet.Process) {
	t.Helper()
	alive := slices.DeleteFunc(slices.Clone(workers), func(w *testfleet.Process) bool { return !w.Lives() })
	if len(alive) == 0 {
		t.Fatal("no worker lives")
	}
	slices.SortStableFunc(alive, func(a, b *testfleet.Process) int {
		return len(browsersOf(b.PID())) - len(browsersOf(a.PID()))
	})
	t.Logf("%s is killed, whose browsers are %v", alive[0].Name, browsersOf(alive[0].PID()))
	alive[0].Kill()
}

func TestThirtyPatternsAreServed(t *testing.T) {
	t.Parallel()
	names := make(map[string]bool)
	for _, p := range scripted.Patterns {
		if names[p.Name] {
			t.Errorf("two patterns are named %q", p.Name)
		}
		names[p.Name] = true
	}
	if len(names) < 30 {
		t.Errorf("the site has %d patterns, want at least 30", len(names))
	}
}
