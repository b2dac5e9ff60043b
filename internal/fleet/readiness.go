package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler/frontier"
)

// Readiness says whether a process can do its work: its Redis answers, and, of
// a worker, the results of all jobs can be kept. It is safe for concurrent use.
type Readiness struct {
	store *frontier.Store

	mu       sync.Mutex
	troubles map[string]error // by job
	also     []func() error
}

// NewReadiness is ready as long as the store answers.
func NewReadiness(store *frontier.Store) *Readiness {
	return &Readiness{store: store, troubles: make(map[string]error)}
}

// ReadyTerm is how long Redis may take to answer.
const ReadyTerm = 2 * time.Second

// Check returns why the process is not ready.
func (r *Readiness) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, ReadyTerm)
	defer cancel()
	if _, err := r.store.Jobs(ctx); err != nil {
		return err
	}
	return r.trouble()
}

// Also has the process not be ready when a function returns an error.
func (r *Readiness) Also(check func() error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.also = append(r.also, check)
}

// trouble returns what is wrong with jobs, or with the process.
func (r *Readiness) trouble() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, check := range r.also {
		if err := check(); err != nil {
			return err
		}
	}
	var all []string
	for job, err := range r.troubles {
		all = append(all, fmt.Sprintf("job %s: %v", job, err))
	}
	if len(all) == 0 {
		return nil
	}
	slices.Sort(all)
	return errors.New(all[0])
}

// Set notes what is wrong with a job; nil is nothing.
func (r *Readiness) Set(job string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		delete(r.troubles, job)
	} else {
		r.troubles[job] = err
	}
}

// Keep forgets the troubles of jobs that are not among these.
func (r *Readiness) Keep(jobs map[string]bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for job := range r.troubles {
		if !jobs[job] {
			delete(r.troubles, job)
		}
	}
}
