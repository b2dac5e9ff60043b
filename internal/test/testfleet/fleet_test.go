package testfleet_test

import (
	"os"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

func TestMain(m *testing.M) { os.Exit(testfleet.Main(m)) }

func TestAFleetCrawlsASite(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 3, PagesPerHost: 10, LinksPerPage: 4, OneRoot: true}
	site := g.Serve(t)
	f := testfleet.New(t)
	scheduler, workers := f.Scheduler(), f.Workers(2)
	job := crawler.DefaultJob()
	job.Name, job.Scope, job.Delay = redistest.Name(t), crawler.ScopeAny, 0
	job.Seeds = []string{site.URL(0, "/")}
	f.Create(job)
	if counters := f.Done(job.Name); counters.Pages() != 30 {
		t.Errorf("%d pages were fetched, want 30", counters.Pages())
	}
	pages, asked := testfleet.Pages(f.Export(job.Name)), testfleet.Asked(site)
	pages.Expect(t, "pages", g.URLs(site))
	asked.Expect(t, "requests", g.URLs(site))
	if pages.Again()+asked.Again() > 0 || pages.Most() != 1 {
		t.Errorf("%d pages and %d requests are duplicates", pages.Again(), asked.Again())
	}
	if n := len(f.Kept(job.Name)); n != 30 {
		t.Errorf("the workers kept %d records, want 30", n)
	}
	for _, p := range append(workers, scheduler) {
		testfleet.Within(t, p.Name+" ends", p.Terminate(), 10*time.Second)
		p.Says("msg=stopped")
	}
}

func TestAProcessIsKilled(t *testing.T) {
	t.Parallel()
	p := testfleet.New(t).Scheduler()
	p.Kill()
	if p.Lives() {
		t.Errorf("%s lives", p.Name)
	}
}
