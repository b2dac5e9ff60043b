package main_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// serveList serves a page that links to n others, and returns their URLs as well.
func serveList(t *testing.T, n int) (*testsite.Site, map[string]bool) {
	t.Helper()
	site := testsite.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, "<!DOCTYPE html>\n<title>%s</title>\n", r.URL.Path)
		for i := range n {
			if r.URL.Path == "/" {
				fmt.Fprintf(w, "<a href=\"/chapter-%d/page-%d\">page</a>\n", i%7, i)
			}
		}
	}))
	urls := map[string]bool{site.URL(0, "/"): true}
	for i := range n {
		urls[site.URL(0, fmt.Sprintf("/chapter-%d/page-%d", i%7, i))] = true
	}
	return site, urls
}

// budgetBelow fills the Redis of a fleet, and returns a budget of which that is nearly 0.87.
func (ft *fleetTest) budgetBelow() string {
	ft.t.Helper()
	return strconv.FormatInt(redistest.Fill(ft.t, ft.redis), 10) + "B"
}

// spilledObjects returns the names of the objects in a folder.
func spilledObjects(dir string) []string {
	names, _ := filepath.Glob(filepath.Join(dir, "*.spill"))
	return names
}

// Waiting URLs go to a folder when Redis has used its budget, and come back: each is fetched once,
// although the folder was away meanwhile.
func TestWaitingURLsAreSpilledAndComeBack(t *testing.T) {
	t.Parallel()
	site, urls := serveList(t, 1500)
	release := site.HoldAfter(2) // robots.txt and the first page
	ft := newFleetTest(t)
	spill := filepath.Join(ft.Out, "..", "spill")
	ft.Scheduler()
	w := ft.Worker("--redis-budget", ft.budgetBelow(), "--spill", spill)
	job := crawler.DefaultJob()
	job.Name, job.Delay, job.Seeds = redistest.Name(t), 0, []string{site.URL(0, "/")}
	ft.Create(job)
	w.Says("waiting URLs that lie deep in queues are spilled")
	ft.waitUntil("all that can be is spilled", func(context.Context) bool {
		_, text := get(t, w.Address(), "/metrics")
		return hasMetricAbove(text, "trawl_worker_spilled_urls_total", 500) &&
			strings.Contains(w.Log(), "all URLs that can be are spilled")
	})
	counters, err := ft.Client.Counters(t.Context(), job.Name)
	if waiting := counters.Waiting + counters.Flight; err != nil || waiting != 1500 {
		t.Errorf("%d URLs wait (%v), want 1500", waiting, err)
	}
	if text := ft.run("job", "show", job.Name).exits(done).stdout; !strings.Contains(text, "of those that wait") {
		t.Errorf("the job does not say that URLs are spilled:\n%s", text)
	}

	away := spill + "-away"
	if err := os.Rename(spill, away); err != nil {
		t.Fatal(err)
	}
	release()
	ft.waitForTrouble(job.Name, w.Name, "waiting URLs were spilled, and cannot be read now", "no such file")
	if status, text := get(t, w.Address(), "/readyz"); status != http.StatusServiceUnavailable {
		t.Errorf("the worker is ready: %s", text)
	}
	if _, text := get(t, w.Address(), "/metrics"); !hasMetricAbove(text, "trawl_worker_spill_failures_total", 0) {
		t.Error("no failure is counted")
	}
	if status := ft.status(job.Name); status.State != crawler.StateRunning {
		t.Errorf("the job is %s, want running", status.State)
	}
	if err := os.RemoveAll(spill); err != nil { // others may have been written meanwhile
		t.Fatal(err)
	}
	if err := os.Rename(away, spill); err != nil {
		t.Fatal(err)
	}
	ft.Done(job.Name)
	ft.waitForNoTrouble(job.Name)
	testfleet.Pages(ft.Export(job.Name)).Expect(t, "pages", urls)
	if again := testfleet.Served(site).Again(); again > 0 {
		t.Errorf("%d pages were served again", again)
	}
}

// hasMetricAbove reports whether a metric of one series has more than a value.
func hasMetricAbove(text, name string, least float64) bool {
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if !strings.HasPrefix(line, name+"{") || len(fields) < 2 {
			continue
		}
		value, _ := strconv.ParseFloat(fields[len(fields)-1], 64)
		return value > least
	}
	return false
}

// A crawl in one process spills to its own folder.
func TestACrawlSpillsIntoItsFolder(t *testing.T) {
	t.Parallel()
	site, urls := serveList(t, 1500)
	release := site.HoldAfter(2)
	ft := newFleetTest(t)
	out := ft.path("crawl")
	crawl := ft.start("crawl", "-v", "--redis-budget", ft.budgetBelow(), "--out", out, "--delay", "0s", site.URL(0, "/"))
	spill := filepath.Join(out, ".trawl", "spill")
	ft.waitUntil("URLs are spilled", func(context.Context) bool { return len(spilledObjects(spill)) > 0 })
	release()
	crawl.wait().exits(done)
	pages := make(testfleet.Count)
	for _, r := range readRecords(t, out, "*.jsonl") {
		if r.Outcome == "fetched" {
			pages[r.FinalURL]++
		}
	}
	pages.Expect(t, "pages", urls)
	if again := testfleet.Served(site).Again(); again > 0 {
		t.Errorf("%d pages were served again", again)
	}
}

// A worker is killed as soon as it has begun to write spilled URLs, most often before Redis knows of
// them. Another one spills what is left, and fetches all pages.
func TestAWorkerThatIsKilledWhileItSpillsLosesNothing(t *testing.T) {
	t.Parallel()
	site, urls := serveList(t, 3000)
	release := site.HoldAfter(2)
	ft := newFleetTest(t)
	spill := filepath.Join(ft.Out, "..", "spill")
	ft.Scheduler()
	flags := []string{"--redis-budget", ft.budgetBelow(), "--spill", spill}
	job := crawler.DefaultJob()
	job.Name, job.Delay, job.Seeds = redistest.Name(t), 0, []string{site.URL(0, "/")}
	w := ft.Worker(flags...)
	ft.Create(job)
	for begun := false; !begun; {
		if t.Context().Err() != nil {
			t.Fatal("nothing is spilled")
		}
		time.Sleep(time.Millisecond)
		files, _ := os.ReadDir(spill)
		begun = len(files) > 0
	}
	w.Kill()
	next := ft.Worker(flags...)
	ft.waitUntil("the other worker spills, or has nothing to spill", func(context.Context) bool {
		return strings.Contains(next.Log(), "all URLs that can be are spilled") && len(spilledObjects(spill)) > 0
	})
	release()
	counters := ft.Done(job.Name)
	testfleet.Pages(ft.Export(job.Name)).Expect(t, "pages", urls)
	if fetched := counters.Outcomes[crawler.OutcomeFetched]; fetched != int64(len(urls)) || counters.Seen != fetched {
		t.Errorf("%d of %d seen URLs are fetched, want %d", fetched, counters.Seen, len(urls))
	}
}

// Which URLs were seen goes to the folder as well. Another worker, which remembers none of them, finds
// them all in links again, and each is fetched once, although the folder was away meanwhile.
func TestSpilledSeenURLsAreKnownToOtherWorkers(t *testing.T) {
	t.Parallel()
	const n, links = 1500, 30
	page := func(i int) string { return fmt.Sprintf("/page-%d", i%n) }
	site := testsite.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		from, linked := 0, n
		if i, err := strconv.Atoi(strings.TrimPrefix(r.URL.Path, "/page-")); err == nil {
			from, linked = i, links
		}
		for i := range linked {
			fmt.Fprintf(w, "<a href=%q>page</a>\n", page(from+i))
		}
	}))
	urls := map[string]bool{site.URL(0, "/"): true}
	for i := range n {
		urls[site.URL(0, page(i))] = true
	}
	release := site.HoldAfter(2)
	ft := newFleetTest(t)
	spill := filepath.Join(ft.Out, "..", "spill")
	ft.Scheduler()
	flags := []string{"--redis-budget", ft.budgetBelow(), "--spill", spill}
	w := ft.Worker(flags...)
	job := crawler.DefaultJob()
	job.Name, job.Delay, job.Seeds = redistest.Name(t), 0, []string{site.URL(0, "/")}
	ft.Create(job)
	ft.waitUntil("seen URLs are spilled", func(context.Context) bool {
		_, text := get(t, w.Address(), "/metrics")
		return hasMetricAbove(text, "trawl_worker_spilled_seen_urls_total", n-100)
	})
	w.Kill()
	away := spill + "-away"
	if err := os.Rename(spill, away); err != nil {
		t.Fatal(err)
	}
	next := ft.Worker(flags...)
	release()
	ft.waitForTrouble(job.Name, next.Name, "which URLs were seen was spilled", "no such file")
	for _, object := range spilledObjects(spill) { // written meanwhile
		if err := os.Rename(object, filepath.Join(away, filepath.Base(object))); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.RemoveAll(spill); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(away, spill); err != nil {
		t.Fatal(err)
	}
	counters := ft.Done(job.Name)
	ft.waitForNoTrouble(job.Name)
	testfleet.Pages(ft.Export(job.Name)).Expect(t, "pages", urls)
	if fetched := counters.Outcomes[crawler.OutcomeFetched]; fetched != int64(len(urls)) || counters.Seen != fetched {
		t.Errorf("%d of %d seen URLs are fetched, want %d", fetched, counters.Seen, len(urls))
	}
}

func TestAPlaceForSpilledURLsThatCannotBeWrittenIsRefused(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	file := filepath.Join(s.dir, "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	url := redistest.New(t)
	for _, c := range []struct {
		where  string
		saying []string
	}{
		{filepath.Join(file, "spill"), []string{"waiting URLs cannot be spilled", file, "--spill"}},
		{"nowhere://bucket", []string{"waiting URLs cannot be spilled", "nowhere://bucket", "unknown scheme"}},
		{"mem://", []string{"mem://", "gone when this process ends"}},
	} {
		for _, command := range [][]string{
			{"worker", "--redis", url, "--listen", "", "--out", s.dir, "--spill", c.where},
			{"crawl", "--redis", url, "--out", filepath.Join(s.dir, "out"), "--spill", c.where, "http://127.0.0.1:9/"},
		} {
			end := s.run(command...)
			if end.status == done || !containsAll(end.stderr, c.saying) {
				t.Errorf("trawl %s --spill %s exits with %d and says\n%s", command[0], c.where, end.status, end.stderr)
			}
		}
	}
	if _, err := os.Stat(filepath.Join(s.dir, "out", "records.jsonl")); err == nil {
		t.Error("the refused crawl has results")
	}
}
