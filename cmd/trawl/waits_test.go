package main_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
	"github.com/trawlcrawler/trawl/internal/waiting"
)

// waits waits until a job says what it waits for, and that it says the same text,
// with these parts, in every view.
func (o *office) waits(dashboard, job string, reason waiting.WaitReason, parts ...string) {
	o.t.Helper()
	var got struct {
		Waits    string
		WaitsFor waiting.WaitReason `json:"waits_for"`
	}
	o.until(fmt.Sprintf("job %s waits for %q", job, reason), func(context.Context) bool {
		got.Waits, got.WaitsFor = "", ""
		o.answer(&got, "job", "show", job)
		return got.WaitsFor == reason
	})
	if !containsAll(got.Waits, parts) || (got.Waits == "") != (reason == "") {
		o.t.Errorf("job show says %q, want %q", got.Waits, parts)
	}
	if reason == "" {
		return
	}
	for view, text := range map[string]string{
		"job show": o.run("job", "show", job).exits(done).stdout, "job ls": o.run("job", "ls").exits(done).stdout,
		"the page": o.page(dashboard, "/"), "the API": o.page(dashboard, "/api/v1/jobs/"+job),
	} {
		if !strings.Contains(text, got.Waits) {
			o.t.Errorf("%s does not say %q but\n%s", view, got.Waits, text)
		}
	}
	if metric := fmt.Sprintf("trawl_job_waits{for=%q,job=%q} 1\n", reason,
		job); !strings.Contains(o.page(dashboard, "/metrics"), metric) {
		o.t.Errorf("the metrics do not have %s", metric)
	}
}

func (o *office) page(dashboard, path string) string {
	o.t.Helper()
	status, body := get(o.t, dashboard, path)
	if status != http.StatusOK {
		o.t.Errorf("%s answers %d", path, status)
	}
	return body
}

func TestAJobThatNobodyServesSaysSoInEveryView(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 1, PagesPerHost: 3, LinksPerPage: 2}
	site := g.Serve(t)
	o := newOffice(t)
	_, dashboard := o.Dashboard()
	dashboard = strings.TrimSuffix(strings.TrimPrefix(dashboard, "http://"), "/")
	job := jobOf(t, g, site)
	o.Create(job)
	o.waits(dashboard, job.Name, waiting.WaitScheduler, "trawl scheduler")
	scheduler := o.Scheduler()
	o.waits(dashboard, job.Name, waiting.WaitWorker, "trawl worker")
	other := o.Worker("--jobs", "another")
	o.waits(dashboard, job.Name, waiting.WaitWorker, "serve other jobs", "--jobs "+job.Name)
	other.Terminate()
	scheduler.Terminate()
	o.waits(dashboard, job.Name, waiting.WaitScheduler)
	o.Scheduler()
	o.run("job", "pause", job.Name).exits(done)
	o.waits(dashboard, job.Name, waiting.WaitResume, "trawl job resume "+job.Name)
	o.run("job", "resume", job.Name).exits(done)
	o.Worker()
	o.Done(job.Name)
	o.waits(dashboard, job.Name, "")

	o.write("later.yaml", "name: later\n")
	o.run("job", "create", "later.yaml").exits(done)
	o.waits(dashboard, "later", waiting.WaitSeeds, "trawl seed later")
}

func TestAJobWhoseHostsRestSaysUntilWhen(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	_, dashboard := o.Dashboard()
	dashboard = strings.TrimSuffix(strings.TrimPrefix(dashboard, "http://"), "/")
	site := testsite.Graph{Hosts: 1, PagesPerHost: 1}.Serve(t)
	site.Handle("/busy", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3600")
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	o.Scheduler()
	o.Worker()
	job := jobOf(t, testsite.Graph{}, site)
	job.Seeds = []string{site.URL(0, "/busy")}
	o.Create(job)
	o.waits(dashboard, job.Name, waiting.WaitHosts, "rests", time.Now().UTC().Format("2006-"))
	host := strings.TrimPrefix(site.URL(0, ""), "http://")
	o.run("host", "set", job.Name, strings.TrimSuffix(host, "/"), "--pause").exits(done)
	o.waits(dashboard, job.Name, waiting.WaitHosts, "paused", "trawl host set "+job.Name)
}

// A job at work is never said to wait, from its creation to its end.
func TestAJobThatWorksIsNotSaidToWait(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 3, PagesPerHost: 40, LinksPerPage: 4}
	o := newOffice(t)
	o.Scheduler()
	o.Worker()
	job := jobOf(t, g, g.Serve(t))
	job.Delay = crawler.Duration(50 * time.Millisecond)
	o.Create(job)
	o.until("the job has ended", func(ctx context.Context) bool {
		status, err := o.Client.Status(ctx, job.Name)
		if err != nil {
			t.Fatal(err)
		}
		numbers, err := o.Client.Counters(ctx, job.Name)
		if err != nil {
			t.Fatal(err)
		}
		waiting, err := o.Client.Waiting(ctx, status, numbers)
		if err != nil || waiting.For != "" && !status.Closing { // the last files are being finished then
			t.Errorf("it is said to wait for %q: %s (%v); its numbers are %+v", waiting.For, waiting.Text, err, numbers)
		}
		return status.State.Ended()
	})
}
