package dashboard

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// town is a fleet's jobs in memory. Jobs run as soon as they are created.
type town struct {
	mu    sync.Mutex
	jobs  map[string]*resident
	order []string

	trouble error              // of all methods, if it is set
	silent  bool               // answers no more: waits for the context
	onSeed  func(url string)   // hears of each URL before it is admitted
	endSeed func(n int64) bool // says that the job ends at a line
}

// resident is one job.
type resident struct {
	status   crawler.Status
	counters crawler.Counters
	seen     map[crawler.URL]bool
	broken   error // of its counters
	waiting  crawler.Waiting
}

func newTown() *town { return &town{jobs: make(map[string]*resident)} }

// enter waits or fails if the town is to, and locks it.
func (f *town) enter(ctx context.Context) error {
	f.mu.Lock()
	trouble, silent := f.trouble, f.silent
	if trouble == nil && !silent {
		return ctx.Err()
	}
	f.mu.Unlock()
	if silent {
		<-ctx.Done()
		trouble = ctx.Err()
	}
	f.mu.Lock()
	return trouble
}

// at finds a job, with the town locked.
func (f *town) at(ctx context.Context, name string) (*resident, error) {
	if err := f.enter(ctx); err != nil {
		return nil, err
	}
	r := f.jobs[name]
	if r == nil {
		return nil, fmt.Errorf("job %q: %w", name, crawler.ErrNoJob)
	}
	return r, nil
}

func (f *town) Create(ctx context.Context, job crawler.Job) error {
	defer f.mu.Unlock()
	if err := f.enter(ctx); err != nil {
		return err
	}
	if f.jobs[job.Name] != nil {
		return fmt.Errorf("job %q: %w", job.Name, crawler.ErrJobExists)
	}
	now := time.Now()
	f.jobs[job.Name] = &resident{
		status: crawler.Status{Job: job, State: crawler.StateRunning, Created: now, Started: now},
		seen:   make(map[crawler.URL]bool),
	}
	f.order = append(f.order, job.Name)
	return nil
}

func (f *town) Jobs(ctx context.Context) ([]crawler.Status, error) {
	defer f.mu.Unlock()
	if err := f.enter(ctx); err != nil {
		return nil, err
	}
	var all []crawler.Status
	for _, name := range f.order {
		if r := f.jobs[name]; r != nil {
			all = append(all, r.status)
		}
	}
	return all, nil
}

func (f *town) Status(ctx context.Context, name string) (crawler.Status, error) {
	defer f.mu.Unlock()
	r, err := f.at(ctx, name)
	if err != nil {
		return crawler.Status{}, err
	}
	return r.status, nil
}

func (f *town) Counters(ctx context.Context, name string) (crawler.Counters, error) {
	defer f.mu.Unlock()
	r, err := f.at(ctx, name)
	if err != nil {
		return crawler.Counters{}, err
	}
	return r.counters, r.broken
}

func (f *town) Waiting(ctx context.Context, job crawler.Status, _ crawler.Counters) (crawler.Waiting, error) {
	defer f.mu.Unlock()
	r, err := f.at(ctx, job.Job.Name)
	if err != nil {
		return crawler.Waiting{}, err
	}
	return r.waiting, nil
}

func (f *town) Pause(ctx context.Context, name string) error {
	return f.move(ctx, name, crawler.StatePaused, crawler.StateRunning, crawler.StatePaused)
}

func (f *town) Resume(ctx context.Context, name string) error {
	return f.move(ctx, name, crawler.StateRunning, crawler.StateRunning, crawler.StatePaused, crawler.StateDone)
}

func (f *town) Set(ctx context.Context, name string, revision int64, changes crawler.Changes) (crawler.Adjustment, error) {
	defer f.mu.Unlock()
	r, err := f.at(ctx, name)
	if err != nil {
		return crawler.Adjustment{}, err
	}
	if revision >= 0 && revision != r.status.Revision {
		return crawler.Adjustment{}, fmt.Errorf("job %q: %w", name, crawler.ErrJobChanged)
	}
	job, notes, err := r.status.Job.With(changes)
	if err != nil {
		return crawler.Adjustment{}, err
	}
	r.status.Revision++
	done := crawler.Adjustment{Changed: job.Changed(r.status.Job, time.Now(), r.status.Revision), Notes: notes}
	r.status.Job, r.status.Changes = job, append(r.status.Changes, done.Changed...)
	return done, nil
}

func (f *town) Cancel(ctx context.Context, name string) error {
	return f.move(ctx, name, crawler.StateCancelled, crawler.StateRunning, crawler.StatePaused)
}

func (f *town) move(ctx context.Context, name string, to crawler.State, from ...crawler.State) error {
	defer f.mu.Unlock()
	r, err := f.at(ctx, name)
	if err != nil {
		return err
	}
	for _, state := range from {
		if r.status.State == state {
			r.status.State = to
			return nil
		}
	}
	return fmt.Errorf("job %q: %w", name, crawler.ErrJobEnded)
}

func (f *town) Remove(ctx context.Context, name string) error {
	defer f.mu.Unlock()
	if _, err := f.at(ctx, name); err != nil {
		return err
	}
	delete(f.jobs, name)
	return nil
}

func (f *town) Seed(ctx context.Context, name string, urls iter.Seq2[string, error], progress func(crawler.Seeding)) (crawler.Seeding, error) {
	var seeding crawler.Seeding
	line := int64(0)
	for text, err := range urls {
		if err != nil {
			return seeding, err
		}
		line++
		if f.endSeed != nil && f.endSeed(line) {
			return seeding, fmt.Errorf("job %q: %w", name, crawler.ErrJobEnded)
		}
		if text == "" {
			continue
		}
		if f.onSeed != nil {
			f.onSeed(text)
		}
		if err := f.admit(ctx, name, line, text, &seeding); err != nil {
			return seeding, err
		}
		progress(seeding)
	}
	return seeding, nil
}

func (f *town) admit(ctx context.Context, name string, line int64, text string, seeding *crawler.Seeding) error {
	defer f.mu.Unlock()
	r, err := f.at(ctx, name)
	if err != nil {
		return err
	}
	seed, err := crawler.ParseSeed(text)
	if err != nil {
		return err // the list refuses it
	}
	url, err := crawler.ParseURL(seed.URL)
	switch {
	case err != nil:
		seeding.Refuse(crawler.Refusal{Line: line, URL: text, Reason: err.Error()})
	case r.seen[url]:
		seeding.Seen++
	default:
		r.seen[url] = true
		seeding.Admitted++
		r.counters.Seen++
		r.counters.Waiting++
	}
	return nil
}

// change changes a job behind everybody's back.
func (f *town) change(name string, how func(*resident)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	how(f.jobs[name])
}

// fail lets all that is asked of the town fail.
func (f *town) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.trouble = err
}

// hush lets the town answer no more.
func (f *town) hush() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.silent = true
}
