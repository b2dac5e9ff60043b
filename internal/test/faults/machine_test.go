package faults_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// folderFormats are the formats in which a killed worker leaves different kinds of unfinished
// files. Links and items alone cannot be exported.
var folderFormats = []string{"jsonl", "jsonl.gz", "jsonl.zst", "files", "markdown", "parquet", "warc", "mirror",
	"links,parquet", "items,warc"}

// formatJob is a job that crawls a site into some formats.
type formatJob struct {
	job   crawler.Job
	graph testsite.Graph
	site  *testsite.Site
}

// createJobs creates a job for each of folderFormats, each with its own site.
func createJobs(t *testing.T, f *testfleet.Fleet, hosts, pages int) []formatJob {
	t.Helper()
	var all []formatJob
	for i, formats := range folderFormats {
		k := formatJob{job: crawler.DefaultJob(), graph: testsite.Graph{Hosts: hosts, PagesPerHost: pages,
			LinksPerPage: 6, Seed: uint64(i)}}
		k.site = k.graph.Serve(t)
		k.job.Name = strings.NewReplacer(".", "-", ",", "-").Replace(formats)
		k.job.Delay, k.job.Format = delay, strings.Split(formats, ",")
		for _, root := range k.graph.Roots() {
			k.job.Seeds = append(k.job.Seeds, k.site.URL(root.Host, k.graph.Path(root.Page)))
		}
		f.Create(k.job)
		all = append(all, k)
	}
	return all
}

// unfinished lists the unfinished files of all jobs.
func unfinished(t testing.TB, f *testfleet.Fleet) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(f.Out, "*", "*.open"))
	if err != nil {
		t.Fatal(err)
	}
	return names
}

// waitForFinishedFiles waits until every file of the jobs has its final name.
func waitForFinishedFiles(t testing.TB, f *testfleet.Fleet) (took time.Duration) {
	t.Helper()
	began := time.Now()
	for len(unfinished(t, f)) > 0 {
		if !pause(testfleet.Patience(t), 20*time.Millisecond) {
			t.Fatalf("%q are not finished", unfinished(t, f))
		}
	}
	return time.Since(began)
}

// waitForRequests waits until each site has received n requests for pages.
func waitForRequests(t testing.TB, all []formatJob, requests int) {
	t.Helper()
	for _, k := range all {
		if err := k.site.Until(testfleet.Patience(t),
			func(l *testsite.Log) bool { return l.Len() >= requests }); err != nil {
			t.Fatal(err)
		}
	}
}

// settled returns how many pages a job counts as fetched.
func settled(t testing.TB, f *testfleet.Fleet, job string) int {
	t.Helper()
	counters, err := f.Client.Counters(testfleet.Soon(t), job)
	if err != nil {
		t.Fatal(err)
	}
	return int(counters.Pages())
}

// A worker's machine is lost, and no later worker has its name: others finish its files in a shared
// folder.
func TestFilesOfALostMachineAreFinishedByOthers(t *testing.T) {
	t.Parallel()
	hosts, pages := 3, size(20, 100)
	f := testfleet.New(t)
	f.Scheduler()
	workers := f.Workers(2)
	all := createJobs(t, f, hosts, pages)
	kills := size(2, 10)
	for i := range kills {
		waitForRequests(t, all, 15*(i+1))
		workers[0].Kill()
		for _, k := range all { // before another worker has finished its files
			counted := settled(t, f, k.job.Name)
			if counted == 0 {
				continue // possibly nothing was written
			}
			if got := len(testfleet.Pages(f.Export(k.job.Name))); got < counted {
				t.Errorf("job %s counts %d pages as fetched, and its export has %d", k.job.Name, counted, got)
			}
		}
		workers = append(workers[1:], f.Worker())
	}
	for _, k := range all {
		f.Done(k.job.Name)
		on := testfleet.Pages(f.Export(k.job.Name))
		on.Expect(t, "pages of job "+k.job.Name, k.graph.URLs(k.site))
		if on.Again() > 0 {
			t.Errorf("%d pages of job %s are exported twice", on.Again(), k.job.Name)
		}
	}
	t.Logf("%d kills, %d jobs; all files were finished %v after the end", kills, len(all),
		waitForFinishedFiles(t, f).Round(time.Millisecond))
	for _, k := range all {
		testfleet.Pages(f.Export(k.job.Name)).Expect(t, "pages of job "+k.job.Name+" in finished files",
			k.graph.URLs(k.site))
	}
}

// All workers are lost, and the jobs are cancelled. The next worker that uses the folder finishes
// the files, although no job is running.
func TestFilesOfEndedJobsAreFinishedByAnyWorker(t *testing.T) {
	t.Parallel()
	f := testfleet.New(t)
	scheduler, worker := f.Scheduler(), f.Worker()
	all := createJobs(t, f, 2, 100)
	waitForRequests(t, all, 20)
	worker.Kill()
	scheduler.Kill()
	before := make(map[string]int)
	for _, k := range all {
		if err := f.Client.Cancel(testfleet.Soon(t), k.job.Name); err != nil {
			t.Fatal(err)
		}
		before[k.job.Name] = len(testfleet.Pages(f.Export(k.job.Name)))
	}
	if len(unfinished(t, f)) < len(all) {
		t.Fatalf("only %q are unfinished", unfinished(t, f))
	}
	f.Workers(2, "--jobs", "none")
	t.Logf("all files were finished after %v", waitForFinishedFiles(t, f).Round(time.Millisecond))
	for _, k := range all {
		pages := testfleet.Pages(f.Export(k.job.Name))
		if len(pages) != before[k.job.Name] || pages.Again() > 0 {
			t.Errorf("job %s has %d pages, %d of them twice, want the %d that it had before", k.job.Name,
				len(pages), pages.Again(), before[k.job.Name])
		}
	}
}
