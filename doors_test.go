package trawl_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl"
	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/localcrawl"
	"github.com/trawlcrawler/trawl/internal/testfleet"
	"github.com/trawlcrawler/trawl/internal/testsite"
)

// There are two doors to a crawl in one process, the command and the library. Each sentence
// about such a crawl is tested through both, in processes of their own.

// crawlOrder in the environment makes the test binary a program that calls Crawl with the
// order that it holds.
const crawlOrder = "TRAWL_TEST_CRAWL"

// order is what to crawl, and how.
type order struct {
	Job         trawl.Job
	Redis, Out  string
	Concurrency int
	Restart     bool
}

// Exit statuses of both doors.
const (
	isDone        = 0
	isFailed      = 1
	isInterrupted = 130
)

// beCrawl is a program that crawls, and ends as the command would: of a job that is done, it
// says so.
func beCrawl(text string) int {
	var o order
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return isFailed
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	_, err := trawl.Crawl(ctx, o.Job, trawl.Config{Redis: o.Redis, Out: o.Out, Concurrency: o.Concurrency, Restart: o.Restart})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	switch {
	case err == nil, errors.Is(err, crawler.ErrJobEnded):
		return isDone
	case errors.Is(err, context.Canceled):
		return isInterrupted
	}
	return isFailed
}

// door makes a command that carries out an order.
type door func(t *testing.T, o order) *exec.Cmd

var doors = map[string]door{
	"the library": func(t *testing.T, o order) *exec.Cmd {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(cmd.Environ(), crawlOrder+"="+jsonOf(t, o))
		return cmd
	},
	"the command": func(t *testing.T, o order) *exec.Cmd {
		path, err := testfleet.Binary(false)
		if err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(t.TempDir(), "job.json") // which is YAML, too
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

// visitor is who crawls a site through a door.
type visitor struct {
	*workbench
	order
	door door
	path string // PATH of the process; "" for that of the test
}

// through runs a story through both doors, over private Redis servers.
func through(t *testing.T, pages web, story func(t *testing.T, v *visitor)) {
	t.Helper()
	for name := range doors {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			story(t, newVisitor(t, name, pages))
		})
	}
}

// throughBoth runs a story through both doors, over a private Redis and over a shared one.
func throughBoth(t *testing.T, pages web, story func(t *testing.T, v *visitor)) {
	t.Helper()
	through(t, pages, story)
	for name := range doors {
		t.Run(name+", over a shared Redis", func(t *testing.T) {
			t.Parallel()
			v := newVisitor(t, name, pages)
			v.Redis = v.cfg.Redis
			story(t, v)
		})
	}
}

func newVisitor(t *testing.T, name string, pages web) *visitor {
	t.Helper()
	v := &visitor{workbench: newWorkbench(t, pages, "/"), door: doors[name]}
	v.order = order{Job: v.job, Out: v.cfg.Out}
	return v
}

// crawling is a process that crawls.
type crawling struct {
	t    *testing.T
	cmd  *exec.Cmd
	said *testfleet.Transcript
	over chan struct{}
}

// start begins the crawl.
func (v *visitor) start() *crawling {
	v.t.Helper()
	c := &crawling{t: v.t, cmd: v.door(v.t, v.order), said: testfleet.NewTranscript(), over: make(chan struct{})}
	if v.path != "" {
		c.cmd.Env = append(c.cmd.Environ(), "PATH="+v.path)
	}
	c.cmd.Stdout, c.cmd.Stderr = c.said, c.said
	if err := c.cmd.Start(); err != nil {
		v.t.Fatal(err)
	}
	go func() {
		defer close(c.over)
		_ = c.cmd.Wait()
	}()
	v.t.Cleanup(c.kill)
	return c
}

func (c *crawling) kill() {
	_ = c.cmd.Process.Kill()
	<-c.over
}

// ends waits for the end, which has one of the exit statuses, and returns what was said.
func (c *crawling) ends(statuses ...int) string {
	c.t.Helper()
	select {
	case <-c.over:
	case <-testfleet.Patience(c.t).Done():
		c.t.Fatalf("the crawl does not end; it said\n%s", c.said.Text())
	}
	if status := c.cmd.ProcessState.ExitCode(); !slices.Contains(statuses, status) {
		c.t.Fatalf("the crawl exits with %d, want %v; it said\n%s", status, statuses, c.said.Text())
	}
	return c.said.Text()
}

// crawl crawls to the end of the job.
func (v *visitor) crawl() string {
	v.t.Helper()
	return v.start().ends(isDone)
}

// refused crawls what is refused, and names why. Nothing is asked for.
func (v *visitor) refused(why ...string) {
	v.t.Helper()
	before := v.site.Len()
	said := v.start().ends(isFailed, 2)
	for _, text := range why {
		if !strings.Contains(said, text) {
			v.t.Errorf("it does not say %q, but\n%s", text, said)
		}
	}
	if n := v.site.Len() - before; n > 0 {
		v.t.Errorf("%d requests were made, want none", n)
	}
}

// interrupt crawls until a page is asked for, and interrupts the crawl there.
func (v *visitor) interrupt(path string) {
	v.t.Helper()
	reached, release := v.site.Hang(path)
	c := v.start()
	<-reached
	if err := c.cmd.Process.Signal(os.Interrupt); err != nil {
		v.t.Fatal(err)
	}
	release()
	c.ends(isInterrupted, isDone) // it may have been the last page
}

// seed adds seeds to the job.
func (v *visitor) seed(paths ...string) {
	for _, path := range paths {
		v.Job.Seeds = append(slices.Clone(v.Job.Seeds), v.site.URL(0, path))
	}
}

// has checks that these pages are in the output, and that each was asked for once.
func (v *visitor) has(paths ...string) {
	v.t.Helper()
	kept := v.records()
	for _, path := range paths {
		if kept[path].Status != http.StatusOK {
			v.t.Errorf("%s was not fetched", path)
		}
		if n := v.site.Count(path); n != 1 {
			v.t.Errorf("%s was asked for %d times", path, n)
		}
	}
	if len(kept) != len(paths) {
		v.t.Errorf("%d pages were kept, want %d", len(kept), len(paths))
	}
}

// export reads the output of a run as trawl export does.
func (v *visitor) export(run string) string {
	v.t.Helper()
	path, err := testfleet.Binary(false)
	if err != nil {
		v.t.Fatal(err)
	}
	cmd := exec.CommandContext(testfleet.Patience(v.t), path, "export", v.Job.Name+run, "--out", v.Out)
	said := testfleet.NewTranscript()
	cmd.Stderr = said
	pages, err := cmd.Output()
	if err != nil {
		v.t.Fatalf("export %s: %v\n%s", run, err, said.Text())
	}
	return string(pages) + said.Text()
}

// note reads what the folder says of the crawl.
func (v *visitor) note() *localcrawl.Note {
	v.t.Helper()
	note, err := localcrawl.ReadNote(filepath.Join(v.Out, v.Job.Name))
	if err != nil || note == nil {
		v.t.Fatalf("the folder has the note %v (%v)", note, err)
	}
	return note
}

func TestACrawlFetchesEachPageOnce(t *testing.T) {
	t.Parallel()
	throughBoth(t, web{"/": `<a href="/a">x</a><a href="/b">x</a>`, "/a": `<a href="/b">x</a>`, "/b": "x"}, func(t *testing.T, v *visitor) {
		v.crawl()
		v.has("/", "/a", "/b")
		if n := v.note(); n.State != "done" || n.Pages != 3 || n.Job != v.Job.Name {
			t.Errorf("the folder says %+v", n)
		}
	})
}

func TestACrawlGoesOnAfterAnInterruption(t *testing.T) {
	t.Parallel()
	throughBoth(t, web{"/": `<a href="/a">x</a>`, "/a": `<a href="/b">x</a>`, "/b": "x"}, func(t *testing.T, v *visitor) {
		v.interrupt("/a")
		v.crawl()
		v.has("/", "/a", "/b")
	})
}

func TestACrawlGoesOnThroughTheOtherDoor(t *testing.T) {
	t.Parallel()
	through(t, web{"/": `<a href="/a">x</a>`, "/a": `<a href="/b">x</a>`, "/b": "x"}, func(t *testing.T, v *visitor) {
		v.interrupt("/a")
		for _, door := range doors { // one of which is the other
			v.door = door
			v.crawl()
		}
		v.has("/", "/a", "/b")
	})
}

func TestSeedsThatAreAddedAfterAnInterruptionAreFetched(t *testing.T) {
	t.Parallel()
	throughBoth(t, web{"/": "x", "/slow": "x", "/added": `<a href="/behind">x</a>`, "/behind": "x"}, func(t *testing.T, v *visitor) {
		v.seed("/slow")
		v.interrupt("/slow")
		v.seed("/added")
		v.crawl()
		v.has("/", "/slow", "/added", "/behind")
	})
}

func TestAFinishedJobThatIsAskedAgainSaysSoAndFetchesNothing(t *testing.T) {
	t.Parallel()
	throughBoth(t, web{"/": "x"}, func(t *testing.T, v *visitor) {
		v.crawl()
		said := v.crawl()
		v.has("/")
		for _, text := range []string{"is done since", filepath.Join(v.Out, v.Job.Name)} {
			if !strings.Contains(said, text) {
				t.Errorf("it does not say %q, but\n%s", text, said)
			}
		}
	})
}

func TestAFinishedJobFetchesSeedsThatAreAdded(t *testing.T) {
	t.Parallel()
	throughBoth(t, web{"/": "x", "/added": `<a href="/behind">x</a><a href="/">x</a>`, "/behind": "x"}, func(t *testing.T, v *visitor) {
		v.crawl()
		v.seed("/added")
		v.crawl()
		v.has("/", "/added", "/behind")
	})
}

func TestAFinishedJobGoesOnWithALargerBudget(t *testing.T) {
	t.Parallel()
	through(t, web{"/": `<a href="/a">x</a>`, "/a": `<a href="/b">x</a>`, "/b": "x"}, func(t *testing.T, v *visitor) {
		v.Job.Pages = 1
		v.crawl()
		v.has("/")
		v.Job.Pages = 0
		v.crawl()
		v.has("/", "/a", "/b")
	})
}

func TestResultsThatAreSetAsideAreThePreviousRunOfTheJob(t *testing.T) {
	t.Parallel()
	throughBoth(t, web{"/": "x"}, func(t *testing.T, v *visitor) {
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
	through(t, web{"/": `<a href="/a">x</a>`, "/a": `<a href="/b">x</a>`, "/b": "x"}, func(t *testing.T, v *visitor) {
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
	throughBoth(t, web{"/": "x"}, func(t *testing.T, v *visitor) {
		v.Job.Format = []string{"jsonl", "jsonl.gz"}
		v.crawl()
		v.unfinish()
		said := v.crawl()
		v.has("/")
		if v.note().State != "done" || len(v.files("*.open")) > 0 || len(v.files("*.jsonl.gz")) != 1 {
			t.Errorf("the folder says %+v, %v are open; it said\n%s", v.note(), v.files("*.open"), said)
		}
		if !strings.Contains(v.crawl(), "is done since") {
			t.Error("the call after that does not say that the job is done")
		}
	})
}

// files are those of the output that match a pattern.
func (v *visitor) files(pattern string) []string {
	v.t.Helper()
	found, err := filepath.Glob(filepath.Join(v.Out, v.Job.Name, pattern))
	if err != nil {
		v.t.Fatal(err)
	}
	return found
}

// unfinish puts the folder back to how a process leaves it that is killed before its files are
// closed.
func (v *visitor) unfinish() {
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
	pages := web{"/": ""}
	for i := range 20 {
		pages["/"] += fmt.Sprintf("<a href=\"/%d\">x</a>", i)
		pages[fmt.Sprint("/", i)] = "x"
	}
	for name := range doors {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := testfleet.New(t)
			f.Reach = "192.0.2.0/24" // which is nowhere: the crawl opens its hosts to the worker
			v := newVisitor(t, name, pages)
			v.Redis, v.Concurrency = f.URL(), 1
			v.site = testsite.Serve(t, pages, pages, pages)
			v.Job.Seeds = nil
			for host := range v.site.Hosts() {
				v.Job.Seeds = append(v.Job.Seeds, v.site.URL(host, "/"))
			}
			reached, release := v.site.Hang("/")
			c := v.start() // which visits one host at a time
			<-reached
			w := f.Worker()
			both := func(l *testsite.Log) bool { return l.Count("/") > 1 }
			if err := v.site.Until(testfleet.Patience(t), both); err != nil {
				t.Fatalf("%v\n%s", err, c.said.Text())
			}
			release()
			said, theirs := c.ends(isDone), filepath.Join(f.Out, v.Job.Name)
			for what, said := range map[string]string{"the crawl": said, "export": v.export("")} {
				if !strings.Contains(said, w.Name) || !strings.Contains(said, theirs) {
					t.Errorf("%s does not say that worker %s keeps pages in %s:\n%s", what, w.Name, theirs, said)
				}
			}
		})
	}
}

func TestLinksOfSeedsThatAreAddedBesideAWorkerAreFollowed(t *testing.T) {
	t.Parallel()
	pages := web{"/": `<a href="/a">x</a>`, "/a": "x"}
	for name := range doors {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := testfleet.New(t)
			v := newVisitor(t, name, pages)
			v.Redis, v.Concurrency = f.URL(), 1
			v.site = testsite.Serve(t, pages, pages, pages)
			v.Job.Seeds = []string{v.site.URL(0, "/")}
			w := f.Worker()
			reached, release := v.site.Hang("/")
			c := v.start()
			<-reached
			w.Says("takes up a job") // with the scope that it has now
			if err := c.cmd.Process.Signal(os.Interrupt); err != nil {
				t.Fatal(err)
			}
			release()
			c.ends(isInterrupted, isDone)
			v.Job.Seeds = append(v.Job.Seeds, v.site.URL(1, "/"), v.site.URL(2, "/"))
			_, release = v.site.Hang("/")
			c = v.start()
			three := func(l *testsite.Log) bool { return l.Count("/") >= 3 } // one of these is the worker's
			if err := v.site.Until(testfleet.Patience(t), three); err != nil {
				t.Fatalf("%v\n%s", err, c.said.Text())
			}
			release()
			c.ends(isDone)
			if n := v.site.Count("/a"); n != 3 {
				t.Errorf("the links of %d seeds were followed, want 3", n)
			}
		})
	}
}

func TestACrawlIsNotMixedWithAnother(t *testing.T) {
	t.Parallel()
	through(t, web{"/": "x", "/other": "x"}, func(t *testing.T, v *visitor) {
		reached, release := v.site.Hang("/")
		c := v.start()
		<-reached
		v.refused("another trawl is writing to")
		release()
		c.ends(isDone)
		for setting, change := range map[string]func(*trawl.Job){
			"depth":   func(j *trawl.Job) { j.Depth = 3 },
			"include": func(j *trawl.Job) { j.Include = []string{"/page"} },
			"seeds":   func(j *trawl.Job) { j.Seeds = []string{v.site.URL(0, "/other")} },
		} {
			was := v.Job
			change(&v.Job)
			v.refused("begun with another "+setting, "to begin anew", "estart") // --restart, or Config.Restart
			v.Job = was
		}
		v.has("/")
	})
}

func TestACrawlWhoseResultsAreElsewhereIsRefused(t *testing.T) {
	t.Parallel()
	for name := range doors {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newVisitor(t, name, web{"/": "x"})
			v.Redis = v.cfg.Redis
			v.crawl()
			v.Out = t.TempDir()
			v.refused("has a job", v.Job.Name, "its results are not in")
		})
	}
}

func TestACrawlThatWasInMemoryIsRefusedWithTheWayOut(t *testing.T) {
	t.Parallel()
	through(t, web{"/": `<a href="/a">x</a>`, "/a": "x"}, func(t *testing.T, v *visitor) {
		v.path = t.TempDir() // where no redis-server is
		reached, release := v.site.Hang("/a")
		c := v.start()
		<-reached
		c.kill()
		release()
		v.refused("was interrupted", "was in memory and is gone", "estart")
		v.Restart = true
		v.crawl()
		if n := len(v.records()); n != 2 {
			t.Errorf("%d pages were kept, want 2", n)
		}
	})
}

func TestBadInputIsRefusedWithWhatIsWrong(t *testing.T) {
	t.Parallel()
	through(t, web{"/": "x"}, func(t *testing.T, v *visitor) {
		for why, change := range map[string]func(*order){
			`depth: "-2" is out of range`: func(o *order) { o.Job.Depth = -2 },
			`"nonsense"`:                  func(o *order) { o.Redis = "nonsense" },
			`div[`:                        func(o *order) { o.Job.Select = []string{"x=div["} },
			`"Bad Name"`:                  func(o *order) { o.Job.Name = "Bad Name" },
			`nowhere`:                     func(o *order) { o.Job.Seeds = []string{"nowhere"} },
			`seeds`:                       func(o *order) { o.Job.Seeds = nil },
		} {
			was := v.order
			change(&v.order)
			v.refused(why)
			v.order = was
		}
		if left, err := os.ReadDir(v.Out); err != nil || len(left) > 0 {
			t.Errorf("%v were made (%v)", left, err)
		}
	})
}
