package fleet

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/trawlcrawler/trawl/internal/version"
	"github.com/trawlcrawler/trawl/internal/waiting"
)

// appearEvery is how often a process shows a sign of life, and appearLong how often during a lull.
// The latter signs count for as much longer.
const (
	appearEvery = time.Second
	appearLong  = 10 * time.Second
)

// Appear shows the fleet that a process is alive, until stop is called, which shows that it
// has ended.
func (d *Connection) Appear(ctx context.Context, p waiting.Process) (stop func()) {
	p.ID, p.Version = rand.Text(), version.String()
	d.sign(ctx, p)
	living, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			over, ended := d.lull.Pause(appearEvery, appearLong)
			select {
			case <-over:
			case <-ended:
			case <-living.Done():
				return
			}
			d.sign(living, p)
		}
	}()
	return func() {
		cancel()
		<-done
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), ReadyTerm)
		defer cancel()
		_ = d.Store.Disappear(ctx, p) // it is soon forgotten anyway
	}
}

// sign shows one sign of life. If it fails, another follows.
func (d *Connection) sign(ctx context.Context, p waiting.Process) {
	ctx, cancel := context.WithTimeout(ctx, ReadyTerm)
	defer cancel()
	if err := d.Store.Appear(ctx, p, longer(d.lull, appearLong-appearEvery)); err != nil && ctx.Err() == nil {
		d.complain("the process cannot show the fleet that it is alive", err)
	}
}

// longer returns how much longer than usual a repeated report counts: extra during a lull.
func longer(l *lull, extra time.Duration) time.Duration {
	if l.On() {
		return extra
	}
	return 0
}

// ErrNameInUse means that another live worker has the same name.
var ErrNameInUse = errors.New("another worker of the fleet has this name")

// Durations of checking whether a worker that was recently alive still is. Within
// silenceTerm it shows another sign of life, unless it was killed.
const (
	silenceTerm  = 5 * appearEvery / 2
	silenceEvery = appearEvery / 5
)

// CheckName makes sure that no other worker of the fleet has the same name, because names
// identify files and leases. It returns at once if no such worker was recently alive.
// Otherwise it waits up to three seconds for a sign of life, because a worker that was
// killed remains listed for a while. The error wraps [ErrNameInUse]. If Redis is
// unavailable, the name is accepted.
func (d *Connection) CheckName(ctx context.Context, name string) error {
	first, err := d.Store.Namesakes(ctx, waiting.KindWorker, name)
	if err != nil || len(first) == 0 {
		return nil
	}
	_ = d.Store.Signal(ctx, "") // ends a lull of the other worker, if it lives
	tick := time.NewTicker(silenceEvery)
	defer tick.Stop()
	for began := time.Now(); time.Since(began) < silenceTerm; {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		now, err := d.Store.Namesakes(ctx, waiting.KindWorker, name)
		if err != nil {
			return nil
		}
		for id, gone := range now {
			if !gone.Equal(first[id]) {
				return fmt.Errorf("worker name %q: %w: choose another, or end that worker first", name,
					ErrNameInUse)
			}
		}
		if len(now) == 0 {
			return nil
		}
	}
	return nil
}
