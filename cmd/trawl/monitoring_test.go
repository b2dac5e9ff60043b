package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net"
	"net/http"
	neturl "net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// metricName matches the names of the metrics of Trawl's processes.
var metricName = regexp.MustCompile(`\b(?:trawl|go|process)_[a-z_]+\b`)

// monitoring are the files that name metrics.
var monitoring = []string{"../../deploy/grafana/trawl.json", "../../deploy/prometheus/alerts.yml"}

// The dashboard of Grafana and the alerts of Prometheus use metrics that a fleet has, with labels and
// values that these have.
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
	job.Name, job.Delay = "waiting", 24*time.Hour // between the first page of a host and the second
	ft.Create(job)
	ft.waitUntil("its hosts have metrics", func(context.Context) bool {
		_, text := get(t, strings.Split(url, "/")[2], "/metrics")
		return strings.Contains(text, `trawl_job_top_host_waiting_urls{host="`)
	})
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
	expressions, series := 0, seriesOf(all)
	for _, file := range monitoring {
		for _, expression := range expressionsOf(t, file) {
			expressions++
			checkExpression(t, expression, series)
		}
	}
	if expressions < 30 {
		t.Errorf("only %d expressions were checked", expressions)
	}
}

// selector matches a metric with its matchers in an expression of PromQL, and matcher one of these.
var (
	selector = regexp.MustCompile(`\b(trawl_[a-z_]+)(?:\{([^}]*)\})?`)
	matcher  = regexp.MustCompile(`([a-z_]+)(=~|!~|!=|=)\\?"((?:[^"\\])*)\\?"`)
	grouping = regexp.MustCompile(`\b(?:by|on) \(([a-z_, ]*)\)`)
	sample   = regexp.MustCompile(`(?m)^(trawl_[a-z_]+)(?:\{(.*)\})? [-+0-9.eInfNa]+$`)
)

// scrapedLabels are those that Prometheus adds to each series.
var scrapedLabels = []string{"instance", "le"}

// checkExpression checks that each metric of an expression has the labels that the expression selects
// or groups by, and values that its matchers can match. series are the labels of all series by
// metric.
func checkExpression(t *testing.T, expression string, series map[string][]map[string]string) {
	t.Helper()
	var grouped []string
	for _, list := range grouping.FindAllStringSubmatch(expression, -1) {
		for name := range strings.SplitSeq(list[1], ",") {
			grouped = append(grouped, strings.TrimSpace(name))
		}
	}
	labels := make(map[string]bool)
	for _, m := range selector.FindAllStringSubmatch(expression, -1) {
		for _, one := range series[m[1]] {
			for name := range one {
				labels[name] = true
			}
		}
		for _, part := range matcher.FindAllStringSubmatch(m[2], -1) {
			name, operator, value := part[1], part[2], part[3]
			values := make(map[string]bool)
			for _, one := range series[m[1]] {
				if have, ok := one[name]; ok {
					values[have] = true
				}
			}
			if len(values) == 0 {
				t.Errorf("%s: %s has no label %q", expression, m[1], name)
			}
			if strings.HasPrefix(value, "$") || !strings.HasPrefix(operator, "=") {
				continue // of a variable
			}
			for choice := range strings.SplitSeq(value, "|") {
				if !values[choice] {
					t.Errorf("%s: no series of %s has %s=%q; it has %v", expression, m[1], name, choice,
						slices.Sorted(maps.Keys(values)))
				}
			}
		}
	}
	for _, name := range grouped {
		if !labels[name] && !slices.Contains(scrapedLabels, name) {
			t.Errorf("%s groups by %q, which none of its metrics has", expression, name)
		}
	}
}

// expressionsOf returns the expressions of PromQL in a file of monitoring.
func expressionsOf(t *testing.T, file string) (all []string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var document any
	if err := yaml.Unmarshal(text, &document); err != nil { // JSON is YAML
		t.Fatal(err)
	}
	var walk func(any)
	walk = func(at any) {
		switch v := at.(type) {
		case []any:
			for _, one := range v {
				walk(one)
			}
		case map[string]any:
			for key, one := range v {
				if expression, ok := one.(string); ok && key == "expr" {
					all = append(all, expression)
				}
				walk(one)
			}
		}
	}
	walk(document)
	return all
}

// seriesOf returns the labels of all series in a text of metrics, by metric.
func seriesOf(text string) map[string][]map[string]string {
	series := make(map[string][]map[string]string)
	for _, m := range sample.FindAllStringSubmatch(text, -1) {
		labels := make(map[string]string)
		for _, pair := range matcher.FindAllStringSubmatch(m[2], -1) {
			labels[pair[1]] = pair[3]
		}
		series[m[1]] = append(series[m[1]], labels)
	}
	return series
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

// Prometheus, with the configuration in deploy, finds the processes of a fleet, can evaluate each
// alert, and notices that a job has no worker.
func TestPrometheusWatchesAFleet(t *testing.T) {
	t.Parallel()
	binary, err := exec.LookPath("prometheus")
	if err != nil {
		t.Skip("no prometheus on PATH: install prometheus")
	}
	ft := newFleetTest(t)
	scheduler, worker := ft.Scheduler(), ft.Worker()
	_, url := ft.Dashboard()
	p := startPrometheus(t, binary, map[string]string{
		`dns_sd_configs: [{ names: [scheduler], type: A, port: 9090, refresh_interval: 10s }]`: targets(scheduler.Address()),
		`dns_sd_configs: [{ names: [worker], type: A, port: 9090, refresh_interval: 10s }]`:    targets(worker.Address()),
		"dashboard:8080": strings.Split(url, "/")[2],
	})
	ft.waitUntil("all processes of the fleet are scraped", func(ctx context.Context) bool {
		return p.value(ctx, "sum(up)") == "3"
	})
	ft.waitUntil("each alert has been evaluated", func(ctx context.Context) bool { return p.evaluated(ctx) })
	job := crawler.DefaultJob()
	job.Name, job.Seeds = "alone", []string{"http://127.0.0.1:9/"}
	worker.Kill()
	ft.Create(job)
	ft.waitUntil("the alert for a job without a worker is pending", func(ctx context.Context) bool {
		return p.value(ctx, `count(ALERTS{alertname="TrawlJobNeedsSomeone",job="alone",for="worker"})`) == "1"
	})
}

func targets(address string) string { return `static_configs: [{ targets: ["` + address + `"] }]` }

// prometheus is a running Prometheus.
type prometheus struct {
	t       *testing.T
	address string
}

// startPrometheus starts a Prometheus with the configuration in deploy, in which texts are replaced.
// It looks ten times a second.
func startPrometheus(t *testing.T, binary string, replaced map[string]string) *prometheus {
	t.Helper()
	text, err := os.ReadFile("../../deploy/prometheus/prometheus.yml")
	if err != nil {
		t.Fatal(err)
	}
	alerts, err := filepath.Abs("../../deploy/prometheus/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	token, config := filepath.Join(dir, "token"), string(text)
	replaced["/etc/prometheus/alerts.yml"], replaced["/tmp/token"] = alerts, token
	replaced["scrape_interval: 15s"], replaced["evaluation_interval: 15s"] = "scrape_interval: 100ms",
		"evaluation_interval: 100ms"
	for from, to := range replaced {
		if !strings.Contains(config, from) {
			t.Fatalf("the configuration has no %q", from)
		}
		config = strings.ReplaceAll(config, from, to)
	}
	for name, content := range map[string]string{token: "none", filepath.Join(dir, "prometheus.yml"): config} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0") // a port that is free, and soon that of Prometheus
	if err != nil {
		t.Fatal(err)
	}
	p := &prometheus{t: t, address: listener.Addr().String()}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	log := testfleet.NewTranscript()
	cmd := exec.CommandContext(t.Context(), binary, "--config.file="+filepath.Join(dir, "prometheus.yml"),
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+p.address)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("Prometheus logged\n%s", log.Text())
		}
	})
	return p
}

// ask reads an answer of the API; it is empty until Prometheus is ready.
func (p *prometheus) ask(ctx context.Context, path string, into any) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.address+"/api/v1/"+path, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		return
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusServiceUnavailable { // it listens, and reads its data first
		return
	}
	if err := json.NewDecoder(answer.Body).Decode(into); err != nil {
		p.t.Fatalf("read what Prometheus answers to %s: %v", path, err)
	}
}

// value returns the only value of an expression now; "" if it has no value or several.
func (p *prometheus) value(ctx context.Context, expression string) string {
	p.t.Helper()
	var answer struct {
		Data struct{ Result []struct{ Value [2]any } }
	}
	p.ask(ctx, "query?query="+neturl.QueryEscape(expression), &answer)
	if len(answer.Data.Result) != 1 {
		return ""
	}
	return fmt.Sprint(answer.Data.Result[0].Value[1])
}

// evaluated reports whether each alert was evaluated. The test fails if one cannot be.
func (p *prometheus) evaluated(ctx context.Context) bool {
	p.t.Helper()
	var answer struct {
		Data struct {
			Groups []struct {
				Rules []struct{ Name, Health, LastError string }
			}
		}
	}
	p.ask(ctx, "rules", &answer)
	rules := 0
	for _, group := range answer.Data.Groups {
		for _, rule := range group.Rules {
			switch rules++; rule.Health {
			case "ok":
			case "unknown":
				return false
			default:
				p.t.Fatalf("the alert %s is %s: %s", rule.Name, rule.Health, rule.LastError)
			}
		}
	}
	return rules >= 10
}
