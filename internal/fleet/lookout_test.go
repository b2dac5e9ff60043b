package fleet

import (
	"testing"
	"time"

	"github.com/trawlcrawler/trawl/internal/frontier"
)

func TestTheServerOfAQueueIsClosedWhileTheQueueHasNoTask(t *testing.T) {
	t.Parallel()
	long := time.Now().Add(-2 * emptyTerm)
	for name, c := range map[string]struct {
		used    time.Time
		found   frontier.QueueTasks
		unknown bool
		open    bool
		roused  bool
	}{
		"nothing since a moment":          {used: time.Now(), open: true},
		"nothing for long":                {used: long},
		"a task waits":                    {used: long, found: frontier.QueueTasks{Pending: true}, open: true, roused: true},
		"a task is taken, or waits to be": {used: long, found: frontier.QueueTasks{Kept: true}, open: true},
		"what it has could not be read":   {used: long, unknown: true, roused: true},
	} {
		roused := false
		q := watchedQueue{server: &standby{over: true}, rouse: func() { roused = true }, used: c.used}
		q.note(c.found, c.unknown)
		if q.server.open() != c.open || roused != c.roused {
			t.Errorf("%s: the server is wanted: %v, the queue is asked: %v; want %v, %v", name, q.server.open(), roused,
				c.open, c.roused)
		}
	}
}

// Signals that may have been missed, as after a new connection, open no server by themselves: there may
// be hundreds.
func TestMissedSignalsOpenNoServer(t *testing.T) {
	t.Parallel()
	p := newTestPlaces(t, 1, 0)
	for _, q := range p.lookout.queues {
		q.used = time.Now().Add(-2 * emptyTerm)
	}
	p.arouse("")
	p.lookout.look(t.Context())
	for queue, q := range p.lookout.queues {
		if q.server.open() {
			t.Errorf("the server of %s is opened, although its queue has no task", queue)
		}
	}
	p.board.(*fakeBoard).add(1)
	p.lookout.look(t.Context())
	for queue, q := range p.lookout.queues {
		if !q.server.open() {
			t.Errorf("the server of %s stays closed, although its queue has a task", queue)
		}
	}
}

func TestASignalOpensTheServerOfItsQueue(t *testing.T) {
	t.Parallel()
	p := newTestPlaces(t, 1, 0)
	p.arouse("b")
	for queue, q := range p.lookout.queues {
		if q.server.open() != (queue == "b") {
			t.Errorf("after a signal for b, the server of %s is open: %v", queue, q.server.open())
		}
	}
}
