package fleet

import (
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// Local configures the worker of a process that is the whole fleet of a job, scheduler and
// worker, and ends with the job. Such a worker does not own its outlet, and connects to what
// its operator opened without asking Redis. None of the functions may be nil.
type Local struct {
	// Process is the name of the process in the fleet, and as the owner of jobs that it alone
	// may carry out.
	Process string
	// Place is the name under which jobs know where it keeps pages.
	Place string
	// Sole says that the worker has one job, whose results lie in the outlet itself, in files
	// that are not named after the worker. Otherwise each job has a folder of its own.
	Sole bool
	// Poll is how long an empty queue is left alone: see [tasks.ServerConfig].
	Poll time.Duration
	// Heard hears of each visit that ended, by its goroutine. lost is why pages of the job
	// cannot be kept, when no waiting helps; then the worker pauses the job and tries again.
	Heard func(job string, r crawler.Report, lost error)
	// Waits hears why pages of a job cannot be kept now, and nil when they can again.
	Waits func(job string, why error)
	// Failed hears that the results of a job could not be opened or closed.
	Failed func(job string, err error)
}

// Nudge lets the worker look at its jobs before its time, because something has changed. It
// does not wait, and may be called at any time, by any goroutine.
func (w *Worker) Nudge() {
	select {
	case w.nudges <- struct{}{}:
	default: // it was told already
	}
}

// Login has a login sent to the host of a URL that an operator wrote it in.
func (w *Worker) Login(u crawler.URL, l crawler.Login) { w.workshop.Fetcher.Login(u, l) }

// OpenPort lets the one job of the worker go to the port of a seed of a list, which this
// process alone reads. The hosts of such seeds need no scope of their own: their job follows
// no links away from them.
func (w *Worker) OpenPort(h crawler.Host) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, known := w.ports[h.Port()]; known {
		return
	}
	w.ports[h.Port()] = h
	if w.scope != nil {
		w.scope.Extend([]crawler.Host{h})
	}
}

// openPorts opens the ports of OpenPort in the scope of a job, those that come later too.
func (w *Worker) openPorts(scope *crawler.Scope) {
	w.mu.Lock()
	defer w.mu.Unlock()
	scope.Extend(slices.Collect(maps.Values(w.ports)))
	w.scope = scope
}

// open opens the output of a job.
func (w *Worker) open(job crawler.Job) (*Output, error) {
	writer := w.workshop.name
	if w.local != nil && w.local.Sole {
		writer = ""
	}
	out, err := w.out.Open(job, w.folder(job.Name), writer)
	if err != nil {
		w.failed(job.Name, err)
	}
	return out, err
}

// folder is where the results of a job lie beneath the outlet.
func (w *Worker) folder(job string) string {
	if w.local != nil && w.local.Sole {
		return ""
	}
	return job
}

// failed tells that the results of a job could not be opened or closed, and reports
// whether anybody heard.
func (w *Worker) failed(job string, err error) bool {
	if w.local == nil {
		return false
	}
	w.local.Failed(job, err)
	return true
}

// lost returns why pages of a job cannot be kept, when no waiting helps.
func lost(st *Station, err error) error {
	if errors.Is(err, crawler.ErrKeep) && (!st.CanWait() || !MayPass(err)) {
		return err
	}
	return nil
}
