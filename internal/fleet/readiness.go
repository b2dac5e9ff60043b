package fleet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/internal/frontier"
)

// Readiness reports whether a process can do its work: its Redis answers, and, in a worker,
// the results of all jobs can be kept. It is safe for concurrent use.
type Readiness struct {
	store   *frontier.Store
	warning func() string // returns a problem that stops nothing; "" if there isn't one

	mu       sync.Mutex
	troubles map[string]error // by job
	also     []func() error
	advice   []func(context.Context) []string
}

// NewReadiness returns a Readiness that is ready as long as the store answers.
func NewReadiness(store *frontier.Store) *Readiness {
	return &Readiness{store: store, warning: func() string { return "" }, troubles: make(map[string]error)}
}

// ReadyTerm is how long Redis may take to answer.
const ReadyTerm = 2 * time.Second

// Check returns why the process is not ready; nil if it is.
func (r *Readiness) Check(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, ReadyTerm)
	defer cancel()
	if err := r.store.Probe(ctx); err != nil {
		return err
	}
	return r.trouble()
}

// Warning returns a problem of a process that is ready all the same, such as a wrong clock;
// "" if there isn't one.
func (r *Readiness) Warning() string { return r.warning() }

// Also makes the process not ready while check returns an error.
func (r *Readiness) Also(check func() error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.also = append(r.also, check)
}

// Advise adds a function that says what an operator should know about jobs while the process is
// ready, one text for each job.
func (r *Readiness) Advise(advice func(context.Context) []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.advice = append(r.advice, advice)
}

// Notes returns what an operator should know while the process is ready: its warning, and what jobs
// wait for.
func (r *Readiness) Notes(ctx context.Context) (notes []string) {
	ctx, cancel := context.WithTimeout(ctx, ReadyTerm)
	defer cancel()
	if warning := r.Warning(); warning != "" {
		notes = append(notes, warning)
	}
	r.mu.Lock()
	advice := slices.Clone(r.advice)
	r.mu.Unlock()
	for _, about := range advice {
		notes = append(notes, about(ctx)...)
	}
	return notes
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

// inLine returns the text of an error in one line. Joined errors have several.
func inLine(err error) string { return strings.ReplaceAll(err.Error(), "\n", "; ") }

// general returns what is wrong with the process as a whole.
func (r *Readiness) general() error {
	for _, check := range r.also {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

// Set sets what is wrong with a job; nil if nothing is.
func (r *Readiness) Set(job string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err == nil {
		delete(r.troubles, job)
	} else {
		r.troubles[job] = err
	}
}

// Reasons returns why each of these jobs cannot work properly here. Jobs without problems
// are not included.
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

// Keep forgets the troubles of all jobs except these.
func (r *Readiness) Keep(jobs map[string]bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for job := range r.troubles {
		if !jobs[job] {
			delete(r.troubles, job)
		}
	}
}

// notices reports to jobs, in Redis, why the worker cannot keep their pages. Jobs without
// trouble cost nothing.
type notices struct {
	store  *frontier.Store
	worker string
	told   map[string]notice // by job
}

// notice is the last report to a job.
type notice struct {
	reason string
	at     time.Time
}

// noticeEvery is how often a lasting trouble is reported again, before Redis forgets it.
const noticeEvery = frontier.TroubleTerm / 3

func newNotices(store *frontier.Store, worker string) *notices {
	return &notices{store, worker, make(map[string]notice)}
}

// tell reports what is wrong with each job that has a reason, and to the other jobs that
// nothing is wrong any more.
func (n *notices) tell(ctx context.Context, reasons map[string]string) error {
	for job := range n.told {
		if reasons[job] != "" {
			continue
		}
		if err := n.store.Trouble(ctx, job, n.worker, ""); err != nil {
			return err
		}
		delete(n.told, job)
	}
	for job, reason := range reasons {
		if last := n.told[job]; reason == last.reason && time.Since(last.at) < noticeEvery {
			continue
		}
		if err := n.store.Trouble(ctx, job, n.worker, reason); err != nil {
			return err
		}
		n.told[job] = notice{reason, time.Now()}
	}
	return nil
}
