package main_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/trawlcrawler/trawl/crawler"
)

// A job lists articles; the next one fetches what its condition selects, and is followed by one that
// has seeds of its own; a third takes the links that lead out of its scope.
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
	s.write("job.yaml", "name: a\nseeds: ['http://127.0.0.1:1/']\non_done: {job: {name: b}}\n")
	if r := s.run("crawl", "-f", "job.yaml").exits(usage); !strings.Contains(r.stderr, "create this one on a fleet") {
		t.Errorf("a crawl on this machine says %q", r.stderr)
	}
}
