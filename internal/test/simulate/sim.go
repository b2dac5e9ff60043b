package simulate

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/internal/frontier"
	"github.com/trawlcrawler/trawl/internal/pathblock"
	"github.com/trawlcrawler/trawl/scheduler"
)

// features are what worlds may contain.
type features struct {
	shared     bool    // several jobs visit the same hosts
	longDelays float64 // share of hosts with a Crawl-delay longer than a lease
	depth      float64 // share of jobs with a depth limit
	bucket     float64 // share of worlds in which records are on a machine's disk until shipped
	continuous float64 // share of worlds with a continuous job, which goes on for days
	calm       bool    // no faults
}

// sim is one run.
type sim struct {
	seed       uint64
	world      *world
	trace      *trace
	arbiter    *arbiter
	redis      *server
	site       *site
	queue      *taskQueue
	output     *output
	machines   []*machine
	workers    []*worker // by machine
	schedulers []*schedulerMachine
	processes  []*process
	watch      *redis.Client // an observer
	watched    *frontier.Store
	jobs       map[string]*jobLog
	requests   int

	mu         sync.Mutex
	violations []Violation
	faulty     bool      // something went wrong
	lostTail   time.Time // when Redis last lost its latest writes
	failovers  int
}

// Result is the result of a run.
type Result struct {
	Seed       uint64
	Violations []Violation // the first one of each invariant
	Trace      string      // its last lines, or all
	Sum        string      // fingerprint of the whole trace
	Counts     map[string]int
}

// Options change a run.
type Options struct {
	features features
	shape    func(*world) // changes the world before anything happens
	Whole    bool         // keep the whole trace
}

// quiet is how long a run continues after the last job's end.
const quiet = 5 * time.Second

// run runs one seed.
func run(t *testing.T, seed uint64, o Options) (result Result) {
	t.Helper()
	// What it makes when it is first used must not belong to the bubble of one run.
	_, _, _ = pathblock.Unpack(pathblock.Pack([]string{"/"}))
	synctest.Test(t, func(*testing.T) { result = newSim(seed, o).run() })
	return result
}

func newSim(seed uint64, o Options) *sim {
	s := &sim{seed: seed, world: newWorld(seed, o.features), trace: newTrace(o.Whole), jobs: make(map[string]*jobLog),
		output: new(output)}
	if o.shape != nil {
		o.shape(s.world)
	}
	s.arbiter = newArbiter(seed, s.trace)
	s.arbiter.rates = s.world.rates
	s.redis = newServer(s.trace, s.world.skew)
	s.watch = s.redis.client(nil)
	s.watched = frontier.New(s.watch)
	s.watched.HashBy(hashKey)
	s.redis.after = s.observe
	s.site, s.queue = newSite(s), newQueue(s)
	return s
}

func (s *sim) run() Result {
	for i := range s.world.machines {
		m := &machine{number: i, disk: &disk{name: fmt.Sprintf("disk%d", i)}}
		s.machines, s.workers = append(s.machines, m), append(s.workers, nil)
		s.output.disks = append(s.output.disks, m.disk)
		s.arbiter.in(s.arbiter.between(0, 2*time.Second), func() { m.start(s) })
	}
	for i := range s.world.schedulers {
		o := &schedulerMachine{number: i}
		s.schedulers = append(s.schedulers, o)
		s.arbiter.in(s.arbiter.between(0, 2*time.Second), func() { o.start(s) })
	}
	s.faulty = s.world.rates != (rates{})
	s.planFaults()
	s.planReview()
	for _, plan := range s.world.jobs {
		s.jobs[plan.job.Name] = &jobLog{plan: plan}
		s.operate(plan)
	}
	s.look()
	s.arbiter.run()
	s.check()
	s.end()
	return Result{Seed: s.seed, Violations: s.violations, Trace: s.trace.text(), Sum: s.trace.fingerprint(),
		Counts: s.arbiter.counts}
}

// look checks every second, or at each tick of the world, whether the run is over.
func (s *sim) look() {
	s.arbiter.in(max(time.Second, s.world.tick), func() {
		age := time.Since(s.trace.began)
		switch {
		case len(s.violations) > 0, s.settled():
			s.arbiter.over = true
		case age > s.world.maxTime:
			s.violate(invariantEnds, "after %v: %s", s.world.maxTime, s.describeJobs())
			s.arbiter.over = true
		default:
			s.look()
		}
	})
}

// end kills all processes and waits for their goroutines.
func (s *sim) end() {
	for _, p := range s.processes {
		p.kill()
	}
	done := make(chan struct{})
	go func() {
		for _, p := range s.processes {
			p.wg.Wait()
		}
		close(done)
	}()
	s.arbiter.drain(done)
	for _, p := range s.processes {
		p.client.Close()
	}
	s.watch.Close()
	s.redis.close()
}

// drain answers outstanding asks until done is closed. All processes are dead.
func (a *arbiter) drain(done <-chan struct{}) {
	for {
		synctest.Wait()
		a.receive()
		e, wait := a.next()
		if wait <= 0 {
			e.do()
			continue
		}
		select {
		case <-done:
			return
		case <-time.After(min(wait, time.Second)):
		}
	}
}

// schedulerMachine is a machine that runs schedulers, one after another.
type schedulerMachine struct {
	number, starts int
	process        *process
}

// schedulerTick is how often schedulers look for work. It is longer than in production,
// because each look costs simulation time.
const schedulerTick = 130 * time.Millisecond

func (o *schedulerMachine) start(s *sim) {
	o.starts++
	p := s.newProcess(fmt.Sprintf("scheduler%d.%d", o.number, o.starts))
	o.process = p
	s.trace.add("%s starts", p.name)
	runner := scheduler.NewRunner(p.store, queues{s.queue, p}, p.store.Frontier,
		scheduler.Config{Tick: max(schedulerTick, s.world.tick), ListEvery: s.world.tick})
	p.wg.Go(func() { _ = runner.Run(p.ctx) })
}

// capacity returns how many visits of a job all workers can carry out.
func (s *sim) capacity(job string) (n int) {
	for _, w := range s.workers {
		if w != nil && w.serves(job) {
			n += s.world.places
		}
	}
	return n
}

// Violation is a promise that was broken.
type Violation struct {
	Invariant Invariant
	Text      string
}

// violate records that an invariant does not hold.
func (s *sim) violate(i Invariant, format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := fmt.Sprintf(format, args...)
	s.trace.add("VIOLATION of %q: %s", i, text)
	if !slices.ContainsFunc(s.violations, func(v Violation) bool { return v.Invariant == i }) {
		s.violations = append(s.violations, Violation{i, text})
	}
}

func (s *sim) describeJobs() string {
	var all []string
	for _, name := range slices.Sorted(maps.Keys(s.jobs)) {
		status, err := s.watched.Status(context.Background(), name)
		counters, _ := s.watched.Counters(context.Background(), name)
		all = append(all, fmt.Sprintf("job %s is %s (%q, seeded %v, held %v, %v): %+v", name, status.State,
			status.Reason, status.Seeded, status.Held, err, counters))
	}
	return fmt.Sprint(all)
}
