package simulate

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"sync"
	"testing/synctest"
	"time"
)

// arbiter decides what happens when. It allows one interaction at a time. It runs in one
// goroutine. Other goroutines call only submit, and answer while their own interaction
// happens.
type arbiter struct {
	rng    *rand.Rand
	trace  *trace
	rates  rates
	counts map[string]int // number of faults by kind

	mu      sync.Mutex
	waiting []*ask        // not processed yet
	arrived chan struct{} // has capacity 1: signals that something waits

	eventsMu sync.Mutex
	events   events
	order    int // sequence number, which orders events at the same time

	over bool
}

// rates are the probabilities of what can happen to an interaction: 1 is always.
type rates struct {
	slow      float64 // it takes seconds
	lost      float64 // it never arrives
	lostReply float64 // it happens, but the reply never arrives
	twice     float64 // it happens, the reply is lost, and it is sent again
	late      float64 // it happens after the process that asked for it has given up, or died
}

// Errors that interactions end with.
var (
	errKilled  = errors.New("simulation: the process is dead")
	errTimeout = &net.OpError{Op: "read", Net: "tcp", Err: os.ErrDeadlineExceeded}
	errRefused = &net.OpError{Op: "dial", Net: "tcp", Err: errors.New("connection refused")}
)

// readTimeout is how long a client waits for a reply.
const readTimeout = 3 * time.Second

func newArbiter(seed uint64, t *trace) *arbiter {
	return &arbiter{rng: rand.New(rand.NewPCG(seed, 1)), trace: t, counts: make(map[string]int),
		arrived: make(chan struct{}, 1)}
}

// ask is an interaction that a process asks for.
type ask struct {
	proc  *process
	kind  kind
	name  string // full description; equal only for indistinguishable interactions
	after func() // does it if nothing waits for it any more; nil if it is lost then

	answers chan answer // has capacity for both
	state   state       // guarded by arbiter.mu
	late    bool
	reply   time.Duration // duration of the way back
	lost    bool          // the reply is lost
}

type state int

const (
	stateAsked     state = iota // on its way
	stateHappened               // its answer is on its way back
	stateAbandoned              // nothing waits for it any more
	stateAnswered
)

// kind is the kind of an interaction, by its destination.
type kind string

const (
	toRedis kind = "redis"
	toQueue kind = "asynq"
	toWeb   kind = "web"
	toDisk  kind = "disk"
	toGoOn  kind = "goroutine" // of the process itself
)

// answer is the arbiter's decision: to go on, or an error.
type answer struct {
	err   error
	twice bool
}

// submit passes an ask to the arbiter.
func (a *arbiter) submit(q *ask) {
	a.mu.Lock()
	a.waiting = append(a.waiting, q)
	a.mu.Unlock()
	select {
	case a.arrived <- struct{}{}:
	default:
	}
}

// wait waits for the arbiter's next answer, or gives up with ctx.
func (q *ask) wait(ctx context.Context, a *arbiter) (answer, error) {
	select {
	case got := <-q.answers:
		return got, got.err
	case <-ctx.Done():
		a.mu.Lock()
		defer a.mu.Unlock()
		if q.state != stateAnswered {
			q.state = stateAbandoned
		}
		return answer{}, ctx.Err()
	}
}

// tell moves the ask into a state and answers it. It returns false if nothing waits for
// it.
func (a *arbiter) tell(q *ask, s state, got answer) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if q.state == stateAbandoned || q.state == stateAnswered {
		return false
	}
	q.state = s
	q.answers <- got
	return true
}

// event is something that happens at a time.
type event struct {
	at    time.Time
	order int
	do    func()
}

type events []event

func (e events) Len() int { return len(e) }
func (e events) Less(i, j int) bool {
	return cmp.Or(e[i].at.Compare(e[j].at), cmp.Compare(e[i].order, e[j].order)) < 0
}
func (e events) Swap(i, j int) { e[i], e[j] = e[j], e[i] }
func (e *events) Push(x any)   { *e = append(*e, x.(event)) }
func (e *events) Pop() any {
	last := (*e)[len(*e)-1]
	*e = (*e)[:len(*e)-1]
	return last
}

// at schedules an event at a time.
func (a *arbiter) at(t time.Time, do func()) {
	a.eventsMu.Lock()
	defer a.eventsMu.Unlock()
	a.order++
	heap.Push(&a.events, event{t, a.order, do})
}

// in schedules an event after a duration.
func (a *arbiter) in(d time.Duration, do func()) { a.at(time.Now().Add(d), do) }

// run runs events until the run is over.
func (a *arbiter) run() {
	for !a.over {
		synctest.Wait()
		a.receive()
		e, wait := a.next()
		if wait <= 0 {
			e.do()
			continue
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-a.arrived:
			timer.Stop()
		}
	}
}

// next removes and returns the next event if its time has come. Otherwise it returns how
// long to wait.
func (a *arbiter) next() (event, time.Duration) {
	a.eventsMu.Lock()
	defer a.eventsMu.Unlock()
	if len(a.events) == 0 {
		return event{}, time.Hour
	}
	if wait := time.Until(a.events[0].at); wait > 0 {
		return event{}, wait
	}
	return heap.Pop(&a.events).(event), 0
}

// receive sends the waiting asks on their way, in an order that does not depend on the
// order of goroutines.
func (a *arbiter) receive() {
	a.mu.Lock()
	waiting := a.waiting
	a.waiting = nil
	a.mu.Unlock()
	slices.SortStableFunc(waiting, func(p, q *ask) int {
		return cmp.Or(cmp.Compare(p.proc.name, q.proc.name), cmp.Compare(p.kind, q.kind), cmp.Compare(p.name, q.name))
	})
	for _, q := range waiting {
		a.send(q)
	}
}

// chance returns true with a probability.
func (a *arbiter) chance(rate float64) bool { return rate > 0 && a.rng.Float64() < rate }

// between returns a random duration, to the nanosecond, so that hardly any two events
// coincide.
func (a *arbiter) between(least, most time.Duration) time.Duration {
	return least + time.Duration(a.rng.Int64N(int64(most-least)+1))
}

// transit returns how long an interaction is on its way.
func (a *arbiter) transit() time.Duration {
	if a.chance(a.rates.slow) {
		a.counts["slow interaction"]++
		return a.between(200*time.Millisecond, 4*time.Second)
	}
	return a.between(20*time.Microsecond, 2*time.Millisecond)
}

// send sends an interaction on its way.
func (a *arbiter) send(q *ask) {
	if q.kind == toWeb { // the behavior of the web is part of the world
		a.in(a.between(20*time.Microsecond, 20*time.Millisecond), func() { a.arrive(q, answer{}) })
		return
	}
	if q.kind == toGoOn {
		q.reply = time.Microsecond
		a.in(a.between(time.Microsecond, 50*time.Microsecond), func() { a.arrive(q, answer{}) })
		return
	}
	q.late = a.chance(a.rates.late)
	there := a.transit()
	q.reply = a.between(20*time.Microsecond, 2*time.Millisecond)
	fallible := q.kind == toRedis || q.kind == toQueue
	switch {
	case fallible && a.chance(a.rates.lost):
		a.in(there+readTimeout, func() { a.refuse(q, "lost command", errTimeout) })
	case fallible && a.chance(a.rates.lostReply):
		q.lost = true
		a.in(there, func() { a.arrive(q, answer{}) })
	default:
		twice := fallible && a.chance(a.rates.twice)
		a.in(there, func() { a.arrive(q, answer{twice: twice}) })
	}
}

// arrive makes an interaction happen.
func (a *arbiter) arrive(q *ask, got answer) {
	if until := q.proc.heldUntil(q.kind); until.After(time.Now()) {
		a.at(until.Add(a.between(20*time.Microsecond, time.Millisecond)), func() { a.arrive(q, got) })
		return
	}
	err := q.proc.refusal(q.kind)
	if err != nil {
		a.tell(q, stateAnswered, answer{err: err})
	} else if a.tell(q, stateHappened, got) {
		return // from here on the process runs, and calls answer
	}
	if q.late && q.after != nil && !errors.Is(err, errRefused) {
		a.counts["late command"]++
		a.trace.add("%s late %s %s", q.proc.name, q.kind, q.name)
		q.after()
	}
}

// refuse answers with an error.
func (a *arbiter) refuse(q *ask, fault string, err error) {
	if a.tell(q, stateAnswered, answer{err: err}) {
		a.counts[fault]++
		a.trace.add("%s %s: %s %s", q.proc.name, fault, q.kind, q.name)
	}
}

// answer sends the answer of an interaction that has happened on its way. The goroutine
// of the interaction calls it while all others wait.
func (a *arbiter) answer(q *ask) {
	at := time.Now().Add(q.reply)
	if q.lost {
		at = at.Add(readTimeout)
	}
	a.at(at, func() { a.deliver(q) })
}

// deliver delivers an answer.
func (a *arbiter) deliver(q *ask) {
	if until := q.proc.heldUntil(q.kind); until.After(time.Now()) {
		a.at(until.Add(a.between(20*time.Microsecond, time.Millisecond)), func() { a.deliver(q) })
		return
	}
	if q.proc.dead.Load() {
		a.tell(q, stateAnswered, answer{err: errKilled})
		return
	}
	if q.lost {
		a.refuse(q, "lost reply", errTimeout)
		return
	}
	a.tell(q, stateAnswered, answer{})
}
