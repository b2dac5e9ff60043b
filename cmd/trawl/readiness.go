package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler/frontier"
)

// readiness says whether a process can do its work: its Redis answers, and, of
// a worker, the results of all jobs can be kept. It is safe for concurrent use.
type readiness struct {
	store *frontier.Store

	mu       sync.Mutex
	troubles map[string]error // by job
}

func newReadiness(store *frontier.Store) *readiness {
	return &readiness{store: store, troubles: make(map[string]error)}
}

// readyTerm is how long Redis may take to answer.
const readyTerm = 2 * time.Second

// check returns why the process is not ready.
func (r *readiness) check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyTerm)
	defer cancel()
	if _, err := r.store.Jobs(ctx); err != nil {
		return err
	}
	return r.trouble()
}

// trouble returns what is wrong with jobs.
func (r *readiness) trouble() error {
	r.mu.Lock()
	defer r.mu.Unlock()
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

// set notes what is wrong with a job; nil is nothing.
func (r *readiness) set(job string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		delete(r.troubles, job)
	} else {
		r.troubles[job] = err
	}
}

// keep forgets the troubles of jobs that are not among these.
func (r *readiness) keep(jobs map[string]bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for job := range r.troubles {
		if !jobs[job] {
			delete(r.troubles, job)
		}
	}
}
