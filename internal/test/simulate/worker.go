package simulate

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/internal/fleet"
	"github.com/trawlcrawler/trawl/internal/robots"
	"github.com/trawlcrawler/trawl/internal/rules"
	"github.com/trawlcrawler/trawl/internal/sitemap"
	"github.com/trawlcrawler/trawl/internal/visit"
)

// worker is a process that carries out visits, like fleet.Worker without asynq, files and
// connections. It belongs to a machine, which outlives it.
type worker struct {
	sim     *sim
	process *process
	disk    *disk
	robots  *robots.Robots
	cpu     chan struct{}

	mu         sync.Mutex
	jobWorkers map[string]*jobWorker
	leaving    map[string]bool // jobs that are being retired
	held       []task          // being carried out
	draining   bool
	rests      map[string]time.Time // until when jobs are left to other workers

	stagingMu sync.Mutex
	segments  int // number of segments begun
}

// jobWorker carries out the visits of one job in a worker.
type jobWorker struct {
	status   crawler.Status
	visitor  *visit.Visitor
	segments *fleet.SegmentWriter // nil if records stay on the disk
	drain    chan struct{}
	stopped  bool
	visits   sync.WaitGroup
	broken   bool // its records could not be written
}

// workerRound is how often a worker looks for jobs.
const workerRound = 500 * time.Millisecond

// grace is how long pending requests may continue when a visit is told to end: the
// default of [visit.Config].
const grace = 4 * time.Second

// restTerm is how long a job is left alone after its records could not be written.
const restTerm = 5 * time.Second

func (s *sim) newWorker(name string, d *disk) *worker {
	w := &worker{
		sim: s, process: s.newProcess(name), disk: d, cpu: make(chan struct{}, 64),
		jobWorkers: make(map[string]*jobWorker), leaving: make(map[string]bool), rests: make(map[string]time.Time),
	}
	skew := time.Duration(0)
	if s.world.skews > 0 {
		skew = s.arbiter.between(-s.world.skews, s.world.skews)
	}
	w.robots = robots.New(w.process.store.RobotsCache(), robots.Config{
		Memory: 1 << 20, Jitter: halfOf, Now: func() time.Time { return time.Now().Add(skew) },
	})
	w.process.wg.Go(w.run)
	if s.world.bucket {
		w.process.wg.Go(w.spool)
	}
	return w
}

// halfOf is the jitter of all pauses.
func halfOf(most time.Duration) time.Duration { return most / 2 }

// run looks for jobs until the process is killed or has drained.
func (w *worker) run() {
	for w.round() {
		if sleep(w.process.ctx, max(workerRound, w.sim.world.tick)) != nil {
			return
		}
	}
}

// round serves the jobs that run and retires the others. It reports whether the worker
// continues.
func (w *worker) round() bool {
	all, err := w.process.store.Statuses(w.process.ctx)
	if w.process.dead.Load() {
		return false
	}
	w.mu.Lock()
	draining := w.draining
	w.mu.Unlock()
	if draining {
		return false
	}
	if err != nil {
		return true
	}
	runs := make(map[string]bool)
	for _, status := range all {
		if status.State == crawler.StateRunning {
			runs[status.Job.Name] = true
			w.serve(status)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(w.jobWorkers)) {
		if !runs[name] {
			w.retire(name)
		}
	}
	return true
}

// serve ensures that a running job has a job worker with the current settings.
func (w *worker) serve(status crawler.Status) {
	w.mu.Lock()
	defer w.mu.Unlock()
	name := status.Job.Name
	st := w.jobWorkers[name]
	switch {
	case st == nil && (w.leaving[name] || time.Now().Before(w.rests[name]) || !w.rests[name].IsZero() && w.disk.full):
		return
	case st == nil:
		var err error
		if st, err = w.open(status); err != nil {
			w.sim.violate(invariantWork, "%s cannot take up job %s: %v", w.process.name, name, err)
			return
		}
		w.jobWorkers[name] = st
	case st.broken:
		w.rests[name] = time.Now().Add(restTerm)
		w.retire(name)
		return
	case !st.status.Created.Equal(status.Created), status.Ending == "" && st.stopped:
		w.retire(name)
		return
	}
	st.heed(status)
}

// heed does what the status of the job requires.
func (st *jobWorker) heed(status crawler.Status) {
	if status.Ending != "" {
		st.stop()
	}
	if status.Closing && st.segments != nil {
		st.segments.Ship()
	}
	_ = st.visitor.Update(status.Job) // cannot fail: the scope does not change
}

// retire stops serving a job, in the background. The caller holds w.mu.
func (w *worker) retire(name string) {
	st := w.jobWorkers[name]
	delete(w.jobWorkers, name)
	st.stop()
	w.leaving[name] = true
	w.process.wg.Go(func() {
		st.visits.Wait()
		if st.segments != nil {
			_ = st.segments.Close() // the next process ships what it could not finish
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.leaving, name)
	})
}

// open creates a job worker.
func (w *worker) open(status crawler.Status) (*jobWorker, error) {
	job := status.Job
	scope, err := rules.NewScope(job.ScopeSettings, nil)
	if err != nil {
		return nil, err
	}
	st := &jobWorker{status: status, drain: make(chan struct{})}
	sink := visit.Sink(keeper{w.process, w.disk, job.Name, &w.disk.records})
	if w.sim.world.bucket {
		if st.segments, err = w.newSegmentWriter(job); err != nil {
			return nil, err
		}
		sink = st.segments
	}
	st.visitor, err = visit.New(job, scope, visit.Tools{
		Frontier: w.process.store.Frontier(job), Fetcher: fetcher{w.sim.site, w.process, job}, Robots: w.robots,
		Parser: parser{w.sim.world}, Sitemaps: sitemap.Parser{Dates: job.Recrawl.On()}, Sink: sink,
		Validators: w.earlier(job),
	}, visit.Config{Worker: w.process.name, Grace: grace, CPU: w.cpu, Jitter: halfOf, Full: w.full,
		BeforeURL: func(ctx context.Context, u crawler.URL) {
			_ = w.process.interact(ctx, toGoOn, job.Name+" "+u.String(), func() error { return nil }, nil)
		}})
	return st, err
}

// stop makes the visits end soon. Later visits end at once.
func (st *jobWorker) stop() {
	if !st.stopped {
		st.stopped = true
		close(st.drain)
	}
}

// hasRoom reports whether the worker can accept a visit of a job now.
func (w *worker) hasRoom(job string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	alive := !w.process.dead.Load() && !w.draining && w.process.heldUntil(toQueue).Before(time.Now())
	return alive && w.jobWorkers[job] != nil && len(w.held) < w.sim.world.places
}

// full reports whether all places are taken.
func (w *worker) full() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.held) >= w.sim.world.places
}

// serves reports whether the worker carries out visits of a job.
func (w *worker) serves(job string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.process.dead.Load() && !w.draining && w.jobWorkers[job] != nil
}

// carryOut carries out a task in the background.
func (w *worker) carryOut(t task) {
	w.mu.Lock()
	st := w.jobWorkers[t.job]
	w.held = append(w.held, t)
	st.visits.Add(1)
	w.mu.Unlock()
	w.process.wg.Go(func() {
		defer st.visits.Done()
		report, err := st.visitor.Visit(w.process.ctx, t.order, st.drain)
		w.mu.Lock()
		w.held = slices.DeleteFunc(w.held, func(o task) bool { return o == t })
		st.broken = st.broken || errors.Is(err, visit.ErrKeep)
		w.mu.Unlock()
		if w.process.dead.Load() {
			return
		}
		w.sim.trace.add("%s ends %v: %s, %d pages, %v", w.process.name, t, report.Ending, report.Pages, err)
	})
}

// leave makes the worker shut down in good order: its visits get a few seconds.
func (w *worker) leave() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.draining = true
	for _, name := range slices.Sorted(maps.Keys(w.jobWorkers)) {
		w.retire(name)
	}
}

// start starts a new worker on the machine.
func (m *machine) start(s *sim) {
	m.starts++
	m.worker = s.newWorker(fmt.Sprintf("worker%d.%d", m.number, m.starts), m.disk)
	s.workers[m.number] = m.worker
	s.trace.add("%s starts", m.worker.process.name)
}

// machine runs workers, one after another.
type machine struct {
	number int
	starts int
	disk   *disk
	worker *worker
}

// tasks returns the tasks that the worker is carrying out.
func (w *worker) tasks() []task {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.held)
}
