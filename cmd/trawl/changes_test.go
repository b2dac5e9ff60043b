package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/change"
	"github.com/trawlcrawler/trawl/internal/test/redistest"
	"github.com/trawlcrawler/trawl/internal/test/testhook"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
)

// newspaper is a site whose second edition differs from the first.
func newspaper(t *testing.T) (url string, second *atomic.Bool) {
	second = new(atomic.Bool)
	html := func(w http.ResponseWriter, text string) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, "<html><head><title>News</title></head><body><main>%s</main><footer>%p serves</footer></body></html>",
			text, w)
	}
	article := func(name string) string {
		text := strings.Repeat("What has happened in "+name+" is told here, and by whom. ", 20)
		return "<h1>" + name + "</h1><p>" + text + "</p>"
	}
	site := testsite.Serve(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := r.URL.Path; {
		case path == "/":
			html(w, article("front")+`<a href=/same>same</a> <a href=/edited>edited</a> <a href=/deleted>deleted</a> <a href=/moved>moved</a> <a href=/late>late</a>`)
		case path == "/same":
			html(w, article("same"))
		case path == "/edited" && !second.Load():
			html(w, article("edited"))
		case path == "/edited":
			html(w, article("another story altogether"))
		case path == "/deleted" && !second.Load(), path == "/moved" && !second.Load(), path == "/late" && second.Load():
			html(w, article(path[1:]))
		case path == "/moved":
			http.Redirect(w, r, "/same", http.StatusMovedPermanently)
		default:
			http.NotFound(w, r)
		}
	}))
	return site.URL(0, ""), second
}

func TestTheRunsOfAPeriodicJobTellWhatHasChanged(t *testing.T) {
	t.Parallel()
	site, second := newspaper(t)
	hook := testhook.New(t)
	ft := newFleetTest(t)
	ft.Scheduler("--webhook-cidr", "127.0.0.0/8")
	ft.Worker()
	_, dashboard := ft.Dashboard()
	j := crawler.DefaultJob()
	j.Name, j.Seeds, j.Delay, j.Schedule, j.Runs = "news", []string{site + "/"}, 0, "@every 1s", 0
	j.Changes, j.Text = true, true
	j.Webhooks = []crawler.Webhook{{URL: hook.URL, Events: []crawler.EventName{crawler.EventChanges}}}
	ft.Create(j)
	var periodic periodicJSON
	ft.waitUntil("a run is done", func(context.Context) bool {
		ft.runJSON(&periodic, "job", "show", j.Name)
		return len(periodic.Periodic.Runs) > 0 && periodic.Periodic.Runs[0].State == crawler.StateDone
	})
	second.Store(true)
	// A run that was under way fetches a part of the first edition and a part of the second, so the
	// changes may be those of two runs. Footers are different each time, and are no changes.
	want := []string{"back " + site + "/late", "changed " + site + "/edited", "gone " + site + "/deleted",
		"moved " + site + "/moved"}
	var got []string
	ft.waitUntil("all changes are known", func(context.Context) bool {
		got = nil
		end := ft.run("changes", j.Name).exits(done)
		for line := range strings.Lines(end.stdout) {
			var p change.Page
			err := json.Unmarshal([]byte(line), &p)
			if err != nil || !strings.HasPrefix(p.Job, j.Name+"-") || p.FetchedAt == "" {
				t.Fatalf("%v: %q", err, line)
			}
			got = append(got, string(p.Class)+" "+p.URL)
		}
		return len(got) >= len(want)
	})
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	if end := ft.run("changes", j.Name, "--short", "--only", "moved").exits(done); end.stdout !=
		"moved    "+site+"/moved  → "+site+"/same\n" {
		t.Errorf("the move is printed as %q", end.stdout)
	}
	ft.run("changes", j.Name, "--only", "mved").exits(usage, `did you mean "moved"`)
	address := strings.TrimPrefix(dashboard, "http://")
	if status, text := get(t, address, "/jobs/"+j.Name+"/changes.atom"); status != http.StatusOK ||
		strings.Count(text, "<entry>") != len(want) {
		t.Errorf("the feed is %d\n%s", status, text)
	}
	told := func() (all []string) {
		for _, e := range hook.Accepted() {
			for _, p := range e.Data["changes"].([]any) {
				page := p.(map[string]any)
				all = append(all, fmt.Sprint(page["change"], " ", page["url"]))
			}
		}
		slices.Sort(all)
		return all
	}
	ft.waitUntil("the webhook is told", func(context.Context) bool { return len(told()) >= len(want) })
	if diff := cmp.Diff(want, told()); diff != "" {
		t.Errorf("what the webhook was told (-want +got):\n%s", diff)
	}
	if events := hook.Accepted(); events[0].Type != "com.github.trawlcrawler.job.changes" ||
		events[0].Data["run_of"] != j.Name {
		t.Errorf("the first event is %+v", events[0])
	}
	ft.run("job", "cancel", j.Name).exits(done)
}

func TestChangesOfAJobThatFindsNoneAreRefusedWithTheReason(t *testing.T) {
	t.Parallel()
	ft := newFleetTest(t)
	ft.write("job.yaml", "name: plain\nseeds: ["+aURL+"]\n")
	ft.run("job", "create", "job.yaml").exits(done)
	ft.run("changes", "plain").exits(usage, "set changes: true", "trawl diff")
	ft.run("changes", "nosuch").exits(usage, "nosuch")
}

func TestAContinuousJobTellsWhatHasChanged(t *testing.T) {
	t.Parallel()
	site, second := newspaper(t)
	hook := testhook.New(t)
	ft := newFleetTest(t)
	ft.Scheduler("--webhook-cidr", "127.0.0.0/8")
	ft.Worker()
	j := crawler.DefaultJob()
	j.Name, j.Seeds, j.Delay = redistest.Name(t), []string{site + "/"}, 0
	j.Recrawl = crawler.Recrawl{Budget: crawler.FetchRate{Fetches: 1e6, Per: 24 * time.Hour}, Min: time.Second}
	j.Webhooks = []crawler.Webhook{{URL: hook.URL, Events: []crawler.EventName{crawler.EventChanges}}}
	ft.Create(j)
	changes := func(flags ...string) string {
		return ft.run(append([]string{"changes", j.Name, "--short"}, flags...)...).exits(done).stdout
	}
	ft.waitUntil("the first edition is fetched", func(context.Context) bool {
		return strings.Count(changes("--only", "new"), "\n") >= 5 // five of its URLs have a page, or redirect
	})
	second.Store(true)
	ft.run("seed", j.Name, "--changed", site+"/edited", site+"/deleted").exits(done)
	for _, want := range []string{"changed  " + site + "/edited", "gone     " + site + "/deleted"} {
		ft.waitUntil(want, func(context.Context) bool { return strings.Contains(changes(), want) })
	}
	ft.waitUntil("the webhook is told", func(context.Context) bool {
		for _, e := range hook.Accepted() {
			for _, p := range e.Data["changes"].([]any) {
				if page := p.(map[string]any); page["change"] == "changed" && page["url"] == site+"/edited" {
					return true
				}
			}
		}
		return false
	})
	if strings.Contains(changes(), site+"/same  content") {
		t.Errorf("a page whose footer has changed counts:\n%s", changes())
	}
	ft.run("job", "cancel", j.Name).exits(done)
}

func TestPagesThatHaveChangedAreRefusedByAJobThatEnds(t *testing.T) {
	t.Parallel()
	ft := newFleetTest(t)
	ft.write("job.yaml", "name: plain\nseeds: ["+aURL+"]\n")
	ft.run("job", "create", "job.yaml").exits(done)
	ft.run("seed", "plain", "--changed", aURL).exits(usage, "want a job with recrawl")
}
