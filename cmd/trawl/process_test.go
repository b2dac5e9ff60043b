package main_test

import (
	"context"
	"encoding/json"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// metricsOf reads the metrics of a process, and checks that all of them follow the naming rules.
func metricsOf(t testing.TB, address string) map[string]*dto.MetricFamily {
	t.Helper()
	status, text := get(t, address, "/metrics")
	if status != 200 {
		t.Fatalf("/metrics answers %d: %s", status, text)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	labels := []string{"job", "state", "outcome", "ending", "quantile", "version", "revision", "goversion", "for",
		"result"}
	for name, family := range families {
		if metricName.FindString(name) != name || family.GetHelp() == "" {
			t.Errorf("the metric %s is neither one of Trawl nor one of every process, or has no help", name)
		}
		for _, m := range family.GetMetric() {
			for _, l := range m.GetLabel() {
				if strings.HasPrefix(name, "trawl_job_top_host_") && l.GetName() == "host" {
					continue
				}
				if !slices.Contains(labels, l.GetName()) || strings.ContainsAny(l.GetValue(), "/:") ||
					strings.Contains(l.GetValue(), "127.0") {
					t.Errorf("the metric %s has the label %s", name, l)
				}
			}
		}
	}
	return families
}

// sum adds up all series of a metric, or those with a given label.
func sum(families map[string]*dto.MetricFamily, name string, label ...string) (total float64) {
	for _, m := range families[name].GetMetric() {
		has := len(label) == 0
		for _, l := range m.GetLabel() {
			has = has || l.GetName() == label[0] && l.GetValue() == label[1]
		}
		if has {
			total += m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return total
}

func TestMetricsMatchTheWorkOfAFleet(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 3, PagesPerHost: 5, LinksPerPage: 3}
	site := g.Serve(t)
	_, release := site.Hang("/page/3")
	ft := newFleetTest(t)
	scheduler, worker := ft.Scheduler(), ft.Worker("--concurrency", "7")
	dashboard := ft.start("dashboard", "--listen", "127.0.0.1:0")
	board := dashboard.waitForAddress("http://")
	job := jobOf(t, g, site)
	ft.Create(job)
	waitForSite(t, site, func(l *testsite.Log) bool { return l.Count("/page/3") == 3 })
	m := metricsOf(t, worker.Address())
	if open, most := sum(m, "trawl_worker_visits_open", "job", job.Name),
		sum(m, "trawl_worker_visits_limit"); open != 3 || most != 7 {
		t.Errorf("%v visits are open of %v, want 3 of 7", open, most)
	}
	m = metricsOf(t, board)
	if open, flight := sum(m, "trawl_job_visits", "state", "open"),
		sum(m, "trawl_job_urls", "state", "in_flight"); open != 3 || flight < 3 {
		t.Errorf("%v visits are open and %v URLs in flight, want 3 and at least 3", open, flight)
	}
	release()
	numbers := ft.Done(job.Name)
	ft.waitUntil("all visits are counted", func(context.Context) bool {
		return sum(metricsOf(t, worker.Address()), "trawl_worker_visits_open") == 0
	})
	w, b := metricsOf(t, worker.Address()), metricsOf(t, board)
	for _, c := range []struct {
		what      string
		got, want float64
	}{
		{"pages, worker", sum(w, "trawl_worker_urls_total", "outcome", "fetched"), 15},
		{"pages, dashboard", sum(b, "trawl_job_pages_total", "job", job.Name), 15},
		{"bytes, worker", sum(w, "trawl_worker_body_bytes_total", "job", job.Name), float64(numbers.Bytes)},
		{"bytes, dashboard", sum(b, "trawl_job_bytes_total"), float64(numbers.Bytes)},
		{"visits, worker", sum(w, "trawl_worker_visits_total", "job", job.Name), float64(numbers.Visits)},
		{"visits, scheduler", sum(metricsOf(t, scheduler.Address()), "trawl_scheduler_visits_total", "job", job.Name),
			float64(numbers.Visits)},
		{"requests with those for robots.txt", sum(w, "trawl_worker_request_duration_seconds", "job", job.Name),
			float64(len(site.Requests()))},
		{"failures", sum(w, "trawl_worker_visit_failures_total"), 0},
		{"jobs that are done", sum(b, "trawl_job_state", "state", "done"), 1},
		{"Redis", sum(b, "trawl_redis_up"), 1},
	} {
		if c.got != c.want {
			t.Errorf("%s: %v, want %v", c.what, c.got, c.want)
		}
	}
	if w["go_goroutines"] == nil || w["process_resident_memory_bytes"] == nil {
		t.Error("the worker has no metrics of its memory")
	}
	ft.run("job", "rm", job.Name).exits(done)
	ft.waitUntil("the series of a job that was removed are gone", func(context.Context) bool {
		return sum(metricsOf(t, worker.Address()), "trawl_worker_urls_total") == 0
	})
	dashboard.signal(syscall.SIGTERM)
	dashboard.waitSoon().exits(done)
}

// waitForAddress waits for a text in the output of a process and returns the address after it.
func (p *process) waitForAddress(before string) string {
	p.t.Helper()
	p.waitForOutput(before)
	_, rest, _ := strings.Cut(p.stderr.Text(), before)
	address, _, _ := strings.Cut(rest, "/")
	return address
}

func TestProcessesAreReadyOnlyWhileRedisIs(t *testing.T) {
	t.Parallel()
	ft := newFleetTest(t)
	scheduler, worker := ft.Scheduler(), ft.Worker()
	board := ft.start("dashboard", "--listen", "127.0.0.1:0").waitForAddress("http://")
	all := []string{scheduler.Address(), worker.Address(), board}
	expect := func(path string, want int) {
		t.Helper()
		for i, address := range all {
			ft.waitUntil("the processes answer as expected", func(context.Context) bool {
				status, text := get(t, address, path)
				if status != want && testfleet.Soon(t).Err() != nil {
					t.Errorf("process %d answers %d: %s", i, status, text)
				}
				return status == want
			})
		}
	}
	expect("/healthz", 200)
	expect("/readyz", 200)
	ft.Redis.Kill()
	expect("/readyz", 503)
	expect("/healthz", 200)
	if err := ft.Redis.Restart(testfleet.Soon(t)); err != nil {
		t.Fatal(err)
	}
	expect("/readyz", 200)
}

func TestAWorkerThatCannotStorePagesIsNotReady(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 2, PagesPerHost: 5, LinksPerPage: 3}
	site := g.Serve(t)
	ft := newFleetTest(t)
	if err := os.Mkdir(ft.Out, 0o755); err != nil {
		t.Fatal(err)
	}
	ft.Scheduler()
	w := ft.Worker()
	job := jobOf(t, g, site)
	if err := os.WriteFile(filepath.Join(ft.Out, job.Name), nil, 0o644); err != nil { // stands in the way
		t.Fatal(err)
	}
	ft.Create(job)
	ft.waitUntil("the worker is not ready", func(context.Context) bool {
		status, text := get(t, w.Address(), "/readyz")
		return status == 503 && strings.Contains(text, job.Name) && strings.Contains(text, "stands in the way")
	})
	if n := len(site.Requests()); n > 0 {
		t.Errorf("%d requests were made for pages that could not be stored", n)
	}
	if err := os.Remove(filepath.Join(ft.Out, job.Name)); err != nil {
		t.Fatal(err)
	}
	ft.Done(job.Name)
	if status, text := get(t, w.Address(), "/readyz"); status != 200 {
		t.Errorf("a worker whose folder is usable again answers %d: %s", status, text)
	}
}

func TestProcessesReadTheEnvironmentAndLogJSON(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 1, PagesPerHost: 3, LinksPerPage: 2}
	site := g.Serve(t)
	ft := newFleetTest(t)
	for name, value := range map[string]string{
		"TRAWL_LISTEN": "127.0.0.1:0", "TRAWL_LOG_FORMAT": "json", "TRAWL_LOG_LEVEL": "debug", "TRAWL_OUT": ft.Out,
		"TRAWL_NAME": "weaver", "TRAWL_ALLOW_CIDR": "127.0.0.0/8", "TRAWL_CONCURRENCY": "3",
	} {
		ft.set(name, value)
	}
	all := []*process{ft.start("scheduler"), ft.start("worker"), ft.start("dashboard"),
		ft.start("worker", "--listen", "", "--name", "idler", "--jobs", "other")}
	job := jobOf(t, g, site)
	ft.Create(job)
	ft.Done(job.Name)
	for _, r := range ft.Kept(job.Name) {
		if r.Worker != "weaver" {
			t.Errorf("%s was fetched by %q", r.URL, r.Worker)
		}
	}
	for _, p := range all {
		p.waitForOutput(`"msg":"started"`)
		p.signal(syscall.SIGTERM)
		end := p.waitSoon().exits(done)
		if end.stdout != "" {
			t.Errorf("a process prints %q", end.stdout)
		}
		last := ""
		for line := range strings.Lines(end.stderr) {
			var entry struct{ Time, Level, Msg string }
			if err := json.Unmarshal([]byte(line), &entry); err != nil || entry.Time == "" || entry.Level == "" ||
				entry.Msg == "" {
				t.Errorf("a line of the log is not JSON: %v: %q", err, line)
			}
			last = entry.Msg
		}
		if last != "stopped" {
			t.Errorf("the last message of a process is %q", last)
		}
	}
	if log := all[3].stderr.Text(); !strings.Contains(log, `"listen":""`) {
		t.Errorf("a worker without a listen address logs\n%s", log)
	}
}

// hangingFleet starts a fleet with an open visit to each of five hosts that do not answer.
func hangingFleet(t *testing.T) (*fleetTest, crawler.Job, *process) {
	t.Helper()
	g := testsite.Graph{Hosts: 5, PagesPerHost: 8, LinksPerPage: 7}
	site := g.Serve(t)
	for _, path := range []string{"/page/2", "/page/5"} {
		_, release := site.Hang(path)
		t.Cleanup(release)
	}
	ft := newFleetTest(t)
	ft.Scheduler()
	w := ft.start("worker", "--listen", "127.0.0.1:0", "--out", ft.Out, "--allow-cidr", "127.0.0.0/8")
	job := jobOf(t, g, site)
	ft.Create(job)
	waitForSite(t, site, func(l *testsite.Log) bool { return l.Count("/page/2")+l.Count("/page/5") == 5 })
	return ft, job, w
}

// expectNoVisits expects that neither the frontier nor asynq has a visit of a job.
func (ft *fleetTest) expectNoVisits(job string) {
	ft.t.Helper()
	numbers, err := ft.Client.Counters(testfleet.Soon(ft.t), job)
	if err != nil || numbers.Flight+numbers.Open > 0 || numbers.Waiting == 0 || numbers.Broken > 0 {
		ft.t.Errorf("%d URLs are in flight, %d visits open, %d URLs wait, %d visits broke (%v)",
			numbers.Flight, numbers.Open, numbers.Waiting, numbers.Broken, err)
	}
	for _, key := range ft.redisKeys("asynq:{" + job + "}:active") {
		ft.t.Errorf("asynq still has %s", key)
	}
	for _, key := range ft.redisKeys(":flight:") {
		ft.t.Errorf("the key %s still exists", key)
	}
}

func TestATerminatedWorkerReturnsItsURLs(t *testing.T) {
	t.Parallel()
	ft, job, w := hangingFleet(t)
	start := time.Now()
	w.signal(syscall.SIGTERM)
	end := w.waitSoon().exits(done, "msg=stopped")
	testfleet.Within(t, "a worker that is terminated ends", end.at.Sub(start), 10*time.Second)
	ft.expectNoVisits(job.Name)
}

func TestAWorkerWhoseNameIsInUseEndsWithAnError(t *testing.T) {
	t.Parallel()
	end := syscall.SIGHUP
	if signal.Ignored(end) { // the tests and their commands run under nohup
		end = syscall.SIGTERM
	}
	ft := newFleetTest(t)
	w := ft.start("worker", "--name", "w1", "--out", "out", "--listen", "127.0.0.1:0")
	w.waitForOutput("msg=started")
	ft.waitUntil("the worker is registered", func(context.Context) bool {
		return len(ft.redisKeys("trawl:processes")) > 0
	})
	ft.run("worker", "--name", "w1", "--out", "other", "--listen", "127.0.0.1:0").exits(usage, `"w1"`,
		"another worker of the fleet has this name", "choose another")
	w.signal(end)
	w.waitSoon().exits(done, "msg=stopped")
	again := ft.start("worker", "--name", "w1", "--out", "out", "--listen", "127.0.0.1:0")
	again.waitForOutput("msg=started")
	processes := func() []string {
		all, err := ft.redis.ZRange(testfleet.Soon(t), "trawl:processes", 0, -1).Result()
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	ft.waitUntil("the second worker is registered", func(context.Context) bool { return len(processes()) == 1 })
	again.kill()
	killed := processes()
	third := ft.start("worker", "--name", "w1", "--out", "out", "--listen", "127.0.0.1:0")
	ft.waitUntil("a worker takes the place of one that was killed", func(context.Context) bool {
		return slices.ContainsFunc(processes(), func(p string) bool { return !slices.Contains(killed, p) })
	})
	third.signal(syscall.SIGTERM)
	third.waitSoon().exits(done)
}

func TestASecondSignalEndsAWorkerImmediately(t *testing.T) {
	t.Parallel()
	ft, job, w := hangingFleet(t)
	w.signal(syscall.SIGTERM)
	w.signal(os.Interrupt)
	start := time.Now()
	end := w.waitSoon().exits(done)
	testfleet.Within(t, "after a second signal a worker ends", end.at.Sub(start), time.Second)
	ft.expectNoVisits(job.Name)
}

func TestAWorkerEndsWithoutItsRedis(t *testing.T) {
	t.Parallel()
	ft, _, w := hangingFleet(t)
	ft.Redis.Kill()
	start := time.Now()
	w.signal(syscall.SIGTERM)
	end := w.waitSoon()
	testfleet.Within(t, "without Redis a worker ends", end.at.Sub(start), 30*time.Second)
	if strings.Contains(end.stderr, "panic") {
		t.Error(end.stderr)
	}
}
