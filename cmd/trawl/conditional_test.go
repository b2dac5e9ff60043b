package main_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/periodic"
	"github.com/trawlcrawler/trawl/internal/test/testserver"
	"github.com/trawlcrawler/trawl/internal/test/testsite"
	"github.com/trawlcrawler/trawl/internal/test/warctest"
)

// writePage writes a page of a site that changed the given number of hours ago.
func writePage(t *testing.T, folder, name, title string, hours int, links ...string) {
	t.Helper()
	path := filepath.Join(folder, name)
	text := "<!DOCTYPE html><title>" + title + "</title><p>" + strings.Repeat(title+" ", 50)
	for _, l := range links {
		text += fmt.Sprintf("<a href=%q>%s</a>", l, l)
	}
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	at := time.Now().Add(-time.Duration(hours) * time.Hour)
	if err := os.Chtimes(path, at, at); err != nil {
		t.Fatal(err)
	}
}

// recordsOf reads lines of records, by the path of their URLs.
func recordsOf(t *testing.T, lines string) map[string]crawler.Record {
	t.Helper()
	all := make(map[string]crawler.Record)
	for line := range strings.Lines(lines) {
		var rec crawler.Record
		if err := json.Unmarshal([]byte(line), &rec); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		_, path, _ := strings.Cut(strings.TrimPrefix(rec.URL, "http://"), "/")
		all["/"+path] = rec
	}
	return all
}

// expectOutcomes checks the outcomes of records by path.
func expectOutcomes(t *testing.T, what string, got map[string]crawler.Record, want map[string]crawler.Outcome) {
	t.Helper()
	for path, outcome := range want {
		if rec := got[path]; rec.Outcome != outcome {
			t.Errorf("%s: %s is %q (%s), want %q", what, path, rec.Outcome, rec.Error, outcome)
		}
	}
	if len(got) != len(want) {
		t.Errorf("%s: %d records, want %d: %v", what, len(got), len(want), got)
	}
}

func TestACrawlThatIsStartedOverOnlyFetchesWhatHasChanged(t *testing.T) {
	t.Parallel()
	for _, server := range testserver.All {
		t.Run(server.Name, func(t *testing.T) {
			t.Parallel()
			folder := t.TempDir()
			writePage(t, folder, "index.html", "start", 5, "a.html", "b.html")
			writePage(t, folder, "a.html", "A", 5)
			writePage(t, folder, "b.html", "B", 5, "c.html")
			writePage(t, folder, "c.html", "C", 5)
			url := server.Serve(t, folder)
			s := newShell(t)
			crawl := []string{"crawl", url + "/", "--delay", "0", "--out", "site", "--format", "jsonl,warc,parquet,links",
				"--allow-private"}
			s.run(crawl...).exits(done)
			crawl = append(crawl, "--restart")

			writePage(t, folder, "b.html", "new B", 3, "d.html")
			writePage(t, folder, "d.html", "D", 3)
			s.run(crawl...).exits(done)
			const unchanged, fetched = crawler.OutcomeNotModified, crawler.OutcomeFetched
			second := recordsOf(t, s.run("export", "site").exits(done).stdout)
			expectOutcomes(t, "the second crawl", second, map[string]crawler.Outcome{
				"/": unchanged, "/a.html": unchanged, "/b.html": fetched, "/d.html": fetched})

			s.run(crawl...).exits(done)
			third := recordsOf(t, s.run("export", "site").exits(done).stdout)
			expectOutcomes(t, "the third crawl", third, map[string]crawler.Outcome{
				"/": unchanged, "/a.html": unchanged, "/b.html": unchanged, "/d.html": unchanged})
			if was, now := second["/a.html"].SameAs, third["/a.html"].SameAs; was == nil || now == nil || *was != *now {
				t.Errorf("/a.html is the same as %+v and then %+v, want the record of the first crawl twice", was, now)
			}
			if was, now := second["/b.html"], third["/b.html"].SameAs; now == nil || now.FetchedAt != was.FetchedAt ||
				now.Digest != was.Digest {
				t.Errorf("/b.html is the same as %+v, want the record of the second crawl", now)
			}
			filled := recordsOf(t, s.run("export", "site", "--fill").exits(done).stdout)
			for path, title := range map[string]string{"/": "start", "/a.html": "A", "/b.html": "new B", "/d.html": "D"} {
				rec := filled[path]
				if rec.Title != title || rec.Digest == "" || rec.Bytes == 0 || rec.Outcome != unchanged ||
					rec.FetchedAt != third[path].FetchedAt {
					t.Errorf("%s is filled in as %+v", path, rec)
				}
			}
			s.expectArchive(url, []string{"/", "/a.html", "/b.html", "/d.html"})
			if graph := s.read("site/links-00001.jsonl"); !strings.Contains(graph, `"to":"`+url+`/d.html"`) {
				t.Errorf("the link graph lacks the links of pages that have not changed:\n%s", graph)
			}
			if diff := s.run("diff", "site@previous", "site@latest").exits(done); strings.Contains(diff.stdout, ".html") {
				t.Errorf("pages that have not changed differ:\n%s", diff.stdout)
			}
		})
	}
}

// read returns the text of a file in the working folder.
func (s *shell) read(name string) string {
	s.t.Helper()
	text, err := os.ReadFile(s.path(name))
	if err != nil {
		s.t.Fatal(err)
	}
	return string(text)
}

// expectArchive checks that the archive of a crawl has a revisit of each path, which is about a
// response of an earlier crawl, and that an export has these responses as well.
func (s *shell) expectArchive(site string, paths []string) {
	s.t.Helper()
	a := warctest.Open(s.t, s.path("site"))
	aside, _ := filepath.Glob(s.path("site/earlier-*"))
	for _, dir := range aside {
		a.Earlier = append(a.Earlier, warctest.Open(s.t, dir))
	}
	a.Check(s.t)
	const archive = "all/site-20261130120000000-00001-export.warc.gz"
	if err := os.Mkdir(s.path("all"), 0o755); err != nil {
		s.t.Fatal(err)
	}
	s.run("export", "site", "--fill", "--to", archive).exits(done)
	s.run("export", "site", "--fill", "--to", "site.wacz").exits(done)
	all := warctest.Open(s.t, s.path("all"))
	all.Check(s.t)
	for _, path := range paths {
		r := a.One(s.t, "revisit", site+path)
		if profile := r.Get("WARC-Profile"); !strings.HasSuffix(profile, "/server-not-modified") {
			s.t.Errorf("%s: the profile is %s", path, profile)
		}
		original := all.One(s.t, "response", site+path)
		if original.Get("WARC-Record-ID") != r.Get("WARC-Refers-To") ||
			original.Get("WARC-Date") != r.Get("WARC-Refers-To-Date") {
			s.t.Errorf("%s: the revisit refers to %s, the export has %s", path, r.Head, original.Head)
		}
	}
}

// changingSite serves pages with entity tags. It counts the responses with 304 by path.
type changingSite struct {
	pages int

	mu        sync.Mutex
	version   map[string]int
	unchanged map[string]int
}

func (s *changingSite) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var n int
	if _, err := fmt.Sscanf(r.URL.Path, "/%d", &n); err != nil && r.URL.Path != "/" || n >= s.pages {
		http.NotFound(w, r)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	tag := fmt.Sprintf(`"%d"`, s.version[r.URL.Path])
	w.Header().Set("ETag", tag)
	if r.Header.Get("If-None-Match") == tag {
		s.unchanged[r.URL.Path]++
		w.WriteHeader(http.StatusNotModified)
		return
	}
	w.Header().Set("Content-Type", "text/html")
	fmt.Fprintf(w, "<title>version %s of %d</title>", tag, n)
	for _, next := range []int{2*n + 1, 2*n + 2} {
		if next < s.pages {
			fmt.Fprintf(w, "<a href=/%d>%d</a>", next, next)
		}
	}
	_, _ = io.WriteString(w, strings.Repeat("text ", 100))
}

func (s *changingSite) change(path string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.version[path]++
}

// TestRunsOnlyFetchWhatHasChanged lets two workers of a fleet write to a bucket. One is killed in
// the second run. Each reference must lead to a record that is there.
func TestRunsOnlyFetchWhatHasChanged(t *testing.T) {
	t.Parallel()
	const count = 60
	server := &changingSite{pages: count, version: make(map[string]int), unchanged: make(map[string]int)}
	site := testsite.Serve(t, server)
	ft, s3 := newFleetTest(t), newS3Server(t)
	ft.Out = s3.bucket("crawls/fleet")
	ft.Scheduler()
	flags := func(i int) []string {
		return []string{"--spool", ft.path(fmt.Sprint("spool", i)), "--ship-every", "1s"}
	}
	killed := ft.Worker(flags(0)...)
	ft.Worker(flags(1)...)
	job := crawler.DefaultJob()
	job.Name, job.Seeds, job.Schedule = "news", []string{site.URL(0, "/")}, "@every 1s"
	job.Delay, job.Throttle, job.Format, job.LostAfter = 10*time.Millisecond, 0, []string{"jsonl", "warc"}, 10*time.Second
	ft.Create(job)
	run := func(n int) (name string) {
		t.Helper()
		ft.waitUntil(fmt.Sprintf("run %d is done", n), func(ctx context.Context) bool {
			all, err := ft.Client.Jobs(ctx)
			if err != nil {
				return false
			}
			runs := periodic.RunsOf(job.Name, all)
			if len(runs) <= n || runs[n].State != crawler.StateDone {
				return false
			}
			name = runs[n].Job.Name
			return true
		})
		return name
	}
	run(0)
	server.change("/3")
	waitForSite(t, site, func(l *testsite.Log) bool { return l.Count("/20") >= 2 })
	killed.Kill()
	last := run(2)
	ft.run("job", "pause", job.Name).exits(done)
	all := recordsOf(t, ft.run("export", last, "--out", ft.Out, "--fill").exits(done).stdout)
	outcomes := make(map[crawler.Outcome]int)
	for path, rec := range all {
		outcomes[rec.Outcome]++
		if want := fmt.Sprintf(`version "%d" of`, server.version[path]); !strings.HasPrefix(rec.Title, want) {
			t.Errorf("%s has the title %q, want %s…", path, rec.Title, want)
		}
	}
	if len(all) != count || outcomes[crawler.OutcomeNotModified] != count {
		t.Errorf("the outcomes of the third run are %v, want %d pages that have not changed", outcomes, count)
	}
	if end := ft.run("job", "show", last).exits(done); !strings.Contains(end.stdout, "60 not modified") {
		t.Errorf("job show does not count what was not modified:\n%s", end.stdout)
	}
}

// TestConditionalIsASetting runs the same job twice in a fleet. The results of the first one are
// set aside for the second one.
func TestConditionalIsASetting(t *testing.T) {
	t.Parallel()
	const count = 12
	for kind, unchanged := range map[crawler.Conditional]int64{
		crawler.ConditionalAlways: count, crawler.ConditionalAuto: 0, crawler.ConditionalNever: 0,
	} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			server := &changingSite{pages: count, version: make(map[string]int), unchanged: make(map[string]int)}
			site := testsite.Serve(t, server)
			ft := newFleetTest(t)
			ft.Scheduler()
			ft.Worker()
			job := crawler.DefaultJob()
			job.Name, job.Seeds, job.Delay, job.Conditional = "again", []string{site.URL(0, "/")}, 0, kind
			ft.Create(job)
			ft.Done(job.Name)
			ft.run("job", "rm", job.Name).exits(done)
			ft.Create(job)
			if n := ft.Done(job.Name); n.Outcomes[crawler.OutcomeNotModified] != unchanged || n.Recorded() != count {
				t.Errorf("the outcomes are %v, want %d pages that have not changed", n.Outcomes, unchanged)
			}
		})
	}
}
