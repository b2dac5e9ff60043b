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

// hostShown is what --json shows of a host, as far as tests look at it.
type hostShown struct {
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

// gaps are the times between the starts of requests to a host after a moment.
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

// A visit takes up what is decided about its host within seconds: it renews
// every two, and has taken URLs for a second. The hosts have more pages than are
// fetched before the commands are done, on a slow machine too; once both are obeyed,
// the rest is fetched fast.
func TestHostsAreSlowedAndPausedWhileTheJobRuns(t *testing.T) {
	t.Parallel()
	const pages = 900
	g := testsite.Graph{Hosts: 3, PagesPerHost: pages, LinksPerPage: 6}
	site := g.Serve(t)
	slowed, paused, free := site.Hosts()[0], site.Hosts()[1], site.Hosts()[2]
	o := newOffice(t)
	o.Scheduler()
	o.Worker()
	job := jobOf(t, g, site)
	job.Delay, job.Throttle = crawler.Duration(200*time.Millisecond), 0
	o.Create(job)
	until(t, site, func(l *testsite.Log) bool { by := l.ByHost(); return len(by[slowed]) > 3 && len(by[paused]) > 3 })

	const delay = 700 * time.Millisecond
	end := o.run("host", "set", job.Name, slowed, "--delay", delay.String()).exits(done)
	set := time.Now()
	if !strings.Contains(end.stdout, slowed) || !strings.Contains(end.stdout, "700ms") {
		t.Errorf("the host is shown as\n%s", end.stdout)
	}
	o.set("TRAWL_DELAY", "9s") // a setting of crawls
	var shown hostShown
	o.answer(&shown, "host", "set", job.Name, "http://"+paused+"/any/page", "--pause")
	told := time.Now()
	if shown.Host != paused || !shown.Rules.Paused || shown.Rules.Delay != nil {
		t.Errorf("the host that was paused is shown as %+v", shown)
	}

	o.until("the slowed host is asked three times at its new delay", func(context.Context) bool {
		all := gaps(site, slowed, set)
		return len(all) > 3 && min(all[len(all)-1], all[len(all)-2], all[len(all)-3]) >= delay
	})
	o.until("the paused host is left alone", func(context.Context) bool {
		all := site.ByHost()[paused]
		return time.Since(all[len(all)-1].Start) > promptly
	})
	requests := site.ByHost()[paused]
	testfleet.Within(t, "after its pause the last request of a host", max(0, requests[len(requests)-1].Start.Sub(told)),
		5*time.Second)

	o.run("job", "set", job.Name, "delay=1ms").exits(done)
	o.run("host", "set", job.Name, slowed, "--delay", "job").exits(done)
	until(t, site, func(l *testsite.Log) bool {
		by := l.ByHost()
		return len(by[slowed]) == pages+1 && len(by[free]) == pages+1 // and robots.txt
	})
	o.until("nothing but the paused host waits", func(ctx context.Context) bool {
		numbers, err := o.Client.Counters(ctx, job.Name)
		return err == nil && numbers.Due == 1 && numbers.Out()+numbers.Flight == 0 && numbers.Waiting > 0
	})
	if status, err := o.Client.Status(t.Context(), job.Name); err != nil || status.State != crawler.StateRunning {
		t.Errorf("while a host is paused its job is %s (%v)", status.State, err)
	}
	if n := len(site.ByHost()[paused]); n > pages {
		t.Error("a host that was paused was fetched to its end")
	}
	if end := o.run("host", "ls", job.Name).exits(done); !strings.Contains(end.stdout, paused) ||
		!strings.Contains(end.stdout, "paused") || strings.Contains(end.stdout, free) {
		t.Errorf("the hosts are\n%s", end.stdout)
	}
	o.run("host", "set", job.Name, paused, "--resume").exits(done)
	if numbers := o.Done(job.Name); numbers.Pages() != 3*pages {
		t.Errorf("%d pages are fetched, want %d", numbers.Pages(), 3*pages)
	}
	var none []hostShown
	if o.answer(&none, "host", "ls", job.Name); none == nil || len(none) > 0 {
		t.Errorf("of a job that is done hosts wait: %+v", none)
	}
	o.answer(&shown, "host", "show", job.Name, paused)
	if shown.Pages != pages || shown.State != "idle" || shown.Rules.Paused {
		t.Errorf("a host that is done is shown as %+v", shown)
	}
}

func TestAHostHasABudget(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 2, PagesPerHost: 12, LinksPerPage: 4}
	site := g.Serve(t)
	o := newOffice(t)
	job := jobOf(t, g, site)
	seeds := job.Seeds
	job.Seeds = nil
	o.Create(job)
	o.run(append([]string{"seed", job.Name}, seeds...)...).exits(done)
	var shown hostShown
	o.answer(&shown, "host", "set", job.Name, site.Hosts()[0], "--budget", "5")
	if shown.Rules.Pages != 5 || shown.State != "due" || shown.Waiting != 1 {
		t.Errorf("the host is shown as %+v", shown)
	}
	o.Scheduler()
	o.Worker()
	o.Done(job.Name)
	for i, want := range []int{5, 12} {
		if n := len(site.ByHost()[site.Hosts()[i]]) - 1; n != want {
			t.Errorf("host %d was asked for %d pages, want %d", i, n, want)
		}
	}
}

func TestAHostThatIsLeftAloneIsAskedAgain(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 1, PagesPerHost: 4, LinksPerPage: 3}
	site := g.Serve(t)
	site.Robots("")
	site.Handle("/", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "3600")
		http.Error(w, "busy", http.StatusServiceUnavailable)
	}))
	o := newOffice(t)
	o.Scheduler()
	o.Worker()
	job := jobOf(t, g, site)
	o.Create(job)
	until(t, site, func(l *testsite.Log) bool { return l.Count("/") == 1 })
	var shown hostShown
	o.until("the host is left alone", func(context.Context) bool {
		o.answer(&shown, "host", "show", job.Name, site.Hosts()[0])
		return shown.ConsecutiveFailures > 0 && shown.State == "due"
	})
	if shown.DueMS < 3_000_000 {
		t.Errorf("a host that asks for an hour is due in %d ms", shown.DueMS)
	}
	site.Handle("/", page("<a href=/page/1>")) // it has come to itself
	o.answer(&shown, "host", "set", job.Name, site.Hosts()[0], "--retry")
	if shown.DueMS > 1000 || shown.ConsecutiveFailures > 0 {
		t.Errorf("a host that is to be asked now is shown as %+v", shown)
	}
	if numbers := o.Done(job.Name); numbers.Pages() < 2 {
		t.Errorf("%d pages are fetched", numbers.Pages())
	}
}

func TestBadCommandsAboutHostsAreRefused(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	job := crawler.DefaultJob()
	job.Name = "news"
	o.Create(job)
	o.run("seed", "news", "http://a.example/").exits(done)
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
			s := *o.shell
			s.t = t
			s.run(strings.Fields(command)...).exits(usage, saying)
		})
	}
	var shown hostShown
	o.answer(&shown, "host", "show", "news", "A.example")
	if shown.Rules.Paused || shown.Rules.Delay != nil || shown.Rules.Pages != 0 {
		t.Errorf("commands that were refused leave %+v", shown.Rules)
	}
}
