package main_test

import (
	"os"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// jobJSON has the fields of a job in --json that the tests check.
type jobJSON struct {
	Name     string
	State    crawler.State
	Reason   string
	Counters crawler.Counters
	Settings crawler.Job
}

func TestAJobIsCreatedShownAndRemoved(t *testing.T) {
	t.Parallel()
	ft := newFleetTest(t)
	ft.run("job", "ls").exits(done)
	var none []jobJSON
	if ft.runJSON(&none, "job", "ls"); len(none) != 0 || none == nil {
		t.Errorf("an empty list of jobs is %v", none)
	}
	ft.write("news.yaml", "name: news\nseeds: ["+aURL+"]\ndelay: 3s\nout: elsewhere\n")
	if end := ft.run("job", "create", "news.yaml").exits(done, "news", "1 seed", "out is ignored"); end.stdout != "" {
		t.Errorf("job create prints %q", end.stdout)
	}
	ft.run("job", "create", "news.yaml").exits(usage, `"news"`, "exists", "--job", "trawl job rm")
	var other, news jobJSON
	if ft.runJSON(&other, "job", "create", "news.yaml", "--job", "other"); other.Name != "other" ||
		other.State != crawler.StateCreated {
		t.Errorf("a job is created as %+v", other)
	}
	ft.runJSON(&news, "job", "show", "news")
	if news.State != crawler.StateCreated || news.Settings.Delay.String() != "3s" || news.Counters.Seen != 0 {
		t.Errorf("a job that was created is shown as %+v", news)
	}
	var all []jobJSON
	if ft.runJSON(&all, "job", "ls"); len(all) != 2 || all[0].Name != "news" || all[1].Name != "other" {
		t.Errorf("the list of two jobs is %+v", all)
	}
	if end := ft.run("job", "ls").exits(done); !strings.Contains(end.stdout, "JOB") ||
		strings.Count(end.stdout, "created") != 2 {
		t.Errorf("the list is\n%s", end.stdout)
	}
	if end := ft.run("job", "show", "news").exits(done); !strings.Contains(end.stdout, "news") ||
		!strings.Contains(end.stdout, "created") {
		t.Errorf("the job is shown as\n%s", end.stdout)
	}
	ft.run("job", "rm", "news").exits(done)
	ft.run("job", "show", "news").exits(usage, `"news"`, "no job", "trawl job ls")
	if left := ft.redisKeys("news"); len(left) > 0 {
		t.Errorf("a removed job leaves %v", left)
	}
}

func TestAJobIsPausedResumedAndCancelled(t *testing.T) {
	t.Parallel()
	ft := newFleetTest(t)
	ft.Scheduler()
	ft.write("news.yaml", "name: news\n") // it waits for seeds
	ft.run("job", "create", "news.yaml").exits(done)
	ft.waitForState("news", crawler.StateRunning)
	ft.run("job", "rm", "news").exits(usage, `"news"`, "running", "cancel")
	for _, command := range []string{"pause", "pause", "resume", "resume", "pause", "cancel", "cancel"} {
		ft.run("job", command, "news").exits(done)
	}
	for _, command := range []string{"job pause news", "job resume news", "seed news " + aURL} {
		ft.run(strings.Fields(command)...).exits(usage, `"news"`, "cancelled", "create another")
	}
	ft.run("job", "watch", "news").exits(failed, "cancelled")
	ft.run("job", "rm", "news").exits(done)
	for _, command := range []string{
		"job show news", "job watch news", "job pause news", "job resume news", "job cancel news", "job rm news",
		"seed news " + aURL, "host ls news", "host show news 127.0.0.1", "host set news 127.0.0.1 --pause",
		"job rm *", "job rm news/0", "job show NEWS", "seed /etc " + aURL,
	} {
		ft.run(strings.Fields(command)...).exits(usage, "no job of this name")
	}
}

func TestARecreatedJobStartsWithItsOwnOutput(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 1, PagesPerHost: 12, LinksPerPage: 3}
	site := g.Serve(t)
	ft := newFleetTest(t)
	ft.Scheduler()
	w := ft.Worker()
	job := jobOf(t, g, site)
	ft.Create(job)
	ft.Done(job.Name)
	ft.run("job", "rm", job.Name).exits(done, "the results of "+job.Name+" stay in ", ft.Out)
	w.Terminate()
	job.Depth = 0
	ft.Create(job)
	last := site.URL(0, "/page/11")
	if e := ft.run("explain", job.Name, last, "--out", ft.Out).exits(done); !strings.Contains(e.stdout, "never seen") ||
		!strings.Contains(e.stdout, "belong to an earlier job "+job.Name) {
		t.Errorf("before a worker has the job, trawl explains\n%s", e.stdout)
	}
	w = ft.Worker()
	ft.Done(job.Name)
	w.Says("set aside")
	if got := len(ft.Export(job.Name)); got != 1 {
		t.Errorf("%d pages are exported, want the seed", got)
	}
	end := ft.run("export", job.Name+"@previous", "--out", ft.Out).exits(done)
	if strings.Count(end.stdout, "\n") != 12 {
		t.Errorf("the export of the earlier job is\n%s", end.stdout)
	}
	if e := ft.run("explain", job.Name, last, "--out", ft.Out).exits(done); !strings.Contains(e.stdout, "never seen") ||
		!strings.Contains(e.stdout, "none in") {
		t.Errorf("trawl explains\n%s", e.stdout)
	}
	var shown struct {
		Records struct{ Settled, Records int }
	}
	if ft.runJSON(&shown, "job", "show", job.Name, "--out", ft.Out); shown.Records.Records != 1 ||
		shown.Records.Settled != 1 {
		t.Errorf("the job is shown as %+v", shown)
	}
}

func TestAPauseBeforeTheFirstVisitLasts(t *testing.T) {
	t.Parallel()
	ft := newFleetTest(t)
	p := ft.Scheduler()
	ft.write("news.yaml", "name: news\n")
	ft.run("job", "create", "news.yaml").exits(done)
	ft.waitForState("news", crawler.StateRunning)
	ft.run("job", "pause", "news").exits(done)
	// The scheduler handles these jobs in rounds after the pause.
	for _, later := range []string{"one", "two", "three"} {
		ft.run("job", "create", "news.yaml", "--job", later).exits(done)
		ft.waitForState(later, crawler.StateRunning)
	}
	var news jobJSON
	if ft.runJSON(&news, "job", "show", "news"); news.State != crawler.StatePaused {
		t.Errorf("a job that was paused is %s: %s\n%s", news.State, news.Reason, p.Log())
	}
	ft.run("job", "resume", "news").exits(done)
	ft.waitForState("news", crawler.StateRunning)
}

func TestAFinishedJobIsReopenedForSeeds(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 1, PagesPerHost: 4, LinksPerPage: 2}
	site := g.Serve(t)
	site.Handle("/extra", htmlPage("nothing more"))
	ft := newFleetTest(t)
	ft.Scheduler()
	ft.Worker()
	job := jobOf(t, g, site)
	ft.Create(job)
	end := ft.run("job", "watch", job.Name).exits(done)
	if !strings.Contains(end.stdout, "done") || !strings.Contains(end.stdout, "4 fetched") {
		t.Errorf("the job is shown at its end as\n%s", end.stdout)
	}
	ft.run("job", "pause", job.Name).exits(usage, job.Name, "done", "trawl job resume "+job.Name)
	ft.run("job", "cancel", job.Name).exits(usage, "done")
	ft.run("seed", job.Name, site.URL(0, "/extra")).exits(usage, "done", "trawl job resume "+job.Name)
	ft.run("job", "resume", job.Name).exits(done)
	watch := ft.start("job", "watch", job.Name, "--json")
	ft.run("seed", job.Name, site.URL(0, "/extra"), site.URL(0, "/")).exits(done, "1 new", "1 known")
	if end := watch.waitSoon().exits(done); !strings.Contains(end.stdout, `"state":"done"`) {
		t.Errorf("the job is shown at its end as\n%s", end.stdout)
	}
	if site.Count("/extra") != 1 {
		t.Errorf("the seed that was added later was requested %d times", site.Count("/extra"))
	}
}

func TestWatchReportsHowAJobEnds(t *testing.T) {
	t.Parallel()
	ft := newFleetTest(t)
	ft.Scheduler()
	ft.Worker()
	ft.write("nothing.yaml", "name: nothing\nseeds: ["+aURL+"]\nrobots_tries: 1\nretries: 0\n")
	ft.run("job", "create", "nothing.yaml").exits(done)
	ft.run("job", "watch", "nothing").exits(nothing, "nothing could be fetched", "1 failed")
	ft.write("waits.yaml", "name: waits\n")
	ft.run("job", "create", "waits.yaml").exits(done)
	watch := ft.start("job", "watch", "waits", "--redis", ft.URL()+"?client_name=watcher")
	ft.waitForConnection("watcher")
	watch.signal(os.Interrupt)
	watch.waitSoon().exits(interrupted, "interrupted")
}
