package trawl_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl"
	"github.com/trawlcrawler/trawl/internal/redisd"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
)

// errPlans is why contexts end in these tests.
var errPlans = errors.New("the program has other plans")

// over returns a context that has ended because of errPlans.
func over(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errPlans)
	return ctx
}

func TestAContextThatHasEndedIsTheErrorOfEachCall(t *testing.T) {
	t.Parallel()
	b := newLocalSite(t, pageMap{"/": "x"}, "/")
	shared := b.cfg
	b.cfg.Redis = ""
	f := b.open()
	held := b.job
	held.Seeds = nil
	run := b.start(f, held)
	b.waitUntilRunning(run)
	calls := map[string]func(ctx context.Context) error{
		"Open":                 func(ctx context.Context) error { _, err := trawl.Open(ctx, b.elsewhere()); return err },
		"Open on a shared one": func(ctx context.Context) error { _, err := trawl.Open(ctx, shared); return err },
		"Crawl": func(ctx context.Context) error {
			_, err := trawl.Crawl(ctx, b.job, b.elsewhere())
			return err
		},
		"Crawl on a shared one": func(ctx context.Context) error { _, err := trawl.Crawl(ctx, b.job, shared); return err },
		"Work":                  func(ctx context.Context) error { return trawl.Work(ctx, shared) },
		"Start":                 func(ctx context.Context) error { _, err := f.Start(ctx, b.job); return err },
		"Job":                   func(ctx context.Context) error { _, err := f.Job(ctx, held.Name); return err },
		"Wait":                  func(ctx context.Context) error { _, err := run.Wait(ctx); return err },
		"Pause":                 run.Pause,
		"Seed":                  func(ctx context.Context) error { _, err := run.Seed(ctx, "http://a.test/"); return err },
	}
	for call, do := range calls {
		if err := do(over(t)); !errors.Is(err, context.Canceled) || !errors.Is(err, errPlans) {
			t.Errorf("%s returns %v, want an error that wraps the context's and its cause", call, err)
		}
	}
	if stats, err := run.Wait(over(t)); stats.State != trawl.StateRunning {
		t.Errorf("the numbers that come with %v say that the job is %q", err, stats.State)
	}
}

// waitUntilRunning waits until a scheduler has begun the job.
func (b *localSite) waitUntilRunning(run *trawl.Run) {
	b.t.Helper()
	for event := range run.Events(testfleet.Soon(b.t)) {
		if event.Stats.State == trawl.StateRunning {
			return
		}
	}
	b.t.Fatalf("job %s never ran", run.Name())
}

// elsewhere returns the configuration with another folder, and a Redis of its own.
func (b *localSite) elsewhere() trawl.Config {
	cfg := b.cfg
	cfg.Redis, cfg.Out = "", b.t.TempDir()
	return cfg
}

func TestHandlersThatAreMissingAreATypedError(t *testing.T) {
	t.Parallel()
	b := newLocalSite(t, pageMap{"/": "x"}, "/")
	b.job.Handlers = []string{"shop"}
	if _, err := trawl.Crawl(testfleet.Patience(t), b.job, b.cfg, trawl.NewHandlers("other")); !errors.Is(err,
		trawl.ErrNoHandlers) || !strings.Contains(err.Error(), "shop") {
		t.Errorf("Crawl returns %v", err)
	}
	lacking := b.job
	lacking.Name = "lacking"
	h := trawl.NewHandlers("first")
	h.OnPage("", func(_ context.Context, p *trawl.Page) error { return p.CreateJob(lacking) })
	b.job.Handlers, b.cfg.Redis = []string{"first"}, ""
	stats, err := trawl.Crawl(testfleet.Patience(t), b.job, b.cfg, h)
	if !errors.Is(err, trawl.ErrNoHandlers) || !strings.Contains(err.Error(), "shop") || stats.Pages() != 1 {
		t.Errorf("Crawl, whose handler creates a job that lacks its own, returns %v after %d pages", err, stats.Pages())
	}
}

func TestANameThatIsInUseIsATypedError(t *testing.T) {
	t.Parallel()
	b := newLocalSite(t, pageMap{"/": "x"}, "/")
	b.crawl()
	elsewhere := b.cfg
	elsewhere.Out = t.TempDir()
	if _, err := trawl.Crawl(testfleet.Patience(t), b.job, elsewhere); !errors.Is(err, trawl.ErrJobExists) {
		t.Errorf("Crawl into another folder returns %v", err)
	}
	if _, err := trawl.Crawl(testfleet.Patience(t), b.job, b.cfg); !errors.Is(err, trawl.ErrJobEnded) {
		t.Errorf("Crawl of a job that is done returns %v", err)
	}
	client, err := trawl.Connect(t.Context(), b.cfg.Redis)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.Create(t.Context(), b.job); !errors.Is(err, trawl.ErrJobExists) {
		t.Errorf("Create returns %v", err)
	}
}

func TestAFolderThatAnotherProcessHasIsATypedError(t *testing.T) {
	t.Parallel()
	b := newLocalSite(t, pageMap{"/": "x"}, "/")
	b.open()
	if _, err := trawl.Open(testfleet.Patience(t), b.cfg); !errors.Is(err, trawl.ErrFolderInUse) {
		t.Errorf("Open returns %v", err)
	}
}

// redisServer returns the process ID of the private redis-server whose files are in a folder.
func redisServer(t *testing.T, dir string) *os.Process {
	t.Helper()
	if _, ok := redisd.Find(); !ok {
		t.Skip("no redis-server on PATH")
	}
	text, err := os.ReadFile(filepath.Join(dir, ".trawl", "redis", "redis.addr"))
	if err != nil {
		t.Fatal(err)
	}
	var at struct{ PID int }
	if err := json.Unmarshal(text, &at); err != nil || at.PID == 0 {
		t.Fatalf("no process ID in %s (%v)", text, err)
	}
	process, err := os.FindProcess(at.PID)
	if err != nil {
		t.Fatal(err)
	}
	return process
}

// middle returns handlers that call do on the third page, and hold it until that returns.
func middle(do func()) *trawl.Handlers {
	var pages atomic.Int64
	h := trawl.NewHandlers("middle")
	h.OnPage("", func(context.Context, *trawl.Page) error {
		if pages.Add(1) == 3 {
			do()
		}
		return nil
	})
	return h
}

func TestAPrivateRedisThatDiesIsATypedErrorWithTheNumbers(t *testing.T) {
	t.Parallel()
	b := newLocalSite(t, chain(30), "/")
	b.cfg.Redis = ""
	dir := filepath.Join(b.cfg.Out, b.job.Name)
	kill := func(dir string) func() {
		return func() {
			if err := redisServer(t, dir).Kill(); err != nil {
				t.Error(err)
			}
		}
	}
	stats, err := trawl.Crawl(testfleet.Patience(t), b.job, b.cfg, middle(kill(dir)))
	if !errors.Is(err, trawl.ErrRedisLost) || !strings.Contains(err.Error(), "the same call resumes the crawl") {
		t.Errorf("Crawl returns %v", err)
	}
	if stats.State.Ended() { // the last look may have been before it was running
		t.Errorf("the numbers say that the job is %q", stats.State)
	}
	if stats, err = trawl.Crawl(testfleet.Patience(t), b.job, b.cfg, trawl.NewHandlers("middle")); err != nil ||
		stats.Pages() != 30 {
		t.Errorf("the next call returns %v with %d pages", err, stats.Pages())
	}

	b.job.Name = "another"
	f, err := trawl.Open(testfleet.Patience(t), b.cfg, middle(kill(b.cfg.Out)))
	if err != nil {
		t.Fatal(err)
	}
	stats, err = b.start(f, b.job).Wait(testfleet.Patience(t))
	if !errors.Is(err, trawl.ErrRedisLost) || !errors.Is(err, trawl.ErrFleetClosed) || stats.State.Ended() {
		t.Errorf("Wait returns %v, with numbers of a job that is %q", err, stats.State)
	}
	if err := f.Shutdown(testfleet.Patience(t)); !errors.Is(err, trawl.ErrRedisLost) {
		t.Errorf("Shutdown returns %v", err)
	}
	f = b.open(trawl.NewHandlers("middle"))
	run, err := f.Job(t.Context(), b.job.Name)
	if err != nil {
		t.Fatal(err)
	}
	if stats := b.wait(run); stats.Pages() != 30 {
		t.Errorf("opened again, the job has %d pages", stats.Pages())
	}
}

func TestASharedRedisThatDiesIsWaitedForAndNumbersComeWithTheError(t *testing.T) {
	t.Parallel()
	node := redistest.Durable(t)
	b := newLocalSite(t, chain(30), "/")
	b.cfg.Redis, b.cfg.AllowPrivate = "redis://"+node.TCP, true
	dead := make(chan struct{})
	f, err := trawl.Open(testfleet.Patience(t), b.cfg, middle(func() { node.Kill(); close(dead) }))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.shutDown(f) })
	run := b.start(f, b.job)
	<-dead
	if stats, err := run.Wait(over(t)); !errors.Is(err, errPlans) || !errors.Is(err, trawl.ErrUnavailable) ||
		stats.State.Ended() {
		t.Errorf("Wait returns %v, with numbers of a job that is %q", err, stats.State)
	}
	if _, err := f.Start(testfleet.Patience(t), trawl.NewJob("another")); !errors.Is(err, trawl.ErrUnavailable) {
		t.Errorf("Start returns %v", err)
	}
	if err := run.Pause(testfleet.Patience(t)); !errors.Is(err, trawl.ErrUnavailable) {
		t.Errorf("Pause returns %v", err)
	}
	if err := node.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if stats := b.wait(run); stats.Pages() != 30 {
		t.Errorf("when Redis is back, the job has %d pages", stats.Pages())
	}
}

func TestRecordsAreReadFromABucket(t *testing.T) {
	t.Parallel()
	b := newLocalSite(t, chain(5), "/")
	b.cfg.Redis, b.cfg.AllowPrivate, b.cfg.Spool = "redis://"+redistest.Own(t).TCP, true, t.TempDir()
	b.cfg.Out = "file://" + t.TempDir()
	b.job.Format = []string{"jsonl.gz"}
	f, err := trawl.Open(testfleet.Patience(t), b.cfg)
	if err != nil {
		t.Fatal(err)
	}
	run := b.start(f, b.job)
	if stats := b.wait(run); stats.Pages() != 5 {
		t.Errorf("%d pages", stats.Pages())
	}
	b.shutDown(f)
	var got []string
	for record, err := range run.Records(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, strings.TrimPrefix(record.URL, b.site.URL(0, "")))
	}
	slices.Sort(got)
	if want := "[/ /0 /1 /2 /3]"; fmt.Sprint(got) != want {
		t.Errorf("records %v, want %s", got, want)
	}
	b.cfg.Redis = ""
	if _, err := trawl.Open(testfleet.Patience(t), b.cfg); err == nil || !strings.Contains(err.Error(), "is a bucket") {
		t.Errorf("Open without a Redis returns %v", err)
	}
	for record, err := range run.Records(over(t)) {
		if !errors.Is(err, errPlans) || record.URL != "" {
			t.Errorf("records with a context that has ended: %v", err)
		}
	}
}

func TestSecretsOfTwoFleetsOnOneRedisStayInTheirProcesses(t *testing.T) {
	t.Parallel()
	node := redistest.Own(t)
	var mu sync.Mutex
	sent := make(map[string][]string) // by job: the secrets of its requests
	site := func(job string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			sent[job] = append(sent[job], r.Header.Get("X-Key")+r.Header.Get("Cookie")+r.Header.Get("Authorization"))
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, `<a href="/next">next</a>`)
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	sites := map[string]string{"ann": site("ann"), "bob": site("bob")}
	var everywhere []string
	for _, url := range sites {
		everywhere = append(everywhere, url)
	}
	fleets := make(map[string]*trawl.Fleet)
	for name := range sites {
		b := newLocalSite(t, nil)
		b.cfg.Redis, b.cfg.AllowPrivate, b.cfg.Name = "redis://"+node.TCP, true, name
		b.cfg.Access = []trawl.AccessRule{{
			Hosts: everywhere, Header: http.Header{"X-Key": {"key-hunter2-" + name}},
			Cookies: []*http.Cookie{{Name: "session", Value: "cookie-hunter2-" + name}},
			User:    name, Password: "password-hunter2",
		}}
		f, err := trawl.Open(testfleet.Patience(t), b.cfg)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { b.shutDown(f) })
		fleets[name] = f
	}
	runs := make(map[string]*trawl.Run)
	for name, f := range fleets {
		job := trawl.NewJob(name, sites[name])
		job.Delay = 0
		run, err := f.Start(testfleet.Patience(t), job)
		if err != nil {
			t.Fatal(err)
		}
		runs[name] = run
	}
	for name, run := range runs {
		if stats, err := run.Wait(testfleet.Patience(t)); err != nil || stats.Pages() != 2 {
			t.Errorf("job %s: %d pages (%v)", name, stats.Pages(), err)
		}
		other := map[string]string{"ann": "bob", "bob": "ann"}[name]
		mu.Lock()
		for _, secrets := range sent[name] {
			if !strings.Contains(secrets, "key-hunter2-"+name) || !strings.Contains(secrets, "cookie-hunter2-"+name) ||
				strings.Contains(secrets, "-"+other) {
				t.Errorf("a request of job %s has the secrets %q", name, secrets)
			}
		}
		mu.Unlock()
	}
	for key, value := range everything(t, node.TCP) {
		if strings.Contains(value, "hunter2") {
			t.Errorf("the key %s has a secret", key)
		}
	}
}

// everything returns what a Redis holds, by key.
func everything(t *testing.T, address string) map[string]string {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: address})
	defer client.Close()
	keys, err := client.Keys(t.Context(), "*").Result()
	if err != nil || len(keys) == 0 {
		t.Fatalf("%d keys (%v)", len(keys), err)
	}
	if err := client.ConfigSet(t.Context(), "rdbcompression", "no").Err(); err != nil {
		t.Fatal(err)
	}
	all := make(map[string]string, len(keys))
	for _, key := range keys {
		all[key] = fmt.Sprint(client.Dump(t.Context(), key).Val(), client.Get(t.Context(), key).Val(),
			client.HGetAll(t.Context(), key).Val(), client.LRange(t.Context(), key, 0, -1).Val())
	}
	return all
}
