package main_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// metricName matches the names of Trawl's metrics.
var metricName = regexp.MustCompile(`\btrawl_[a-z_]+`)

// monitoring are the files that name metrics.
var monitoring = []string{"../../deploy/grafana/trawl.json", "../../deploy/prometheus/alerts.yml"}

// The dashboard of Grafana and the alerts of Prometheus use metrics that a fleet has.
func TestEveryMetricThatIsWatchedExists(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 2, PagesPerHost: 3, LinksPerPage: 2}
	site := g.Serve(t)
	ft := newFleetTest(t)
	scheduler, worker := ft.Scheduler(), ft.Worker()
	_, url := ft.Dashboard()
	job := jobOf(t, g, site)
	job.Name = "watched"
	ft.Create(job)
	ft.waitForState("watched", crawler.StateDone)
	job.Name, job.Seeds = "waiting", nil // for seeds
	ft.Create(job)
	used := make(map[string]string)
	for _, file := range monitoring {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range metricName.FindAllString(string(text), -1) {
			used[name] = filepath.Base(file)
		}
	}
	if len(used) < 20 {
		t.Fatalf("only %d metrics are used: %v", len(used), used)
	}
	text := func() (all string) {
		for _, address := range []string{scheduler.Address(), worker.Address(), strings.Split(url, "/")[2]} {
			_, one := get(t, address, "/metrics")
			all += "\n" + one
		}
		return all
	}
	has := func(text, name string) bool {
		return strings.Contains(text, "\n"+name+"{") || strings.Contains(text, "\n"+name+" ")
	}
	ft.waitUntil("the worker has counted its visits", func(context.Context) bool {
		return has(text(), "trawl_worker_visits_total")
	})
	all := text()
	for name, file := range used {
		if !has(all, name) {
			t.Errorf("%s uses %s, which no process of the fleet has", file, name)
		}
	}
}

func TestPromtoolAcceptsTheAlerts(t *testing.T) {
	t.Parallel()
	promtool, err := exec.LookPath("promtool")
	if err != nil {
		t.Skip("no promtool on PATH: install prometheus")
	}
	for _, args := range [][]string{
		{"check", "rules", "alerts.yml"}, {"check", "config", "--syntax-only", "prometheus.yml"},
	} {
		cmd := exec.CommandContext(t.Context(), promtool, args...)
		cmd.Dir = "../../deploy/prometheus"
		if said, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, said)
		}
	}
}
