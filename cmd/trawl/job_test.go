package main_test

import (
	"os"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// shown is what --json shows of a job, as far as tests look at it.
type shown struct {
	Name     string
	State    crawler.State
	Reason   string
	Counters crawler.Counters
	Settings crawler.Job
}

func TestAJobIsCreatedShownAndRemoved(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.run("job", "ls").exits(done)
	var none []shown
	if o.answer(&none, "job", "ls"); len(none) != 0 || none == nil {
		t.Errorf("of no jobs there are %v", none)
	}
	o.write("news.yaml", "name: news\nseeds: ["+aURL+"]\ndelay: 3s\nout: elsewhere\n")
	if end := o.run("job", "create", "news.yaml").exits(done, "news", "1 seed", "out is ignored"); end.stdout != "" {
		t.Errorf("to create a job prints %q", end.stdout)
	}
	o.run("job", "create", "news.yaml").exits(usage, `"news"`, "exists", "--job", "trawl job rm")
	var other, news shown
	if o.answer(&other, "job", "create", "news.yaml", "--job", "other"); other.Name != "other" ||
		other.State != crawler.StateCreated {
		t.Errorf("a job is created as %+v", other)
	}
	o.answer(&news, "job", "show", "news")
	if news.State != crawler.StateCreated || news.Settings.Delay.String() != "3s" || news.Counters.Seen != 0 {
		t.Errorf("a job that was created is shown as %+v", news)
	}
	var all []shown
	if o.answer(&all, "job", "ls"); len(all) != 2 || all[0].Name != "news" || all[1].Name != "other" {
		t.Errorf("of two jobs there are %+v", all)
	}
	if end := o.run("job", "ls").exits(done); !strings.Contains(end.stdout, "JOB") ||
		strings.Count(end.stdout, "created") != 2 {
		t.Errorf("the list is\n%s", end.stdout)
	}
	if end := o.run("job", "show", "news").exits(done); !strings.Contains(end.stdout, "news") ||
		!strings.Contains(end.stdout, "created") {
		t.Errorf("the job is shown as\n%s", end.stdout)
	}
	o.run("job", "rm", "news").exits(done)
	o.run("job", "show", "news").exits(usage, `"news"`, "no job", "trawl job ls")
	if left := o.keys("news"); len(left) > 0 {
		t.Errorf("of a job that was removed there is left %v", left)
	}
}

func TestAJobIsSteered(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.Scheduler()
	o.write("news.yaml", "name: news\n") // it waits for seeds
	o.run("job", "create", "news.yaml").exits(done)
	o.becomes("news", crawler.StateRunning)
	o.run("job", "rm", "news").exits(usage, `"news"`, "running", "cancel")
	for _, command := range []string{"pause", "pause", "resume", "resume", "pause", "cancel", "cancel"} {
		o.run("job", command, "news").exits(done)
	}
	for _, command := range []string{"job pause news", "job resume news", "seed news " + aURL} {
		o.run(strings.Fields(command)...).exits(usage, `"news"`, "cancelled", "create another")
	}
	o.run("job", "watch", "news").exits(failed, "cancelled")
	o.run("job", "rm", "news").exits(done)
	for _, command := range []string{
		"job show news", "job watch news", "job pause news", "job resume news", "job cancel news", "job rm news",
		"seed news " + aURL, "host ls news", "host show news 127.0.0.1", "host set news 127.0.0.1 --pause",
		"job rm *", "job rm news/0", "job show NEWS", "seed /etc " + aURL,
	} {
		o.run(strings.Fields(command)...).exits(usage, "no job of this name")
	}
}

func TestAJobThatIsCreatedAgainBeginsWithAnOutputOfItsOwn(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 1, PagesPerHost: 12, LinksPerPage: 3}
	site := g.Serve(t)
	o := newOffice(t)
	o.Scheduler()
	w := o.Worker()
	job := jobOf(t, g, site)
	o.Create(job)
	o.Done(job.Name)
	o.run("job", "rm", job.Name).exits(done, "the results of "+job.Name+" stay in ", o.Out)
	w.Terminate()
	job.Depth = 0
	o.Create(job)
	last := site.URL(0, "/page/11")
	if e := o.run("explain", job.Name, last, "--out", o.Out).exits(done); !strings.Contains(e.stdout, "never seen") ||
		!strings.Contains(e.stdout, "belong to an earlier job "+job.Name) {
		t.Errorf("before a worker has the job, trawl explains\n%s", e.stdout)
	}
	w = o.Worker()
	o.Done(job.Name)
	w.Says("set aside")
	if got := len(o.Export(job.Name)); got != 1 {
		t.Errorf("%d pages are exported, want the seed", got)
	}
	if end := o.run("export", job.Name+"@previous", "--out", o.Out).exits(done); strings.Count(end.stdout, "\n") != 12 {
		t.Errorf("of the earlier job there is exported\n%s", end.stdout)
	}
	if e := o.run("explain", job.Name, last, "--out", o.Out).exits(done); !strings.Contains(e.stdout, "never seen") ||
		!strings.Contains(e.stdout, "none in") {
		t.Errorf("trawl explains\n%s", e.stdout)
	}
	var shown struct {
		Records struct{ Settled, Records int }
	}
	if o.answer(&shown, "job", "show", job.Name, "--out", o.Out); shown.Records.Records != 1 ||
		shown.Records.Settled != 1 {
		t.Errorf("the job is shown as %+v", shown)
	}
}

func TestAPauseLastsThoughNothingWasEverVisited(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	p := o.Scheduler()
	o.write("news.yaml", "name: news\n")
	o.run("job", "create", "news.yaml").exits(done)
	o.becomes("news", crawler.StateRunning)
	o.run("job", "pause", "news").exits(done)
	// Jobs that are created now have been seen by rounds after the pause.
	for _, later := range []string{"one", "two", "three"} {
		o.run("job", "create", "news.yaml", "--job", later).exits(done)
		o.becomes(later, crawler.StateRunning)
	}
	var news shown
	if o.answer(&news, "job", "show", "news"); news.State != crawler.StatePaused {
		t.Errorf("a job that was paused is %s: %s\n%s", news.State, news.Reason, p.Log())
	}
	o.run("job", "resume", "news").exits(done)
	o.becomes("news", crawler.StateRunning)
}

func TestAJobThatIsDoneIsReopenedForSeeds(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 1, PagesPerHost: 4, LinksPerPage: 2}
	site := g.Serve(t)
	site.Handle("/extra", page("nothing more"))
	o := newOffice(t)
	o.Scheduler()
	o.Worker()
	job := jobOf(t, g, site)
	o.Create(job)
	end := o.run("job", "watch", job.Name).exits(done)
	if !strings.Contains(end.stdout, "done") || !strings.Contains(end.stdout, "4 fetched") {
		t.Errorf("the job is shown at its end as\n%s", end.stdout)
	}
	o.run("job", "pause", job.Name).exits(usage, job.Name, "done", "trawl job resume "+job.Name)
	o.run("job", "cancel", job.Name).exits(usage, "done")
	o.run("seed", job.Name, site.URL(0, "/extra")).exits(usage, "done", "trawl job resume "+job.Name)
	o.run("job", "resume", job.Name).exits(done)
	watch := o.start("job", "watch", job.Name, "--json")
	o.run("seed", job.Name, site.URL(0, "/extra"), site.URL(0, "/")).exits(done, "1 new", "1 known")
	if end := watch.soonEnds().exits(done); !strings.Contains(end.stdout, `"state": "done"`) {
		t.Errorf("the job is shown at its end as\n%s", end.stdout)
	}
	if site.Count("/extra") != 1 {
		t.Errorf("what was brought later is asked for %d times", site.Count("/extra"))
	}
}

func TestWatchingTellsHowAJobEnds(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.Scheduler()
	o.Worker()
	o.write("nothing.yaml", "name: nothing\nseeds: ["+aURL+"]\nrobots_tries: 1\nretries: 0\n")
	o.run("job", "create", "nothing.yaml").exits(done)
	o.run("job", "watch", "nothing").exits(nothing, "nothing could be fetched", "1 failed")
	o.write("waits.yaml", "name: waits\n")
	o.run("job", "create", "waits.yaml").exits(done)
	watch := o.start("job", "watch", "waits", "--redis", o.URL()+"?client_name=watcher")
	o.connected("watcher")
	watch.signal(os.Interrupt)
	watch.soonEnds().exits(interrupted, "interrupted")
}
