package deploy_test

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// grafanaReport is what the program that stands in for Grafana responds: testdata/grafana.
type grafanaReport struct {
	Source  string
	Series  map[string]int
	Errors  map[string]string
	Strange []string
	Writes  string
}

// maybeEmpty are expressions of the dashboard that have no series in a fleet without trouble: those of
// what went wrong, of a job that has ended, and of a browser.
var maybeEmpty = []string{"failures_total", "garbage_total", "trawl_job_waits", "webhook_tries", "redis_emptied",
	"render", "browser"}

// With the profile monitoring, Prometheus finds every process of the fleet by itself, with the token of
// the dashboard, and Grafana gets values for each panel from it, and reaches nothing else.
func TestComposeWatchesTheFleet(t *testing.T) {
	t.Parallel()
	f := newFleet(t, func(s *shell, images string) string {
		buildPrometheus(s, images+":prometheus")
		buildGrafana(s, images+":grafana")
		return fmt.Sprintf("  prometheus: {image: %s:prometheus}\n  grafana: {image: %s:grafana}\n", images, images)
	})
	f.command = append(f.command, "--profile", "monitoring")
	f.up("--scale", "worker=2")
	f.waitUntil(func() string {
		if n := len(f.containers()); n != 8 {
			return fmt.Sprintf("there are %d containers, want 8", n)
		}
		return ""
	})
	f.trawl("name: beta\nseeds: [http://beta:8080/]\ndelay: 1s\n", "job", "create", "-")
	f.waitUntil(func() string {
		report, err := f.grafana()
		if err != nil {
			return err.Error()
		}
		if len(report.Errors) > 0 || len(report.Strange) > 0 || report.Writes != "" || len(report.Series) < 25 {
			t.Fatalf("Grafana finds errors, or reaches what it must not: %+v", report)
		}
		if n := report.Series["process_resident_memory_bytes and on (instance) trawl_build_info"]; n != 4 {
			return fmt.Sprintf("%d processes have metrics, want 4", n)
		}
		for _, expression := range slices.Sorted(maps.Keys(report.Series)) {
			trouble := slices.ContainsFunc(maybeEmpty, func(s string) bool { return strings.Contains(expression, s) })
			if report.Series[expression] == 0 && !trouble {
				return fmt.Sprintf("no series of %s", expression)
			}
		}
		return ""
	})
}

// grafana asks the program that stands in for Grafana at the port that compose published.
func (f fleet) grafana() (r grafanaReport, err error) {
	f.t.Helper()
	url := "http://" + strings.TrimSpace(f.compose("port", "grafana", "3000")) + "/"
	req, err := http.NewRequestWithContext(f.ctx, http.MethodGet, url, nil)
	if err != nil {
		return r, err
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return r, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<10))
		return r, fmt.Errorf("%s: %s", answer.Status, text)
	}
	return r, json.NewDecoder(answer.Body).Decode(&r)
}
