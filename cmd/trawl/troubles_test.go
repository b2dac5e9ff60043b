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

// troubled is what --json says of a job in trouble.
type troubled struct {
	Name     string
	Troubles []crawler.Trouble
}

// sees waits until a job says that a worker is in trouble, wherever it is asked
// after, with these texts.
func (o *office) sees(job, worker string, texts ...string) {
	o.t.Helper()
	var got troubled
	defer func() {
		if o.t.Failed() {
			o.t.Logf("last it says %+v", got.Troubles)
		}
	}()
	o.until("the job says that the worker is in trouble: "+strings.Join(texts, ", "), func(context.Context) bool {
		o.answer(&got, "job", "show", job)
		return len(got.Troubles) == 1 && containsAll(got.Troubles[0].Reason, texts)
	})
	if trouble := got.Troubles[0]; trouble.Worker != worker || trouble.Since.IsZero() ||
		trouble.At.Before(trouble.Since) || time.Since(trouble.Since) > time.Hour {
		o.t.Errorf("the trouble is %+v, want that of %q, with its times", trouble, worker)
	}
	for command, wants := range map[string][]string{
		"show " + job: append(texts, "worker "+worker, "resumes by itself"),
		"ls":          {"! worker " + worker + " is in trouble (trawl job show " + job + ")"},
	} {
		// Its reason changes: it tries again now and then, and learns another.
		o.until(fmt.Sprintf("trawl job %s says %q", command, wants), func(context.Context) bool {
			return containsAll(o.run(append([]string{"job"}, strings.Fields(command)...)...).exits(done).stdout, wants)
		})
	}
}

// seesNoMore waits until a job says of no worker that it is in trouble.
func (o *office) seesNoMore(job string) {
	o.t.Helper()
	o.until("the job says no more that a worker is in trouble", func(context.Context) bool {
		var got []troubled
		o.answer(&got, "job", "ls")
		at := slices.IndexFunc(got, func(v troubled) bool { return v.Name == job })
		return at >= 0 && len(got[at].Troubles) == 0
	})
	for _, command := range []string{"show " + job, "ls"} {
		if text := o.run(append([]string{"job"},
			strings.Fields(command)...)...).exits(done).stdout; strings.Contains(text, "trouble") {
			o.t.Errorf("trawl job %s still says\n%s", command, text)
		}
	}
}

func containsAll(text string, parts []string) bool {
	return !slices.ContainsFunc(parts, func(part string) bool { return !strings.Contains(text, part) })
}

func TestAJobSaysNoMoreOfAWorkerThatWasToldToEnd(t *testing.T) {
	t.Parallel()
	g := testsite.Graph{Hosts: 1, PagesPerHost: 3, LinksPerPage: 2}
	o := newOffice(t)
	job := jobOf(t, g, g.Serve(t))
	if err := os.MkdirAll(o.Out, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(o.Out, job.Name), nil, 0o644); err != nil { // stands in the way
		t.Fatal(err)
	}
	o.Scheduler()
	w := o.Worker()
	o.Create(job)
	o.sees(job.Name, w.Name, "stands in the way")
	w.Terminate()
	told := time.Now()
	o.seesNoMore(job.Name)
	testfleet.Within(t, "the job says no more of it", time.Since(told), frontier.TroubleTerm/15)
}
