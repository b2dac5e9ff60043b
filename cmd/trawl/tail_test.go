package main_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// tailFleet is a fleet with a job whose site holds its responses after some, until release is
// called.
func tailFleet(t *testing.T, held int) (ft *fleetTest, site *testsite.Site, release func()) {
	t.Helper()
	g := testsite.Graph{Hosts: 2, PagesPerHost: 12, LinksPerPage: 11}
	site = g.Serve(t)
	site.Handle("/lost", http.NotFoundHandler())
	release = site.HoldAfter(held)
	ft = newFleetTest(t)
	ft.Scheduler()
	ft.Worker()
	job := jobOf(t, g, site)
	job.Name, job.Timeout = "news", 10*time.Minute // the site holds responses
	job.Seeds = append(job.Seeds, site.URL(0, "/lost"))
	ft.Create(job)
	waitForSite(t, site, func(l *testsite.Log) bool { return len(l.Requests()) >= held })
	return ft, site, release
}

// waitForPrinted waits until standard output contains a text.
func (p *process) waitForPrinted(what string) {
	p.t.Helper()
	for {
		changed := p.stdout.Changes()
		if strings.Contains(p.stdout.Text(), what) {
			return
		}
		select {
		case <-changed:
		case <-p.exited:
			p.t.Fatalf("trawl ended and did not print %q, but\n%s%s", what, p.stdout.Text(), p.stderr.Text())
		}
	}
}

func TestTailPrintsEachRecordOnceAndEndsWithItsJob(t *testing.T) {
	t.Parallel()
	ft, _, release := tailFleet(t, 10)
	all, lost := ft.start("tail", "news", "--all", "--json"), ft.start("tail", "news", "--errors", "--all")
	none := ft.start("tail", "news", "--where", "status=500", "--all")
	all.waitForPrinted(`"url"`)
	release()
	var got []crawler.Record
	for line := range bytes.Lines([]byte(all.waitSoon().exits(done, "job news is done").stdout)) {
		var r crawler.Record
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatalf("%v in the line %s", err, line)
		}
		got = append(got, r)
	}
	if diff := cmp.Diff(urlsOf(ft.Kept("news")), urlsOf(got)); diff != "" {
		t.Errorf("records (-kept +printed):\n%s", diff)
	}
	line := regexp.MustCompile(`^\d\d:\d\d:\d\d gone +404 +\d+ ms +\d+ B  http://\S+/lost  \S.*\n$`)
	if text := lost.waitSoon().exits(done).stdout; !line.MatchString(text) {
		t.Errorf("the errors are\n%s", text)
	}
	if text := none.waitSoon().exits(done).stdout; text != "" {
		t.Errorf("records that meet no condition are printed:\n%s", text)
	}
}

func TestTailBeginsWithNewRecordsAndEndsWhenItIsInterrupted(t *testing.T) {
	t.Parallel()
	ft, site, release := tailFleet(t, 10)
	p := ft.start("tail", "news", "--redis", ft.URL()+"?client_name=tail", "--follow")
	ft.waitForConnection("tail")
	release()
	ft.Done("news")
	ft.run("job", "resume", "news").exits(done)
	site.Handle("/later", htmlPage("later"))
	ft.run("seed", "news", site.URL(0, "/later")).exits(done)
	p.waitForPrinted("/later")
	p.signal(os.Interrupt)
	p.waitSoon().exits(interrupted, "interrupted")
}

func TestTailOfWhatCannotBeReadIsAnError(t *testing.T) {
	t.Parallel()
	ft := newFleetTest(t)
	ft.run("tail", "nothing").exits(usage, `"nothing"`, "trawl job ls")
	ft.write("table.yaml", "name: table\nformat: [parquet]\n")
	ft.run("job", "create", "table.yaml").exits(done)
	ft.run("tail", "table").exits(usage, "table", "parquet", "add jsonl")
	ft.run("tail", "table", "--where", "statsu=1").exits(usage, `unknown field "statsu"`)
	ft.write("daily.yaml", "name: daily\nschedule: '@daily'\nseeds: ["+aURL+"]\n")
	ft.run("job", "create", "daily.yaml").exits(done)
	ft.run("tail", "daily").exits(usage, "daily", "has not run yet")
}
