package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
	"github.com/trawlcrawler/trawl/internal/waiting"
)

// expectWaitReason waits until a job reports a wait reason, and checks that every view has the
// same text with these parts.
func (ft *fleetTest) expectWaitReason(dashboard, job string, reason waiting.WaitReason, parts ...string) {
	ft.t.Helper()
	var got struct {
		Waits    string
		WaitsFor waiting.WaitReason `json:"waits_for"`
	}
	ft.waitUntil(fmt.Sprintf("job %s waits for %q", job, reason), func(context.Context) bool {
		got.Waits, got.WaitsFor = "", ""
		ft.runJSON(&got, "job", "show", job)
		return got.WaitsFor == reason
	})
	if !containsAll(got.Waits, parts) || (got.Waits == "") != (reason == "") {
		ft.t.Errorf("job show says %q, want %q", got.Waits, parts)
	}
	if reason == "" {
		return
	}
	// The dashboard may use a list of processes that is a quarter of a second old.
	metric := fmt.Sprintf("trawl_job_waits{for=%q,job=%q} 1\n", reason, job)
	for view, read := range map[string]func() (says bool){
		"job show": func() bool { return strings.Contains(ft.run("job", "show", job).exits(done).stdout, got.Waits) },
		"job ls":   func() bool { return strings.Contains(ft.run("job", "ls").exits(done).stdout, got.Waits) },
		"the page": func() bool { return strings.Contains(ft.getPage(dashboard, "/"), got.Waits) },
		"the API":  func() bool { return strings.Contains(ft.getPage(dashboard, "/api/v1/jobs/"+job), got.Waits) },
		"metrics":  func() bool { return strings.Contains(ft.getPage(dashboard, "/metrics"), metric) },
	} {
		ft.waitUntil(fmt.Sprintf("%s says %q of job %s", view, got.Waits, job),
			func(context.Context) bool { return read() })
	}
}

func (ft *fleetTest) getPage(dashboard, path string) string {
	ft.t.Helper()
	status, body := get(ft.t, dashboard, path)
	if status != http.StatusOK {
		ft.t.Errorf("%s answers %d", path, status)
	}
	return body
}

func TestAJobWithoutAWorkerShowsWhyInEveryView(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 1, PagesPerHost: 3, LinksPerPage: 2}
	site := g.Serve(t)
	ft := newFleetTest(t)
	_, dashboard := ft.Dashboard()
	dashboard = strings.TrimSuffix(strings.TrimPrefix(dashboard, "http://"), "/")
	job := jobOf(t, g, site)
	ft.Create(job)
	ft.expectWaitReason(dashboard, job.Name, waiting.WaitScheduler, "trawl scheduler")
	scheduler := ft.Scheduler()
	ft.expectWaitReason(dashboard, job.Name, waiting.WaitWorker, "trawl worker")
	other := ft.Worker("--jobs", "another")
	ft.expectWaitReason(dashboard, job.Name, waiting.WaitWorker, "serve other jobs", "--jobs "+job.Name)
	other.Terminate()
	scheduler.Terminate()
	ft.expectWaitReason(dashboard, job.Name, waiting.WaitScheduler)
	ft.Scheduler()
	ft.run("job", "pause", job.Name).exits(done)
	ft.expectWaitReason(dashboard, job.Name, waiting.WaitResume, "trawl job resume "+job.Name)
	ft.run("job", "resume", job.Name).exits(done)
	ft.Worker()
	ft.Done(job.Name)
	ft.expectWaitReason(dashboard, job.Name, "")

	ft.write("later.yaml", "name: later\n")
	ft.run("job", "create", "later.yaml").exits(done)
	ft.expectWaitReason(dashboard, "later", waiting.WaitSeeds, "trawl seed later")
}

// A job that runs has its workers killed: within seconds every view says so in the same words. A
// worker counts as silent four seconds after its last sign of life.
func TestEveryViewSaysThatAllWorkersWereKilled(t *testing.T) {
	t.Parallel()
	site := testsite.Graph{Hosts: 1, PagesPerHost: 2, LinksPerPage: 1}.Serve(t)
	site.Hang("/slow")
	ft := newFleetTest(t)
	_, url := ft.Dashboard()
	dashboard := strings.TrimSuffix(strings.TrimPrefix(url, "http://"), "/")
	scheduler := ft.Scheduler()
	workers := []*testfleet.Process{ft.Worker(), ft.Worker()}
	job := jobOf(t, testsite.Graph{}, site)
	job.Name, job.Timeout, job.Seeds = "orphan", 10*time.Minute, []string{site.URL(0, "/slow")}
	ft.Create(job)
	waitForSite(t, site, func(l *testsite.Log) bool { return l.Count("/slow") == 1 })
	watch, stream := ft.start("job", "watch", "orphan", "--json"), ft.start("job", "watch", "orphan")
	for _, w := range workers {
		w.Kill()
	}
	killed := time.Now()
	var status struct{ Waits string }
	ft.waitUntil("the API says that no worker lives", func(context.Context) bool {
		err := json.Unmarshal([]byte(ft.getPage(dashboard, "/api/v1/jobs/orphan")), &status)
		return err == nil && strings.Contains(status.Waits, "worker")
	})
	took := time.Since(killed)
	t.Logf("the workers count as gone %v after they were killed", took.Round(10*time.Millisecond))
	if slowTests() && took > 5*time.Second { // the machine has nothing else to do
		t.Errorf("it took %v until the API said so, want 5s at most", took)
	}
	// Ten seconds after its last sign of life, a worker is not listed any more, and the words change.
	const said = "o worker runs this job: start one with trawl worker" // a page begins its sentence with a capital letter
	stdout := func(args ...string) func() string {
		return func() string { return ft.run(args...).exits(done).stdout }
	}
	page := func(path string) func() string {
		return func() string { return html.UnescapeString(ft.getPage(dashboard, path)) }
	}
	for view, read := range map[string]func() string{
		"job ls": stdout("job", "ls"), "job show": stdout("job", "show", "orphan"), "top": stdout("top", "--once"),
		"job ls --json": stdout("job", "ls", "--json"), "the fleet": page("/"), "the page": page("/jobs/orphan"),
		"the list of the API": page("/api/v1/jobs"), "/readyz": func() string {
			status, text := get(t, scheduler.Address(), "/readyz")
			if status != http.StatusOK {
				t.Errorf("/readyz answers %d: %s", status, text)
			}
			return text
		},
	} {
		ft.waitUntil(fmt.Sprintf("%s says %q", view, said), func(context.Context) bool {
			return strings.Contains(read(), said)
		})
	}
	watch.waitForPrinted(said)
	stream.waitForOutput(said)
	for _, p := range []*process{watch, stream} {
		p.signal(os.Interrupt)
		p.waitSoon()
	}
	if text := page("/metrics")(); !strings.Contains(text, `trawl_job_waits{for="worker",job="orphan"} 1`) {
		t.Error("the metrics do not say that the job waits for a worker")
	}
	ft.Worker()
	ft.waitUntil("/readyz says that all is well", func(context.Context) bool {
		_, text := get(t, scheduler.Address(), "/readyz")
		return text == "ready\n"
	})
}

func TestAJobWithRestingHostsShowsUntilWhen(t *testing.T) {
	t.Parallel()
	ft := newFleetTest(t)
	_, dashboard := ft.Dashboard()
	dashboard = strings.TrimSuffix(strings.TrimPrefix(dashboard, "http://"), "/")
	site := testsite.Graph{Hosts: 1, PagesPerHost: 1}.Serve(t)
	site.Handle("/busy", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	ft.Scheduler()
	ft.Worker()
	job := jobOf(t, testsite.Graph{}, site)
	job.Seeds = []string{site.URL(0, "/busy")}
	ft.Create(job)
	ft.expectWaitReason(dashboard, job.Name, waiting.WaitHosts, "rests", time.Now().UTC().Format("2006-"))
	host := strings.TrimPrefix(site.URL(0, ""), "http://")
	ft.run("host", "set", job.Name, strings.TrimSuffix(host, "/"), "--pause").exits(done)
	ft.expectWaitReason(dashboard, job.Name, waiting.WaitHosts, "paused", "trawl host set "+job.Name)
}

// From its creation to its end, a running job is never shown as waiting.
func TestARunningJobIsNeverShownAsWaiting(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 3, PagesPerHost: 40, LinksPerPage: 4}
	ft := newFleetTest(t)
	ft.Scheduler()
	ft.Worker()
	job := jobOf(t, g, g.Serve(t))
	job.Delay = 50 * time.Millisecond
	ft.Create(job)
	ft.waitUntil("the job has ended", func(ctx context.Context) bool {
		status, err := ft.Client.Status(ctx, job.Name)
		if err != nil {
			t.Fatal(err)
		}
		numbers, err := ft.Client.Counters(ctx, job.Name)
		if err != nil {
			t.Fatal(err)
		}
		waiting, err := ft.Client.Waiting(ctx, status, numbers)
		if err != nil || waiting.For != "" && !status.Closing { // while closing, the last files are being finished
			t.Errorf("the job is shown as waiting for %q: %s (%v); its counters are %+v", waiting.For,
				waiting.Text, err, numbers)
		}
		return status.State.Ended()
	})
}

func TestAJobThatRendersWaitsForAWorkerWithABrowser(t *testing.T) {
	t.Parallel()
	ft := newFleetTest(t)
	_, dashboard := ft.Dashboard()
	dashboard = strings.TrimSuffix(strings.TrimPrefix(dashboard, "http://"), "/")
	g := testsite.Graph{Hosts: 1, PagesPerHost: 3, LinksPerPage: 2}
	job := jobOf(t, g, g.Serve(t))
	job.Render = crawler.RenderAuto
	ft.Scheduler()
	ft.Env = append(ft.Env, "PATH="+t.TempDir()) // without any browser
	ft.Worker()
	ft.Create(job)
	ft.expectWaitReason(dashboard, job.Name, waiting.WaitBrowser, "no worker with a browser", "render: auto", "--browser")
	// No page of the site has a script, so that this browser is never started.
	ft.Worker("--browser", "/bin/true")
	ft.Done(job.Name)
}
