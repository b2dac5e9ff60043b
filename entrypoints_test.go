package trawl_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl"
	"github.com/trawlcrawler/trawl/internal/localcrawl"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// A crawl in one process can be started in two ways: by the command and by the library. Each test
// below runs through both entry points, each in a process of its own.

// crawlRequestEnv names the environment variable that makes the test binary a program that calls
// Crawl. Its value is a crawlRequest in JSON.
const crawlRequestEnv = "TRAWL_TEST_CRAWL"

// crawlRequest says what to crawl, and how.
type crawlRequest struct {
	Job         trawl.Job
	Redis, Out  string
	Concurrency int
	Restart     bool
}

// Exit statuses of both entry points.
const (
	exitDone        = 0
	exitFailed      = 1
	exitInterrupted = 130
)

// runCrawl is a program that crawls and exits with the statuses of the command: for a job that is
// already done, it exits with exitDone.
func runCrawl(text string) int {
	var o crawlRequest
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return exitFailed
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	_, err := trawl.Crawl(ctx, o.Job, trawl.Config{Redis: o.Redis, Out: o.Out, Concurrency: o.Concurrency,
		Restart: o.Restart})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	switch {
	case err == nil, errors.Is(err, queue.ErrJobEnded):
		return exitDone
	case errors.Is(err, context.Canceled):
		return exitInterrupted
	}
	return exitFailed
}

// An entryPoint returns a command that carries out a crawlRequest.
type entryPoint func(t *testing.T, o crawlRequest) *exec.Cmd

var entryPoints = map[string]entryPoint{
	"the library": func(t *testing.T, o crawlRequest) *exec.Cmd {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(cmd.Environ(), crawlRequestEnv+"="+jsonOf(t, o))
		return cmd
	},
	"the command": func(t *testing.T, o crawlRequest) *exec.Cmd {
		path, err := testfleet.Binary(false)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "job.json") // JSON is valid YAML
		if err := os.WriteFile(file, []byte(jsonOf(t, o.Job)), 0o644); err != nil {
			t.Fatal(err)
		}
		args := []string{"crawl", "-f", file, "--out", filepath.Join(o.Out, o.Job.Name)}
		if o.Redis != "" {
			args = append(args, "--redis", o.Redis)
		}
		if o.Concurrency > 0 {
			args = append(args, "--concurrency", fmt.Sprint(o.Concurrency))
		}
		if o.Restart {
			args = append(args, "--restart")
		}
		return exec.Command(path, args...)
	},
}

func jsonOf(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// entryTest crawls a site through one entry point.
type entryTest struct {
	*localSite
	crawlRequest
	entryPoint entryPoint
	path       string // PATH of the process; "" means that of the test
}

// forEachEntryPoint runs a test through both entry points, each with a private Redis server.
func forEachEntryPoint(t *testing.T, pages pageMap, test func(t *testing.T, v *entryTest)) {
	t.Helper()
	for name := range entryPoints {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, newEntryTest(t, name, pages))
		})
	}
}

// forEachEntryPointAndRedis runs a test through both entry points, with a private and with a shared
// Redis.
func forEachEntryPointAndRedis(t *testing.T, pages pageMap, test func(t *testing.T, v *entryTest)) {
	t.Helper()
	forEachEntryPoint(t, pages, test)
	for name := range entryPoints {
		t.Run(name+", over a shared Redis", func(t *testing.T) {
			t.Parallel()
			v := newEntryTest(t, name, pages)
			v.Redis = v.cfg.Redis
			test(t, v)
		})
	}
}

func newEntryTest(t *testing.T, name string, pages pageMap) *entryTest {
	t.Helper()
	v := &entryTest{localSite: newLocalSite(t, pages, "/"), entryPoint: entryPoints[name]}
	v.crawlRequest = crawlRequest{Job: v.job, Out: v.cfg.Out}
	return v
}

// crawlProcess is a running crawl.
type crawlProcess struct {
	t      *testing.T
	cmd    *exec.Cmd
	output *testfleet.Transcript
	exited chan struct{}
}

// start starts the crawl.
func (v *entryTest) start() *crawlProcess {
	v.t.Helper()
	c := &crawlProcess{t: v.t, cmd: v.entryPoint(v.t, v.crawlRequest), output: testfleet.NewTranscript(),
		exited: make(chan struct{})}
	if v.path != "" {
		c.cmd.Env = append(c.cmd.Environ(), "PATH="+v.path)
	}
	c.cmd.Stdout, c.cmd.Stderr = c.output, c.output
	if err := c.cmd.Start(); err != nil {
		v.t.Fatal(err)
	}
	go func() {
		defer close(c.exited)
		_ = c.cmd.Wait()
	}()
	v.t.Cleanup(c.kill)
	return c
}

func (c *crawlProcess) kill() {
	_ = c.cmd.Process.Kill()
	<-c.exited
}

// wait waits for the process to exit with one of the statuses, and returns its output.
func (c *crawlProcess) wait(statuses ...int) string {
	c.t.Helper()
	select {
	case <-c.exited:
	case <-testfleet.Patience(c.t).Done():
		c.t.Fatalf("the crawl did not exit; its output is\n%s", c.output.Text())
	}
	if status := c.cmd.ProcessState.ExitCode(); !slices.Contains(statuses, status) {
		c.t.Fatalf("the crawl exits with %d, want %v; its output is\n%s", status, statuses, c.output.Text())
	}
	return c.output.Text()
}

// crawl runs the crawl until the job is done, and returns its output.
func (v *entryTest) crawl() string {
	v.t.Helper()
	return v.start().wait(exitDone)
}

// wantRefused checks that the crawl is refused with these reasons, and that no request is made.
func (v *entryTest) wantRefused(why ...string) {
	v.t.Helper()
	before := v.site.Len()
	output := v.start().wait(exitFailed, 2)
	for _, text := range why {
		if !strings.Contains(output, text) {
			v.t.Errorf("the output does not contain %q:\n%s", text, output)
		}
	}
	if n := v.site.Len() - before; n > 0 {
		v.t.Errorf("%d requests were made, want none", n)
	}
}

// interrupt runs the crawl until it requests the page at path, and interrupts it then.
func (v *entryTest) interrupt(path string) {
	v.t.Helper()
	reached, release := v.site.Hang(path)
	c := v.start()
	<-reached
	if err := c.cmd.Process.Signal(os.Interrupt); err != nil {
		v.t.Fatal(err)
	}
	release()
	c.wait(exitInterrupted, exitDone) // the page may have been the last one
}

// addSeeds adds seeds to the job.
func (v *entryTest) addSeeds(paths ...string) {
	for _, path := range paths {
		v.Job.Seeds = append(slices.Clone(v.Job.Seeds), v.site.URL(0, path))
	}
}

// wantPages checks that the output has exactly these pages, and that each was requested once.
func (v *entryTest) wantPages(paths ...string) {
	v.t.Helper()
	kept := v.records()
	for _, path := range paths {
		if kept[path].Status != http.StatusOK {
			v.t.Errorf("%s was not fetched", path)
		}
		if n := v.site.Count(path); n != 1 {
			v.t.Errorf("%s was requested %d times", path, n)
		}
	}
	if len(kept) != len(paths) {
		v.t.Errorf("%d pages were kept, want %d", len(kept), len(paths))
	}
}

// export returns the output of trawl export for a run.
func (v *entryTest) export(run string) string {
	v.t.Helper()
	path, err := testfleet.Binary(false)
	if err != nil {
		v.t.Fatal(err)
	}
	cmd := exec.CommandContext(testfleet.Patience(v.t), path, "export", v.Job.Name+run, "--out", v.Out)
	output := testfleet.NewTranscript()
	cmd.Stderr = output
	pages, err := cmd.Output()
	if err != nil {
		v.t.Fatalf("export %s: %v\n%s", run, err, output.Text())
	}
	return string(pages) + output.Text()
}

// note reads the note about the crawl in its output folder.
func (v *entryTest) note() *localcrawl.Note {
	v.t.Helper()
	note, err := localcrawl.ReadNote(filepath.Join(v.Out, v.Job.Name))
	if err != nil || note == nil {
		v.t.Fatalf("the folder has the note %v (%v)", note, err)
	}
	return note
}

func TestACrawlFetchesEachPageOnce(t *testing.T) {
	t.Parallel()
	forEachEntryPointAndRedis(t, pageMap{"/": `<a href="/a">x</a><a href="/b">x</a>`, "/a": `<a href="/b">x</a>`,
		"/b": "x"}, func(t *testing.T, v *entryTest) {
		v.crawl()
		v.wantPages("/", "/a", "/b")
		if n := v.note(); n.State != "done" || n.Pages != 3 || n.Job != v.Job.Name {
			t.Errorf("the note is %+v", n)
		}
	})
}

func TestACrawlGoesOnAfterAnInterruption(t *testing.T) {
	t.Parallel()
	forEachEntryPointAndRedis(t, pageMap{"/": `<a href="/a">x</a>`, "/a": `<a href="/b">x</a>`, "/b": "x"},
		func(t *testing.T, v *entryTest) {
			v.interrupt("/a")
			v.crawl()
			v.wantPages("/", "/a", "/b")
		})
}

func TestACrawlGoesOnThroughTheOtherDoor(t *testing.T) {
	t.Parallel()
	forEachEntryPoint(t, pageMap{"/": `<a href="/a">x</a>`, "/a": `<a href="/b">x</a>`, "/b": "x"},
		func(t *testing.T, v *entryTest) {
			v.interrupt("/a")
			for _, door := range entryPoints { // one of the two is the entry point under test
				v.entryPoint = door
				v.crawl()
			}
			v.wantPages("/", "/a", "/b")
		})
}

func TestSeedsThatAreAddedAfterAnInterruptionAreFetched(t *testing.T) {
	t.Parallel()
	forEachEntryPointAndRedis(t, pageMap{"/": "x", "/slow": "x", "/added": `<a href="/behind">x</a>`, "/behind": "x"},
		func(t *testing.T, v *entryTest) {
			v.addSeeds("/slow")
			v.interrupt("/slow")
			v.addSeeds("/added")
			v.crawl()
			v.wantPages("/", "/slow", "/added", "/behind")
		})
}

func TestAFinishedJobThatIsAskedAgainSaysSoAndFetchesNothing(t *testing.T) {
	t.Parallel()
	forEachEntryPointAndRedis(t, pageMap{"/": "x"}, func(t *testing.T, v *entryTest) {
		v.crawl()
		output := v.crawl()
		v.wantPages("/")
		for _, text := range []string{"finished at", filepath.Join(v.Out, v.Job.Name)} {
			if !strings.Contains(output, text) {
				t.Errorf("the output does not contain %q:\n%s", text, output)
			}
		}
	})
}

func TestAFinishedJobFetchesSeedsThatAreAdded(t *testing.T) {
	t.Parallel()
	forEachEntryPointAndRedis(t, pageMap{"/": "x", "/added": `<a href="/behind">x</a><a href="/">x</a>`,
		"/behind": "x"}, func(t *testing.T, v *entryTest) {
		v.crawl()
		v.addSeeds("/added")
		v.crawl()
		v.wantPages("/", "/added", "/behind")
	})
}

func TestAFinishedJobGoesOnWithALargerBudget(t *testing.T) {
	t.Parallel()
	forEachEntryPoint(t, pageMap{"/": `<a href="/a">x</a>`, "/a": `<a href="/b">x</a>`, "/b": "x"},
		func(t *testing.T, v *entryTest) {
			v.Job.Pages = 1
			v.crawl()
			v.wantPages("/")
			v.Job.Pages = 0
			v.crawl()
			v.wantPages("/", "/a", "/b")
		})
}

func TestResultsThatAreSetAsideAreThePreviousRunOfTheJob(t *testing.T) {
	t.Parallel()
	forEachEntryPointAndRedis(t, pageMap{"/": "x"}, func(t *testing.T, v *entryTest) {
		v.crawl()
		v.Restart = true
		v.crawl()
		for _, run := range []string{"@previous", "@latest"} {
			if n := strings.Count(v.export(run), "\n"); n != 1 {
				t.Errorf("export %s has %d pages, want one", run, n)
			}
		}
	})
}

func TestAKilledCrawlGoesOn(t *testing.T) {
	t.Parallel()
	forEachEntryPoint(t, pageMap{"/": `<a href="/a">x</a>`, "/a": `<a href="/b">x</a>`, "/b": "x"},
		func(t *testing.T, v *entryTest) {
			reached, release := v.site.Hang("/a")
			c := v.start()
			<-reached
			c.kill()
			release()
			v.crawl()
			if n := len(v.records()); n != 3 {
				t.Errorf("%d pages were kept, want 3", n)
			}
		})
}

func TestACrawlThatWasKilledBetweenItsEndAndItsFilesIsFinished(t *testing.T) {
	t.Parallel()
	forEachEntryPointAndRedis(t, pageMap{"/": "x"}, func(t *testing.T, v *entryTest) {
		v.Job.Format = []string{"jsonl", "jsonl.gz"}
		v.crawl()
		v.unfinish()
		output := v.crawl()
		v.wantPages("/")
		if v.note().State != "done" || len(v.files("*.open")) > 0 || len(v.files("*.jsonl.gz")) != 1 {
			t.Errorf("the note is %+v, open files are %v; the output is\n%s", v.note(), v.files("*.open"), output)
		}
		if !strings.Contains(v.crawl(), "finished at") {
			t.Error("the next crawl does not say that the job is done")
		}
	})
}

// files returns the output files that match a pattern.
func (v *entryTest) files(pattern string) []string {
	v.t.Helper()
	found, err := filepath.Glob(filepath.Join(v.Out, v.Job.Name, pattern))
	if err != nil {
		v.t.Fatal(err)
	}
	return found
}

// unfinish restores the folder to the state that a killed process leaves before its files are
// closed.
func (v *entryTest) unfinish() {
	v.t.Helper()
	note := v.note()
	note.State = "running"
	path := filepath.Join(v.Out, v.Job.Name, localcrawl.StateDir, "crawl.json")
	if err := os.WriteFile(path, []byte(jsonOf(v.t, note)), 0o644); err != nil {
		v.t.Fatal(err)
	}
	files := v.files("*.jsonl.gz")
	if len(files) != 1 {
		v.t.Fatalf("the files are %v, want one", files)
	}
	if err := os.Rename(files[0], files[0]+".open"); err != nil {
		v.t.Fatal(err)
	}
}

func TestACrawlBesideAWorkerSaysWherePagesAre(t *testing.T) {
	t.Parallel()
	pages := pageMap{"/": ""}
	for i := range 20 {
		pages["/"] += fmt.Sprintf("<a href=\"/%d\">x</a>", i)
		pages[fmt.Sprint("/", i)] = "x"
	}
	for name := range entryPoints {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := testfleet.New(t)
			f.Reach = "192.0.2.0/24" // matches no host, so the crawl itself must allow its hosts
			v := newEntryTest(t, name, pages)
			v.Redis, v.Concurrency = f.URL(), 1
			v.site = testsite.Serve(t, pages, pages, pages)
			v.Job.Seeds = nil
			for host := range v.site.Hosts() {
				v.Job.Seeds = append(v.Job.Seeds, v.site.URL(host, "/"))
			}
			reached, release := v.site.Hang("/")
			c := v.start() // visits one host at a time
			<-reached
			w := f.Worker()
			both := func(l *testsite.Log) bool { return l.Count("/") > 1 }
			if err := v.site.Until(testfleet.Patience(t), both); err != nil {
				t.Fatalf("%v\n%s", err, c.output.Text())
			}
			release()
			output, theirs := c.wait(exitDone), filepath.Join(f.Out, v.Job.Name)
			for what, output := range map[string]string{"the crawl": output, "export": v.export("")} {
				if !strings.Contains(output, w.Name) || !strings.Contains(output, theirs) {
					t.Errorf("%s does not say that worker %s keeps pages in %s:\n%s", what, w.Name, theirs, output)
				}
			}
		})
	}
}

func TestLinksOfSeedsThatAreAddedBesideAWorkerAreFollowed(t *testing.T) {
	t.Parallel()
	pages := pageMap{"/": `<a href="/a">x</a>`, "/a": "x"}
	for name := range entryPoints {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := testfleet.New(t)
			v := newEntryTest(t, name, pages)
			v.Redis, v.Concurrency = f.URL(), 1
			v.site = testsite.Serve(t, pages, pages, pages)
			v.Job.Seeds = []string{v.site.URL(0, "/")}
			w := f.Worker()
			reached, release := v.site.Hang("/")
			c := v.start()
			<-reached
			w.Says("now serving a job") // with the current scope
			if err := c.cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			release()
			c.wait(exitInterrupted, exitDone)
			v.Job.Seeds = append(v.Job.Seeds, v.site.URL(1, "/"), v.site.URL(2, "/"))
			_, release = v.site.Hang("/")
			c = v.start()
			three := func(l *testsite.Log) bool { return l.Count("/") >= 3 } // one of them is the worker's page
			if err := v.site.Until(testfleet.Patience(t), three); err != nil {
				t.Fatalf("%v\n%s", err, c.output.Text())
			}
			release()
			c.wait(exitDone)
			if n := v.site.Count("/a"); n != 3 {
				t.Errorf("the links of %d seeds were followed, want 3", n)
			}
		})
	}
}

func TestACrawlIsNotMixedWithAnother(t *testing.T) {
	t.Parallel()
	forEachEntryPoint(t, pageMap{"/": "x", "/other": "x"}, func(t *testing.T, v *entryTest) {
		reached, release := v.site.Hang("/")
		c := v.start()
		<-reached
		v.wantRefused("another trawl is writing to")
		release()
		c.wait(exitDone)
		for setting, change := range map[string]func(*trawl.Job){
			"depth":   func(j *trawl.Job) { j.Depth = 3 },
			"include": func(j *trawl.Job) { j.Include = []string{"/page"} },
			"seeds":   func(j *trawl.Job) { j.Seeds = []string{v.site.URL(0, "/other")} },
		} {
			was := v.Job
			change(&v.Job)
			v.wantRefused("begun with another "+setting, "to start over", "estart") // --restart, or Config.Restart
			v.Job = was
		}
		v.wantPages("/")
	})
}

func TestACrawlWhoseResultsAreElsewhereIsRefused(t *testing.T) {
	t.Parallel()
	for name := range entryPoints {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newEntryTest(t, name, pageMap{"/": "x"})
			v.Redis = v.cfg.Redis
			v.crawl()
			v.Out = t.TempDir()
			v.wantRefused("has a job", v.Job.Name, "its results are not in")
		})
	}
}

func TestAKilledCrawlGoesOnWithoutARedisServer(t *testing.T) {
	t.Parallel()
	forEachEntryPoint(t, pageMap{"/": `<a href="/a">x</a>`, "/a": "x"}, func(t *testing.T, v *entryTest) {
		v.path = t.TempDir() // no redis-server is in this folder
		reached, release := v.site.Hang("/a")
		c := v.start()
		<-reached
		c.kill()
		release()
		if was := v.note().Backend; was != localcrawl.InBuiltin {
			t.Errorf("the crawl is noted as %q, want %q", was, localcrawl.InBuiltin)
		}
		v.path = "" // a redis-server that is installed later does not have the crawl
		v.crawl()
		if kept := v.records(); len(kept) != 2 || kept["/a"].Status != http.StatusOK {
			t.Errorf("the pages kept are %v, want / and /a", kept)
		}
	})
}

// Versions before 0.2 had no log for the built-in Redis.
func TestACrawlThatWasInMemoryIsRefusedWithTheWayOut(t *testing.T) {
	t.Parallel()
	forEachEntryPoint(t, pageMap{"/": `<a href="/a">x</a>`, "/a": "x"}, func(t *testing.T, v *entryTest) {
		v.path = t.TempDir() // no redis-server is in this folder
		reached, release := v.site.Hang("/a")
		c := v.start()
		<-reached
		c.kill()
		release()
		note := v.note()
		note.Backend = localcrawl.InMemory
		state := filepath.Join(v.Out, v.Job.Name, localcrawl.StateDir)
		if err := os.WriteFile(filepath.Join(state, "crawl.json"), []byte(jsonOf(t, note)), 0o644); err != nil {
			t.Fatal(err)
		}
		if err := os.RemoveAll(filepath.Join(state, "redis")); err != nil {
			t.Fatal(err)
		}
		v.wantRefused("was interrupted", "was in memory and is gone", "estart")
		v.Restart = true
		v.crawl()
		if n := len(v.records()); n != 2 {
			t.Errorf("%d pages were kept, want 2", n)
		}
	})
}

func TestBadInputIsRefusedWithWhatIsWrong(t *testing.T) {
	t.Parallel()
	forEachEntryPoint(t, pageMap{"/": "x"}, func(t *testing.T, v *entryTest) {
		for why, change := range map[string]func(*crawlRequest){
			`epth: "-2" is out of range`: func(o *crawlRequest) { o.Job.Depth = -2 },
			`"nonsense"`:                 func(o *crawlRequest) { o.Redis = "nonsense" },
			`div[`:                       func(o *crawlRequest) { o.Job.Select = []string{"x=div["} },
			`"Bad Name"`:                 func(o *crawlRequest) { o.Job.Name = "Bad Name" },
			`nowhere`:                    func(o *crawlRequest) { o.Job.Seeds = []string{"nowhere"} },
			`seeds`:                      func(o *crawlRequest) { o.Job.Seeds = nil },
		} {
			was := v.crawlRequest
			change(&v.crawlRequest)
			v.wantRefused(why)
			v.crawlRequest = was
		}
		if left, err := os.ReadDir(v.Out); err != nil || len(left) > 0 {
			t.Errorf("%v were created (%v)", left, err)
		}
	})
}

// A program writes nothing to standard error but what its Config.Log writes there.
func TestLibrariesLogThroughTheLogOfTheProgramWhileRedisIsAway(t *testing.T) {
	t.Parallel()
	redis := redistest.Durable(t)
	v := newEntryTest(t, "the library", chain(30))
	v.Redis = "redis://" + redis.TCP + "/0"
	reached, release := v.site.Hang("/7")
	c := v.start()
	<-reached
	redis.Kill()
	for {
		changed := c.output.Changes()
		if strings.Contains(c.output.Text(), redis.TCP) {
			break
		}
		select {
		case <-changed:
		case <-testfleet.Patience(t).Done():
			t.Fatalf("the program does not say that Redis is away:\n%s", c.output.Text())
		}
	}
	release()
	if err := redis.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(c.wait(exitDone)) {
		if !strings.HasPrefix(line, "time=") || strings.Contains(line, "exhausted") {
			t.Errorf("a library wrote past Config.Log: %s", line)
		}
	}
}

func TestConfigLogReceivesWhatRedisLogs(t *testing.T) {
	t.Parallel()
	redis := redistest.Own(t)
	log := testfleet.NewTranscript()
	f, err := trawl.Open(t.Context(), trawl.Config{Redis: "redis://" + redis.TCP + "/0", Out: t.TempDir(),
		Log: slog.New(slog.NewTextHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	if err != nil {
		t.Fatal(err)
	}
	redis.Kill()
	for {
		changed := log.Changes()
		if strings.Contains(log.Text(), "level=DEBUG msg=redis message=") && strings.Contains(log.Text(), redis.TCP) {
			break
		}
		select {
		case <-changed:
		case <-testfleet.Patience(t).Done():
			t.Fatalf("the log has nothing of go-redis:\n%s", log.Text())
		}
	}
	if err := f.Shutdown(t.Context()); err != nil && !strings.Contains(err.Error(), redis.TCP) {
		t.Errorf("shut down without Redis: %v", err)
	}
}
