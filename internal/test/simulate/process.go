package simulate

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/trawlcrawler/trawl/internal/frontier"
)

// process is a program of the fleet from its start to its end.
type process struct {
	name    string
	arbiter *arbiter
	redis   *server
	client  *redis.Client
	store   *frontier.Store
	ctx     context.Context // ends when it is killed
	cancel  context.CancelFunc
	dead    atomic.Bool
	wg      sync.WaitGroup

	stalled time.Time // until when nothing reaches it or leaves it
	cut     time.Time // until when it is cut off from Redis
}

func (s *sim) newProcess(name string) *process {
	p := &process{name: name, arbiter: s.arbiter, redis: s.redis}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.client = s.redis.client(p)
	p.store = frontier.New(p.client)
	p.store.HashBy(hashKey)
	s.processes = append(s.processes, p)
	return p
}

// interact does something that others can notice, once the arbiter allows it. name
// distinguishes it from anything else that the process may ask for at the same moment.
// late does it if the process no longer waits; nil if it cannot happen then.
func (p *process) interact(ctx context.Context, k kind, name string, do func() error, late func()) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if p.dead.Load() {
		return errKilled
	}
	q := &ask{proc: p, kind: k, name: name, after: late, answers: make(chan answer, 2)}
	p.arbiter.submit(q)
	got, err := q.wait(ctx, p.arbiter)
	if err != nil {
		return p.fate(err)
	}
	if p.dead.Load() {
		return errKilled
	}
	err = do()
	if got.twice {
		p.arbiter.counts["command sent twice"]++
		err = do()
	}
	if p.dead.Load() {
		return errKilled
	}
	p.arbiter.answer(q)
	if _, failed := q.wait(ctx, p.arbiter); failed != nil {
		return p.fate(failed)
	}
	return err
}

// fate returns the error that a dead process sees, whatever else happened.
func (p *process) fate(err error) error {
	if p.dead.Load() {
		return errKilled
	}
	return err
}

// kill ends the process without warning.
func (p *process) kill() {
	p.dead.Store(true)
	p.cancel()
}

// heldUntil returns until when an interaction of the process is delayed.
func (p *process) heldUntil(k kind) time.Time {
	if (k == toRedis || k == toQueue) && p.cut.After(p.stalled) {
		return p.cut
	}
	return p.stalled
}

// refusal returns why an interaction cannot happen now, or nil if it can.
func (p *process) refusal(k kind) error {
	if p.dead.Load() {
		return errKilled
	}
	if (k == toRedis || k == toQueue) && p.redis.away() {
		p.arbiter.counts["command while Redis was away"]++
		return errRefused
	}
	return nil
}
