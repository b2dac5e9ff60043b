package fleet

import (
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/rules"
	"github.com/trawlcrawler/trawl/internal/urltext"
	"github.com/trawlcrawler/trawl/internal/validators"
	"github.com/trawlcrawler/trawl/internal/visit"
)

// Local configures the worker of a process that is the whole fleet of a job, scheduler and
// worker, and that ends with the job. Such a worker does not own its outlet, and connects
// to what its operator opened without asking Redis. None of the functions may be nil.
type Local struct {
	// Process is the name of the process in the fleet. It is also the owner of jobs that
	// only this process may carry out.
	Process string
	// Place is the name under which jobs list where it keeps pages.
	Place string
	// Sole says that the worker has only one job. Its results are in the outlet itself, in
	// files that are not named after the worker. Otherwise each job has its own folder.
	Sole bool
	// Downloads says that this job only downloads files, and reads no pages.
	Downloads bool
	// Poll is how long an empty queue is left alone; see [wire.ServerConfig].
	Poll time.Duration
	// Heard is called after each visit, in the visit's goroutine. lost is why pages of the
	// job cannot be kept, if waiting does not help; the worker then pauses the job and tries
	// again.
	Heard func(job string, r queue.Report, lost error)
	// Waits is called with the reason when pages of a job cannot be kept, and with nil when
	// they can again.
	Waits func(job string, why error)
	// Rests is called when a host of a job is left alone for a while because it refused a
	// request or was not reached. It must not block.
	Rests func(job string, h crawler.Host, reason string, wait time.Duration)
	// Failed is called when the results of a job could not be opened or closed.
	Failed func(job string, err error)
}

// Nudge makes the worker look at its jobs now, because something has changed. It does not
// block, and may be called at any time by any goroutine.
func (w *Worker) Nudge() {
	select {
	case w.nudges <- struct{}{}:
	default: // a nudge is pending already
	}
}

// Login sends a login to the host of a URL, because an operator wrote it into the URL.
func (w *Worker) Login(u crawler.URL, l urltext.Login) { w.rt.Fetcher.Login(u, l) }

// OpenPort opens the port of a seed for the worker's one job. The seed is from a list,
// which only this process reads.
func (w *Worker) OpenPort(h crawler.Host) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ports[h.Port()] {
		return
	}
	w.ports[h.Port()] = true
	if w.scope != nil {
		w.scope.OpenPorts([]string{h.Port()})
	}
}

// openPorts opens the ports of OpenPort in the scope of a job, including those that follow.
func (w *Worker) openPorts(scope *rules.Scope) {
	w.mu.Lock()
	defer w.mu.Unlock()
	scope.OpenPorts(slices.Collect(maps.Keys(w.ports)))
	w.scope = scope
}

// open opens the output of a job. known is what is known from earlier fetches; nil if nothing is.
func (w *Worker) open(job crawler.Status, known *knowledge) (*Output, error) {
	name := job.Job.Name
	cfg := OutputConfig{Job: job.Job, Beneath: w.folder(name), Worker: w.rt.name, Validators: w.keepsValidators(job)}
	if w.local != nil && w.local.Sole {
		cfg.Worker = ""
	}
	if known != nil && validators.Repeats(job.Job) {
		cfg.Remember = known.add
	}
	out, err := w.out.Open(cfg)
	if err != nil {
		w.failed(name, err)
	}
	return out, err
}

// folder returns the folder of a job's results within the outlet.
func (w *Worker) folder(job string) string {
	if w.local != nil && w.local.Sole {
		return ""
	}
	return job
}

// failed reports that the results of a job could not be opened or closed. It returns false
// if there is no one to report to.
func (w *Worker) failed(job string, err error) bool {
	if w.local == nil {
		return false
	}
	w.local.Failed(job, err)
	return true
}

// lost returns why pages of a job cannot be kept, if waiting does not help.
func lost(st *JobWorker, err error) error {
	if errors.Is(err, visit.ErrKeep) && (!st.CanWait() || !MayPass(err)) {
		return err
	}
	return nil
}
