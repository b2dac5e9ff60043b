package fleet

import (
	"context"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/internal/frontier"
)

// lookout watches the queues of a process that have no tasks. It finds tasks whose signal was lost,
// with one command for all queues, and closes the servers of queues that stay empty. It is safe for
// concurrent use.
type lookout struct {
	board  queueBoard
	lull   *lull
	every  time.Duration // between two looks
	long   time.Duration // the same during a lull
	full   func() bool   // reports whether the process could not carry out a task
	nudges chan struct{}

	mu     sync.Mutex
	queues map[string]*watchedQueue
}

// queueBoard says which asynq queues have tasks.
type queueBoard interface {
	Queues(ctx context.Context, queues []string) (map[string]frontier.QueueTasks, error)
}

// watchedQueue is a queue that a lookout watches.
type watchedQueue struct {
	server *standby
	rests  func() bool // reports whether the open server leaves the queue alone for now; nil: it never does
	rouse  func()      // makes it ask the queue for a while; may be nil
	used   time.Time   // when it last had a task, or one was expected
}

// emptyTerm is how long a queue has no task before its server is closed. A server opens within
// milliseconds, but asynq's web UI and its list of servers should not flicker.
const emptyTerm = 15 * time.Second

func newLookout(board queueBoard, lull *lull, every, long time.Duration, full func() bool) *lookout {
	return &lookout{board: board, lull: lull, every: every, long: long, full: full, nudges: make(chan struct{}, 1),
		queues: make(map[string]*watchedQueue)}
}

// add watches a queue from now on.
func (l *lookout) add(queue string, q watchedQueue) {
	l.mu.Lock()
	defer l.mu.Unlock()
	q.used = time.Now()
	l.queues[queue] = &q
}

// remove stops watching a queue.
func (l *lookout) remove(queue string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.queues, queue)
}

// rouse opens the server of a queue, because the queue is expected to have a task; if queue is "",
// the servers of all queues. It does not block.
func (l *lookout) rouse(queue string) {
	if queue == "" {
		l.nudge()
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if q := l.queues[queue]; q != nil {
		q.used = time.Now()
		q.server.want(true)
	}
}

// nudge makes the lookout look now. It does not block.
func (l *lookout) nudge() {
	select {
	case l.nudges <- struct{}{}:
	default: // it is about to look anyway
	}
}

// run looks until ctx ends.
func (l *lookout) run(ctx context.Context) {
	for {
		over, ended := l.lull.Pause(l.every, l.long)
		select {
		case <-over:
		case <-ended:
		case <-l.nudges:
		case <-ctx.Done():
			return
		}
		if !l.full() {
			l.look(ctx)
		}
	}
}

// look looks once at all queues that are not asked.
func (l *lookout) look(ctx context.Context) {
	resting := l.resting()
	if len(resting) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, shareTerm)
	defer cancel()
	found, err := l.board.Queues(ctx, resting)
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, queue := range resting {
		if q := l.queues[queue]; q != nil {
			q.note(found[queue], err != nil)
		}
	}
}

// resting lists the queues to look at: those that no server asks, and those whose server always
// does.
func (l *lookout) resting() (queues []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for queue, q := range l.queues {
		if q.rests == nil || q.rests() || !q.server.open() {
			queues = append(queues, queue)
		} else {
			q.used = time.Now()
		}
	}
	return queues
}

// note opens or closes the server according to the tasks of the queue. If they are unknown, because
// Redis is unavailable, the server stays as it is.
func (q *watchedQueue) note(found frontier.QueueTasks, unknown bool) {
	if found.Pending || found.Kept {
		q.used = time.Now()
	}
	if (found.Pending || unknown) && q.rouse != nil {
		q.rouse()
	}
	if !unknown {
		q.server.want(time.Since(q.used) < emptyTerm)
	}
}
