package main_test

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// halve leaves of each file of records that a pattern names every second line.
func halve(t *testing.T, pattern string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s names %q, %v", pattern, files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var kept strings.Builder
		n := 0
		for line := range strings.Lines(string(text)) {
			if n++; n%2 == 1 {
				kept.WriteString(line)
			}
		}
		if err := os.WriteFile(file, []byte(kept.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// remove removes what a pattern names.
func remove(t *testing.T, pattern string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s names %q, %v", pattern, files, err)
	}
	for _, file := range files {
		if err := os.RemoveAll(file); err != nil {
			t.Fatal(err)
		}
	}
}

// answered is what trawl job refetch --json answers of a job that has ended.
type answered struct {
	URLs, Settled, Records, Missing, Named, Reread, Forgotten int64
}

// lossy is a job whose output is damaged when it is done.
type lossy struct {
	name   string
	set    func(j *crawler.Job)
	damage func(t *testing.T, folder string)
	check  func(t *testing.T, a answered, again int64) // how many URLs were asked for again

	job    crawler.Job
	graph  testsite.Graph
	site   *testsite.Site
	before crawler.Counters
}

func halvePages(t *testing.T, folder string) { t.Helper(); halve(t, folder+"/pages-*.jsonl") }

func TestRefetchBringsAgainWhatTheOutputLacks(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	o.Scheduler()
	o.Worker()
	cases := []*lossy{{
		name: "links in the records", set: func(j *crawler.Job) { j.Links = true }, damage: halvePages,
		check: func(t *testing.T, a answered, again int64) {
			if a.Named+a.Forgotten != a.Missing || a.Named == 0 || a.Reread != 0 || again != a.Missing {
				t.Errorf("%+v, and %d URLs were asked for again", a, again)
			}
		},
	}, {
		name: "links in the link graph", set: func(j *crawler.Job) { j.Format = []string{"jsonl", "links"} },
		damage: halvePages,
		check: func(t *testing.T, a answered, again int64) {
			if a.Named != a.Missing || a.Reread+a.Forgotten != 0 || again != a.Missing {
				t.Errorf("%+v, and %d URLs were asked for again", a, again)
			}
		},
	}, {
		name: "links only counted", damage: halvePages,
		check: func(t *testing.T, a answered, _ int64) {
			if a.Reread == 0 || a.Forgotten == 0 {
				t.Errorf("the pages that may lead there are not fetched again: %+v", a)
			}
		},
	}, {
		name: "depth decides", set: func(j *crawler.Job) { j.Depth = 3 }, damage: halvePages,
	}, {
		name: "a budget of pages", set: func(j *crawler.Job) { j.Pages = 25 }, damage: halvePages,
	}, {
		name: "a budget of pages of the host", set: func(j *crawler.Job) { j.PagesPerHost, j.Shards = 25, 4 },
		damage: halvePages,
	}, {
		name: "the folder is removed", damage: func(t *testing.T, folder string) { remove(t, folder) },
		check: func(t *testing.T, a answered, _ int64) {
			if a.Records != 0 || a.Named != 1 || a.Reread != 0 {
				t.Errorf("%+v", a)
			}
		},
	}, {
		name: "a table of Parquet is removed", set: func(j *crawler.Job) { j.Format = []string{"parquet"} },
		damage: func(t *testing.T, folder string) { remove(t, folder+"/pages-*.parquet") },
	}, {
		name: "WARC alone, which is removed", set: func(j *crawler.Job) { j.Format = []string{"warc"} },
		damage: func(t *testing.T, folder string) { remove(t, folder+"/*.warc.gz"); remove(t, folder+"/*.cdxj") },
	}}
	for i, c := range cases {
		c.begin(t, o, uint64(i))
	}
	for _, c := range cases {
		c.before = o.Done(c.job.Name)
		c.damage(t, filepath.Join(o.Out, c.job.Name))
	}
	answers := make([]answered, len(cases))
	for i, c := range cases {
		o.answer(&answers[i], "job", "refetch", c.job.Name)
	}
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) { c.ends(t, o, answers[i]) })
	}
}

// begin creates the job.
func (c *lossy) begin(t *testing.T, o *office, seed uint64) {
	t.Helper()
	c.graph = testsite.Graph{Hosts: 1, PagesPerHost: 40, LinksPerPage: 5, Seed: seed}
	c.site = c.graph.Serve(t)
	c.job = jobOf(t, c.graph, c.site)
	c.job.Name = fmt.Sprintf("lossy-%d", seed)
	if c.set != nil {
		c.set(&c.job)
	}
	o.Create(c.job)
}

// ends checks what is there when the job is done again.
func (c *lossy) ends(t *testing.T, o *office, a answered) {
	if a.Missing == 0 || a.Settled-a.Records != a.Missing {
		t.Errorf("refetch finds: %+v", a)
	}
	after := o.Done(c.job.Name)
	if after.Recorded() != c.before.Recorded() || after.Pages() != c.before.Pages() || after.Unfound() != 0 {
		t.Errorf("the counters were %+v\nand are %+v", c.before, after)
	}
	if spent := o.redis.HGet(t.Context(), "trawl:{"+c.job.Name+"}:ledger", "spent").Val(); c.job.Pages > 0 &&
		spent != fmt.Sprint(c.job.Pages) {
		t.Errorf("%s pages of the budget are spent, want %d", spent, c.job.Pages)
	}
	if records := o.Export(c.job.Name); int64(len(records)) != after.Recorded() {
		t.Errorf("%d URLs are on record, want %d", len(records), after.Recorded())
	} else if c.job.Pages+c.job.PagesPerHost == 0 && c.job.Depth < 0 {
		testfleet.Pages(records).Expect(t, "pages", c.graph.URLs(c.site))
	}
	if c.check != nil {
		c.check(t, a, int64(len(asked(c.site).twice())))
	}
	var again answered
	o.answer(&again, "job", "refetch", c.job.Name, "--out", o.Out)
	if again.Missing+again.URLs != 0 || o.status(c.job.Name).State != crawler.StateDone {
		t.Errorf("nothing is missing any more, and refetch says %+v", again)
	}
}

// status is a job with its state.
func (o *office) status(job string) crawler.Status {
	o.t.Helper()
	status, err := o.Client.Status(testfleet.Soon(o.t), job)
	if err != nil {
		o.t.Fatal(err)
	}
	return status
}

func TestRefetchRefusesWhatCannotBeCompared(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	g := testsite.Graph{Hosts: 1, PagesPerHost: 5, LinksPerPage: 2}
	site := g.Serve(t)
	o.Scheduler()
	jobs := make(map[string]crawler.Job)
	for name, set := range map[string]func(j *crawler.Job){
		"pages": func(*crawler.Job) {}, "graph": func(j *crawler.Job) { j.Format = []string{"links"} },
		"gone": func(*crawler.Job) {},
	} {
		jobs[name] = jobOf(t, g, site)
		job := jobs[name]
		job.Name = name
		set(&job)
		o.Create(job)
	}
	o.becomes("pages", crawler.StateRunning)
	o.run("job", "refetch", "pages").exits(done,
		"is running: to compare its output, run this again when it has ended").prints("0 URLs of job pages")
	o.run("job", "refetch", "nonesuch").exits(usage, "nonesuch", "trawl job ls")
	o.run("job", "cancel", "gone").exits(done)
	o.run("job", "refetch", "gone", "--out", o.Out).exits(usage, "gone", "is cancelled")
	o.Worker()
	o.Done("pages")
	o.Done("graph")
	o.run("job", "refetch", "pages", "--out", "elsewhere").exits(usage, "elsewhere", "does not exist")
	o.run("job", "refetch", "pages").exits(done).prints("settled 5, records 5: nothing is missing")
	o.run("job", "show", "pages", "--out", "elsewhere").exits(usage, "elsewhere", "does not exist")
	o.run("job", "refetch", "graph").exits(usage, "keeps no records", "links")
	o.run("job", "show", "graph", "--out", o.Out).exits(usage, "no records")
	halvePages(t, filepath.Join(o.Out, "pages"))
	const lacks = "settled 5, records 3: 2 missing; run `trawl job refetch pages` to fetch them again"
	o.run("job", "show", "pages", "--out", o.Out).exits(done).prints("records   " + lacks)
	o.until("the end is noted in the output", func(context.Context) bool {
		_, err := os.Stat(filepath.Join(o.Out, "pages", ".settled.json"))
		return err == nil
	})
	o.run("export", "pages", "--out", o.Out).exits(failed, lacks)
}

// prints checks what a command says on standard output.
func (e ended) prints(texts ...string) {
	e.t.Helper()
	for _, text := range texts {
		if !strings.Contains(e.stdout, text) {
			e.t.Errorf("trawl does not print %q, but:\n%s", text, e.stdout)
		}
	}
}

// A worker's machine does not come back, in a job that is durable on its disk.
func TestWhatADiskTookWithItIsSaidAndFetchedAgain(t *testing.T) {
	t.Parallel()
	o := newOffice(t)
	g := testsite.Graph{Hosts: 4, PagesPerHost: 40, LinksPerPage: 5}
	site := g.Serve(t)
	o.Out = "file://" + t.TempDir()
	o.Scheduler()
	spool := o.path("spool")
	w := o.Worker("--spool", spool, "--ship-every", "10m")
	job := jobOf(t, g, site)
	job.Durable, job.LostAfter = crawler.DurableDisk, crawler.Duration(5*time.Second)
	o.Create(job)
	more(t, site, 100)
	w.Kill()
	if err := os.RemoveAll(spool); err != nil {
		t.Fatal(err)
	}
	o.Worker("--spool", o.path("another"))
	o.Done(job.Name)
	o.rests(o.path("another"))
	lacks := "missing; run `trawl job refetch " + job.Name + "` to fetch them again"
	o.until("the worker counts as lost", func(context.Context) bool {
		return strings.Contains(o.run("job", "show", job.Name).exits(done).stdout, lacks)
	})
	o.until("the end is noted in the bucket", func(context.Context) bool {
		return strings.Contains(o.run("export", job.Name, "--out", o.Out).stderr, lacks)
	})
	o.run("job", "refetch", job.Name, "--lost", w.Name).exits(done).prints("settled 160, records ", " missing")
	o.Done(job.Name)
	o.rests(o.path("another"))
	testfleet.Pages(o.Export(job.Name)).Expect(t, "pages", g.URLs(site))
	o.run("job", "refetch", job.Name).exits(done).prints("settled 160, records 160: nothing is missing")
}

func TestACrawlSaysWhereRecordsAreMissing(t *testing.T) {
	t.Parallel()
	b := newBurst(t, 60)
	b.withRedis()
	b.run(b.args...).exits(done)
	halve(t, b.path("site/pages-*.jsonl"))
	const lacks = "settled 60, records 30: 30 missing; run `trawl job refetch site` to fetch them again"
	end := b.run("export", "site").exits(failed, lacks)
	if n := strings.Count(end.stdout, "\n"); n != 30 {
		t.Errorf("%d records are exported, want 30", n)
	}
	lost := ""
	for u := range b.graph.URLs(b.site) {
		if !strings.Contains(end.stdout, `"url":"`+u+`"`) {
			lost = u
		}
	}
	explained := b.run("explain", "site", lost).exits(done).stdout
	for _, text := range []string{"it is settled, but its record is missing; run `trawl job refetch site` to fetch it again", lacks, "none in site"} {
		if !strings.Contains(explained, text) {
			t.Errorf("explain does not say %q, but:\n%s", text, explained)
		}
	}
	refetched := b.run("job", "refetch", "site").exits(done).stdout
	if !strings.Contains(refetched, "settled 60, records 30: 30 missing\nrequeued: ") {
		t.Errorf("refetch says:\n%s", refetched)
	}
	b.run(b.args...).exits(done, "going on with", "nothing is left to fetch")
	exported := fetched(parseRecords(t, "the export", b.run("export", "site").exits(done).stdout))
	exported.expectOnce(t, "pages", b.graph.URLs(b.site))
}

// Finished files that are removed are not made again.
func TestACrawlWhoseFilesAreRemovedSaysSoAtItsEnd(t *testing.T) {
	t.Parallel()
	reached, release := make(chan struct{}), make(chan struct{})
	s := newShell(t)
	s.withRedis()
	site := testsite.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		switch r.URL.Path {
		case "/":
			fmt.Fprint(w, `<a href=/1>1</a><a href=/2>2</a>`)
		case "/2":
			close(reached)
			<-release
		}
	}))
	s.run("crawl", site.URL(0, "/"), "--delay", "0", "--pages", "2", "--out", "site").exits(done)
	remove(t, s.path("site/pages-*.jsonl"))
	p := s.start("crawl", site.URL(0, "/"), "--delay", "0", "--out", "site")
	<-reached
	close(release)
	p.wait().exits(done, "records   settled 3, records 1: 2 missing; run `trawl job refetch site` to fetch them again")
}
