package main_test

import (
	"context"
	"encoding/json"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// shownFleet is a fleet with a job that is held by its site, until release is called, and with
// a job that waits for seeds.
func shownFleet(t *testing.T) (ft *fleetTest, release func()) {
	t.Helper()
	g := testsite.Graph{Hosts: 3, PagesPerHost: 6, LinksPerPage: 5}
	site := g.Serve(t)
	_, release = site.Hang("/page/4")
	t.Cleanup(release)
	site.Handle("/lost", http.NotFoundHandler())
	ft = newFleetTest(t)
	ft.set("TERM", "xterm")
	ft.set("NO_COLOR", "")
	ft.Scheduler()
	ft.Worker("--concurrency", "7")
	job := jobOf(t, g, site)
	job.Name, job.Timeout = "news", 10*time.Minute // the site holds responses
	job.Seeds = append(job.Seeds, site.URL(0, "/lost"))
	ft.Create(job)
	waiting := crawler.DefaultJob()
	waiting.Name = "waiting"
	ft.Create(waiting)
	waitForSite(t, site, func(l *testsite.Log) bool { return l.Count("/page/4") == 3 && l.Count("/lost") == 1 })
	return ft, release
}

// wantUsual waits until a terminal is as it was before a command that has ended: it shows no page,
// and what is typed. What the command wrote last may still have to be read.
func (s *screen) wantUsual() {
	s.t.Helper()
	s.waitUntil("the terminal shows no page", func() bool { return !s.isFull() })
	s.control(func(fd int) error {
		mode, err := unix.IoctlGetTermios(fd, unix.TCGETS)
		if err == nil && (mode.Lflag&unix.ECHO == 0 || mode.Lflag&unix.ISIG == 0) {
			s.t.Error("the terminal still does not show what is typed")
		}
		return err
	})
}

func TestTopShowsAFleetAndItsJobsOnATerminal(t *testing.T) {
	t.Parallel()
	ft, _ := shownFleet(t)
	s := newScreen(t, 80, 24)
	p := s.start(ft.shell, "top")
	s.waitFor("fleet", "2 of 2 jobs running", "1 worker, 3 of 7 places", "1 scheduler", "Redis ", "commands/s",
		"JOB", "STATE", "news", "running", "waiting", "WORKER", "worker-")
	s.types("?")
	s.waitFor("move the cursor", "any key goes back")
	s.types(" ssss")
	s.waitFor("sorted by errors")
	s.types("s\x1b[B\x1b[B\x1b[A\x1bOA\r") // the job with the cursor is the first, whichever that is
	s.waitFor("q back", "state", "outcomes")
	s.types("\x1b")
	s.waitFor("sorted by rate", "WORKER")
	s.types("q")
	p.waitSoon().exits(done)
	s.wantUsual()
	if !s.hasColours() {
		t.Error("the terminal shows no colours")
	}
}

func TestTheJobOnATerminalIsPausedAfterAQuestion(t *testing.T) {
	t.Parallel()
	ft, _ := shownFleet(t)
	s := newScreen(t, 100, 40)
	p := s.start(ft.shell, "job", "watch", "news")
	s.waitFor("news  running", "speed", "pages/s", "in flight", "outcomes", "1 gone", "HOST", "WAITING", "q quit")
	s.types("p")
	s.waitFor("pause job news? (y/n)")
	s.types("n")
	s.waitFor("did not pause job news", "news  running")
	s.types("py")
	s.waitFor("job news: paused")
	ft.waitForState("news", crawler.StatePaused)
	s.waitFor("news  paused")
	s.types("py")
	ft.waitForState("news", crawler.StateRunning)
	s.waitFor("news  running")
	s.types("q")
	p.waitSoon().exits(done, "job news goes on")
	s.wantUsual()
}

func TestAPageFitsATerminalThatIsResized(t *testing.T) {
	t.Parallel()
	ft, _ := shownFleet(t)
	s := newScreen(t, 160, 40)
	p := s.start(ft.shell, "top")
	s.waitFor("IN FLIGHT", "VERSION", "s sort")
	s.resize(44, 12)
	s.waitFor("news", "waiting", "WORKER", "q quit")
	if shown := s.text(); strings.Contains(shown, "IN FLIGHT") {
		t.Errorf("a narrow terminal shows\n%s", shown)
	}
	s.resize(10, 3) // nothing to read there, but nothing breaks
	s.waitUntil("there is a page", func() bool { return strings.TrimSpace(s.text()) != "" })
	s.resize(160, 40)
	s.waitFor("IN FLIGHT", "VERSION", "s sort")
	p.signal(syscall.SIGTERM)
	p.waitSoon().exits(interrupted)
	s.wantUsual()
}

func TestWatchOnATerminalEndsWithItsJob(t *testing.T) {
	t.Parallel()
	ft, release := shownFleet(t)
	s := newScreen(t, 80, 50)
	p := s.start(ft.shell, "job", "watch", "news")
	s.waitFor("news  running", "q quit")
	release()
	p.waitSoon().exits(done)
	s.waitFor("news", "done", "18 fetched, 1 gone") // what trawl job show prints
	s.wantUsual()
	watch := s.start(ft.shell, "job", "watch", "waiting")
	s.waitFor("waiting  running", "q quit")
	s.types("\x03")
	watch.waitSoon().exits(interrupted)
	s.wantUsual()
}

func TestNoColoursAreShownWithNO_COLOR(t *testing.T) {
	t.Parallel()
	ft, _ := shownFleet(t)
	ft.set("NO_COLOR", "1")
	s := newScreen(t, 80, 24)
	p := s.start(ft.shell, "top")
	s.waitFor("news", "waiting", "WORKER")
	s.types("q")
	p.waitSoon().exits(done)
	if s.hasColours() {
		t.Error("the terminal shows colours")
	}
}

func TestTopPrintsLinesOrJSONWhereThereIsNoTerminal(t *testing.T) {
	t.Parallel()
	ft, _ := shownFleet(t)
	parts := []string{"  fleet  2 of 2 jobs running, ", "1 worker, 3 of 7 places\n", "  news  running  ", " pages/s  ",
		" in flight  3 hosts  1 error", "  waiting  running  "}
	ft.waitUntil("the worker has reported its visits, and the lines have all", func(context.Context) bool {
		return containsAll(ft.run("top", "--once").exits(done).stdout, parts)
	})
	var shown struct {
		Jobs []struct {
			Name     string
			State    crawler.State
			Counters crawler.Counters
		}
		Total   int
		Workers []struct {
			Name          string
			Places, Taken int
		}
		Schedulers []struct{ Name string }
		Redis      struct{ Version string }
	}
	ft.runJSON(&shown, "top", "--once")
	if len(shown.Jobs) != 2 || shown.Total != 2 || len(shown.Workers) != 1 || shown.Workers[0].Places != 7 ||
		shown.Workers[0].Taken != 3 || len(shown.Schedulers) != 1 || shown.Redis.Version == "" {
		t.Errorf("the fleet is %+v", shown)
	}
	ft.set("TERM", "dumb")
	s := newScreen(t, 200, 24)
	p := s.start(ft.shell, "top", "--every", "100ms")
	s.waitUntil("there are lines about two looks", func() bool { return strings.Count(s.text(), "  fleet  ") >= 2 })
	p.signal(os.Interrupt)
	p.waitSoon().exits(interrupted, "interrupted")
	ft.run("top", "--every", "-1s").exits(usage, "every", "-1s")
}

func TestWatchPrintsAnObjectPerLineWithJSON(t *testing.T) {
	t.Parallel()
	ft, release := shownFleet(t)
	p := ft.start("job", "watch", "news", "--json")
	p.waitForPrinted(`"state":"running"`)
	release()
	end := p.waitSoon().exits(done)
	var states []string
	for line := range strings.Lines(end.stdout) {
		var shown struct {
			Name     string
			State    string
			Counters crawler.Counters
		}
		if err := json.Unmarshal([]byte(line), &shown); err != nil || shown.Name != "news" {
			t.Errorf("%v in the line %s", err, line)
		}
		states = append(states, shown.State)
	}
	if len(states) < 2 || states[0] != "running" || states[len(states)-1] != "done" {
		t.Errorf("the states are %q", states)
	}
}

func TestTailFitsEachRecordIntoALineOfTheTerminal(t *testing.T) {
	t.Parallel()
	ft, release := shownFleet(t)
	release()
	ft.Done("news")
	s := newScreen(t, 80, 40)
	s.start(ft.shell, "tail", "news", "--all").waitSoon().exits(done)
	s.waitUntil("there are 19 records", func() bool {
		return strings.Count(s.text(), " fetched ")+strings.Count(s.text(), " gone ") == 19
	})
	if !s.hasColours() {
		t.Error("the terminal shows no colours")
	}
}
