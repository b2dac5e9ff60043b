package main_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/rules"
)

// A job lists articles. The next job fetches the articles that the condition selects, and is
// followed by a job with seeds of its own. A third job takes the links that lead out of the first
// one's scope.
func TestJobsFollowOneAnother(t *testing.T) {
	t.Parallel()
	elsewhere := httptest.NewServer(fileServer{"/": "<title>elsewhere</title>"})
	t.Cleanup(elsewhere.Close)
	page := fmt.Sprintf(`<a href="/a/">a</a><a href="/b/">b</a><a href="/menu/">m</a><a href="%s/">x</a>`,
		elsewhere.URL)
	site := httptest.NewServer(fileServer{"/": page, "/a/": "<title>article</title>", "/b/": "<title>article</title>",
		"/menu/": "<title>menu</title>"})
	t.Cleanup(site.Close)
	ft := newFleetTest(t)
	ft.Scheduler()
	ft.Worker()
	job := crawler.DefaultJob()
	job.Name, job.Seeds, job.Delay, job.Links = "list", []string{site.URL + "/"}, 0, true
	job.OnDone = crawler.OnDone{Seeds: "title = article", Job: map[string]any{
		"name": "articles", "depth": 0, "delay": "1ms", "on_done": map[string]any{
			"job": map[string]any{"name": "again", "depth": 0, "seeds": []any{site.URL + "/menu/"}},
		},
	}}
	ft.Create(job)
	job.Name, job.OnDone = "out", crawler.OnDone{Links: true, Job: map[string]any{"depth": 0}}
	ft.Create(job)
	for name, want := range map[string][]string{
		"articles": {site.URL + "/a/", site.URL + "/b/"}, "again": {site.URL + "/menu/"},
		"out-next": {elsewhere.URL + "/"},
	} {
		ft.waitUntil("job "+name+" is created", func(ctx context.Context) bool {
			_, err := ft.Client.Status(ctx, name)
			return err == nil
		})
		ft.waitForState(name, crawler.StateDone)
		var got []string
		for _, r := range ft.Export(name) {
			got = append(got, r.URL)
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("job %s has fetched %q, want %q", name, got, want)
		}
	}
	s := newShell(t)
	s.write("sub/last.yaml", "name: last\ndelay: 3s\nfollow: false\n")
	s.write("sub/next.yaml", "name: next\nextract: [{match: /p/, fields: {title: h1}}]\non_done: {job: last.yaml}\n")
	s.write("files.yaml", fmt.Sprintf("name: files\nseeds: [%q]\non_done: {job: sub/next.yaml}\n", site.URL+"/"))
	ft.run("job", "create", s.path("files.yaml")).exits(done)
	status, err := ft.Client.Status(t.Context(), "files")
	if err != nil {
		t.Fatal(err)
	}
	next, err := rules.NextJob(status.Job)
	if err != nil || next.Name != "next" || len(next.Extract) != 1 {
		t.Fatalf("the next job is %+v (%v), want the one of sub/next.yaml", next, err)
	}
	if last, err := rules.NextJob(next); err != nil || last.Name != "last" || last.Delay != 3*time.Second || last.Follow {
		t.Errorf("the job after it is %+v (%v), want the one of sub/last.yaml", last, err)
	}
	s.write("loop.yaml", fmt.Sprintf("name: loop\nseeds: [%q]\non_done: {job: loop.yaml}\n", site.URL+"/"))
	s.write("away.yaml", fmt.Sprintf("name: away\nseeds: [%q]\non_done: {job: nothing.yaml}\n", site.URL+"/"))
	s.write("wrong.yaml", fmt.Sprintf("name: w\nseeds: [%q]\non_done: {job: typo.yaml}\n", site.URL+"/"))
	s.write("typo.yaml", "name: t\ndephh: 3\n")
	for file, want := range map[string]string{"loop.yaml": "more than 16 files", "away.yaml": "nothing.yaml: no such file",
		"wrong.yaml": `[2:1] unknown field "dephh"`} {
		if r := ft.run("job", "create", s.path(file)).exits(usage); !strings.Contains(r.stderr, want) {
			t.Errorf("%s: got %q, want %q", file, r.stderr, want)
		}
	}
	s.write("job.yaml", "name: a\nseeds: ['http://127.0.0.1:1/']\non_done: {job: {name: b}}\n")
	if r := s.run("crawl", "-f", "job.yaml").exits(usage); !strings.Contains(r.stderr, "create this one on a fleet") {
		t.Errorf("a crawl on this machine says %q", r.stderr)
	}
}
