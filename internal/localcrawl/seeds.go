package localcrawl

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/rules"
	"github.com/trawlcrawler/trawl/internal/urltext"
)

// Seed is one URL to start from.
type Seed struct {
	URL      crawler.URL
	Login    urltext.Login    // the login written in the URL
	Priority crawler.Priority // "" for the default
	// Listed says that the URL was read from a list rather than named by the operator. The
	// list may be from anyone, so the URL does not open a private address.
	Listed bool
	Err    error // set if it is not a valid URL; the text quotes it
}

// own yields the seeds of the job's settings.
func (r *Runner) own(yield func(Seed) bool) {
	entries, err := rules.SeedEntries(r.cfg.Job)
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

// Bounds of admitting seeds: how many are admitted at once, and how long one from a slow
// list waits for others.
const (
	seedBatch = 1000
	seedAfter = 100 * time.Millisecond
)

// seed admits the seeds, and records when all are admitted, so that the job may end.
func (r *Runner) seed(ctx context.Context, seeds iter.Seq[Seed]) {
	frontier := r.store().Frontier(r.cfg.Job)
	priorities, err := rules.NewPriorityRules(r.cfg.Job.Priorities)
	if err != nil {
		r.fail(err)
		return
	}
	for batch := range r.batched(ctx, r.opened(ctx, seeds), priorities) {
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

// opened opens the hosts of seeds that the operator named and that must be meant to be
// private: addresses and localhost. Any other seed opens only its port, whatever it
// resolves to. Logins that are written in seeds are sent to their hosts.
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
	_, written := h.Address()
	private := !s.Listed && (written || h.Name() == "localhost")
	if private {
		r.worker.Allow(h)
	}
	if private || !s.Login.IsZero() {
		r.lend(ctx, s)
	}
	if !s.Login.IsZero() {
		r.worker.Login(s.URL, s.Login)
	}
	r.worker.OpenPort(h)
}

// batched collects seeds into batches, and reports those that are not URLs. A separate
// goroutine reads the list. If the list blocks without ending, that goroutine stays until
// the process ends.
func (r *Runner) batched(ctx context.Context, seeds iter.Seq[Seed],
	priorities rules.PriorityRules) iter.Seq[[]queue.Entry] {
	read := make(chan queue.Entry, seedBatch)
	go func() {
		defer close(read)
		for s := range seeds {
			if s.Err != nil {
				r.cfg.Hear.LeftOut(s.Err)
				continue
			}
			select {
			case read <- queue.Entry{URL: s.URL, Band: queue.BandOf(s.Priority,
				priorities.Band(s.URL, queue.BandFirst))}:
			case <-ctx.Done():
				return
			}
		}
	}()
	return func(yield func([]queue.Entry) bool) {
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

// gather returns the first entry and those that follow within seedAfter.
func gather(first queue.Entry, read <-chan queue.Entry) []queue.Entry {
	batch := []queue.Entry{first}
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
