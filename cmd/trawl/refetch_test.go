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
	"github.com/trawlcrawler/trawl/internal/account"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// halve removes every second line of the files that match a pattern.
func halve(t *testing.T, pattern string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s matches %q, %v", pattern, files, err)
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

// remove removes the files and folders that match a pattern.
func remove(t *testing.T, pattern string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s matches %q, %v", pattern, files, err)
	}
	for _, file := range files {
		if err := os.RemoveAll(file); err != nil {
			t.Fatal(err)
		}
	}
}

// refetchOutput is the output of trawl job refetch --json for a job that has ended.
type refetchOutput struct {
	URLs, Settled, Records, Missing, Named, Reread, Forgotten int64
}

// damagedJob is a job whose output the test damages when the job is done.
type damagedJob struct {
	name   string
	set    func(j *crawler.Job)
	damage func(t *testing.T, folder string)
	check  func(t *testing.T, a refetchOutput, again int64) // again: the number of URLs requested twice

	job    crawler.Job
	graph  testsite.Graph
	site   *testsite.Site
	before crawler.Counters
}

func halvePages(t *testing.T, folder string) { t.Helper(); halve(t, folder+"/pages-*.jsonl") }

func TestRefetchFetchesMissingRecordsAgain(t *testing.T) {
	t.Parallel()
	ft := newFleetTest(t)
	ft.Scheduler()
	ft.Worker()
	cases := []*damagedJob{{
		name: "links in the records", set: func(j *crawler.Job) { j.Links = true }, damage: halvePages,
		check: func(t *testing.T, a refetchOutput, again int64) {
			if a.Named+a.Forgotten != a.Missing || a.Named == 0 || a.Reread != 0 || again != a.Missing {
				t.Errorf("%+v, and %d URLs were requested again", a, again)
			}
		},
	}, {
		name: "links in the link graph", set: func(j *crawler.Job) { j.Format = []string{"jsonl", "links"} },
		damage: halvePages,
		check: func(t *testing.T, a refetchOutput, again int64) {
			if a.Named != a.Missing || a.Reread+a.Forgotten != 0 || again != a.Missing {
				t.Errorf("%+v, and %d URLs were requested again", a, again)
			}
		},
	}, {
		name: "links only counted", damage: halvePages,
		check: func(t *testing.T, a refetchOutput, _ int64) {
			if a.Reread == 0 || a.Forgotten == 0 {
				t.Errorf("the pages that may link to the missing ones are not fetched again: %+v", a)
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
		check: func(t *testing.T, a refetchOutput, _ int64) {
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
		c.create(t, ft, uint64(i))
	}
	for _, c := range cases {
		c.before = ft.Done(c.job.Name)
		c.damage(t, filepath.Join(ft.Out, c.job.Name))
	}
	answers := make([]refetchOutput, len(cases))
	for i, c := range cases {
		ft.runJSON(&answers[i], "job", "refetch", c.job.Name)
	}
	for i, c := range cases {
		t.Run(c.name, func(t *testing.T) { c.expectRefetched(t, ft, answers[i]) })
	}
}

// create creates the job.
func (c *damagedJob) create(t *testing.T, ft *fleetTest, seed uint64) {
	t.Helper()
	c.graph = testsite.Graph{Hosts: 1, PagesPerHost: 40, LinksPerPage: 5, Seed: seed}
	c.site = c.graph.Serve(t)
	c.job = jobOf(t, c.graph, c.site)
	c.job.Name = fmt.Sprintf("damaged-%d", seed)
	if c.set != nil {
		c.set(&c.job)
	}
	ft.Create(c.job)
}

// expectRefetched checks the counters and the output when the job is done again.
func (c *damagedJob) expectRefetched(t *testing.T, ft *fleetTest, a refetchOutput) {
	if a.Missing == 0 || a.Settled-a.Records != a.Missing {
		t.Errorf("refetch reports %+v", a)
	}
	after := ft.Done(c.job.Name)
	if after.Recorded() != c.before.Recorded() || after.Pages() != c.before.Pages() || account.Unfound(after) != 0 {
		t.Errorf("the counters were %+v\nand are %+v", c.before, after)
	}
	if spent := ft.redis.HGet(t.Context(), "trawl:{"+c.job.Name+"}:ledger", "spent").Val(); c.job.Pages > 0 &&
		spent != fmt.Sprint(c.job.Pages) {
		t.Errorf("%s pages of the budget are spent, want %d", spent, c.job.Pages)
	}
	if records := ft.Export(c.job.Name); int64(len(records)) != after.Recorded() {
		t.Errorf("%d URLs are on record, want %d", len(records), after.Recorded())
	} else if c.job.Pages+c.job.PagesPerHost == 0 && c.job.Depth < 0 {
		testfleet.Pages(records).Expect(t, "pages", c.graph.URLs(c.site))
	}
	if c.check != nil {
		c.check(t, a, int64(len(requestCounts(c.site).duplicates())))
	}
	var again refetchOutput
	ft.runJSON(&again, "job", "refetch", c.job.Name, "--out", ft.Out)
	if again.Missing+again.URLs != 0 || ft.status(c.job.Name).State != crawler.StateDone {
		t.Errorf("nothing is missing, but refetch reports %+v", again)
	}
}

// status returns the status of a job.
func (ft *fleetTest) status(job string) crawler.Status {
	ft.t.Helper()
	status, err := ft.Client.Status(testfleet.Soon(ft.t), job)
	if err != nil {
		ft.t.Fatal(err)
	}
	return status
}

func TestRefetchRefusesOutputItCannotCompare(t *testing.T) {
	t.Parallel()
	ft := newFleetTest(t)
	g := testsite.Graph{Hosts: 1, PagesPerHost: 5, LinksPerPage: 2}
	site := g.Serve(t)
	ft.Scheduler()
	jobs := make(map[string]crawler.Job)
	for name, set := range map[string]func(j *crawler.Job){
		"pages": func(*crawler.Job) {}, "graph": func(j *crawler.Job) { j.Format = []string{"links"} },
		"gone": func(*crawler.Job) {},
	} {
		jobs[name] = jobOf(t, g, site)
		job := jobs[name]
		job.Name = name
		set(&job)
		ft.Create(job)
	}
	ft.waitForState("pages", crawler.StateRunning)
	ft.run("job", "refetch", "pages").exits(done,
		"is running: to compare its output, run this again when it has ended").prints("0 URLs of job pages")
	ft.run("job", "refetch", "nonesuch").exits(usage, "nonesuch", "trawl job ls")
	ft.run("job", "cancel", "gone").exits(done)
	ft.run("job", "refetch", "gone", "--out", ft.Out).exits(usage, "gone", "is cancelled")
	ft.Worker()
	ft.Done("pages")
	ft.Done("graph")
	ft.run("job", "refetch", "pages", "--out", "elsewhere").exits(usage, "elsewhere", "does not exist")
	ft.run("job", "refetch", "pages").exits(done).prints("settled 5, records 5: nothing is missing")
	ft.run("job", "show", "pages", "--out", "elsewhere").exits(usage, "elsewhere", "does not exist")
	ft.run("job", "refetch", "graph").exits(usage, "keeps no records", "links")
	ft.run("job", "show", "graph", "--out", ft.Out).exits(usage, "no records")
	halvePages(t, filepath.Join(ft.Out, "pages"))
	const lacks = "settled 5, records 3: 2 missing; run `trawl job refetch pages` to fetch them again"
	ft.run("job", "show", "pages", "--out", ft.Out).exits(done).prints("records   " + lacks)
	ft.waitUntil("the end is noted in the output", func(context.Context) bool {
		_, err := os.Stat(filepath.Join(ft.Out, "pages", ".settled.json"))
		return err == nil
	})
	ft.run("export", "pages", "--out", ft.Out).exits(failed, lacks)
}

// prints checks that the standard output of a command contains some texts.
func (e commandResult) prints(texts ...string) {
	e.t.Helper()
	for _, text := range texts {
		if !strings.Contains(e.stdout, text) {
			e.t.Errorf("trawl does not print %q, but:\n%s", text, e.stdout)
		}
	}
}

// The job counts pages on a worker's disk as durable, and the disk is lost.
func TestPagesLostWithADiskAreReportedAndFetchedAgain(t *testing.T) {
	t.Parallel()
	ft := newFleetTest(t)
	g := testsite.Graph{Hosts: 4, PagesPerHost: 40, LinksPerPage: 5}
	site := g.Serve(t)
	ft.Out = "file://" + t.TempDir()
	ft.Scheduler()
	spool := ft.path("spool")
	w := ft.Worker("--spool", spool, "--ship-every", "10m")
	job := jobOf(t, g, site)
	job.Durable, job.LostAfter = crawler.DurableDisk, 5*time.Second
	ft.Create(job)
	waitForMoreRequests(t, site, 100)
	w.Kill()
	if err := os.RemoveAll(spool); err != nil {
		t.Fatal(err)
	}
	ft.Worker("--spool", ft.path("another"))
	ft.Done(job.Name)
	ft.waitForEmptySpool(ft.path("another"))
	lacks := "missing; run `trawl job refetch " + job.Name + "` to fetch them again"
	ft.waitUntil("the worker counts as lost", func(context.Context) bool {
		return strings.Contains(ft.run("job", "show", job.Name).exits(done).stdout, lacks)
	})
	ft.waitUntil("the end is noted in the bucket", func(context.Context) bool {
		return strings.Contains(ft.run("export", job.Name, "--out", ft.Out).stderr, lacks)
	})
	ft.run("job", "refetch", job.Name, "--lost", w.Name).exits(done).prints("settled 160, records ", " missing")
	ft.Done(job.Name)
	ft.waitForEmptySpool(ft.path("another"))
	testfleet.Pages(ft.Export(job.Name)).Expect(t, "pages", g.URLs(site))
	ft.run("job", "refetch", job.Name).exits(done).prints("settled 160, records 160: nothing is missing")
}

func TestMissingRecordsAreReportedAndFetchedAgain(t *testing.T) {
	t.Parallel()
	ct := newCrawlTest(t, 60)
	ct.withRedis()
	ct.run(ct.args...).exits(done)
	halve(t, ct.path("site/pages-*.jsonl"))
	const lacks = "settled 60, records 30: 30 missing; run `trawl job refetch site` to fetch them again"
	end := ct.run("export", "site").exits(failed, lacks)
	if n := strings.Count(end.stdout, "\n"); n != 30 {
		t.Errorf("%d records are exported, want 30", n)
	}
	lost := ""
	for u := range ct.graph.URLs(ct.site) {
		if !strings.Contains(end.stdout, `"url":"`+u+`"`) {
			lost = u
		}
	}
	explained := ct.run("explain", "site", lost).exits(done).stdout
	for _, text := range []string{"it is settled, but its record is missing; run `trawl job refetch site` to fetch it again", lacks, "none in site"} {
		if !strings.Contains(explained, text) {
			t.Errorf("explain does not say %q, but:\n%s", text, explained)
		}
	}
	refetched := ct.run("job", "refetch", "site").exits(done).stdout
	if !strings.Contains(refetched, "settled 60, records 30: 30 missing\nrequeued: ") {
		t.Errorf("refetch says:\n%s", refetched)
	}
	ct.run(ct.args...).exits(done, "going on with", "nothing is left to fetch")
	exported := fetched(parseRecords(t, "the export", ct.run("export", "site").exits(done).stdout))
	exported.expectOnce(t, "pages", ct.graph.URLs(ct.site))
}

// Removed output files are not restored.
func TestACrawlReportsRemovedFilesAtItsEnd(t *testing.T) {
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
