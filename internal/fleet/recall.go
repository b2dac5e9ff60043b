package fleet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/export"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/output"
	"github.com/trawlcrawler/trawl/internal/periodic"
	"github.com/trawlcrawler/trawl/internal/sink"
	"github.com/trawlcrawler/trawl/internal/validators"
)

// Before the worker serves a job, this file reads what is known from earlier fetches of its pages:
// from the outputs of earlier runs, and of the job itself.

// knowledge is what is known of pages from earlier fetches. It is safe for concurrent use.
type knowledge struct {
	index *validators.Index
	log   *slog.Logger
	once  sync.Once
}

// Find implements [visit.Validators]. A page that cannot be looked up is fetched whole.
func (k *knowledge) Find(u crawler.URL) *fetched.Earlier {
	e, err := k.index.Find(u)
	if err != nil {
		k.complain(err)
		return nil
	}
	return e
}

// add remembers pages that were fetched just now.
func (k *knowledge) add(lines []validators.Line) {
	for _, l := range lines {
		if err := k.index.Add(l); err != nil {
			k.complain(err)
			return
		}
	}
}

func (k *knowledge) complain(err error) {
	k.once.Do(func() {
		k.log.Warn("pages are fetched whole, because what is known of them cannot be read", "error", err)
	})
}

// recall is the reading of earlier outputs for a job.
type recall struct {
	created time.Time // of the job
	stop    context.CancelFunc
	done    chan struct{}
	known   *knowledge // nil if nothing is known; valid once done is closed
}

// keepsValidators reports whether the worker keeps validators of the pages of a job.
func (w *Worker) keepsValidators(job crawler.Status) bool {
	if w.out.place == nil { // a sink of a program
		return false
	}
	return validators.Applies(job.Job, job.RunOf != "" || w.local != nil && w.out.spool == nil)
}

// recall returns what is known of pages of a job from earlier fetches. Until that is read, which
// may take minutes for millions of pages, ready is false. Before that, recall claims the place of
// the job's results.
func (w *Worker) recall(hard context.Context, job crawler.Status) (known *knowledge, ready bool) {
	name := job.Job.Name
	r := w.recalls[name]
	if r != nil && !r.created.Equal(job.Created) {
		w.drop(name)
		r = nil
	}
	if r == nil {
		if err := w.claim(hard, job); err != nil {
			w.conn.Ready.Set(name, err)
			w.conn.complain("the job cannot be served", err, "job", name)
			return nil, false
		}
		r = &recall{created: job.Created, stop: func() {}, done: make(chan struct{})}
		w.recalls[name] = r
		w.remember(hard, job, r)
	}
	select {
	case <-r.done:
		return r.known, true
	default:
		return nil, false
	}
}

// remember reads what is known from earlier fetches, in the background if there are outputs to
// read.
func (w *Worker) remember(hard context.Context, job crawler.Status, r *recall) {
	if !w.keepsValidators(job) {
		close(r.done)
		return
	}
	ctx, stop := context.WithCancel(hard)
	r.stop = stop
	w.retiring.Go(func() {
		defer w.Nudge()
		defer close(r.done)
		defer stop()
		known, err := w.learn(ctx, job)
		if err != nil && ctx.Err() == nil {
			w.conn.complain("all pages of a job are fetched whole, because what is known of them cannot be read", err,
				"job", job.Job.Name)
		}
		r.known = known
	})
}

// unrecall forgets what is known for jobs that are not served any more.
func (w *Worker) unrecall(jobs map[string]bool) {
	for name := range w.recalls {
		if !jobs[name] && w.jobWorkers[name] == nil && !w.leaves(name) {
			w.drop(name)
		}
	}
}

// drop forgets what is known for a job.
func (w *Worker) drop(name string) {
	r := w.recalls[name]
	delete(w.recalls, name)
	r.stop()
	<-r.done
	if r.known != nil {
		if err := r.known.index.Close(); err != nil {
			w.conn.Log.Debug("files of earlier fetches could not be closed", "job", name, "error", err)
		}
	}
}

// stopRecalls stops the reading of earlier outputs.
func (w *Worker) stopRecalls() {
	for _, r := range w.recalls {
		r.stop()
	}
}

// source is an output with validators.
type source struct {
	name string // "" for the job's own
	at   *output.Location
}

// learn reads the earlier outputs of a job. It returns nil if they have no validators.
func (w *Worker) learn(ctx context.Context, job crawler.Status) (*knowledge, error) {
	began := time.Now()
	sources, err := w.sources(ctx, job)
	if err != nil || len(sources) == 0 && !validators.Repeats(job.Job) {
		return nil, err
	}
	needs := sink.NeedsOf(job.Job.Format)
	b, err := validators.NewBuilder(validators.Config{
		Dir: w.rt.temp, Reading: validators.Reading(job.Job, needs), Archive: needs.Exchanges,
		There: func(name string) bool { return w.isThere(ctx, job, name) },
	})
	if err != nil {
		return nil, err
	}
	for _, s := range sources {
		if err := s.read(ctx, b); err != nil {
			return nil, errors.Join(err, b.Close())
		}
	}
	index, err := b.Build()
	if err != nil {
		return nil, err
	}
	w.conn.Log.Info("read what is known of pages from earlier fetches", "job", job.Job.Name, "pages", index.Len(),
		"outputs", len(sources), "ms", time.Since(began).Milliseconds())
	return &knowledge{index: index, log: w.conn.Log.With("job", job.Job.Name)}, nil
}

// runsRead is how many earlier runs of a periodic job are read: the last one may have ended early.
const runsRead = 2

// sources lists the outputs that have validators for a job, the oldest first.
func (w *Worker) sources(ctx context.Context, job crawler.Status) (all []source, err error) {
	name := job.Job.Name
	own := w.out.place.In(w.folder(name))
	if job.RunOf != "" {
		folders, err := w.out.place.Folders(ctx)
		if err != nil {
			return nil, err
		}
		runs := slices.DeleteFunc(folders, func(f string) bool { return !periodic.IsRun(f, job.RunOf) || f >= name })
		for _, run := range runs[max(0, len(runs)-runsRead):] {
			all = append(all, source{run, w.out.place.In(run)})
		}
	}
	if w.local != nil || job.Job.Conditional == crawler.ConditionalAlways {
		folders, err := own.Folders(ctx)
		if err != nil {
			return nil, err
		}
		aside := slices.DeleteFunc(folders, func(f string) bool { return !strings.HasPrefix(f, asidePrefix) })
		if n := len(aside); n > 0 {
			all = append(all, source{aside[n-1], own.In(aside[n-1])})
		}
	}
	all = append(all, source{"", own})
	var kept []source
	for _, s := range all {
		segments, err := s.at.Segments(ctx, validators.Name)
		switch {
		case errors.Is(err, output.ErrMissing):
		case err != nil:
			return nil, err
		case len(segments) > 0:
			kept = append(kept, s)
		}
	}
	return kept, nil
}

// read adds the validators of an output, and the records that show that they may be used.
func (s source) read(ctx context.Context, b *validators.Builder) error {
	if err := b.From(s.name); err != nil {
		return err
	}
	segments, err := s.at.Segments(ctx, validators.Name)
	if err != nil {
		return err
	}
	for _, segment := range segments {
		err := s.at.EachLine(ctx, segment, func(_ int64, line []byte) error {
			if err := b.Line(line); !errors.Is(err, validators.ErrLine) {
				return err
			}
			return nil // the line is damaged: its page is fetched whole
		})
		if err != nil && !errors.Is(err, output.ErrDamaged) && !errors.Is(err, output.ErrMissing) {
			return err
		}
	}
	crawl, err := export.Open(ctx, s.at.String())
	if errors.Is(err, export.ErrNoOutput) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(crawl.Fetches(ctx, b.Record), crawl.Captures(ctx, b.Captured), crawl.Close())
}

// isThere reports whether an output beside that of the job, or within it, still has records.
func (w *Worker) isThere(ctx context.Context, job crawler.Status, name string) bool {
	for _, at := range []*output.Location{w.out.place.In(name), w.out.place.In(w.folder(job.Job.Name)).In(name)} {
		if crawl, err := export.Open(ctx, at.String()); err == nil {
			if err := crawl.Close(); err != nil {
				w.conn.Log.Debug("an earlier output could not be closed", "output", fmt.Sprint(at), "error", err)
			}
			return true
		}
	}
	return false
}
