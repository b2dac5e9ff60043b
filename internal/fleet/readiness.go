package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler/frontier"
)

// Readiness says whether a process can do its work: its Redis answers, and, of
// a worker, the results of all jobs can be kept. It is safe for concurrent use.
type Readiness struct {
	store   *frontier.Store
	warning func() string // what is wrong and stops nothing; "" for nothing

	mu       sync.Mutex
	troubles map[string]error // by job
	also     []func() error
}

// NewReadiness is ready as long as the store answers.
func NewReadiness(store *frontier.Store) *Readiness {
	return &Readiness{store: store, warning: func() string { return "" }, troubles: make(map[string]error)}
}

// ReadyTerm is how long Redis may take to answer.
const ReadyTerm = 2 * time.Second

// Check returns why the process is not ready.
func (r *Readiness) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, ReadyTerm)
	defer cancel()
	if err := r.store.Probe(ctx); err != nil {
		return err
	}
	return r.trouble()
}

// Warning returns what is wrong with a process that is ready all the same, such as
// its clock; "" for nothing.
func (r *Readiness) Warning() string { return r.warning() }

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
	if err := r.general(); err != nil {
		return err
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

// inLine is what an error says, in one line: errors that are joined have several.
func inLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// general returns what is wrong with the process, whatever the job.
func (r *Readiness) general() error {
	for _, check := range r.also {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
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

// Reasons returns why each of these jobs can not go on as it should here; those of
// which all is well are not among them.
func (r *Readiness) Reasons(jobs map[string]bool) map[string]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	general := r.warning()
	if err := r.general(); err != nil {
		general = inLine(err)
	}
	reasons := make(map[string]string)
	for job := range jobs {
		if err := r.troubles[job]; err != nil {
			reasons[job] = inLine(err)
		} else if general != "" {
			reasons[job] = general
		}
	}
	return reasons
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
