package main_test

import (
	"context"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/periodic"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// TestEveryProcessDropsTheMetricsOfARemovedJob removes a job and a run of a periodic job, and
// checks the metrics of all processes.
func TestEveryProcessDropsTheMetricsOfARemovedJob(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 1, PagesPerHost: 3, LinksPerPage: 2}
	site := g.Serve(t)
	ft := newFleetTest(t)
	scheduler, second, worker := ft.Scheduler(), ft.Scheduler(), ft.Worker()
	_, url := ft.Dashboard()
	dashboard := strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/")
	once := jobOf(t, g, site)
	once.Name = "once"
	once.Extract = []crawler.Extraction{{Fields: map[string]crawler.Field{"none": {CSS: "#none", Required: true}}}}
	ft.Create(once)
	ft.waitForState("once", crawler.StateDone)
	often := jobOf(t, g, site)
	often.Name, often.Schedule = "often", "@every 2s"
	ft.Create(often)
	var run string
	ft.waitUntil("a run is done", func(ctx context.Context) bool {
		all, err := ft.Client.Jobs(ctx)
		if runs := periodic.RunsOf("often", all); err == nil && len(runs) > 0 && runs[0].State == crawler.StateDone {
			run = runs[0].Job.Name
		}
		return run != ""
	})
	ft.run("job", "pause", "often").exits(done)

	shows := func(address, job string) bool {
		_, text := get(t, address, "/metrics")
		return strings.Contains(text, `job="`+job+`"`)
	}
	removed := []string{"once", run}
	for _, job := range removed {
		for name, address := range map[string]string{"worker": worker.Address(), "dashboard": dashboard} {
			if !shows(address, job) {
				t.Errorf("the %s shows no series of %s", name, job)
			}
		}
		if !shows(scheduler.Address(), job) && !shows(second.Address(), job) {
			t.Errorf("no scheduler shows a series of %s", job)
		}
		ft.run("job", "rm", job).exits(done)
	}
	for _, job := range removed {
		for name, address := range map[string]string{
			"first scheduler": scheduler.Address(), "second scheduler": second.Address(),
			"worker": worker.Address(), "dashboard": dashboard,
		} {
			ft.waitUntil("the "+name+" shows no series of "+job, func(context.Context) bool {
				return !shows(address, job)
			})
		}
	}
}
