package recordstream_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/change"
	"github.com/trawlcrawler/trawl/internal/output"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/recordstream"
)

// periodicJob is a periodic job with some runs, whose outputs are in a folder.
type periodicJob struct {
	t      *testing.T
	dir    string
	status crawler.Status
	runs   []crawler.Status
	stream *recordstream.Stream
}

func newPeriodicJob(t *testing.T) *periodicJob {
	p := &periodicJob{t: t, dir: t.TempDir(), status: job("jsonl")}
	p.status.Job.Schedule, p.status.Job.Changes = "@daily", true
	p.stream = recordstream.New(places{}, recordstream.Config{Out: p.dir,
		Runs: func(context.Context, string) ([]crawler.Status, error) { return p.runs, nil }})
	return p
}

// run adds a run. Its changes are not known yet.
func (p *periodicJob) run(day int) (name string) {
	run := p.status
	name = fmt.Sprintf("news-202611%02dt060000", day)
	run.Job.Name, run.Job.Schedule, run.RunOf = name, "", "news"
	p.runs = append(p.runs, run)
	if err := os.MkdirAll(filepath.Join(p.dir, name), 0o755); err != nil {
		p.t.Fatal(err)
	}
	return name
}

// changes writes the changes of a run.
func (p *periodicJob) changes(run string, urls ...string) {
	p.t.Helper()
	var lines strings.Builder
	encoder := json.NewEncoder(&lines)
	for _, u := range urls {
		if err := encoder.Encode(change.Page{Class: change.New, URL: u, Job: run}); err != nil {
			p.t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(p.dir, run, output.ChangesName), []byte(lines.String()), 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// read reads at most some changes after a cursor.
func (p *periodicJob) read(job crawler.Status, cursor string, limit int) (urls []string, next string, more bool) {
	p.t.Helper()
	next, more, err := p.stream.Changes(p.t.Context(), job, cursor, func(c change.Page) (bool, error) {
		urls = append(urls, c.URL)
		return len(urls) < limit, nil
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return urls, next, more
}

// want reads on, and checks what is read.
func (p *periodicJob) want(cursor string, urls ...string) (next string) {
	p.t.Helper()
	got, next, more := p.read(p.status, cursor, 100)
	if diff := cmp.Diff(urls, got); diff != "" || more {
		p.t.Errorf("changes (-want +got), more %v:\n%s", more, diff)
	}
	return next
}

func TestTheChangesOfAPeriodicJobAreThoseOfItsRuns(t *testing.T) {
	t.Parallel()
	p := newPeriodicJob(t)
	if next := p.want(""); next != "" {
		t.Errorf("before the first run, the cursor is %q", next)
	}
	first, second, third := p.run(1), p.run(2), p.run(3)
	p.changes(first)
	next := p.want("")
	p.changes(second, "http://x/1", "http://x/2", "http://x/3")
	urls, middle, more := p.read(p.status, next, 2)
	if diff := cmp.Diff([]string{"http://x/1", "http://x/2"}, urls); diff != "" || !more {
		t.Errorf("changes (-want +got), more %v:\n%s", more, diff)
	}
	next = p.want(middle, "http://x/3")
	if again := p.want(next); again != next {
		t.Errorf("while the changes of a run are not known, the cursor goes from %q to %q", next, again)
	}
	p.changes(third, "http://x/4")
	next = p.want(next, "http://x/4")
	p.want(next)
	p.want("", "http://x/1", "http://x/2", "http://x/3", "http://x/4")
	if urls, _, _ := p.read(p.runs[1], "", 100); len(urls) != 3 {
		t.Errorf("the changes of one run are %q", urls)
	}
}

// A worker may have died for good before it compared a run, or the runs may be on other machines.
func TestARunWithoutChangesDoesNotHoldUpThoseOfLaterOnes(t *testing.T) {
	t.Parallel()
	p := newPeriodicJob(t)
	first, _, third := p.run(1), p.run(2), p.run(3)
	p.changes(first, "http://x/1")
	next := p.want("", "http://x/1")
	p.changes(third, "http://x/3")
	next = p.want(next, "http://x/3")
	p.runs = p.runs[2:] // Redis forgets the oldest runs
	p.want(next)
}

func TestChangesThatCannotBeReadAreRefusedWithTheReason(t *testing.T) {
	t.Parallel()
	p := newPeriodicJob(t)
	p.changes(p.run(1), "http://x/1")
	next := p.want("", "http://x/1")
	none := job("jsonl")
	for name, c := range map[string]struct {
		job    crawler.Status
		cursor string
		want   error
		says   string
	}{
		"a job that finds none":    {none, "", queue.ErrOutput, "set changes: true"},
		"a cursor that was cut":    {p.status, next[:len(next)-9], queue.ErrCursor, "cut or changed"},
		"a cursor of records":      {p.status, "1.abc", queue.ErrCursor, "cut or changed"},
		"a cursor without its run": {p.runs[0], next, queue.ErrCursor, "cut or changed"},
	} {
		_, _, err := p.stream.Changes(t.Context(), c.job, c.cursor, func(change.Page) (bool, error) { return true, nil })
		if !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: the error is %v, want %v that says %q", name, err, c.want, c.says)
		}
	}
}

// The workers of a continuous job say in each record what came of the page.
func TestTheChangesOfAContinuousJobAreInItsRecords(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	j := job("jsonl")
	j.Job.Recrawl.Budget = crawler.FetchRate{Fetches: 1000, Per: time.Hour}
	var lines strings.Builder
	for _, fields := range []string{
		`"url":"http://x/1","status":200,"outcome":"fetched","change":"new","title":"One"`,
		`"url":"http://x/2","status":404,"outcome":"gone","change":"gone"`, // it never was
		`"url":"http://x/1","status":200,"outcome":"fetched","fetch":2,"change":"unchanged"`,
		`"url":"http://x/1","status":200,"outcome":"fetched","fetch":3,"change":"changed"`,
		`"url":"http://x/1","status":503,"outcome":"failed","fetch":4`,
		`"url":"http://x/1","final_url":"http://x/3","outcome":"redirected","status":301,"fetch":5,"change":"moved"`,
		`"url":"http://x/1","status":410,"outcome":"gone","fetch":6,"change":"gone"`,
		`"url":"http://x/1","status":200,"outcome":"fetched","fetch":7,"change":"back"`,
	} {
		fmt.Fprintf(&lines, "{%s}\n", fields)
	}
	if err := os.MkdirAll(filepath.Join(dir, "news"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "news", "pages-w-00001.jsonl"), []byte(lines.String()), 0o644); err != nil {
		t.Fatal(err)
	}
	var got []string
	_, more, err := recordstream.New(places{}, recordstream.Config{Out: dir}).Changes(t.Context(), j, "",
		func(p change.Page) (bool, error) { got = append(got, p.String()); return true, nil })
	want := []string{
		"new      http://x/1", "changed  http://x/1  content", "moved    http://x/1  → http://x/3",
		"gone     http://x/1  410", "back     http://x/1",
	}
	if diff := cmp.Diff(want, got); diff != "" || more || err != nil {
		t.Errorf("changes (-want +got), more %v, %v:\n%s", more, err, diff)
	}
}
