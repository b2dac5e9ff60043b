package main_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/frontier"
	"github.com/trawlcrawler/trawl/internal/test/testfleet"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// troubleJSON has the troubles of a job in --json.
type troubleJSON struct {
	Name     string
	Troubles []crawler.Trouble
}

// waitForTrouble waits until all views of a job report a worker in trouble, with these texts.
func (ft *fleetTest) waitForTrouble(job, worker string, texts ...string) {
	ft.t.Helper()
	var got troubleJSON
	defer func() {
		if ft.t.Failed() {
			ft.t.Logf("the last troubles are %+v", got.Troubles)
		}
	}()
	ft.waitUntil("the job reports the worker in trouble: "+strings.Join(texts, ", "), func(context.Context) bool {
		ft.runJSON(&got, "job", "show", job)
		return len(got.Troubles) == 1 && containsAll(got.Troubles[0].Reason, texts)
	})
	if trouble := got.Troubles[0]; trouble.Worker != worker || trouble.Since.IsZero() ||
		trouble.At.Before(trouble.Since) || time.Since(trouble.Since) > time.Hour {
		ft.t.Errorf("the trouble is %+v, want that of %q, with its times", trouble, worker)
	}
	for command, wants := range map[string][]string{
		"show " + job: append(texts, "worker "+worker, "resumes by itself"),
		"ls":          {"! worker " + worker + " is in trouble (trawl job show " + job + ")"},
	} {
		// The reason may change, since the worker tries again from time to time.
		ft.waitUntil(fmt.Sprintf("trawl job %s says %q", command, wants), func(context.Context) bool {
			return containsAll(ft.run(append([]string{"job"}, strings.Fields(command)...)...).exits(done).stdout, wants)
		})
	}
}

// waitForNoTrouble waits until a job reports no worker in trouble.
func (ft *fleetTest) waitForNoTrouble(job string) {
	ft.t.Helper()
	ft.waitUntil("the job reports no worker in trouble", func(context.Context) bool {
		var got []troubleJSON
		ft.runJSON(&got, "job", "ls")
		at := slices.IndexFunc(got, func(v troubleJSON) bool { return v.Name == job })
		return at >= 0 && len(got[at].Troubles) == 0
	})
	for _, command := range []string{"show " + job, "ls"} {
		text := ft.run(append([]string{"job"}, strings.Fields(command)...)...).exits(done).stdout
		if strings.Contains(strings.ReplaceAll(text, job, ""), "trouble") { // the job is named after the test
			ft.t.Errorf("trawl job %s still says\n%s", command, text)
		}
	}
}

func containsAll(text string, parts []string) bool {
	return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(text, part) })
}

func TestATerminatedWorkerIsNoLongerInTrouble(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 1, PagesPerHost: 3, LinksPerPage: 2}
	ft := newFleetTest(t)
	job := jobOf(t, g, g.Serve(t))
	if err := os.MkdirAll(ft.Out, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(ft.Out, job.Name), nil, 0o644); err != nil { // not a folder
		t.Fatal(err)
	}
	ft.Scheduler()
	w := ft.Worker()
	ft.Create(job)
	ft.waitForTrouble(job.Name, w.Name, "stands in the way")
	w.Terminate()
	start := time.Now()
	ft.waitForNoTrouble(job.Name)
	testfleet.Within(t, "the trouble disappears", time.Since(start), frontier.TroubleTerm/15)
}
