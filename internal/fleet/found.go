package fleet

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/hibiken/asynq"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/condition"
	"github.com/trawlcrawler/trawl/internal/export"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/rules"
	"github.com/trawlcrawler/trawl/internal/wire"
	"github.com/trawlcrawler/trawl/tasks"
)

// found yields the URLs that a finished job has found for the next one: those of the records that
// its condition selects, and their links out of scope. All records must be in the output of this
// worker. If workers keep them in folders of their own, the error says so, and no URL is yielded.
func (w *Worker) found(ctx context.Context, job crawler.Status) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		s, err := w.search(ctx, job)
		if err == nil {
			s.yield = yield
			err = errors.Join(s.run(ctx), s.crawl.Close())
		}
		if err != nil && !errors.Is(err, errEnough) {
			yield("", fmt.Errorf("what job %q has found: %w", job.Job.Name, err))
		}
	}
}

// errEnough ends the reading of records early.
var errEnough = errors.New("no more URLs are wanted")

// search is one reading of the records of a job.
type search struct {
	crawl  *export.Crawl
	where  condition.Condition
	urls   bool         // yield the URLs of the records themselves
	beyond *rules.Scope // yield links out of it; nil: none
	yield  func(string, error) bool
}

// search opens the output of a job, and checks that all of its records are there.
func (w *Worker) search(ctx context.Context, job crawler.Status) (s *search, err error) {
	done := job.Job.OnDone
	s = &search{urls: !done.Links}
	if done.Seeds != "" { // otherwise all records
		if s.where, err = condition.Parse(done.Seeds, time.Now()); err != nil {
			return nil, err
		}
	}
	if done.Links {
		if s.beyond, err = w.scopeOf(ctx, job); err != nil {
			return nil, err
		}
	}
	s.crawl, err = w.whole(ctx, job)
	return s, err
}

// whole opens the output of an ended job, if the output has all records of the job.
func (w *Worker) whole(ctx context.Context, job crawler.Status) (*export.Crawl, error) {
	counters, err := w.conn.Store.Counters(ctx, job.Job.Name)
	if err != nil {
		return nil, err
	}
	where := w.out.Where(job.Job.Name)
	crawl, err := export.Open(ctx, where)
	if err != nil {
		return nil, err
	}
	there, err := crawl.Count(ctx)
	if err == nil && there < counters.Recorded() {
		err = fmt.Errorf("%q has %d of %d records: the others are with other workers: let all workers write to one folder or bucket",
			where, there, counters.Recorded())
	}
	if err != nil {
		return nil, errors.Join(err, crawl.Close())
	}
	return crawl, nil
}

// scopeOf returns the scope of a job, with the hosts of seeds that were added later.
func (w *Worker) scopeOf(ctx context.Context, job crawler.Status) (*rules.Scope, error) {
	seeds, err := rules.SeedEntries(job.Job)
	if err != nil {
		return nil, err
	}
	homes, err := w.conn.Store.Homes(ctx, job.Job.Name)
	if err != nil {
		return nil, err
	}
	for _, e := range seeds {
		homes = append(homes, e.URL.Host())
	}
	return rules.NewScope(job.Job.ScopeSettings, homes)
}

// run yields the URLs that are wanted from the records.
func (s *search) run(ctx context.Context) error {
	return s.crawl.Last(ctx, func(r *export.Record) error {
		if ok, err := s.where.Match(r); err != nil || !ok {
			return err
		}
		rec, err := r.Read()
		if err != nil {
			return err
		}
		if s.urls && !s.yield(rec.URL, nil) {
			return errEnough
		}
		if s.beyond == nil {
			return nil
		}
		for _, text := range queue.ListedLinks(rec) {
			u, err := crawler.ParseURL(text)
			if err == nil && !s.beyond.CoversLink(u.Host()) && !s.yield(text, nil) {
				return errEnough
			}
		}
		return nil
	})
}

// nextTasks is how many tasks of [wire.TypeNext] a process runs at once: each may read millions of
// records.
const nextTasks = 1

// serveNext creates jobs that follow others, until stop is called. A worker that is a whole fleet
// with one job does not.
func (w *Worker) serveNext(ctx context.Context) (stop func()) {
	if w.local != nil {
		return func() {}
	}
	server, err := newStandby(wire.NextQueue, func() (*wire.Server, error) {
		return wire.Serve(ctx, w.conn.Asynq, nil, wire.ServerConfig{
			Job: wire.NextQueue, Concurrency: nextTasks, Poll: time.Second, Log: w.conn.Log,
			Others: map[string]asynq.HandlerFunc{
				wire.TypeNext:    tasks.NextHandler(w.conn.Store, w.found, w.conn.Log),
				wire.TypeChanges: w.compareRuns,
				wire.TypePass:    w.passChanges,
			},
		})
	}, w.conn.Log)
	if err != nil {
		w.conn.complain("this worker creates no jobs that follow others", err)
		return func() {}
	}
	w.rt.places.lookout.add(wire.NextQueue, watchedQueue{server: server})
	return server.close
}
