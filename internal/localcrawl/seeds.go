package localcrawl

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// Seed is one URL to begin with.
type Seed struct {
	URL   crawler.URL
	Login crawler.Login // that was written in it
	Err   error         // when it is no URL: the text of the error quotes it
}

// own yields the seeds of the job's settings.
func (r *Runner) own(yield func(Seed) bool) {
	entries, err := r.cfg.Job.SeedEntries()
	if err != nil {
		yield(Seed{Err: err})
		return
	}
	for _, e := range entries {
		if !yield(Seed{URL: e.URL}) {
			return
		}
	}
}

// Bounds of admitting seeds: so many at once, and for so long one of a slow list waits for
// others.
const (
	seedBatch = 1000
	seedAfter = 100 * time.Millisecond
)

// seed admits the seeds and notes when all are in, so that the job may end.
func (r *Runner) seed(ctx context.Context, seeds iter.Seq[Seed]) {
	frontier := r.store().Frontier(r.cfg.Job)
	priorities, err := crawler.NewPriorityRules(r.cfg.Job.Priorities)
	if err != nil {
		r.fail(err)
		return
	}
	for batch := range r.batched(ctx, r.opened(ctx, seeds)) {
		for i, e := range batch {
			batch[i].Band = priorities.Band(e.URL, e.Band)
		}
		if _, err := frontier.Admit(ctx, batch); err != nil {
			if ctx.Err() == nil {
				r.fail(fmt.Errorf("admit the seeds: %w", err))
			}
			return
		}
		r.scheduler.Nudge(r.cfg.Job.Name)
	}
	if ctx.Err() != nil {
		return
	}
	if err := r.store().Seeded(ctx, r.cfg.Job.Name, true); err != nil && ctx.Err() == nil {
		r.fail(err)
	}
}

// opened opens the hosts of a list that the operator can only mean to be private: those
// written as addresses, and localhost. A name that a list has from elsewhere opens its port
// alone, whatever it resolves to. Logins that are written in the list are sent to their
// hosts.
func (r *Runner) opened(ctx context.Context, seeds iter.Seq[Seed]) iter.Seq[Seed] {
	return func(yield func(Seed) bool) {
		for s := range seeds {
			if s.Err == nil {
				r.open(ctx, s)
			}
			if !yield(s) {
				return
			}
		}
	}
}

func (r *Runner) open(ctx context.Context, s Seed) {
	h := s.URL.Host()
	if _, ok := h.Address(); ok || h.Name() == "localhost" {
		r.worker.Allow(h)
		r.lend(ctx, s)
	} else if !s.Login.IsZero() {
		r.lend(ctx, s)
	}
	if !s.Login.IsZero() {
		r.worker.Login(s.URL, s.Login)
	}
	r.worker.OpenPort(h)
}

// batched gathers seeds for admission, and tells of those that are no URLs. The list is read
// by a goroutine of its own, which a list that neither goes on nor ends keeps until the
// process does.
func (r *Runner) batched(ctx context.Context, seeds iter.Seq[Seed]) iter.Seq[[]crawler.Entry] {
	read := make(chan crawler.Entry, seedBatch)
	go func() {
		defer close(read)
		for s := range seeds {
			if s.Err != nil {
				r.cfg.Hear.LeftOut(s.Err)
				continue
			}
			select {
			case read <- crawler.Entry{URL: s.URL, Band: crawler.BandFirst}:
			case <-ctx.Done():
				return
			}
		}
	}()
	return func(yield func([]crawler.Entry) bool) {
		for {
			select {
			case first, ok := <-read:
				if !ok || !yield(gather(first, read)) {
					return
				}
			case <-ctx.Done():
				return
			}
		}
	}
}

// gather returns the first entry and those that come soon after it.
func gather(first crawler.Entry, read <-chan crawler.Entry) []crawler.Entry {
	batch := []crawler.Entry{first}
	late := time.NewTimer(seedAfter)
	defer late.Stop()
	for len(batch) < seedBatch {
		select {
		case e, ok := <-read:
			if !ok {
				return batch
			}
			batch = append(batch, e)
		case <-late.C:
			return batch
		}
	}
	return batch
}
