package fleet

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
)

// appearEvery is how often a process shows a sign of life.
const appearEvery = time.Second

// Appear shows the fleet that a process lives, until stop is called, which says that
// it has ended.
func (d *Door) Appear(ctx context.Context, p crawler.Process) (stop func()) {
	p.ID = rand.Text()
	d.sign(ctx, p)
	living, cancel := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(appearEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				d.sign(living, p)
			case <-living.Done():
				return
			}
		}
	}()
	return func() {
		cancel()
		<-done
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), ReadyTerm)
		defer cancel()
		_ = d.Store.Disappear(ctx, p) // it is forgotten soon in any case
	}
}

// sign shows one sign of life. One that Redis does not take is followed by another.
func (d *Door) sign(ctx context.Context, p crawler.Process) {
	ctx, cancel := context.WithTimeout(ctx, ReadyTerm)
	defer cancel()
	if err := d.Store.Appear(ctx, p); err != nil && ctx.Err() == nil {
		d.complain("the process cannot show the fleet that it lives", err)
	}
}
