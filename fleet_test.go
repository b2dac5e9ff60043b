package trawl_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl"
	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/output"
	"github.com/trawlcrawler/trawl/internal/sink"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// shopFleet is a fleet whose job needs handlers that the plain worker lacks.
type shopFleet struct {
	*testfleet.Fleet
	t     *testing.T
	graph testsite.Graph
	site  *testsite.Site
	job   trawl.Job
}

func newShopFleet(t *testing.T) *shopFleet {
	t.Helper()
	g := testsite.Graph{Hosts: 4, PagesPerHost: 50, LinksPerPage: 5}
	f := &shopFleet{Fleet: testfleet.New(t), t: t, graph: g, site: g.Serve(t), job: trawl.NewJob("moody")}
	for _, at := range g.Roots() {
		f.job.Seeds = append(f.job.Seeds, f.site.URL(at.Host, g.Path(at.Page)))
	}
	f.job.Handlers, f.job.Format = []string{"moody"}, []string{"jsonl", "items"}
	f.job.Delay, f.job.RetryPause = 10*time.Millisecond, 10*time.Millisecond
	f.Scheduler()
	f.Worker("--name", "plain")
	return f
}

// handlerWorkers makes all workers that start from now on have the handlers.
func (f *shopFleet) handlerWorkers() {
	f.Command = os.Args[0]
	f.Env = []string{marksDirEnv + "=" + f.t.TempDir()}
}

// waitForRequests waits until the site has received this many requests.
func (f *shopFleet) waitForRequests(requests int) {
	f.t.Helper()
	err := f.site.Until(testfleet.Patience(f.t), func(l *testsite.Log) bool { return len(l.Requests()) >= requests })
	if err != nil {
		f.t.Fatal(err)
	}
}

// items counts the items that were kept, by the URL of their page.
func (f *shopFleet) items() testfleet.Count {
	f.t.Helper()
	root, err := output.Open(f.t.Context(), f.Out)
	if err != nil {
		f.t.Fatal(err)
	}
	defer root.Close()
	in, n := root.In(f.job.Name), make(testfleet.Count)
	segments, err := in.Segments(f.t.Context(), "items")
	if err != nil {
		f.t.Fatal(err)
	}
	for _, segment := range segments {
		err := in.EachLine(f.t.Context(), segment, func(_ int64, line []byte) error {
			var item sink.ItemLine
			var title Title
			if err := json.Unmarshal(line, &item); err != nil {
				return err
			}
			if err := json.Unmarshal(item.Item, &title); err != nil {
				return err
			}
			if !strings.HasPrefix(title.Title, "Page ") || item.Job != f.job.Name {
				f.t.Errorf("%s has the item %q", segment, line)
			}
			n[item.URL]++
			return nil
		})
		if err != nil {
			f.t.Fatal(err)
		}
	}
	return n
}

// expected returns the pages that the handlers can process.
func (f *shopFleet) expected() map[string]bool {
	urls := f.graph.URLs(f.site)
	for u := range urls {
		if alwaysFails(u) {
			delete(urls, u)
		}
	}
	return urls
}

// trawl runs the command and returns its output.
func (f *shopFleet) trawl(args ...string) string {
	f.t.Helper()
	path, err := testfleet.Binary(false)
	if err != nil {
		f.t.Fatal(err)
	}
	cmd := exec.CommandContext(testfleet.Soon(f.t), path, append(args, "--redis", f.URL())...)
	output, err := cmd.CombinedOutput()
	if err != nil {
		f.t.Fatalf("trawl %s: %v\n%s", strings.Join(args, " "), err, output)
	}
	return string(output)
}

func TestNothingHandlersMadeIsLostWhicheverProcessIsKilled(t *testing.T) {
	t.Parallel()
	f := newShopFleet(t)
	f.handlerWorkers()
	first, second := f.Worker(), f.Worker()
	f.Create(f.job)
	f.waitForRequests(40)
	first.Kill()
	third := f.Worker()
	f.waitForRequests(110)
	second.Kill()
	f.Worker()
	counters := f.Done(f.job.Name)

	want := f.expected()
	items, asked := f.items(), testfleet.Asked(f.site)
	items.Expect(t, "items", want)
	for url, n := range items {
		if n > asked[url] {
			t.Errorf("%s has %d items and was requested %d times", url, n, asked[url])
		}
	}
	if failed := counters.Outcomes[crawler.OutcomeFailed]; failed != int64(f.graph.Hosts) ||
		counters.Pages() != int64(len(want)) {
		t.Errorf("%d pages, %d failed, want %d and %d", counters.Pages(), failed, len(want), f.graph.Hosts)
	}
	for url := range want {
		if again := strings.HasSuffix(url, "/page/6") || strings.HasSuffix(url, "/page/7"); again && asked[url] < 2 {
			t.Errorf("%s was requested once, although its handler failed", url)
		}
	}
	for _, r := range f.Export(f.job.Name) {
		switch {
		case r.Worker == "plain":
			t.Errorf("%s was fetched by the worker that has no handlers", r.URL)
		case alwaysFails(r.URL) && !strings.Contains(r.Error, "a handler panicked: too much"):
			t.Errorf("%s is %s: %q, want a handler's panic", r.URL, r.Outcome, r.Error)
		case r.Outcome == crawler.OutcomeFetched && len(r.Items) != 1:
			t.Errorf("the record of %s has %d items, want 1", r.URL, len(r.Items))
		}
	}
	if !third.Lives() {
		t.Error("a handler that panicked ended its worker")
	}
	t.Logf("%d visits broke; %d items are duplicates", counters.Broken, items.Again())
}

func TestPagesBecomeTasksOfTheProgram(t *testing.T) {
	t.Parallel()
	f := newShopFleet(t)
	f.handlerWorkers()
	doomed := f.Worker()
	f.Worker()
	f.Create(f.job)
	f.waitForRequests(60)
	doomed.Kill()

	seen := make(chan string, 1000)
	server := asynq.NewServer(f.asynq(), asynq.Config{Queues: map[string]int{"seen": 1},
		TaskCheckInterval: 20 * time.Millisecond, LogLevel: asynq.FatalLevel})
	err := server.Start(asynq.HandlerFunc(func(_ context.Context, task *asynq.Task) error {
		seen <- string(task.Payload())
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Shutdown)
	f.Done(f.job.Name)
	want := f.expected()
	got := make(testfleet.Count)
	for range want {
		select {
		case url := <-seen:
			got[url]++
		case <-testfleet.Patience(t).Done():
			t.Fatalf("%d tasks arrived, want %d", len(got), len(want))
		}
	}
	got.Expect(t, "tasks", want)
	if got.Again() > 0 || len(seen) > 0 {
		t.Errorf("%d tasks arrived again, although asynq kept them", got.Again()+len(seen))
	}

	_, dashboard := f.dashboard()
	queues := get(t, dashboard+"/asynq/api/queues")
	if !strings.Contains(queues, `"queue":"seen"`) {
		t.Errorf("asynq's web UI does not show the queue: %s", queues)
	}
	tasks := get(t, dashboard+"/asynq/api/queues/seen/completed_tasks?page=1&size=10")
	if !strings.Contains(tasks, `"type":"page:seen"`) || !strings.Contains(tasks, `"id":"moody-`) {
		t.Errorf("asynq's web UI does not show the tasks: %s", tasks)
	}
}

// asynq returns the options with which asynq connects to the fleet's Redis.
func (f *shopFleet) asynq() asynq.RedisConnOpt {
	f.t.Helper()
	opt, err := asynq.ParseRedisURI(f.URL())
	if err != nil {
		f.t.Fatal(err)
	}
	return opt
}

// dashboard starts the dashboard command.
func (f *shopFleet) dashboard() (*testfleet.Process, string) {
	f.Command = ""
	return f.Dashboard()
}

func get(t *testing.T, url string) string {
	t.Helper()
	answer, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestAJobWaitsForAWorkerThatHasItsHandlersAndSaysSo(t *testing.T) {
	t.Parallel()
	f := newShopFleet(t)
	f.Create(f.job)
	plain := trawl.NewJob("plain-job", f.job.Seeds...)
	plain.Delay = 0
	f.Create(plain)
	f.Done("plain-job") // the worker without handlers is running
	if output := f.trawl("job", "show", f.job.Name); !strings.Contains(output,
		"waits     no worker has all handlers of this job (moody)") {
		t.Errorf("trawl job show does not say which handlers the job waits for:\n%s", output)
	}
	if n := len(f.Kept(f.job.Name)); n != 0 {
		t.Errorf("a worker without its handlers kept %d pages of the job", n)
	}
	f.handlerWorkers()
	f.Worker()
	f.Done(f.job.Name)
	f.items().Expect(t, "items", f.expected())
	if output := f.trawl("job", "show", f.job.Name); strings.Contains(output, "waits  ") {
		t.Errorf("a finished job is shown as waiting:\n%s", output)
	}
}

func TestAWorkerWithHandlersEndsOnSIGTERMAndLeavesNothingBehind(t *testing.T) {
	t.Parallel()
	f := newShopFleet(t)
	f.handlerWorkers()
	w := f.Worker()
	f.Create(f.job)
	f.waitForRequests(30)
	testfleet.Within(t, "a worker that is terminated ends", w.Terminate(), 10*time.Second)
	counters, err := f.Client.Counters(t.Context(), f.job.Name)
	if err != nil || counters.Flight != 0 {
		t.Errorf("%d URLs are in flight (%v), want none", counters.Flight, err)
	}
	f.Worker()
	f.Done(f.job.Name)
	items := f.items()
	items.Expect(t, "items", f.expected())
	if items.Again() > 0 {
		t.Errorf("%d items are duplicates, although no worker was killed", items.Again())
	}
}
