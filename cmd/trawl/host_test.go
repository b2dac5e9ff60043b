package main_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// hostJSON has the fields of a host in --json that the tests check.
type hostJSON struct {
	Host, State string
	Rules       struct {
		Paused bool
		Delay  *string
		Pages  int64
	}
	Pages, Waiting      int64
	ConsecutiveFailures int64 `json:"strikes"`
	DueMS               int64 `json:"due_ms"`
}

// gaps returns the times between the starts of requests to a host after a given time.
func gaps(site *testsite.Site, host string, after time.Time) (all []time.Duration) {
	var last time.Time
	for _, r := range site.ByHost()[host] {
		if !last.IsZero() && last.After(after) {
			all = append(all, r.Start.Sub(last))
		}
		last = r.Start
	}
	return all
}

// A visit applies changed rules of its host within seconds: it renews its lease every two, and
// takes URLs for one second. Even on a slow machine, the hosts have more pages than are fetched
// before the commands are done. When both rules have taken effect, the rest is fetched fast.
func TestHostsAreSlowedAndPausedWhileTheJobRuns(t *testing.T) {
	t.Parallel()
	const pages = 900
	g := testsite.Graph{Hosts: 3, PagesPerHost: pages, LinksPerPage: 6}
	site := g.Serve(t)
	slowed, paused, free := site.Hosts()[0], site.Hosts()[1], site.Hosts()[2]
	ft := newFleetTest(t)
	ft.Scheduler()
	ft.Worker()
	job := jobOf(t, g, site)
	job.Delay, job.Throttle = 200*time.Millisecond, 0
	ft.Create(job)
	waitForSite(t, site, func(l *testsite.Log) bool {
		by := l.ByHost()
		return len(by[slowed]) > 3 && len(by[paused]) > 3
	})

	const delay = 700 * time.Millisecond
	end := ft.run("host", "set", job.Name, slowed, "--delay", delay.String()).exits(done)
	set := time.Now()
	if !strings.Contains(end.stdout, slowed) || !strings.Contains(end.stdout, "700ms") {
		t.Errorf("the host is shown as\n%s", end.stdout)
	}
	ft.set("TRAWL_DELAY", "9s") // for crawls only: host set ignores it
	var shown hostJSON
	ft.runJSON(&shown, "host", "set", job.Name, "http://"+paused+"/any/page", "--pause")
	start := time.Now()
	if shown.Host != paused || !shown.Rules.Paused || shown.Rules.Delay != nil {
		t.Errorf("the host that was paused is shown as %+v", shown)
	}

	ft.waitUntil("the last three gaps of the slowed host are its new delay", func(context.Context) bool {
		all := gaps(site, slowed, set)
		return len(all) > 3 && min(all[len(all)-1], all[len(all)-2], all[len(all)-3]) >= delay
	})
	ft.waitUntil("the paused host receives no requests", func(context.Context) bool {
		all := site.ByHost()[paused]
		return time.Since(all[len(all)-1].Start) > reactionTime
	})
	requests := site.ByHost()[paused]
	testfleet.Within(t, "after its pause the last request of a host", max(0, requests[len(requests)-1].Start.Sub(start)),
		5*time.Second)

	ft.run("job", "set", job.Name, "delay=1ms").exits(done)
	ft.run("host", "set", job.Name, slowed, "--delay", "job").exits(done)
	waitForSite(t, site, func(l *testsite.Log) bool {
		by := l.ByHost()
		return len(by[slowed]) == pages+1 && len(by[free]) == pages+1 // and robots.txt
	})
	ft.waitUntil("nothing but the paused host waits", func(ctx context.Context) bool {
		numbers, err := ft.Client.Counters(ctx, job.Name)
		return err == nil && numbers.Due == 1 && numbers.Out()+numbers.Flight == 0 && numbers.Waiting > 0
	})
	if status, err := ft.Client.Status(t.Context(), job.Name); err != nil || status.State != crawler.StateRunning {
		t.Errorf("while a host is paused its job is %s (%v)", status.State, err)
	}
	if n := len(site.ByHost()[paused]); n > pages {
		t.Error("all pages of a paused host were fetched")
	}
	if end := ft.run("host", "ls", job.Name).exits(done); !strings.Contains(end.stdout, paused) ||
		!strings.Contains(end.stdout, "paused") || strings.Contains(end.stdout, free) {
		t.Errorf("the hosts are\n%s", end.stdout)
	}
	ft.run("host", "set", job.Name, paused, "--resume").exits(done)
	if numbers := ft.Done(job.Name); numbers.Pages() != 3*pages {
		t.Errorf("%d pages are fetched, want %d", numbers.Pages(), 3*pages)
	}
	var none []hostJSON
	if ft.runJSON(&none, "host", "ls", job.Name); none == nil || len(none) > 0 {
		t.Errorf("hosts of a finished job wait: %+v", none)
	}
	ft.runJSON(&shown, "host", "show", job.Name, paused)
	if shown.Pages != pages || shown.State != "idle" || shown.Rules.Paused {
		t.Errorf("a host that is done is shown as %+v", shown)
	}
}

func TestAHostHasABudget(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 2, PagesPerHost: 12, LinksPerPage: 4}
	site := g.Serve(t)
	ft := newFleetTest(t)
	job := jobOf(t, g, site)
	seeds := job.Seeds
	job.Seeds = nil
	ft.Create(job)
	ft.run(append([]string{"seed", job.Name}, seeds...)...).exits(done)
	var shown hostJSON
	ft.runJSON(&shown, "host", "set", job.Name, site.Hosts()[0], "--budget", "5")
	if shown.Rules.Pages != 5 || shown.State != "due" || shown.Waiting != 1 {
		t.Errorf("the host is shown as %+v", shown)
	}
	ft.Scheduler()
	ft.Worker()
	ft.Done(job.Name)
	for i, want := range []int{5, 12} {
		if n := len(site.ByHost()[site.Hosts()[i]]) - 1; n != want {
			t.Errorf("host %d received %d page requests, want %d", i, n, want)
		}
	}
}

func TestARestingHostCanBeRetried(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 1, PagesPerHost: 4, LinksPerPage: 3}
	site := g.Serve(t)
	site.Robots("")
	site.Handle("/", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3600")
		http.Error(w, "busy", http.StatusServiceUnavailable)
	}))
	ft := newFleetTest(t)
	ft.Scheduler()
	ft.Worker()
	job := jobOf(t, g, site)
	ft.Create(job)
	waitForSite(t, site, func(l *testsite.Log) bool { return l.Count("/") == 1 })
	var shown hostJSON
	ft.waitUntil("the host rests", func(context.Context) bool {
		ft.runJSON(&shown, "host", "show", job.Name, site.Hosts()[0])
		return shown.ConsecutiveFailures > 0 && shown.State == "due"
	})
	if shown.DueMS < 3_000_000 {
		t.Errorf("a host with a Retry-After of an hour is due in %d ms", shown.DueMS)
	}
	site.Handle("/", htmlPage("<a href=/page/1>")) // the server has recovered
	ft.runJSON(&shown, "host", "set", job.Name, site.Hosts()[0], "--retry")
	if shown.DueMS > 1000 || shown.ConsecutiveFailures > 0 {
		t.Errorf("after --retry, the host is shown as %+v", shown)
	}
	if numbers := ft.Done(job.Name); numbers.Pages() < 2 {
		t.Errorf("%d pages are fetched", numbers.Pages())
	}
}

func TestInvalidHostCommandsAreRefused(t *testing.T) {
	t.Parallel()
	ft := newFleetTest(t)
	job := crawler.DefaultJob()
	job.Name = "news"
	ft.Create(job)
	ft.run("seed", "news", "http://a.example/").exits(done)
	for command, saying := range map[string]string{
		"host ls":                                      "accepts 1 arg",
		"host ls news --limit 0":                       "limit",
		"host show news":                               "accepts 2 arg",
		"host show news b.example":                     "no URL of this host",
		"host set news b.example --pause":              "no URL of this host",
		"host show news a:b:c":                         `"a:b:c" is not a host`,
		"host set news a.example":                      "at least one of the flags",
		"host set news a.example --pause --resume":     "pause resume",
		"host set news a.example --delay soon":         `"soon"`,
		"host set news a.example --delay=-1s":          "-1s",
		"host set news a.example --delay 5":            `"5"`,
		"host set news a.example --budget=-1":          "budget: -1",
		"host set news a.example --budget many":        `"many"`,
		"host set news --pause":                        "accepts 2 arg",
		"host set olds a.example --pause --redis x://": "redis",
	} {
		t.Run(command, func(t *testing.T) {
			s := *ft.shell
			s.t = t
			s.run(strings.Fields(command)...).exits(usage, saying)
		})
	}
	var shown hostJSON
	ft.runJSON(&shown, "host", "show", "news", "A.example")
	if shown.Rules.Paused || shown.Rules.Delay != nil || shown.Rules.Pages != 0 {
		t.Errorf("refused commands leave %+v", shown.Rules)
	}
}
