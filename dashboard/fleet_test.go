package dashboard_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/dashboard"
	"github.com/trawlcrawler/trawl/internal/frontier"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/redisconn"
	"github.com/trawlcrawler/trawl/internal/redisd"
	"github.com/trawlcrawler/trawl/internal/test/testbrowser"
	"github.com/trawlcrawler/trawl/internal/waiting"
	"github.com/trawlcrawler/trawl/tasks"
)

// realFleet is a dashboard of a fleet in a redis-server of its own, which the test can stop.
type realFleet struct {
	t      testing.TB
	dir    string
	server atomic.Pointer[redisd.Server]
	store  *frontier.Store
	client *tasks.Client
	url    string
	info   func(section string) string // what Redis says about itself
	eval   func(script, key string, args ...any) error
}

func newRealFleet(t testing.TB) *realFleet {
	t.Helper()
	if _, ok := redisd.Find(); !ok {
		t.Skip("no redis-server or valkey-server on PATH: install redis-server")
	}
	f := &realFleet{t: t, dir: filepath.Join(t.TempDir(), "redis")}
	f.start()
	endpoint, err := redisconn.ParseEndpoint("redis://" + f.forward())
	f.must(err)
	rdb := endpoint.Client()
	f.store = frontier.New(rdb)
	f.info = func(section string) string { return rdb.Info(t.Context(), section).Val() }
	f.eval = func(script, key string, args ...any) error {
		return rdb.Eval(t.Context(), script, []string{key}, args...).Err()
	}
	f.client = tasks.NewClient(f.store, endpoint)
	d, err := dashboard.New(f.client, dashboard.Config{Asynq: endpoint})
	f.must(err)
	listener := httptest.NewServer(d.Handler())
	f.url = listener.URL
	t.Cleanup(func() {
		f.must(listener.Config.Shutdown(context.WithoutCancel(t.Context()))) // ends the streams of a browser
		listener.Close()
		for _, close := range []func() error{d.Close, f.client.Close, rdb.Close, f.stop} {
			if err := close(); err != nil {
				t.Errorf("close: %v", err)
			}
		}
	})
	return f
}

// forward returns an address that leads to the redis-server, which has another socket after
// each start. Between two starts it closes connections.
func (f *realFleet) forward() string {
	f.t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	f.must(err)
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { f.join(conn) })
		}
	})
	f.t.Cleanup(func() {
		if err := listener.Close(); err != nil {
			f.t.Errorf("close: %v", err)
		}
		serving.Wait()
	})
	return listener.Addr().String()
}

// join connects a client with the redis-server until one of them closes.
func (f *realFleet) join(client net.Conn) {
	defer client.Close()
	network, address := f.server.Load().Addr()
	server, err := net.Dial(network, address)
	if err != nil {
		return
	}
	defer server.Close()
	done := make(chan struct{}, 2)
	for _, pair := range [][2]net.Conn{{client, server}, {server, client}} {
		go func() {
			_, _ = io.Copy(pair[0], pair[1]) // ends when one of them is closed
			done <- struct{}{}
		}()
	}
	<-done
	client.Close()
	server.Close()
	<-done
}

func (f *realFleet) must(err error) {
	f.t.Helper()
	if err != nil {
		f.t.Fatal(err)
	}
}

// start starts the redis-server, with the data that it had when it was stopped.
func (f *realFleet) start() {
	f.t.Helper()
	server, err := redisd.Start(context.WithoutCancel(f.t.Context()), redisd.Config{Dir: f.dir, Persist: true})
	f.must(err)
	f.server.Store(server)
}

func (f *realFleet) stop() error { return f.server.Load().Stop(context.WithoutCancel(f.t.Context())) }

// run adds a running job with seeds, a worker that serves it, and what its scheduler records.
func (f *realFleet) run(name string, seeds ...string) {
	f.t.Helper()
	ctx := f.t.Context()
	job := crawler.DefaultJob()
	job.Name = name
	f.must(f.client.Create(ctx, job))
	if _, err := f.store.Move(ctx, name, crawler.StateRunning, "", crawler.StateCreated); err != nil {
		f.t.Fatal(err)
	}
	_, err := f.client.SeedClosed(ctx, name, func(yield func(string, error) bool) {
		for _, seed := range seeds {
			if !yield(seed, nil) {
				return
			}
		}
	}, func(crawler.Seeding) {})
	f.must(err)
	f.must(f.say(name))
	f.must(f.store.Record(ctx, name, crawler.Counters{}))
	f.must(f.store.Keep(ctx, name, queue.Kept{Worker: "w<script>", Machine: "vm", Where: "/data/out"}))
}

// say announces a worker that serves a job.
func (f *realFleet) say(job string) error {
	ctx := f.t.Context()
	err := f.store.Appear(ctx, waiting.Process{Kind: waiting.KindWorker, ID: "1", Name: "w<script>", Version: "v9"}, 0)
	if err != nil {
		return err
	}
	_, err = f.store.ShareLoad(ctx,
		frontier.WorkerLoad{Worker: "w<script>#x", Places: 8, Taken: 3, Jobs: []string{job}}, 0)
	return err
}

// keepSaying announces the worker until the end of the test, because a silent one counts as gone.
func (f *realFleet) keepSaying(job string) {
	var saying sync.WaitGroup
	saying.Go(func() {
		tick := time.NewTicker(time.Second)
		defer tick.Stop()
		for {
			select {
			case <-f.t.Context().Done():
				return
			case <-tick.C:
				_ = f.say(job) // fails at the end of the test
			}
		}
	})
	f.t.Cleanup(saying.Wait)
}

func (f *realFleet) state(job string) crawler.State {
	f.t.Helper()
	status, err := f.client.Status(f.t.Context(), job)
	f.must(err)
	return status.State
}

func TestARealJobIsControlledInABrowser(t *testing.T) {
	t.Parallel()
	b, f := testbrowser.New(t), newRealFleet(t)
	f.run("news", "http://a.test/1", "http://a.test/2", "http://b.test/1")
	f.keepSaying("news")
	b.Open(f.url+"/", "#job-news")
	b.Until(`["w<script>", "3 of 8", "v9"].every(s => document.getElementById("workers").innerText.includes(s))`)
	b.Until(`document.getElementById("redis").innerText.includes("master")`)
	b.Follow("#job-news", "#do-pause")
	b.Follow("#do-pause", "#do-resume")
	if state := f.state("news"); state != crawler.StatePaused {
		t.Fatalf("after Pause, the job is %s", state)
	}
	b.Follow("#do-resume", "#do-pause")
	if state := f.state("news"); state != crawler.StateRunning {
		t.Fatalf("after Resume, the job is %s", state)
	}
	b.Follow("#to-seed", "#urls")
	b.Do(chromedp.SendKeys(chromedp.CSS("#urls"), "http://c.test/1\nhttp://a.test/1"))
	b.Follow("#add", ".notice")
	notice := testbrowser.Ask[string](b, `document.querySelector(".notice").innerText`)
	if notice != "1 URL was added, 1 was known already." {
		t.Errorf("after seeds were added, the page says %q", notice)
	}
	b.Open(f.url+"/jobs/news/hosts", "#hosts table")
	b.Follow(`#hosts a[href="/jobs/news/hosts/a.test"]`, "#urls table")
	text := testbrowser.Ask[string](b, `document.querySelector("main").innerText`)
	if !all(text, "http://a.test/1", "http://a.test/2") {
		t.Errorf("the page of a host says %q", text)
	}
	b.Open(f.url+"/jobs/news/settings", "#set-delay")
	b.Do(chromedp.SendKeys(chromedp.CSS("#set-pages"), "7"))
	b.Follow("#save", ".notice")
	b.Follow("#to-cancel", "#confirm")
	b.Follow("#confirm", ".notice")
	if state := f.state("news"); state != crawler.StateCancelled {
		t.Errorf("after Cancel, the job is %s", state)
	}
	b.Sound()
	b.Calm(f.url)
}

func all(text string, parts ...string) bool {
	for _, part := range parts {
		if !strings.Contains(text, part) {
			return false
		}
	}
	return true
}

func TestAPageSurvivesThatItsRedisRestarts(t *testing.T) {
	t.Parallel()
	b, f := testbrowser.New(t), newRealFleet(t)
	f.run("news", "http://a.test/1")
	b.Open(f.url+"/jobs/news", "#numbers dl")
	f.must(f.stop())
	b.Wait("#connection")
	text := testbrowser.Ask[string](b, `document.getElementById("connection").innerText`)
	if !strings.Contains(text, "retries by itself") {
		t.Errorf("without Redis, the page says %q", text)
	}
	f.start()
	b.Do(chromedp.WaitNotVisible(chromedp.CSS("#connection")))
	b.Calm(f.url)
}

// commands returns how many commands Redis has processed, those of scripts included.
func (f *realFleet) commands() (n int) {
	f.t.Helper()
	_, text, found := strings.Cut(f.info("stats"), "total_commands_processed:")
	if _, err := fmt.Sscan(text, &n); err != nil || !found {
		f.t.Fatalf("Redis does not count its commands: %v", err)
	}
	return n
}

// cost returns how many commands a request takes. It repeats requests that a busy machine does not
// answer in time.
func (f *realFleet) cost(path string) int {
	f.t.Helper()
	for {
		before := f.commands()
		response, err := http.Get(f.url + path)
		f.must(err)
		f.must(response.Body.Close())
		switch response.StatusCode {
		case http.StatusOK:
			return f.commands() - before
		case http.StatusServiceUnavailable:
		default:
			f.t.Fatalf("%s: status %d", path, response.StatusCode)
		}
	}
}

// Several people press the same button at the same moment: the job is paused once, and each of them
// reads either that it is, or that it was already.
func TestPeopleWhoPauseAtOncePauseOnce(t *testing.T) {
	t.Parallel()
	f := newRealFleet(t)
	f.run("news", "http://a.test/1")
	status, err := f.client.Status(t.Context(), "news")
	f.must(err)
	form := url.Values{"created": {fmt.Sprint(status.Created.UnixMilli())}, "state": {"running"}}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	const people = 8
	got := make(chan int, people)
	for range people {
		go func() {
			response, err := client.PostForm(f.url+"/jobs/news/pause", form)
			if err != nil {
				t.Error(err)
				got <- 0
				return
			}
			response.Body.Close()
			got <- response.StatusCode
		}()
	}
	paused := 0
	for range people {
		switch status := <-got; status {
		case http.StatusSeeOther:
			paused++
		case http.StatusConflict: // its page was old
		default:
			t.Errorf("one who presses pause gets %d", status)
		}
	}
	events, err := f.store.Events(t.Context(), "news")
	f.must(err)
	n := 0
	for _, e := range events {
		if e.Name == crawler.EventPaused {
			n++
		}
	}
	if status, err = f.client.Status(t.Context(), "news"); err != nil || status.State != crawler.StatePaused ||
		paused == 0 || n != 1 {
		t.Errorf("the job is %s (%v), %d were told that they paused it, and it has %d events", status.State, err, paused, n)
	}
}
