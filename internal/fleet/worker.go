package fleet

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fetch"
	"github.com/trawlcrawler/trawl/internal/fetched"
	"github.com/trawlcrawler/trawl/internal/output"
	"github.com/trawlcrawler/trawl/internal/queue"
	"github.com/trawlcrawler/trawl/internal/rules"
	"github.com/trawlcrawler/trawl/internal/visit"
	"github.com/trawlcrawler/trawl/internal/waiting"
)

// WorkerConfig configures a worker.
type WorkerConfig struct {
	// Name of the worker, in records and file names. It must be unique. Default: the
	// machine's name and the process ID.
	Name string
	// Out is where the results go; each job has its own folder in it. The worker takes
	// ownership, unless NewWorker fails or the worker is local.
	Out *Outlet
	// Concurrency is the most hosts visited at once; at least 1.
	Concurrency int
	// Fetch configures what connections may reach.
	Fetch fetch.Config
	// Jobs are the jobs that it serves, including the runs of periodic ones; all if empty.
	// It leaves jobs whose handlers it does not have to others.
	Jobs []string

	// Closed keeps the worker from connecting to what is opened only for a job. It leaves
	// jobs whose hosts it cannot reach otherwise to other workers.
	Closed bool

	// Browser is as in [RuntimeConfig]. The worker leaves jobs that render pages to others if
	// it has none.
	Browser string

	// Handlers are the program's own, as in a [Runtime].
	Handlers      Handlers
	HandlerTime   time.Duration
	HandlerPlaces int

	// Grace is as in [RuntimeConfig].
	Grace time.Duration

	// Spill configures how waiting URLs are moved out of Redis when its memory runs low.
	Spill SpillConfig

	// KeepPause is as in [visit.Config]. Default 1s.
	KeepPause time.Duration

	// Poll is how long an empty queue is left alone; see [wire.ServerConfig]. Local
	// overrides it.
	Poll time.Duration
	// Observer is told what the worker does.
	Observer Observer

	// Local configures the worker of a process that is a whole fleet. Default none.
	Local *Local
}

// Observer is told what a worker does. Its functions may be nil. They are called by many
// goroutines at once, and must not block.
type Observer struct {
	// Listed is called with all jobs whenever the worker has listed them.
	Listed func(all []crawler.Status)
	// Serves is called when the worker starts to serve a job, and, with false, when the
	// job's last visit has ended and its results are closed.
	Serves func(job string, serves bool)
	// Visited is called after each visit.
	Visited func(job string)
	// Settled is called for each URL that a visit has settled, or returned to the queue to be
	// tried again. It must not retain the result.
	Settled func(job string, r *fetched.Result)
	// Failed is called when the worker ends a job because a program's sink cannot keep its
	// pages, before the state of the job says so.
	Failed func(job crawler.Status, err *visit.SinkError)
}

func (o Observer) listed(all []crawler.Status) {
	if o.Listed != nil {
		o.Listed(all)
	}
}

func (o Observer) serves(job string, serves bool) {
	if o.Serves != nil {
		o.Serves(job, serves)
	}
}

func (o Observer) visited(job string) {
	if o.Visited != nil {
		o.Visited(job)
	}
}

// WorkerName returns a name for this process's worker that is unique in the fleet.
func WorkerName() string { return fmt.Sprintf("%s-%d", HostName(), os.Getpid()) }

// Worker keeps a job worker for each running job.
type Worker struct {
	conn       *Connection
	out        *Outlet
	only       []string // the jobs that it serves, including their runs; all if empty
	rt         *Runtime
	jobWorkers map[string]*JobWorker
	rests      map[string]rest          // until when jobs are left to others because their pages could not be kept
	known      map[string]bool          // jobs that were served and not removed since
	noted      map[string]time.Time     // by job: the end that was noted in its output
	leaving    map[string]chan struct{} // jobs that are being given up; each is closed when that is done
	retiring   sync.WaitGroup
	notices    *notices
	recalls    map[string]*recall // by job: what is known from earlier fetches
	spiller    *spiller
	adopter    *adopter                         // nil if results go to a bucket, because the spool adopts
	writers    *writers                         // nil likewise, and if no other process is there
	going      atomic.Pointer[[]crawler.Status] // jobs that have not ended, or whose files are unfinished
	access     access
	local      *Local // nil for a worker of a fleet
	observer   Observer
	ordered    time.Time // when passing on changes of continuous jobs was enqueued last
	nudges     chan struct{}

	mu    sync.Mutex
	ports map[string]bool // ports of the seeds of a list
	scope *rules.Scope    // scope of a local worker's one job; nil before it is served
}

// roundEvery is how often a worker looks for jobs, so that changes to jobs take effect within two
// seconds. During a lull it waits for a signal, for up to roundLong.
const (
	roundEvery = 500 * time.Millisecond
	roundLong  = 2 * time.Minute
)

// NewWorker opens a worker of the fleet.
func NewWorker(conn *Connection, cfg WorkerConfig) (*Worker, error) {
	if cfg.Name == "" {
		cfg.Name = WorkerName()
	}
	local := cfg.Local
	poll := cfg.Poll
	if local != nil {
		poll = local.Poll
	}
	rt, err := NewRuntime(conn.Store, conn.Asynq, RuntimeConfig{
		Name: cfg.Name, Concurrency: cfg.Concurrency, Poll: poll, Fetch: cfg.Fetch, Metrics: conn.Registry,
		Log:       conn.Log,
		lull:      conn.lull,
		Downloads: local != nil && local.Downloads,
		Browser:   cfg.Browser,
		Handlers:  cfg.Handlers, HandlerTime: cfg.HandlerTime, HandlerPlaces: cfg.HandlerPlaces,
		Grace: cfg.Grace, Settled: cfg.Observer.Settled, Failed: cfg.Observer.Failed,
		KeepPause: cfg.KeepPause,
	})
	if err != nil {
		return nil, err
	}
	conn.Ready.Also(cfg.Out.Trouble)
	if len(cfg.Jobs) == 0 {
		rt.places.serveAny()
	}
	w := &Worker{
		conn: conn, out: cfg.Out, only: cfg.Jobs, rt: rt,
		jobWorkers: make(map[string]*JobWorker), leaving: make(map[string]chan struct{}),
		noted: make(map[string]time.Time), rests: make(map[string]rest), known: make(map[string]bool),
		notices: newNotices(conn.Store, cfg.Name),
		access:  newAccess(conn.Store, rt, cfg), local: local, observer: cfg.Observer, nudges: make(chan struct{}, 1),
		ports: make(map[string]bool), recalls: make(map[string]*recall),
	}
	w.going.Store(new([]crawler.Status))
	w.spiller = newSpiller(conn, cfg.Name, cfg.Spill.withDefaults(cfg.Out), rt.meters, w.spillable)
	if cfg.Out.spool == nil && (local == nil || !local.Sole) {
		w.adopter = newAdopter(cfg.Out.cfg.Where, conn.Log)
		if !conn.Store.Private() {
			w.writers = newWriters(conn.Store, cfg.Name, conn.lull,
				func(job string) string { return output.Join(cfg.Out.cfg.Where, job) })
		}
	}
	return w, nil
}

// Allow allows connections to a host at its port, even at a private address.
func (w *Worker) Allow(h crawler.Host) { w.rt.Fetcher.Allow(h) }

// Run carries out visits until ctx ends. Then it finishes those under way, until hard ends.
func (w *Worker) Run(ctx, hard context.Context) {
	defer w.rt.Close()
	defer w.conn.Appear(ctx, w.process())()
	defer w.serveNext(hard)()
	if w.adopter != nil {
		var adopting sync.WaitGroup
		adopting.Go(func() { w.adopter.run(ctx, func() []crawler.Status { return *w.going.Load() }, w.settled) })
		defer adopting.Wait()
	}
	var spilling sync.WaitGroup
	spilling.Go(func() { w.spiller.run(ctx, hard) })
	defer spilling.Wait()
	for {
		w.round(ctx, hard)
		over, ended := w.conn.lull.Pause(roundEvery, roundLong)
		select {
		case <-over:
		case <-ended:
		case <-w.nudges:
			w.conn.lull.Stir()
		case <-ctx.Done():
			w.stopRecalls()
			w.retireAll()
			w.unrecall(nil)
			w.show(hard, true)
			w.tell(hard, nil)
			if w.local == nil {
				w.leave(hard)
			}
			return
		}
	}
}

// spillable returns the jobs whose waiting URLs the worker may spill: those that it serves and that
// have not ended.
func (w *Worker) spillable() []crawler.Status {
	return slices.DeleteFunc(slices.Clone(*w.going.Load()), func(job crawler.Status) bool {
		return job.State.Ended() || job.State == crawler.StateBroken || !w.wants(job)
	})
}

// process returns what the worker tells the fleet about itself.
func (w *Worker) process() waiting.Process {
	p := waiting.Process{Kind: waiting.KindWorker, Name: w.access.owner, Jobs: w.only, Closed: w.access.closed,
		Browser: w.rt.browser != nil}
	if w.rt.handlers != nil {
		p.Handlers = w.rt.handlers.Names()
	}
	return p
}

// flushTerm is how long a worker that ends waits for a bucket. What does not arrive in time
// stays in the spool.
const flushTerm = 5 * time.Second

// leave ships what was kept to its bucket and closes the outlet.
func (w *Worker) leave(hard context.Context) {
	ctx, cancel := context.WithTimeout(hard, flushTerm)
	defer cancel()
	if err := errors.Join(w.out.Flush(ctx), w.out.Close()); err != nil {
		w.conn.Log.Error("not all results have reached their destination", "error", err)
	}
}

// round starts to serve running jobs and gives up the others. ctx ends when the worker must
// end, hard when its visits must.
func (w *Worker) round(ctx, hard context.Context) {
	all, err := w.conn.Store.Statuses(ctx)
	if err != nil {
		if ctx.Err() == nil {
			w.conn.complain("the worker cannot see the jobs", err)
		}
		w.conn.lull.Stir()
		if errors.Is(err, queue.ErrLayout) { // another version of trawl serves the queues now
			for name := range w.jobWorkers {
				w.retire(name)
			}
		}
		return // visits continue; each notices by itself
	}
	w.observer.listed(all)
	there, runs := make(map[string]bool, len(all)), make(map[string]bool, len(all))
	var going []crawler.Status
	for _, job := range all {
		name := job.Job.Name
		there[name] = true
		if !job.State.Ended() || len(job.Unfinished) > 0 {
			going = append(going, job)
		}
		// A local crawl has this note in its crawl.json.
		if job.State == crawler.StateDone && w.known[name] && w.local == nil {
			w.noteEnd(ctx, hard, job)
		}
		if job.Closing && w.writers != nil { // its files must be finished
			continue
		}
		if job.State != crawler.StateRunning || !w.wants(job) || !w.rt.serves(job.Job) ||
			!w.access.admits(ctx, job) {
			continue
		}
		if st := w.jobWorkers[name]; st != nil && !st.job.Created.Equal(job.Created) {
			continue // another job of the same name: give up the old one first
		}
		runs[name] = true
		w.serve(hard, job)
	}
	for name := range w.jobWorkers {
		if !runs[name] {
			w.retire(name)
		}
	}
	w.going.Store(&going)
	w.keepTelling(ctx)
	w.orderPassing(ctx, going)
	w.show(ctx, false)
	w.conn.Ready.Keep(runs)
	w.tell(ctx, runs)
	w.forget(there)
	w.unrecall(runs)
	if !w.rested(all, runs) {
		w.conn.lull.Stir()
	}
}

// rested reports whether the worker has nothing to do for its jobs as a whole. runs are the jobs
// that it should serve.
func (w *Worker) rested(all []crawler.Status, runs map[string]bool) bool {
	for _, job := range all {
		name := job.Job.Name
		ended := job.State == crawler.StateDone && w.known[name] && w.local == nil
		if !queue.Restful(job) || runs[name] && w.jobWorkers[name] == nil || ended && !job.Ended.Equal(w.noted[name]) {
			return false
		}
	}
	return len(w.leaving) == 0 && len(w.conn.Ready.Reasons(runs)) == 0
}

// show reports settled pages for display. atOnce adds all counts now.
func (w *Worker) show(ctx context.Context, atOnce bool) {
	ctx, cancel := context.WithTimeout(ctx, ReadyTerm)
	defer cancel()
	if err := errors.Join(w.rt.tails.report(ctx), w.rt.counts.add(ctx, atOnce)); err != nil && ctx.Err() == nil {
		w.conn.complain("the worker cannot show what it has fetched", err)
	}
}

// keepTelling repeats to jobs that their files are open here.
func (w *Worker) keepTelling(ctx context.Context) {
	if w.writers == nil {
		return
	}
	for name := range w.jobWorkers {
		if err := w.writers.opens(ctx, name); err != nil && ctx.Err() == nil {
			w.conn.complain("the worker cannot tell a job that it writes its files", err, "job", name)
		}
	}
}

// settled tells a job that all files of a writer are finished.
func (w *Worker) settled(job, writer string) {
	if w.writers == nil {
		return
	}
	if err := w.writers.finished(job, writer); err != nil {
		w.conn.complain("the worker cannot tell a job that its files are finished", err, "job", job)
	}
}

// wants reports whether the worker serves the job, or the periodic job that it is a run of.
func (w *Worker) wants(job crawler.Status) bool {
	return len(w.only) == 0 || slices.Contains(w.only, job.Job.Name) || job.RunOf != "" &&
		slices.Contains(w.only, job.RunOf)
}

// tell reports to these jobs why their pages cannot be kept here, and to all others that
// nothing is wrong.
func (w *Worker) tell(ctx context.Context, jobs map[string]bool) {
	ctx, cancel := context.WithTimeout(ctx, ReadyTerm)
	defer cancel()
	if err := w.notices.tell(ctx, w.conn.Ready.Reasons(jobs)); err != nil && ctx.Err() == nil {
		w.conn.complain("the worker cannot report its troubles to its jobs", err)
	}
}

// forget drops the state of jobs that were removed.
func (w *Worker) forget(there map[string]bool) {
	for name := range w.known {
		if !there[name] && !w.leaves(name) { // its last visits may still be counted until then
			delete(w.known, name)
			delete(w.noted, name)
			delete(w.rests, name)
			delete(w.access.judged, name)
			w.rt.meters.forget(name)
		}
	}
}

// hear records a visit's report. lost is why pages of the job cannot be kept, if waiting
// does not help.
func (w *Worker) hear(hard context.Context, job crawler.Status, where string, r queue.Report, lost error) {
	w.access.keeps(hard, job, where, r.Pages)
	if lost != nil {
		w.conn.Ready.Set(job.Job.Name, lost)
	}
	w.observer.visited(job.Job.Name)
	if w.local != nil {
		w.local.Heard(job.Job.Name, r, lost)
	}
}

// waits records why the pages of a job cannot be kept; nil when they can again.
func (w *Worker) waits(job string, why error) {
	w.conn.Ready.Set(job, why)
	if w.local != nil {
		w.local.Waits(job, why)
		return
	}
	if why == nil {
		w.conn.Log.Info("the pages of a job can be kept again; the crawl continues", "job", job)
		return
	}
	w.conn.Log.Error("the pages of a job cannot be kept; the crawl waits, and continues by itself once that is fixed",
		"job", job, "error", why)
}
