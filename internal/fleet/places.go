package fleet

import (
	"context"
	"crypto/rand"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/trawlcrawler/trawl/internal/activity"
	"github.com/trawlcrawler/trawl/internal/frontier"
)

// places are a worker's places for visits, for all its jobs together. A place is reserved
// before a queue is asked for a task. So the worker never holds more tasks than it has
// places, which another worker could carry out. If few tasks wait, the workers with the
// most room take them. It implements [wire.Places] and is safe for concurrent use.
type places struct {
	board  board
	worker string
	most   int
	log    *slog.Logger

	mu      sync.Mutex
	asking  int             // places reserved while a queue is being asked
	taken   int             // places used by tasks
	queue   []chan struct{} // goroutines that wait for a place, in order
	jobs    map[string]*jobPlaces
	anyJob  bool                  // the worker serves every job
	term    time.Duration         // awakeTerm, except in tests
	stir    chan struct{}         // ends the pause between two reports of a fleet that does nothing
	others  []frontier.WorkerLoad // the last reports of the others
	pace    pace                  // of settled
	lookout *lookout
	lull    *lull

	settled atomic.Int64 // pages, since the worker began

	stop context.CancelFunc
	done chan struct{}
}

// board is where the workers of a fleet report their loads to one another.
type board interface {
	ShareLoad(ctx context.Context, own frontier.WorkerLoad, extra time.Duration) ([]frontier.WorkerLoad, error)
	Leave(ctx context.Context, worker string) error
	Pending(ctx context.Context, job string) (int, error)
	queueBoard
	Signals(ctx context.Context, heard func(job string))
	MendQueue(ctx context.Context, job string) (gone []string, err error)
}

// jobPlaces are the tasks of one job and the state of its queue.
type jobPlaces struct {
	handed   []time.Time // given to asynq but not begun
	ending   []time.Time // the visit is over, but asynq has not recorded that
	passes   int         // tasks that may be taken without checking the queue
	passTerm time.Time   // when the passes expire
	since    time.Time   // when the worker began to serve the job
	waits    time.Time   // since when a task has been left to others; zero: none is
	looked   time.Time   // when a task was last left to others
	awake    time.Time   // until when the queue is asked

	spent  func() activity.Spent
	recent *activity.Window // the recent results of spent
}

const (
	// handTerm is how long asynq may take to begin a task that it was given. After that, the
	// task's place is freed.
	handTerm = 10 * time.Second
	// endTerm is how long asynq may take to record the end of a task.
	endTerm = 10 * time.Second
	// yieldTerm is how long a task is left to workers with more room. They may be dead or
	// busy with something else.
	yieldTerm = 200 * time.Millisecond
	// youngTerm is how long after a worker began to serve a job it leaves tasks to workers
	// that are about to. Each looks for jobs every roundEvery; without this, the first would
	// take all tasks.
	youngTerm = roundEvery + 2*yieldTerm
	// If a queue has enough tasks for all workers, this many are taken without another look
	// at it, within this time.
	maxPasses = 32
	passTime  = 50 * time.Millisecond
	// awakeTerm is how long a queue is asked after it had a task, or a signal said that it has one.
	// Then it rests, because its job has nothing to do for now. It is longer than signalEvery.
	awakeTerm = time.Second
	// lookEvery is how often the worker looks at all queues that rest, with one command, in case a
	// signal was lost or a program has enqueued a task itself.
	lookEvery = time.Second
	// lookLong is lookEvery during a lull.
	lookLong = 2 * time.Second
)

// newPlaces returns the places of a worker, and reports them to other workers until it is
// closed. The name gets a random suffix, because commands on one machine may share a name.
func newPlaces(b board, worker string, most int, lull *lull, log *slog.Logger) *places {
	worker += "#" + rand.Text()[:8]
	ctx, stop := context.WithCancel(context.Background())
	p := &places{board: b, worker: worker, most: most, log: log, jobs: make(map[string]*jobPlaces), stop: stop,
		term: awakeTerm, stir: make(chan struct{}, 1), lull: lull, done: make(chan struct{})}
	p.lookout = newLookout(b, lull, lookEvery, lookLong, p.full)
	go func() {
		defer close(p.done)
		var others sync.WaitGroup
		others.Go(func() { b.Signals(ctx, p.arouse) })
		others.Go(func() { p.lookout.run(ctx) })
		p.share(ctx)
		others.Wait()
	}()
	return p
}

// close stops the reports.
func (p *places) close() {
	p.stop()
	<-p.done
}

// full reports whether all places are in use.
func (p *places) full() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.taken >= p.most
}

// serve records that the worker serves a job's queue. spent returns what the job's visits have
// spent their time on so far.
func (p *places) serve(job string, spent func() activity.Spent) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.jobs[job] = &jobPlaces{since: now, awake: now.Add(p.term), spent: spent, recent: activity.NewWindow(spentWithin)}
}

// serveAny records that the worker serves every job.
func (p *places) serveAny() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.anyJob = true
}

// leave records that the worker no longer serves a job. All tasks of the job must have
// ended.
func (p *places) leave(job string) {
	p.lookout.remove(job)
	p.mu.Lock()
	defer p.mu.Unlock()
	if j := p.jobs[job]; j != nil {
		p.free(len(j.handed) + len(j.ending))
		delete(p.jobs, job)
	}
}

// free frees places of tasks. p.mu is held.
func (p *places) free(n int) {
	if n > 0 && p.taken >= p.most { // tasks may have waited until now
		for _, j := range p.jobs {
			j.awake = time.Now().Add(p.term)
		}
		p.lookout.nudge()
	}
	p.taken -= n
	for range n {
		p.wake()
	}
}

// arouse makes the worker ask the queue of a job for a while, or all queues if job is "".
func (p *places) arouse(job string) {
	p.lull.Stir()
	select {
	case p.stir <- struct{}{}:
	default:
	}
	p.lookout.rouse(job)
	p.ask(job)
}

// ask makes the open servers of a job ask its queue for a while, or those of all jobs if job is "".
func (p *places) ask(job string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for name, j := range p.jobs {
		if job == "" || job == name {
			j.awake = time.Now().Add(p.term)
		}
	}
}

// resting lists the jobs whose queues are not to be asked now.
func (p *places) resting() (jobs []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	for name, j := range p.jobs {
		if now.After(j.awake) {
			jobs = append(jobs, name)
		}
	}
	return jobs
}

// rests reports whether the queue of a job is not to be asked now.
func (p *places) rests(job string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	j := p.jobs[job]
	return j != nil && time.Now().After(j.awake)
}

// watch closes the server of a job while its queue stays empty.
func (p *places) watch(job string, server *standby) {
	p.lookout.add(job, watchedQueue{server: server, rests: func() bool { return p.rests(job) },
		rouse: func() { p.ask(job) }})
}

// wake tells the first goroutine in line that a place may be free. p.mu is held.
func (p *places) wake() {
	if len(p.queue) > 0 {
		close(p.queue[0])
		p.queue = p.queue[1:]
	}
}

// placeTerm is how long a queue waits for a place before it pretends to be empty. asynq
// then pauses before it asks again, and a stopping server waits for this.
const placeTerm = 50 * time.Millisecond

// wait waits until a place may be free, but at most placeTerm. Places are given in order,
// so that each job of the worker gets some.
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

// Before reserves a place, and reports whether the queue may be asked for a task.
func (p *places) Before(ctx context.Context, job string) bool {
	if p.rests(job) {
		return false
	}
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

// pass lets the next goroutine in line try for a place that the one before did not take.
func (p *places) pass() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.taken+p.asking < p.most {
		p.wake()
	}
}

// reserve reserves a place if one is free and no other worker should take the task. excess
// is how many tasks the others should take first.
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

// excess returns how many tasks the other workers of the job can take until none of them
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

// compare reserves a place if more tasks wait than the others should take, or if the others
// have left one waiting for too long.
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
		// With each task taken here, one fewer waits, and each of the others should have one
		// more.
		j.passes, j.passTerm = min((waiting-excess-1)/(len(p.others)+1), maxPasses), now.Add(passTime)
	}
	j.waits = time.Time{}
	p.asking++
	return true
}

// After turns the reservation into a place of a task, or frees it.
func (p *places) After(job string, got bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asking--
	j := p.jobs[job]
	if got && j != nil {
		p.taken++
		j.handed = append(j.handed, time.Now())
		j.awake = time.Now().Add(p.term)
		return
	}
	if j != nil {
		j.passes = 0
	}
	p.wake()
}

// Failed deletes asynq's keys of the queue that have the wrong type. The scheduler reads all of
// these keys except the leases, so only an attempt to take a task meets a bad one there. asynq
// would retry forever.
func (p *places) Failed(ctx context.Context, queue string, err error) {
	if !isWrongType(err) {
		return
	}
	if _, err := p.board.MendQueue(ctx, queue); err != nil && ctx.Err() == nil {
		p.log.Warn("the keys of a queue cannot be mended", "job", queue, "error", err)
	}
}

// Begin records that a task has begun. The caller must call end when its visit is over.
func (p *places) Begin(job string) (end func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if j := p.jobs[job]; j != nil && len(j.handed) > 0 {
		j.handed = j.handed[1:]
	} else {
		p.taken++ // its place had lapsed
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

// Reserve takes up to n further places for visits of a task that has begun, and returns how many.
// It takes only free places, and does not leave the visits to other workers, because the task is
// here already.
func (p *places) Reserve(_ string, n int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n = max(0, min(n, p.most-p.taken-p.asking))
	p.taken += n
	return n
}

// Release frees a place that Reserve took.
func (p *places) Release(string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free(1)
}

// Finished frees the place of a task whose end asynq has recorded.
func (p *places) Finished(job string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if j := p.jobs[job]; j != nil && len(j.ending) > 0 {
		j.ending = j.ending[1:]
		p.free(1)
	}
}

// lapse frees the places of tasks that asynq never began, or whose end it never recorded.
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

// Intervals of load reports: of a worker that is alone, or while no worker does anything; the
// shortest of one among several; and the share of each among many.
const (
	shareAlone = 500 * time.Millisecond
	shareLeast = 100 * time.Millisecond
	shareEach  = 10 * time.Millisecond
	shareLong  = 10 * time.Second // during a lull; such a report counts for as much longer
	shareTerm  = time.Second      // timeout of one call to Redis
)
