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
	"github.com/trawlcrawler/trawl/crawler/fetch"
	"github.com/trawlcrawler/trawl/crawler/output"
)

// WorkerConfig says what a worker does.
type WorkerConfig struct {
	// Name of the worker, in records and in names of files: no two may share one.
	// Default: the machine's name and the process's number.
	Name string
	// Out is where the results go: each job has a folder of its own in it. The worker
	// owns it from now on, unless NewWorker fails, or it is local.
	Out *Outlet
	// Concurrency is the most hosts visited at once: at least 1.
	Concurrency int
	// Fetch says how far connections may go.
	Fetch fetch.Config
	// Jobs are those that it serves, with the runs of those that are periodic; all when empty.
	// Those whose handlers it does not have, it leaves to others.
	Jobs []string

	// Closed lets the worker connect to nothing that is opened for a job alone: jobs
	// whose hosts it cannot reach otherwise are for other workers.
	Closed bool

	// Handlers are the program's own, as a [Workshop] has them.
	Handlers      Handlers
	HandlerTime   time.Duration
	HandlerPlaces int

	// Local is for the worker of a process that is a whole fleet. Default none.
	Local *Local
}

// WorkerName tells the worker of this process from the others of the fleet.
func WorkerName() string { return fmt.Sprintf("%s-%d", HostName(), os.Getpid()) }

// Worker keeps a station for each job that runs.
type Worker struct {
	door     *Door
	out      *Outlet
	only     []string // the jobs that it serves, with their runs; all when empty
	workshop *Workshop
	stations map[string]*Station
	rests    map[string]rest          // until when jobs are left to others whose pages could not be kept
	known    map[string]bool          // jobs that were taken up and not removed since
	noted    map[string]time.Time     // by job: the end that is noted in its output
	leaving  map[string]chan struct{} // jobs that are being let go of; closed when they are
	retiring sync.WaitGroup
	notices  *notices
	adopter  *adopter                         // nil where results go to a bucket: the spool adopts
	writers  *writers                         // nil likewise, and where no other process is there
	going    atomic.Pointer[[]crawler.Status] // jobs that have not ended, or whose files are not finished
	access   access
	local    *Local // nil for a worker of a fleet
	nudges   chan struct{}

	mu    sync.Mutex
	ports map[string]crawler.Host // of seeds of a list, one host each
	scope *crawler.Scope          // of the one job of a local worker; nil before it is taken up
}

// roundEvery is how often a worker looks which jobs there are. What it is told
// by them takes effect within two seconds.
const roundEvery = 500 * time.Millisecond

// NewWorker opens a worker of the fleet.
func NewWorker(door *Door, cfg WorkerConfig) (*Worker, error) {
	if cfg.Name == "" {
		cfg.Name = WorkerName()
	}
	local := cfg.Local
	poll := time.Duration(0)
	if local != nil {
		poll = local.Poll
	}
	shop, err := NewWorkshop(door.Store, door.Asynq, WorkshopConfig{
		Name: cfg.Name, Concurrency: cfg.Concurrency, Poll: poll, Fetch: cfg.Fetch, Metrics: door.Registry, Log: door.Log,
		Handlers: cfg.Handlers, HandlerTime: cfg.HandlerTime, HandlerPlaces: cfg.HandlerPlaces,
	})
	if err != nil {
		return nil, err
	}
	door.Ready.Also(cfg.Out.Trouble)
	if len(cfg.Jobs) == 0 {
		shop.places.serveAny()
	}
	w := &Worker{
		door: door, out: cfg.Out, only: cfg.Jobs, workshop: shop,
		stations: make(map[string]*Station), leaving: make(map[string]chan struct{}),
		noted: make(map[string]time.Time), rests: make(map[string]rest), known: make(map[string]bool), notices: newNotices(door.Store, cfg.Name),
		access: newAccess(door.Store, shop, cfg), local: local, nudges: make(chan struct{}, 1),
		ports: make(map[string]crawler.Host),
	}
	w.going.Store(new([]crawler.Status))
	if cfg.Out.spool == nil && (local == nil || !local.Sole) {
		w.adopter = newAdopter(cfg.Out.cfg.Where, door.Log)
		if !door.Store.Private() {
			w.writers = newWriters(door.Store, cfg.Name, func(job string) string { return output.Join(cfg.Out.cfg.Where, job) })
		}
	}
	return w, nil
}

// Allow opens a host to connections, at its port, whatever address it has.
func (w *Worker) Allow(h crawler.Host) { w.workshop.Fetcher.Allow(h) }

// Run carries out visits until ctx ends, and then finishes what is under way,
// for as long as hard lasts.
func (w *Worker) Run(ctx, hard context.Context) {
	defer w.workshop.Close()
	defer w.door.Appear(ctx, w.process())()
	if w.adopter != nil {
		var adopting sync.WaitGroup
		adopting.Go(func() { w.adopter.run(ctx, func() []crawler.Status { return *w.going.Load() }, w.settled) })
		defer adopting.Wait()
	}
	tick := time.NewTicker(roundEvery)
	defer tick.Stop()
	for {
		w.round(ctx, hard)
		select {
		case <-tick.C:
		case <-w.nudges:
		case <-ctx.Done():
			w.retireAll()
			w.tell(hard, nil)
			if w.local == nil {
				w.leave(hard)
			}
			return
		}
	}
}

// process is what the worker tells the fleet of itself.
func (w *Worker) process() crawler.Process {
	p := crawler.Process{Kind: crawler.KindWorker, Name: w.access.owner, Jobs: w.only, Closed: w.access.closed}
	if w.workshop.handlers != nil {
		p.Handlers = w.workshop.handlers.Names()
	}
	return p
}

// flushTerm is for how long a worker that ends waits for a bucket: what does not
// come there waits in the spool.
const flushTerm = 5 * time.Second

// leave brings what is kept to its bucket and closes the outlet.
func (w *Worker) leave(hard context.Context) {
	ctx, cancel := context.WithTimeout(hard, flushTerm)
	defer cancel()
	if err := errors.Join(w.out.Flush(ctx), w.out.Close()); err != nil {
		w.door.Log.Error("not all results are where they belong", "error", err)
	}
}

// round takes up jobs that run and lets go of the others. ctx ends when the
// worker is to end, hard when its visits must.
func (w *Worker) round(ctx, hard context.Context) {
	all, err := w.door.Store.Statuses(ctx)
	if err != nil {
		if ctx.Err() == nil {
			w.door.complain("the worker can not see the jobs", err)
		}
		if errors.Is(err, crawler.ErrLayout) { // another version of trawl serves the queues now
			for name := range w.stations {
				w.retire(name)
			}
		}
		return // visits go on: each finds out for itself
	}
	there, runs := make(map[string]bool, len(all)), make(map[string]bool, len(all))
	var going []crawler.Status
	for _, job := range all {
		name := job.Job.Name
		there[name] = true
		if !job.State.Ended() || len(job.Unfinished) > 0 {
			going = append(going, job)
		}
		if job.State == crawler.StateDone && w.known[name] && w.local == nil { // crawl.json says it of a local crawl
			w.noteEnd(ctx, hard, job)
		}
		if job.Closing && w.writers != nil { // its files are to be finished
			continue
		}
		if job.State != crawler.StateRunning || !w.wants(job) || !w.workshop.serves(job.Job) || !w.access.admits(ctx, job) {
			continue
		}
		if st := w.stations[name]; st != nil && !st.job.Created.Equal(job.Created) {
			continue // another job of the name: first let go of the old one
		}
		runs[name] = true
		w.serve(hard, job)
	}
	for name := range w.stations {
		if !runs[name] {
			w.retire(name)
		}
	}
	w.going.Store(&going)
	w.keepTelling(ctx)
	w.door.Ready.Keep(runs)
	w.tell(ctx, runs)
	w.forget(there)
}

// keepTelling tells jobs again that their files are open here.
func (w *Worker) keepTelling(ctx context.Context) {
	if w.writers == nil {
		return
	}
	for name := range w.stations {
		if err := w.writers.opens(ctx, name); err != nil && ctx.Err() == nil {
			w.door.complain("the worker cannot tell a job that it writes its files", err, "job", name)
		}
	}
}

// settled tells a job that all files of a writer are finished.
func (w *Worker) settled(job, writer string) {
	if w.writers == nil {
		return
	}
	if err := w.writers.finished(job, writer); err != nil {
		w.door.complain("the worker cannot tell a job that its files are finished", err, "job", job)
	}
}

// wants reports whether a job is one that the worker serves, or a run of one.
func (w *Worker) wants(job crawler.Status) bool {
	return len(w.only) == 0 || slices.Contains(w.only, job.Job.Name) || job.RunOf != "" && slices.Contains(w.only, job.RunOf)
}

// tell tells these jobs why their pages can not be kept here, and all others that
// nothing is wrong.
func (w *Worker) tell(ctx context.Context, jobs map[string]bool) {
	ctx, cancel := context.WithTimeout(ctx, ReadyTerm)
	defer cancel()
	if err := w.notices.tell(ctx, w.door.Ready.Reasons(jobs)); err != nil && ctx.Err() == nil {
		w.door.complain("the worker can not tell its jobs of its troubles", err)
	}
}

// forget drops what is remembered of jobs that were removed.
func (w *Worker) forget(there map[string]bool) {
	for name := range w.known {
		if !there[name] && !w.leaves(name) { // its last visits may count until then
			delete(w.known, name)
			delete(w.noted, name)
			delete(w.rests, name)
			delete(w.access.judged, name)
			w.workshop.meters.forget(name)
		}
	}
}

// How long a job is left to other workers after its pages could not be kept here, and
// waiting in its visits would not help: the first time, doubled with each.
const (
	restFirst = 5 * time.Second
	restMost  = 10 * time.Minute
)

// rest is for how long a job is left to others.
type rest struct {
	until time.Time
	term  time.Duration
}

// longer is the next rest, from now on.
func (r rest) longer() rest {
	term := min(max(restFirst, 2*r.term), restMost)
	return rest{time.Now().Add(term), term}
}

// serve sees to it that a running job has a station that knows its budgets.
func (w *Worker) serve(hard context.Context, job crawler.Status) {
	name := job.Job.Name
	st := w.stations[name]
	if st != nil && st.broken.Load() {
		w.rests[name] = w.rests[name].longer()
		w.retire(name)
		return
	}
	if st != nil && job.Ending == "" && st.Stopped() { // the budget was raised: the next station goes on
		w.retire(name)
		return
	}
	if st == nil {
		if time.Now().Before(w.rests[name].until) || w.leaves(name) {
			return
		}
		var err error
		if st, err = w.take(hard, job); err != nil {
			w.door.Ready.Set(name, err)
			w.door.complain("the job can not be taken up", err, "job", name)
			return
		}
		w.stations[name], w.known[name] = st, true
	}
	if job.Ending != "" {
		st.Stop()
	}
	if job.Closing {
		st.Ship()
	}
	if err := st.Update(job); err != nil {
		w.door.complain("the job's settings cannot be used", err, "job", name)
	}
	if err := st.widen(hard); err != nil {
		w.door.complain("the job's scope can not be read", err, "job", name)
	}
}

// take sets up a station for a job, with its results in a folder of its own.
func (w *Worker) take(hard context.Context, job crawler.Status) (*Station, error) {
	seeds, err := job.Job.SeedEntries()
	if err != nil {
		return nil, err
	}
	var home []crawler.Host
	for _, e := range seeds {
		home = append(home, e.URL.Host())
	}
	if w.writers != nil {
		if err := w.writers.opens(hard, job.Job.Name); err != nil {
			return nil, err
		}
	}
	out, err := w.open(job.Job)
	if err != nil {
		return nil, err
	}
	if w.rests[job.Job.Name] != (rest{}) {
		if err := w.out.Writable(w.folder(job.Job.Name)); err != nil {
			return nil, errors.Join(err, out.Close())
		}
	}
	var st *Station
	where := w.out.Where(w.folder(job.Job.Name))
	st, err = w.workshop.NewStation(job, home, out, func(r crawler.Report, err error) { w.hear(hard, job, where, r, lost(st, err)) })
	if err != nil {
		w.failed(job.Job.Name, err)
		return nil, err
	}
	if w.local != nil && w.local.Sole {
		w.openPorts(st.Scope)
	}
	st.Waits(func(why error) { w.waits(job.Job.Name, why) })
	w.door.Ready.Set(job.Job.Name, nil)
	if err = st.widen(hard); err == nil && job.Origin.Opens && !w.access.closed && w.local == nil {
		err = st.lend(hard)
	}
	if err == nil {
		w.access.keeps(hard, job, where, 0)
		err = st.Open(hard)
	}
	if err != nil {
		return nil, errors.Join(err, out.Close())
	}
	w.door.Log.Info("takes up a job", "job", job.Job.Name)
	return st, nil
}

// hear notes what a visit of a job reports. lost is why its pages cannot be kept, when no
// waiting helps.
func (w *Worker) hear(hard context.Context, job crawler.Status, where string, r crawler.Report, lost error) {
	w.access.keeps(hard, job, where, r.Pages)
	if lost != nil {
		w.door.Ready.Set(job.Job.Name, lost)
	}
	if w.local != nil {
		w.local.Heard(job.Job.Name, r, lost)
	}
}

// waits notes why the pages of a job cannot be kept now; nil when they can again.
func (w *Worker) waits(job string, why error) {
	w.door.Ready.Set(job, why)
	if w.local != nil {
		w.local.Waits(job, why)
		return
	}
	if why == nil {
		w.door.Log.Info("the pages of a job can be kept again: the crawl goes on", "job", job)
		return
	}
	w.door.Log.Error("the pages of a job cannot be kept: the crawl waits, and goes on by itself when that is mended", "job", job, "error", why)
}
