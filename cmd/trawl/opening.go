package main

import (
	"context"
	"sync"
	"time"

	"github.com/trawlcrawler/trawl/crawler"
	"github.com/trawlcrawler/trawl/scheduler"
)

// opening is the fleet of a crawl on this machine while it begins. Who asks asynq
// for a task when there is none asks again only some time later, so the worker opens
// when the first visit is enqueued, and is counted as a worker before asynq knows it.
type opening struct {
	scheduler.Fleet
	places int // of the worker
	began  time.Time
	once   sync.Once
	first  chan struct{} // closed when a visit is enqueued
}

const (
	// openAfter is when the worker opens at the latest: there may be visits from
	// before, for which none is enqueued.
	openAfter = 50 * time.Millisecond
	// knownAfter is when asynq has told of the worker, which is asked for now and then.
	knownAfter = 2 * time.Second
)

func newOpening(fleet scheduler.Fleet, places int) *opening {
	return &opening{Fleet: fleet, places: places, began: time.Now(), first: make(chan struct{})}
}

// Enqueue enqueues a visit.
func (o *opening) Enqueue(ctx context.Context, job crawler.Status, order crawler.Order) error {
	err := o.Fleet.Enqueue(ctx, job, order)
	if err == nil {
		o.once.Do(func() { close(o.first) })
	}
	return err
}

// Capacity is how many visits of the job can be carried out at once.
func (o *opening) Capacity(job string) (int, error) {
	n, err := o.Fleet.Capacity(job)
	if time.Since(o.began) < knownAfter {
		n = max(n, o.places)
	}
	return n, err
}

// wait waits until the worker is to open. It reports false when ctx ends before.
func (o *opening) wait(ctx context.Context) bool {
	late := time.NewTimer(openAfter)
	defer late.Stop()
	select {
	case <-o.first:
	case <-late.C:
	case <-ctx.Done():
		return false
	}
	return true
}
