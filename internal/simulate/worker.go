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
	"github.com/trawlcrawler/trawl/crawler/robots"
	"github.com/trawlcrawler/trawl/internal/fleet"
)

// worker is a process that carries out visits: what fleet.Worker does, without
// asynq, files and connections. It belongs to a machine, which outlives it.
type worker struct {
	sim     *sim
	process *process
	disk    *disk
	robots  *robots.Robots
	cpu     chan struct{}

	mu       sync.Mutex
	stations map[string]*station
	leaving  map[string]bool // jobs that are being let go of
	held     []task          // that are carried out
	draining bool
	rests    map[string]time.Time // jobs that are left to others, and until when

	trayMu   sync.Mutex
	segments int // begun
}

// station is where a worker carries out the visits of one job.
type station struct {
	status  crawler.Status
	visitor *crawler.Visitor
	outbox  *fleet.Outbox // nil where records stay on the disk
	drain   chan struct{}
	stopped bool
	visits  sync.WaitGroup
	broken  bool // its pages could not be kept
}

// workerRound is how often a worker looks which jobs there are.
const workerRound = 500 * time.Millisecond

// grace is how long requests under way may go on when a visit is told to end: the
// default of [crawler.VisitorConfig].
const grace = 4 * time.Second

// restTerm is for how long a job is left alone whose pages could not be kept.
const restTerm = 5 * time.Second

func (s *sim) newWorker(name string, d *disk) *worker {
	w := &worker{
		sim: s, process: s.newProcess(name), disk: d, cpu: make(chan struct{}, 64),
		stations: make(map[string]*station), leaving: make(map[string]bool), rests: make(map[string]time.Time),
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
		if sleep(w.process.ctx, workerRound) != nil {
			return
		}
	}
}

// round takes up jobs that run, and lets go of the others. It reports whether the
// worker goes on.
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
	for _, name := range slices.Sorted(maps.Keys(w.stations)) {
		if !runs[name] {
			w.retire(name)
		}
	}
	return true
}

// serve sees to it that a running job has a station that knows its settings.
func (w *worker) serve(status crawler.Status) {
	w.mu.Lock()
	defer w.mu.Unlock()
	name := status.Job.Name
	st := w.stations[name]
	switch {
	case st == nil && (w.leaving[name] || time.Now().Before(w.rests[name]) || !w.rests[name].IsZero() && w.disk.full):
		return
	case st == nil:
		var err error
		if st, err = w.open(status); err != nil {
			w.sim.violate(invariantWork, "%s cannot take up job %s: %v", w.process.name, name, err)
			return
		}
		w.stations[name] = st
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

// heed does what the status of the job asks for.
func (st *station) heed(status crawler.Status) {
	if status.Ending != "" {
		st.stop()
	}
	if status.Closing && st.outbox != nil {
		st.outbox.Ship()
	}
	_ = st.visitor.Update(status.Job) // its scope does not change
}

// retire lets go of a job, in the background. w.mu is held.
func (w *worker) retire(name string) {
	st := w.stations[name]
	delete(w.stations, name)
	st.stop()
	w.leaving[name] = true
	w.process.wg.Go(func() {
		st.visits.Wait()
		if st.outbox != nil {
			_ = st.outbox.Close() // what it could not finish is shipped by the next process
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.leaving, name)
	})
}

// open sets up a station.
func (w *worker) open(status crawler.Status) (*station, error) {
	job := status.Job
	scope, err := crawler.NewScope(job, nil)
	if err != nil {
		return nil, err
	}
	st := &station{status: status, drain: make(chan struct{})}
	sink := crawler.Sink(keeper{w.process, w.disk, job.Name, &w.disk.records})
	if w.sim.world.bucket {
		if st.outbox, err = w.newOutbox(job); err != nil {
			return nil, err
		}
		sink = st.outbox
	}
	st.visitor, err = crawler.NewVisitor(job, scope, crawler.Tools{
		Frontier: w.process.store.Frontier(job), Fetcher: fetcher{w.sim.site, w.process, job}, Robots: w.robots,
		Parser: parser{w.sim.world}, Sink: sink,
	}, crawler.VisitorConfig{Worker: w.process.name, Grace: grace, CPU: w.cpu, Jitter: halfOf, Full: w.full, Yield: func(ctx context.Context, u crawler.URL) {
		_ = w.process.interact(ctx, toGoOn, job.Name+" "+u.String(), func() error { return nil }, nil)
	}})
	return st, err
}

// stop lets the visits end soon; more may come, and end at once.
func (st *station) stop() {
	if !st.stopped {
		st.stopped = true
		close(st.drain)
	}
}

// hasRoom reports whether the worker can take a visit of a job now.
func (w *worker) hasRoom(job string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	alive := !w.process.dead.Load() && !w.draining && w.process.heldUntil(toQueue).Before(time.Now())
	return alive && w.stations[job] != nil && len(w.held) < w.sim.world.places
}

// full reports whether all places are taken.
func (w *worker) full() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.held) >= w.sim.world.places
}

// serves reports whether visits of a job are carried out here.
func (w *worker) serves(job string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.process.dead.Load() && !w.draining && w.stations[job] != nil
}

// carryOut carries out a task, in the background.
func (w *worker) carryOut(t task) {
	w.mu.Lock()
	st := w.stations[t.job]
	w.held = append(w.held, t)
	st.visits.Add(1)
	w.mu.Unlock()
	w.process.wg.Go(func() {
		defer st.visits.Done()
		report, err := st.visitor.Visit(w.process.ctx, t.order, st.drain)
		w.mu.Lock()
		w.held = slices.DeleteFunc(w.held, func(o task) bool { return o == t })
		st.broken = st.broken || errors.Is(err, crawler.ErrKeep)
		w.mu.Unlock()
		if w.process.dead.Load() {
			return
		}
		w.sim.trace.add("%s ends %v: %s, %d pages, %v", w.process.name, t, report.Ending, report.Pages, err)
	})
}

// leave lets the worker end in good order: its visits have a few seconds.
func (w *worker) leave() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.draining = true
	for _, name := range slices.Sorted(maps.Keys(w.stations)) {
		w.retire(name)
	}
}

// startWorker starts the worker of a machine again.
func (m *machine) start(s *sim) {
	m.starts++
	m.worker = s.newWorker(fmt.Sprintf("worker%d.%d", m.number, m.starts), m.disk)
	s.workers[m.number] = m.worker
	s.trace.add("%s starts", m.worker.process.name)
}

// machine is where workers run, one after the other.
type machine struct {
	number int
	starts int
	disk   *disk
	worker *worker
}

// tasks are those that the worker carries out.
func (w *worker) tasks() []task {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.held)
}
