package fleet

import (
	"context"
	"crypto/rand"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler/frontier"
)

// places are a worker's places for visits, over all its jobs. A place is reserved
// before a queue is asked for a task, so that the worker never holds more tasks than
// it has places, while another could carry them out. Where few tasks wait, those
// workers take them that have the most room. It implements [tasks.Places] and is
// safe for concurrent use.
type places struct {
	board  board
	worker string
	most   int
	log    *slog.Logger

	mu     sync.Mutex
	asking int             // reserved by queues that are being asked
	taken  int             // by tasks
	queue  []chan struct{} // who waits for a place, the first first
	jobs   map[string]*jobPlaces
	anyJob bool                  // the worker takes up whatever job begins
	others []frontier.WorkerLoad // as they last said

	stop context.CancelFunc
	done chan struct{}
}

// board is where the workers of a fleet tell one another of their load.
type board interface {
	ShareLoad(ctx context.Context, own frontier.WorkerLoad) ([]frontier.WorkerLoad, error)
	Leave(ctx context.Context, worker string) error
	Pending(ctx context.Context, job string) (int, error)
}

// jobPlaces are the tasks of one job on their way.
type jobPlaces struct {
	handed   []time.Time // to asynq, not begun
	ending   []time.Time // their visit is over, and asynq has not noted that
	passes   int         // tasks that may be taken without looking at the queue
	passTerm time.Time   // when the passes are void
	since    time.Time   // when the worker took the job up
	waits    time.Time   // since when a task is left to others; zero: none is
	looked   time.Time   // when one was last left to others
}

const (
	// handTerm is for how long asynq may take to begin a task that it was given. One
	// that it never begins gives its place back then.
	handTerm = 10 * time.Second
	// endTerm is the same for the end of a task.
	endTerm = 10 * time.Second
	// yieldTerm is for how long a task is left to workers that have more room: they
	// may be dead, or busy otherwise.
	yieldTerm = 200 * time.Millisecond
	// youngTerm is how long after a worker took a job up those are waited for that will:
	// each looks every roundEvery which jobs there are, and the first would have all.
	youngTerm = roundEvery + 2*yieldTerm
	// After a look at a queue that has enough for all, so many tasks are taken, or for
	// so long, before the next look.
	mostPasses = 32
	passTime   = 50 * time.Millisecond
)

// newPlaces returns the places of a worker, which tells the others of them until it
// is closed. Commands on one machine may have the same name.
func newPlaces(b board, worker string, most int, log *slog.Logger) *places {
	worker += "#" + rand.Text()[:8]
	ctx, stop := context.WithCancel(context.Background())
	p := &places{board: b, worker: worker, most: most, log: log, jobs: make(map[string]*jobPlaces), stop: stop, done: make(chan struct{})}
	go func() {
		defer close(p.done)
		p.share(ctx)
	}()
	return p
}

// close stops telling the others.
func (p *places) close() {
	p.stop()
	<-p.done
}

// full reports whether all places are taken.
func (p *places) full() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.taken >= p.most
}

// serve notes that the worker serves a job's queue.
func (p *places) serve(job string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.jobs[job] = &jobPlaces{since: time.Now()}
}

// serveAny notes that the worker takes up whatever job begins.
func (p *places) serveAny() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.anyJob = true
}

// leave notes that it does not any more. All its tasks have ended.
func (p *places) leave(job string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if j := p.jobs[job]; j != nil {
		p.free(len(j.handed) + len(j.ending))
		delete(p.jobs, job)
	}
}

// free gives places of tasks back. The lock is held.
func (p *places) free(n int) {
	p.taken -= n
	for range n {
		p.wake()
	}
}

// wake tells the first who waits that a place may be free. The lock is held.
func (p *places) wake() {
	if len(p.queue) > 0 {
		close(p.queue[0])
		p.queue = p.queue[1:]
	}
}

// placeTerm is for how long a queue waits for a place before it seems to be empty:
// asynq asks again after a pause then, and a server that stops waits for that.
const placeTerm = 50 * time.Millisecond

// wait waits until a place may be free, but not for long. Those who wait get places in
// turn, so that each job of the worker has its own.
func (p *places) wait(ctx context.Context) {
	p.mu.Lock()
	if p.taken+p.asking < p.most {
		p.mu.Unlock()
		return
	}
	freed := make(chan struct{})
	p.queue = append(p.queue, freed)
	p.mu.Unlock()
	select {
	case <-freed:
		return
	case <-time.After(placeTerm):
	case <-ctx.Done():
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.queue, freed); i >= 0 {
		p.queue = slices.Delete(p.queue, i, i+1)
	}
}

// Before reserves a place and reports whether the queue may be asked for a task.
func (p *places) Before(ctx context.Context, job string) bool {
	p.wait(ctx)
	allowed, excess := p.reserve(job)
	if !allowed {
		defer p.pass()
	}
	if allowed || excess == 0 {
		return allowed
	}
	waiting, err := p.board.Pending(ctx, job)
	return err == nil && p.compare(job, waiting, excess)
}

// pass lets the next who waits look for a place that one before has not taken.
func (p *places) pass() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.taken+p.asking < p.most {
		p.wake()
	}
}

// reserve reserves a place, if one is free and no other worker should take the task.
// excess is how many tasks the others should take before.
func (p *places) reserve(job string) (allowed bool, excess int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.lapse(now)
	j := p.jobs[job]
	if j == nil || p.taken+p.asking >= p.most {
		return false, 0
	}
	if j.passes > 0 && now.Before(j.passTerm) {
		j.passes--
		p.asking++
		return true, 0
	}
	if excess = p.excess(job); excess == 0 {
		p.asking++
		return true, 0
	}
	return false, excess
}

// excess is how many tasks the other workers that serve the job can take until none
// has more room than this one.
func (p *places) excess(job string) (n int) {
	own := p.most - p.taken
	young := time.Since(p.jobs[job].since) < youngTerm
	for _, o := range p.others {
		if o.Room() > own && (o.Serves(job) || young && o.Serves(frontier.AnyJob)) {
			n += o.Room() - own
		}
	}
	return n
}

// compare reserves a place if more tasks wait than the others should take, or if these
// have left one alone for too long.
func (p *places) compare(job string, waiting, excess int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	j, now := p.jobs[job], time.Now()
	if j == nil || p.taken+p.asking >= p.most {
		return false
	}
	if waiting == 0 {
		j.waits = time.Time{}
		return false
	}
	if j.waits.IsZero() || now.Sub(j.looked) > yieldTerm {
		j.waits = now
	}
	j.looked = now
	if waiting <= excess && (now.Sub(j.waits) < yieldTerm || now.Sub(j.since) < youngTerm) {
		return false
	}
	if waiting > excess {
		// With each that is taken here, one less waits, and each of the others should have
		// one more.
		j.passes, j.passTerm = min((waiting-excess-1)/(len(p.others)+1), mostPasses), now.Add(passTime)
	}
	j.waits = time.Time{}
	p.asking++
	return true
}

// After turns the reservation into a task's place, or gives it back.
func (p *places) After(job string, got bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asking--
	j := p.jobs[job]
	if got && j != nil {
		p.taken++
		j.handed = append(j.handed, time.Now())
		return
	}
	if j != nil {
		j.passes = 0
	}
	p.wake()
}

// Begin notes that a task has begun, and, with the function that it returns, that its
// visit is over.
func (p *places) Begin(job string) (end func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if j := p.jobs[job]; j != nil && len(j.handed) > 0 {
		j.handed = j.handed[1:]
	} else {
		p.taken++ // its place lapsed
	}
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if j := p.jobs[job]; j != nil {
			j.ending = append(j.ending, time.Now())
		} else {
			p.free(1)
		}
	}
}

// Finished gives the place of a task back that asynq does not hold to be active any
// more.
func (p *places) Finished(job string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if j := p.jobs[job]; j != nil && len(j.ending) > 0 {
		j.ending = j.ending[1:]
		p.free(1)
	}
}

// lapse gives places back of tasks that asynq never began, or never ended.
func (p *places) lapse(now time.Time) {
	for _, j := range p.jobs {
		for len(j.handed) > 0 && now.Sub(j.handed[0]) > handTerm {
			j.handed = j.handed[1:]
			p.free(1)
		}
		for len(j.ending) > 0 && now.Sub(j.ending[0]) > endTerm {
			j.ending = j.ending[1:]
			p.free(1)
		}
	}
}

// How often the load is told: by a worker that is alone, by one of several, and for
// each of many.
const (
	shareAlone = 500 * time.Millisecond
	shareLeast = 100 * time.Millisecond
	shareEach  = 10 * time.Millisecond
	shareTerm  = time.Second // that Redis may take
)

// share tells the others of the load, and hears of theirs, until ctx ends.
func (p *places) share(ctx context.Context) {
	for {
		others := p.tell(ctx)
		every := min(max(shareLeast, time.Duration(others)*shareEach), time.Second)
		if others == 0 {
			every = shareAlone
		}
		select {
		case <-time.After(every):
		case <-ctx.Done():
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shareTerm)
			defer cancel()
			_ = p.board.Leave(ctx, p.worker) // it is forgotten soon anyway
			return
		}
	}
}

// tell tells and hears once. It returns how many others there are.
func (p *places) tell(ctx context.Context) int {
	ctx, cancel := context.WithTimeout(ctx, shareTerm)
	defer cancel()
	others, err := p.board.ShareLoad(ctx, p.load())
	if err != nil {
		p.log.Debug("the load of the workers cannot be read", "error", err)
		others = nil // each takes what it gets
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.others = others
	return len(others)
}

// load is the load of this worker.
func (p *places) load() frontier.WorkerLoad {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lapse(time.Now())
	l := frontier.WorkerLoad{Worker: p.worker, Places: p.most, Taken: p.taken}
	for job := range p.jobs {
		l.Jobs = append(l.Jobs, job)
	}
	slices.Sort(l.Jobs)
	if p.anyJob {
		l.Jobs = append(l.Jobs, frontier.AnyJob)
	}
	return l
}
